"""What is printed is text, and what cannot be printed stops no work."""

import io
import json
import os
import re
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

import numpy as np
import pytest
from markdown_it import MarkdownIt
from PIL import Image

import tiny
from advnets import assessment, runs
from advnets.cli import output
from advnets.cli.console import open_live_line
from advnets.cli.flags.arguments import print_result
from advnets.cli.main import main
from advnets.errors import InUse
from advnets.text import quote_word

FAST = ["--generator.hidden", "8", "--discriminator.units", "4", "--batch-size", "16", "--device", "cpu"]
NUMBERS = {
    "--minutes three": "--minutes: found 'three', expected a number.",
    "--steps 1.5": "--steps: found '1.5', expected a whole number.",
    "--seed x": "--seed: found 'x', expected a whole number.",
    "--minutes": "--minutes: found no value, expected one.",
}
SPOILT = "lab[red]y\x1b[2J|`<b>"
needs_devices = pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")


def train(out: str) -> int:
    return main(["train", "paper-adam", "--data", "digits", "--steps", "2", "--out", out, *FAST])


@pytest.mark.parametrize("out", ["faces [v2] 64", "a[/b]", ":smile:", "x\x1b[31m", "\u202ecba", "it's"])
def test_a_path_is_printed_as_it_is(out: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Square brackets are no markup, control characters are escaped, and what is suggested can be typed."""
    assert train(out) == 0
    told, log = capsys.readouterr()
    shown = {"x\x1b[31m": r"x\x1b[31m", "\u202ecba": r"\u202ecba"}.get(out, out)
    assert told.splitlines()[0] == shown
    assert log.splitlines()[0] == f"run {shown}"
    assert f"  advnets evaluate {quote_word(out)}" in told.splitlines()
    assert is_plain(told + log)
    assert (tmp_path / out / "recipe.json").exists()


def test_a_word_that_has_a_default_stands_in_brackets_in_the_usage(capsys: pytest.CaptureFixture[str]) -> None:
    for verb, usage in (("watch", "[RUNS]"), ("resume", "RUN")):
        with pytest.raises(SystemExit):
            main([verb, "--help"])
        assert capsys.readouterr().out.splitlines()[0] == f"usage: advnets {verb} {usage} [flags]"


@pytest.mark.parametrize("words", NUMBERS)
def test_a_value_that_is_no_number_is_told_in_words(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "paper-adam", *words.split()]) == 2
    assert capsys.readouterr().err == f"advnets: {NUMBERS[words]} `advnets train --help` lists the flags.\n"


def is_plain(text: str) -> bool:
    return all(one.isprintable() or one == "\n" for one in text)


def test_a_path_that_is_no_text_is_refused_before_anything_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train("\udcff") == 2
    assert capsys.readouterr().err.startswith(r"advnets: settings: out is '\udcff'; expected a text")
    assert not list(tmp_path.iterdir())


class Terminal(io.StringIO):
    """A terminal that is read."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def test_a_live_line_shows_text(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("COLUMNS", "1000000000000")
    monkeypatch.setenv("TERM", "xterm")
    with open_live_line() as show:
        show("[red]training a[/b] :smile: \x1b[2Jx", False)
    assert r"[red]training a[/b] :smile: \x1b[2Jx" in terminal.getvalue()
    assert "\x1b[2Jx" not in terminal.getvalue()


def test_names_in_errors_notes_and_warnings(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The names in an archive, the number of a process and a reason of the system come from others."""
    assert main(["data", "\x1b[31m.zip"]) == 2
    assert main(["export", f"no\n{SPOILT}", "--out", "x"]) == 2
    assert main([SPOILT]) == 2
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        warnings.showwarning = output._show_warning
        warnings.warn("\x1b[31mred", stacklevel=1)
    log = capsys.readouterr().err
    assert is_plain(log)
    assert len(log.splitlines()) == 4
    assert log.splitlines()[-1] == r"advnets: UserWarning: \x1b[31mred"


def test_the_pid_of_a_status_is_text(tmp_path: Path) -> None:
    place = runs.create_run(tmp_path / "run", {}, {})
    with runs.lock_run(place.path):
        runs.write_json(place.status_json, {"pid": "\x1b[2J1"})
        with pytest.raises(InUse, match=re.escape(r"by process \x1b[2J1.")):
            with runs.lock_run(place.path):
                pass


def test_a_description_shows_the_names_of_classes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_photos(tmp_path / SPOILT)
    assert main(["data", SPOILT]) == 0
    told = capsys.readouterr().out
    assert is_plain(told)
    assert r"a[red]\x1b[31m" in told
    assert main(["data", SPOILT, "--json"]) == 0
    told = capsys.readouterr().out
    assert is_plain(told)
    assert "a[red]\x1b[31m\x7f" in json.loads(told)["class_names"]


def write_photos(folder: Path) -> None:
    for number in range(20):
        path = folder / ("a[red]\x1b[31m\x7f" if number % 2 else "b|c") / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((8, 8), 10 * number, np.uint8)).save(path)


def test_a_page_of_a_comparison_shows_the_names_of_its_sides(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Side names come from the user; a page of Markdown has no bar, mark or tag of theirs."""
    np.savez("images.npz", images=np.random.default_rng(0).integers(0, 256, (60, 8, 8, 1), dtype=np.uint8))
    how = ["--against", "digits", "--measures", "kid", "--extractor", "pixels", "--no-classifier", "--n", "60"]
    assert main(["compare", f"{SPOILT}=images.npz", "b|`<i>*=images.npz", *how, "--out", "x.md"]) == 0
    page = Path("x.md").read_text()
    assert is_plain(page + capsys.readouterr().out)
    assert "<" not in page
    head, *rows = read_table(page)
    assert head[2:4] == [r"lab[red]y\x1b[2J|`<b>", "b|`<i>*"]
    assert [len(row) for row in rows] == [len(head)]


def read_table(page: str) -> list[list[str]]:
    """The texts of the first table's cells, by row."""
    tokens = MarkdownIt("commonmark").enable("table").parse(page)
    rows: list[list[str]] = []
    for place, token in enumerate(tokens):
        if token.type == "tr_open":
            rows.append([])
        if token.type in ("th_open", "td_open"):
            rows[-1].append("".join(child.content for child in tokens[place + 1].children or ()))
    return rows


def test_a_page_of_a_report_shows_names_as_they_are(tmp_path: Path) -> None:
    """Names in a report that was read from a file are of whoever wrote the file."""
    card = assessment.ReferenceCard(
        data=SPOILT, digest="", split=SPOILT, samples=4, held_out=4, train=4, seed=0, extractor=SPOILT, accuracy=None
    )
    reasons = {f"{SPOILT}\n# x": f"no {SPOILT}"}
    page = assessment.Report(SPOILT, 3, card, {}, reasons, {}, 1.0, {SPOILT: b""}).markdown()
    assert is_plain(page)
    assert "<" not in page
    types = {token.type for token in MarkdownIt("commonmark").parse(page)}
    assert "html_block" not in types
    assert page.count(r"lab\[red\]y\x1b\[2J\|\`&lt;b&gt;") == 8


@contextmanager
def full() -> Iterator[io.TextIOWrapper]:
    with open("/dev/full", "w") as stream:
        yield stream
        output.close_streams()


@contextmanager
def without_reader() -> Iterator[io.TextIOWrapper]:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as stream:
        yield stream
        output.close_streams()


Stream = Callable[[], AbstractContextManager[object]]


@needs_devices
@pytest.mark.parametrize(
    ("stream", "words", "code", "line"),
    [
        (full, ["data"], 2, "advnets: standard output cannot be written (No space left on device), and"),
        (full, ["--help"], 2, "advnets: standard output cannot be written (No space left on device), and"),
        (full, ["recipes", "--help"], 2, "advnets: standard output cannot be written (No space left on device), and"),
        (without_reader, ["data"], 141, ""),
        (without_reader, ["--version"], 141, ""),
        (nullcontext, ["data"], 2, "advnets: standard output cannot be written (it is closed), and"),
    ],
)  # fmt: skip
def test_a_result_that_is_nowhere_is_an_error(
    stream: Stream, words: list[str], code: int, line: str,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    with stream() as opened:
        monkeypatch.setattr(sys, "stdout", opened)
        try:
            assert main(words) == code
        except SystemExit as stop:
            assert stop.code == code
    log = capsys.readouterr().err
    assert log.startswith(line)
    assert len(log.splitlines()) == (1 if line else 0)


@needs_devices
@pytest.mark.parametrize("stream", [full, without_reader, nullcontext])
def test_a_finished_run_is_not_called_failed(
    stream: Stream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The run is trained, saved and called finished; that its place could not be printed is said on standard error."""
    with stream() as opened:
        monkeypatch.setattr(sys, "stdout", opened)
        assert train("new") == 0
    assert runs.read_json(Path("new/status.json"))["state"] == "finished"
    log = capsys.readouterr().err
    assert ("The work is done: new" in log) == (stream is not without_reader)
    assert "Traceback" not in log


@needs_devices
@pytest.mark.parametrize("stream", [full, without_reader, nullcontext])
def test_standard_error_that_cannot_be_written_stops_nothing(
    stream: Stream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with stream() as opened:
        monkeypatch.setattr(sys, "stderr", opened)
        assert train("new") == 0
        assert main(["nothing"]) == 2
    assert capsys.readouterr().out.splitlines()[0] == "new"


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_a_terminal_that_lacks_a_letter_shows_its_number(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding, "strict"))
    print_result({}, as_json=False, text="\N{SNOWMAN} \u00e9")
    expected = {"ascii": rb"\u2603 \xe9", "cp1252": b"\\u2603 \xe9", "utf-8": "\N{SNOWMAN} \u00e9".encode()}
    assert raw.getvalue().strip() == expected[encoding]


@pytest.mark.parametrize("columns", ["", "0", "1", "-5", "x", "\u00b2", "1000000000000"])
def test_help_is_as_wide_as_can_be_read(
    columns: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    with pytest.raises(SystemExit) as stop:
        main(["sample", "--help"])
    assert not stop.value.code
    widest = max(map(len, capsys.readouterr().out.splitlines()))
    assert 38 <= widest <= 100


@pytest.mark.parametrize("n", ["1000000000000", "-1", "0", "9" * 40, "1e3", ""])
def test_absurd_numbers_of_samples(n: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tiny.trained("run", steps=2)
    assert main(["sample", "run", "-n", n, "--out", "x.npz"]) == 2
    assert main(["evaluate", "run", "--n", n, "--measures", "parzen", "--no-classifier"]) == 2
    log = capsys.readouterr().err.splitlines()
    assert [line.split(":")[0] for line in log[:1] + log[-1:]] == ["advnets"] * 2
    assert not Path("x.npz").exists()


@pytest.mark.parametrize(
    "words", [["canaries", "--data", "digits", "--clean", "1000000000000"], ["helvetica", "--k", "1000000000000"]]
)
def test_absurd_numbers_of_repetitions(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    assert "1000000000000" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"WORLD_SIZE": "abc"}, "WORLD_SIZE is 'abc', expected a whole number from 1"),
        ({"WORLD_SIZE": "0"}, "WORLD_SIZE is '0'"),
        ({"WORLD_SIZE": "1" * 30}, "WORLD_SIZE is '111"),
        ({"WORLD_SIZE": "2"}, "RANK is ''"),
        ({"WORLD_SIZE": "2", "RANK": "2"}, "RANK is '2', expected a whole number from 0 to 1"),
        ({"WORLD_SIZE": "2", "RANK": "\x1b[31m"}, r"RANK is '\x1b[31m'"),
        ({"WORLD_SIZE": "2", "RANK": "0", "LOCAL_RANK": "x"}, "LOCAL_RANK is 'x'"),
        ({"WORLD_SIZE": "2", "RANK": "0", "MASTER_PORT": "99999"}, "MASTER_PORT is '99999'"),
        ({"WORLD_SIZE": "2", "RANK": "0", "MASTER_PORT": "29500"}, "MASTER_ADDR expected, but not set"),
    ],
)
def test_absurd_ranks(
    variables: dict[str, str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert train("new") == 2
    log = capsys.readouterr().err
    assert message in log
    assert len(log.splitlines()) == 1
    assert is_plain(log)
    assert not Path("new").exists()


def test_ranks_do_not_matter_to_one_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"WORLD_SIZE": "", "RANK": "x", "LOCAL_RANK": "y", "MASTER_PORT": "z"}.items():
        monkeypatch.setenv(name, value)
    assert train("new") == 0


def test_a_process_without_streams_opens_no_file_in_their_place(tmp_path: Path) -> None:
    """Else what a library prints to streams 1 and 2 would stand in a file of the run."""
    program = "import os; from advnets.cli.output import open_streams; open_streams(); x = open('x', 'wb'); "
    program += "assert x.fileno() > 2, x.fileno(); os.write(2, b'lost')"
    words = " ".join(["exec", quote_word(sys.executable), "-c", quote_word(program), "<&-", ">&-", "2>&-"])
    assert subprocess.run(["/bin/sh", "-c", words], check=False).returncode == 0
    assert Path("x").read_bytes() == b""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "code", "lines"),
    [
        ("data >&-", 2, 1),
        ("data >/dev/full", 2, 1),
        ("nothing 2>/dev/full", 2, 0),
        ("nothing >&- 2>&- <&-", 2, 0),
        ("recipes 2>&-", 0, 0),
        ("export --help >/dev/full 2>&-", 2, 0),
        ("data $(printf '\\377\\033[31m')", 2, 1),
    ],
)
@pytest.mark.parametrize(
    "variables", [{"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, {"PYTHONIOENCODING": "cp1252"}]
)
def test_real_processes(words: str, code: int, lines: int, variables: dict[str, str], tmp_path: Path) -> None:
    """What the fuzz does in forked children holds of a shell's too."""
    call = f"{quote_word(sys.executable)} -m advnets {words}"
    done = subprocess.run(["/bin/sh", "-c", call], capture_output=True, check=False, env={**os.environ, **variables})
    assert done.returncode == code
    assert len(done.stderr.splitlines()) == lines
    assert is_plain(done.stderr.decode("ascii"))
    assert b"Traceback" not in done.stdout + done.stderr
