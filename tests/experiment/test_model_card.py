"""Model cards: what they say, and that nothing that a user named is more than text."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token

import evil_files
import tiny
from advnets import experiment
from advnets.assessment import HEADINGS as TABLE_HEADINGS, MeasureCard
from advnets.cli.main import main
from advnets.errors import BadInput, Damaged
from advnets.experiment.publication import card_head, model_card, yaml_head
from advnets.experiment.publication.card_subject import open_subject
from advnets.experiment.publication.model_card import format_card, write_card
from advnets.recipes import RECIPES
from advnets.text import escape_markdown

EVIL = (
    'a"b\\ \n---\n\n# Owned\n\n<script>alert(1)</script> [x](http://evil) ![x](http://evil/p.png) '
    "``` ~~~ `c` |\n```\n\n# Owned\n\n{{x}} *b* _c_ <!-- |"
)
HEADINGS = ["Use", "Training", "Measures", "Limits", "Licence", "Every number"]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> experiment.Run:
    """A run with a report."""
    found = tiny.trained(str(tmp_path_factory.mktemp("card") / "run"), steps=3)
    found.evaluate(n=64, measures=("parzen", "spectrum"), extractor="random", classifier=False)
    return found


@pytest.fixture(scope="module")
def share(run: experiment.Run, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return run.export(tmp_path_factory.mktemp("share") / "G.safetensors", licence="mit").read_bytes()


def split_page(page: str) -> tuple[dict[str, Any], str]:
    """The head, as a reader of YAML has it, and the rest."""
    assert page.startswith("---\n")
    head, body = page.removeprefix("---\n").split("\n---\n", 1)
    told = yaml.safe_load(head)
    assert isinstance(told, dict)
    return told, body


def tokens(body: str) -> list[Token]:
    """All tokens of a page, those within lines too."""
    found = MarkdownIt("commonmark", {"html": True}).enable("table").parse(body)
    return [one for token in found for one in (token, *(token.children or ()))]


def headings(body: str) -> list[str]:
    found = MarkdownIt("commonmark").parse(body)
    return [after.content for token, after in pairwise(found) if token.type == "heading_open"]


def expect_text_alone(page: str) -> dict[str, Any]:
    """Expect that the page has our own marks and no others; returns its head."""
    head, body = split_page(page)
    assert set(head) <= {
        "license", "license_name", "library_name", "pipeline_tag", "tags", "datasets", "model-index"
    }  # fmt: skip
    assert headings(body)[1:] == HEADINGS
    found = tokens(body)
    assert not {token.type for token in found} & {"html_block", "html_inline", "link_open", "em_open"}
    strong = [inner.content for token, inner in pairwise(found) if token.type == "strong_open"]
    assert set(strong) <= {*TABLE_HEADINGS, "Fidelity.", "Variety.", "Copies."}
    assert [token.attrs["src"] for token in found if token.type == "image"] in ([], ["samples.png"])
    return head


def test_a_card_tells_what_it_is_how_it_was_made_and_how_good(run: experiment.Run, tmp_path: Path) -> None:
    path = write_card(run, tmp_path / "card" / "README.md", licence="CC-BY-4.0", notes="for tests")
    head, body = split_page(path.read_text())
    assert head["license"] == "cc-by-4.0"
    assert head["library_name"] == "advnets"
    assert head["pipeline_tag"] == "unconditional-image-generation"
    (result,) = head["model-index"][0]["results"]
    assert result["dataset"] == {"type": "digits", "name": "digits", "split": "validation"}
    report = json.loads((run.path / "report.json").read_text())
    measured = {one["name"]: one["value"] for one in report["measures"]}
    assert {one["type"]: one["value"] for one in result["metrics"]} == measured
    assert all("standard error" in one["name"] and "64 samples" in one["name"] for one in result["metrics"])
    assert headings(body) == ["run", *HEADINGS]
    assert body.index("samples.png") < body.index("**Fidelity.**") < body.index("## Use")
    assert body.count("**Fidelity.**") == 1
    assert run.dataset.digest in body
    assert '"batch_size": 32' in body
    shown = json.loads(body.split("```json\n")[1].split("```")[0])
    assert shown["budget"] == {"steps": 3, "minutes": None}
    environment = json.loads((run.path / "environment.json").read_text())
    threads = environment["threads"]
    assert f"- Run: seed 0, up to step 3, device {run.settings.device}, {threads} threads." in body
    versions = f"torch {environment['torch']}, Python {environment['python']}"
    assert f"- Versions: advnets {environment['advnets']}, {versions}" in body
    machine = f"operating system {environment['platform']}, processor {environment['processor']}"
    assert escape_markdown(machine) in body
    assert (f"commit of advnets {environment['commit']}." in body) == (environment["commit"] is not None)
    assert "for tests" in body
    assert "advnets sample model.safetensors --seed 3 --out samples.png" in body
    assert "advnets export RUN --out model.safetensors" in body
    assert "advnets pull" not in body
    assert "Whether samples repeat training images was not tested." in body
    assert "1,297 images" in body
    assert str(run.path) not in body
    assert (path.parent / "samples.png").read_bytes() == _picture(run)


def _picture(run: experiment.Run) -> bytes:
    path = run.sample(64, seed=0).save("grid.png")
    return path.read_bytes()


def test_the_hubs_own_reader_reads_the_head(run: experiment.Run) -> None:
    hub = pytest.importorskip("huggingface_hub")
    card = hub.ModelCard(format_card(open_subject(run, licence="mit")))
    assert card.data.license == "mit"
    assert {one.metric_type for one in card.data.eval_results} == {"parzen", "spectrum"}


def test_a_share_file_gives_the_same_measures(run: experiment.Run, share: bytes, tmp_path: Path) -> None:
    (tmp_path / "G.safetensors").write_bytes(share)
    of_run = split_page(format_card(open_subject(run, licence="mit")))
    of_file = split_page(format_card(open_subject(tmp_path / "G.safetensors")))
    (mine,), (its,) = of_run[0]["model-index"], of_file[0]["model-index"]
    assert mine["results"] == its["results"]
    part = [body.split("## Measures")[1].split("## Limits")[0] for _, body in (of_run, of_file)]
    assert part[0] == part[1]
    assert "not on test images" in of_run[1]
    assert "whether test images were read is not told by its file" in of_file[1]
    with pytest.raises(BadInput, match="its own"):
        open_subject(tmp_path / "G.safetensors", licence="mit")


def test_a_card_of_a_file_names_that_file_in_its_commands(share: bytes, tmp_path: Path) -> None:
    (tmp_path / "in a folder").mkdir()
    path = tmp_path / "in a folder" / 'it\'s "G".safetensors'
    path.write_bytes(share)
    body = split_page(format_card(open_subject(path)))[1]
    assert """advnets sample 'it'"'"'s "G".safetensors' --seed 3 --out samples.png""" in body
    assert r"""advnets.open_model("it's \"G\".safetensors")""" in body
    assert 'and the file `it\'s "G".safetensors`, of which every bit is checked' in body
    assert "model.safetensors" not in body
    assert "in a folder" not in body
    assert "generator/model.safetensors" in format_card(open_subject(path), "ada/digits")
    ships = split_page(format_card(open_subject("paper-mnist")))[1]
    assert "With `advnets`, which brings it along:" in ships
    assert "advnets sample paper-mnist --seed 3" in ships


def test_the_limit_of_a_resumed_run_is_the_one_asked_for_last(run: experiment.Run, tmp_path: Path) -> None:
    shutil.copytree(run.path, tmp_path / "copy")
    assert main(["resume", "copy", "--steps", "4"]) == 0
    (tmp_path / "copy" / "environment.json").write_text("{")
    body = split_page(format_card(open_subject(tmp_path / "copy")))[1]
    assert "- Run: seed 0, up to step 4, device" in body
    assert "- Versions:" not in body
    (tmp_path / "copy" / "environment.json").write_text('{"torch": "2.0", "processor": ""}')
    assert "- Versions: torch 2.0.\n" in split_page(format_card(open_subject(tmp_path / "copy")))[1]


def test_a_biased_measure_is_named_with_its_value_less_its_bias(run: experiment.Run) -> None:
    subject = open_subject(run)
    assert subject.report is not None
    measure = subject.report.measures["spectrum"]
    biased = replace(measure, estimate=replace(measure.estimate, value=10.998, bias=1.308))
    report = replace(subject.report, measures={"spectrum": biased})
    head, _ = split_page(f"{card_head.format_card_head(replace(subject, report=report))}\n")
    (metric,) = head["model-index"][0]["results"][0]["metrics"]
    assert metric["value"] == 10.998
    assert "less bias 9.69" in metric["name"]


def test_machines_are_told_nothing_that_few_held_out_images_cannot_tell(run: experiment.Run) -> None:
    subject = open_subject(run)
    assert subject.report is not None
    for samples, is_told in ((39, False), (40, True)):
        report = replace(subject.report, against=replace(subject.report.against, samples=samples))
        head, _ = split_page(f"{card_head.format_card_head(replace(subject, report=report))}\n")
        assert ("model-index" in head) is is_told


def test_a_report_of_another_step_is_not_told(run: experiment.Run, tmp_path: Path) -> None:
    shutil.copytree(run.path, tmp_path / "copy")
    assert main(["resume", "copy", "--steps", "5"]) == 0
    head, body = split_page(format_card(open_subject(tmp_path / "copy")))
    assert "model-index" not in head
    assert "Nothing was measured of this step." in body
    assert "How good its samples are is unknown." in body


def test_what_nobody_measured_is_told_before_it_is_given_away(
    run: experiment.Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = "Nothing was measured of this step yet: run `advnets evaluate {}` first, and its card says how good it is."
    shutil.copytree(run.path, "measured")
    shutil.copytree(run.path, "copy")
    assert main(["resume", "copy", "--steps", "5"]) == 0
    for name, words in (("measured", ""), ("copy", told.format("copy"))):
        capsys.readouterr()
        assert main(["card", name, "--out", f"{name}-card/README.md"]) == 0
        assert capsys.readouterr().err == (f"note: {words}\n" if words else "")
        assert main(["export", name, "--out", f"{name}.safetensors"]) == 0
        assert ("Nothing was measured" in (out := capsys.readouterr().out)) == bool(words)
        assert words in out
    assert main(["export", "copy", "--checkpoint", "5", "--out", "5.safetensors"]) == 0
    assert told.format("copy --checkpoint 5") in capsys.readouterr().out


def test_a_spoilt_report_is_refused(run: experiment.Run, tmp_path: Path) -> None:
    shutil.copytree(run.path, tmp_path / "copy")
    report = tmp_path / "copy" / "report.json"
    report.write_text(report.read_text().replace('"samples": 64', '"samples": 640'))
    with pytest.raises(Damaged):
        open_subject(tmp_path / "copy")


def test_classes_are_asked_for_by_name(run: experiment.Run) -> None:
    subject = open_subject(run)
    data = replace(subject.model.card.data, class_names=("it's a `tick`", "b"), classes=2)
    model = replace(subject.model, card=replace(subject.model.card, given="labels", data=data))
    page = format_card(replace(subject, model=model), "ada/x")
    assert "--class 'it'\"'\"'s a `tick`' --out" in page
    assert 'given="it\'s a `tick`")' in page
    assert page.startswith("---")
    assert headings(split_page(page)[1])[1:] == HEADINGS


def test_one_that_translates_shows_no_picture_of_the_data(run: experiment.Run) -> None:
    subject = open_subject(run)
    model = replace(subject.model, card=replace(subject.model.card, given="images", way="there"))
    subject = replace(subject, model=model)
    assert model_card.draw_picture(subject) is None
    head, body = split_page(format_card(subject))
    assert head["pipeline_tag"] == "image-to-image"
    assert "![" not in body
    assert "advnets translate" in body


def test_every_recipe_that_has_no_licence_says_so_and_the_model_that_ships_has_a_card(tmp_path: Path) -> None:
    assert main(["card", "paper-mnist", "--out", "README.md"]) == 0
    head, body = split_page(Path("README.md").read_text())
    assert head["datasets"] == ["ylecun/mnist"]
    assert RECIPES["paper-mnist"].source.split(";")[0] in body
    assert main(["card", "paper-mnist", "--out", "README.md"]) == 2
    assert main(["card", "paper-mnist", "--out", "OTHER.md"]) == 2  # samples.png is there
    assert main(["card", "paper-mnist", "--out", "card.txt"]) == 2
    assert {path.name for path in Path().iterdir()} == {"README.md", "samples.png"}


def test_fid_of_other_features_is_not_filed_beside_those_of_inception() -> None:
    assert card_head.metric_type("fid", "inception-2015-12-05; x") == "fid"
    assert card_head.metric_type("fid", "convnet 24") == "fid-other-features"
    assert card_head.metric_type("new", "convnet 24") == "new-other-features"
    assert card_head.metric_type("new", "convnet 24", MeasureCard("fidelity", on="values")) == "new"
    assert card_head.metric_type("spectrum", "") == "spectrum"


def evil_file(share: bytes, folder: Path) -> Path:
    """A share file whose every text is evil, and whose hashes are right."""
    entries, card, body = evil_files.parts(share)
    card["data"]["name"] = card["recipe"] = card["licence"] = card["notes"] = card["advnets"] = EVIL
    card["report"]["against"] |= {"data": EVIL, "split": EVIL, "extractor": EVIL}
    card["report"]["skipped"] = {EVIL: EVIL}
    for measure in card["report"]["measures"]:
        measure["protocol"] |= {"data": EVIL, "extractor": EVIL, EVIL: EVIL}
    card["report"]["measures"][0]["name"] = EVIL
    path = folder / "evil.safetensors"
    path.write_bytes(evil_files.file_of(entries, evil_files.sealed(card), body))
    return path


def test_what_others_named_is_text_alone(share: bytes, tmp_path: Path) -> None:
    head = expect_text_alone(format_card(open_subject(evil_file(share, tmp_path))))
    shown = EVIL.replace("\n", "\\n")
    assert head["tags"][-1] == shown
    assert (head["license"], head["license_name"]) == ("other", shown)
    (result,) = head["model-index"][0]["results"]
    assert result["dataset"]["name"] == shown


Sabotage = tuple[Any, str, Callable[..., Any]]


@pytest.mark.parametrize(
    "sabotage",
    [
        (model_card, "escape_markdown", str),
        (model_card, "format_code", lambda text: f"`{text}`"),
        (model_card, "format_code_block", lambda text, language="": f"```{language}\n{text}\n```"),
        (yaml_head, "escape", str),
        (yaml_head, "_scalar", lambda value: f'"{value}"' if isinstance(value, str) else str(value)),
    ],
    ids=["Markdown", "code", "block", "lines", "quotes"],
)
def test_a_saboteur_is_caught(
    sabotage: Sabotage, share: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = open_subject(evil_file(share, tmp_path))
    expect_text_alone(format_card(subject))
    monkeypatch.setattr(*sabotage)
    with pytest.raises((AssertionError, yaml.YAMLError, ValueError)):
        expect_text_alone(format_card(subject))


@pytest.mark.parametrize(
    "text", ["", "no", "1", "2026-11-29", "!!python/object/apply:os.system [x]", "&a *a", "- x", "'", '"', "\\", "\\n",
             "%YAML", "---", "...", "a: b", "a #b", "é\u202e\ufeff\udcff😀\x00\x85\u2028", "x" * 5000, " a ", "? k",
             "{a}", "@", "`"]
)  # fmt: skip
def test_a_text_comes_out_of_the_head_as_it_went_in(text: str) -> None:
    head = yaml_head.format_head({"one": text, "many": [text, {"in": text}], "n": 1e-300, "true-one": True})
    assert len(head.split("\n")) == 8
    told = yaml.safe_load(head.removeprefix("---\n").removesuffix("\n---"))
    shown = yaml_head.escape(text)
    assert told == {"one": shown, "many": [shown, {"in": shown}], "n": 1e-300, "true-one": True}
    with pytest.raises(ValueError, match="not finite"):
        yaml_head.format_head({"n": float("nan")})


def test_a_report_that_cannot_be_shown(share: bytes, tmp_path: Path) -> None:
    entries, card, body = evil_files.parts(share)
    parzen = next(one for one in card["report"]["measures"] if one["name"] == "parzen")
    del parzen["notes"]["sigma"]
    path = tmp_path / "G.safetensors"
    path.write_bytes(evil_files.file_of(entries, evil_files.sealed(card), body))
    with pytest.raises(Damaged, match="cannot be shown"):
        format_card(open_subject(path))
    assert main(["card", "G.safetensors"]) == 2
    assert list(tmp_path.iterdir()) == [path]
