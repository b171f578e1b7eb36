"""Pushing to a hub and pulling from it, against a real server on the loopback, which is honest or lies."""

import hashlib
import json
import pickle
import struct
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tiny
from advnets import experiment
from advnets.cli.main import main
from advnets.errors import BadInput, Damaged, Missing, TooBig, Unsupported
from advnets.experiment.publication import transfer
from advnets.experiment.publication.hub_lock import parse_address
from loopback_hub import TOKEN, LoopbackHub, open_loopback_hub

pytest.importorskip("huggingface_hub")

pull_module = import_module("advnets.experiment.publication.pull")
"""The file, whose name its function has taken in the room."""

FILE, CARD = "model.safetensors", "README.md"
REPOSITORY = "ada/digits"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> experiment.Run:
    """A run of a few steps."""
    path = tmp_path_factory.mktemp("hub") / "run"
    return tiny.trained(str(path), steps=3)


@pytest.fixture(scope="module")
def share(run: experiment.Run, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Its share file."""
    return run.export(tmp_path_factory.mktemp("share") / "G.safetensors").read_bytes()


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackHub]:
    """An honest hub, to which one is logged in."""
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    with open_loopback_hub() as found:
        monkeypatch.setenv("HF_ENDPOINT", found.url)
        yield found


@pytest.fixture
def stocked(hub: LoopbackHub, share: bytes) -> LoopbackHub:
    """A hub that has the share file, its card, and a pickle beside them."""
    hub.commit(REPOSITORY, model__safetensors=share, README__md=b"# digits\n", pytorch_model__bin=pickle.dumps({}))
    return hub


def test_a_push_is_pulled_and_draws_the_same_samples(
    hub: LoopbackHub, run: experiment.Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["push", str(run.path), REPOSITORY, "--licence", "mit", "--notes", "hello", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert hub.private == {REPOSITORY: True}
    assert set(hub.files[REPOSITORY]) == {FILE, CARD, "samples.png"}
    assert told["sha256"] == hashlib.sha256(hub.files[REPOSITORY][FILE]).hexdigest()
    assert b"advnets pull ada/digits --out generator" in hub.files[REPOSITORY][CARD]
    hub.asked.clear()
    assert main(["pull", f"{REPOSITORY}@{told['commit']}", "--out", "got", "--sha256", told["sha256"].upper()]) == 0
    assert {path.name for path in Path("got").iterdir()} == {FILE, CARD, "hub-lock.json"}
    assert len(hub.asked) == 3
    mine, others = run.sample(5, seed=3).values, experiment.open_model(Path("got") / FILE).sample(5, seed=3).values
    assert np.array_equal(mine, others)
    assert main(["sample", f"got/{FILE}", "-n", "2", "--out", "s.png"]) == 0
    out, err = capsys.readouterr()
    assert TOKEN not in out + err + "".join(path.read_text() for path in Path("got").glob("*[nd]"))


def test_a_push_again_makes_a_commit_and_a_file_is_pushed_as_it_is(
    hub: LoopbackHub, run: experiment.Run, tmp_path: Path
) -> None:
    first = experiment.push(run, REPOSITORY, public=True)
    assert hub.private == {REPOSITORY: False}
    file = run.export(tmp_path / "G.safetensors", half=True)
    second = experiment.push(file, REPOSITORY)
    assert first.commit != second.commit
    assert hub.files[REPOSITORY][FILE] == file.read_bytes()
    assert experiment.pull(f"{REPOSITORY}@{first.commit}", tmp_path / "old").files[FILE] == first.files[FILE]
    with pytest.raises(BadInput, match="--half beside a share file"):
        experiment.push(file, REPOSITORY, half=True)


def test_a_lock_gives_the_very_same_bytes_or_an_error(stocked: LoopbackHub, share: bytes, tmp_path: Path) -> None:
    lock = experiment.pull(REPOSITORY, tmp_path / "a")
    stocked.commit(REPOSITORY, README__md=b"# another day\n")
    experiment.pull(tmp_path / "a" / "hub-lock.json", tmp_path / "b")
    for name in (FILE, CARD, "hub-lock.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert (tmp_path / "a" / CARD).read_text() == "# digits\n"
    stocked.commits[lock.commit] = {FILE: share, CARD: b"# DIGITS\n"}
    with pytest.raises(Damaged, match="as the lock has it"):
        experiment.pull(tmp_path / "a" / "hub-lock.json", tmp_path / "c")
    assert not (tmp_path / "c").exists()


def test_nothing_but_the_two_files_is_asked_for(stocked: LoopbackHub, tmp_path: Path) -> None:
    experiment.pull(REPOSITORY, tmp_path / "got")
    assert [path.rsplit("/", 1)[1] for method, path, _ in stocked.asked] == ["main?blobs=true", FILE, CARD]


Lie = Callable[[Any], bool]


def only_file(act: Callable[[Any], object]) -> Lie:
    """A lie about the share file alone."""

    def lie(handler: Any) -> bool:
        if not handler.path.endswith(FILE):
            return False
        act(handler)
        return True

    return lie


def send_wrong_bytes(handler: Any) -> None:
    good = handler.hub.files[REPOSITORY][FILE]
    handler.answer(good[:-1] + bytes([good[-1] ^ 1]))


def cut_short(handler: Any) -> None:
    good = handler.hub.files[REPOSITORY][FILE]
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(good)))
    handler.end_headers()
    handler.wfile.write(good[:-100])
    handler.close_connection = True


def end_early(handler: Any) -> None:
    handler.answer(handler.hub.files[REPOSITORY][FILE][:-100])


def send_without_end(handler: Any) -> None:
    handler.send_response(200)
    handler.send_header("Connection", "close")
    handler.end_headers()
    handler.close_connection = True
    for _ in range(10_000):
        handler.wfile.write(bytes(2**16))


def say_that_it_is_huge(handler: Any) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", str(10**15))
    handler.end_headers()
    handler.wfile.write(bytes(100))
    handler.close_connection = True


LIES: dict[str, tuple[Lie, type[Exception], str]] = {
    "wrong bytes": (only_file(send_wrong_bytes), Damaged, "as the hub has it"),
    "cut short": (only_file(cut_short), Missing, "broke off|ended after"),
    "ended early": (only_file(end_early), Damaged, "ended after"),
    "without end": (only_file(send_without_end), TooBig, "more than"),
    "a huge Content-Length": (only_file(say_that_it_is_huge), TooBig, "says that it sends 1000000000000000 bytes"),
    "404": (only_file(lambda handler: handler.answer(b"", 404)), Missing, "is not there"),
    "401": (only_file(lambda handler: handler.answer(b"", 401)), Missing, "does not take your token"),
    "403": (only_file(lambda handler: handler.answer(b"", 403)), Missing, "does not take your token"),
    "500": (only_file(lambda handler: handler.answer(b"", 500)), BadInput, "status 500"),
    "204": (only_file(lambda handler: handler.answer(b"", 204)), BadInput, "status 204"),
    "a redirect to a file": (
        only_file(lambda handler: handler.answer(b"", 302, Location="file:///etc/passwd")), Unsupported, "leads to file"
    ),
    "a redirect in a circle": (
        only_file(lambda handler: handler.answer(b"", 302, Location=handler.path)), Unsupported, "redirects"
    ),
    "a redirect to what is no address": (
        only_file(lambda handler: handler.answer(b"", 302, Location="http://[::1")), Unsupported, "leads to no address"
    ),
    "a redirect with the token": (
        only_file(lambda handler: handler.answer(b"", 302, Location=f"https://{TOKEN}.evil.example/")),
        Unsupported, "evil.example",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LIES)
def test_a_lie_is_told_and_nothing_is_kept(
    name: str, stocked: LoopbackHub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stocked.lie, kind, words = LIES[name]
    with pytest.raises(kind, match=words) as caught:
        experiment.pull(REPOSITORY, tmp_path / "got")
    assert type(caught.value) is kind
    before = time.monotonic()
    assert main(["pull", REPOSITORY, "--out", "got"]) == 2
    assert time.monotonic() - before < 5
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("advnets: ")
    assert "Traceback" not in err
    assert TOKEN.lower() not in f"{err} {caught.value}".lower()
    assert list(tmp_path.iterdir()) == []


def pickled(share: bytes) -> bytes:
    return pickle.dumps({"weights": [1.0, 2.0]}, protocol=4)


def torn(share: bytes) -> bytes:
    return share[:-8]


def huge(share: bytes) -> bytes:
    return struct.pack("<Q", 2**62) + share[8:]


def flipped(share: bytes) -> bytes:
    return share[:-1] + bytes([share[-1] ^ 1])


@pytest.mark.parametrize(
    ("make", "kind", "words"),
    [
        (pickled, Unsupported, "a pickle"),
        (torn, Damaged, "cut short"),
        (huge, TooBig, "header"),
        (flipped, Damaged, "SHA"),
    ],
)
def test_what_is_no_share_file_is_refused_even_if_the_hub_names_its_checksum(
    make: Callable[[bytes], bytes], kind: type[Exception], words: str, hub: LoopbackHub, share: bytes, tmp_path: Path
) -> None:
    hub.commit(REPOSITORY, model__safetensors=make(share), README__md=b"#")
    with pytest.raises(kind, match=words) as caught:
        experiment.pull(REPOSITORY, tmp_path / "got")
    assert "tmp" not in str(caught.value)
    assert f"{REPOSITORY}@" in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def with_sibling(told: dict[str, Any], **changed: Any) -> dict[str, Any]:
    siblings = [{**one, **changed} if one["rfilename"] == FILE else one for one in told["siblings"]]
    return {**told, "siblings": siblings}


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        (lambda told: {**told, "sha": "main"}, Damaged, "names no commit"),
        (lambda told: {**told, "siblings": []}, Missing, "there is no model.safetensors"),
        (lambda told: {**told, "siblings": {"a": 1}}, Missing, "there is no model.safetensors"),
        (lambda told: {}, Damaged, "names no commit"),
        (lambda told: with_sibling(told, lfs=None), BadInput, "names no SHA-256"),
        (lambda told: with_sibling(told, lfs={"sha256": "x", "size": 1}), BadInput, "names no SHA-256"),
        (lambda told: with_sibling(told, lfs={"sha256": "0" * 64, "size": -1}), Damaged, "names no size"),
        (lambda told: with_sibling(told, lfs={"sha256": "0" * 64, "size": 2**40}), TooBig, "expected at most"),
        (lambda told: {**told, "x": [[]] * 20_000}, TooBig, "items"),
        (lambda told: {**told, "x": "y" * 2**23}, TooBig, "says that it sends"),
    ],
)
def test_a_hub_that_tells_nonsense(
    change: Callable[[dict[str, Any]], dict[str, Any]], kind: type[Exception], words: str,
    stocked: LoopbackHub, tmp_path: Path,
) -> None:  # fmt: skip
    stocked.told = change
    with pytest.raises(kind, match=words):
        experiment.pull(REPOSITORY, tmp_path / "got")
    assert not any(path.endswith(FILE) for _, path, _ in stocked.asked)
    assert list(tmp_path.iterdir()) == []


def test_an_asked_commit_must_be_the_one_that_is_told(stocked: LoopbackHub, tmp_path: Path) -> None:
    (commit,) = stocked.commits
    stocked.told = lambda told: {**told, "sha": "0" * 40}
    with pytest.raises(Damaged, match="the hub answers with commit"):
        experiment.pull(f"{REPOSITORY}@{commit}", tmp_path / "got")


def test_another_checksum_than_the_users(stocked: LoopbackHub, tmp_path: Path) -> None:
    with pytest.raises(Damaged, match="as --sha256 has it"):
        experiment.pull(REPOSITORY, tmp_path / "got", sha256="0" * 64)
    with pytest.raises(BadInput, match="64 hexadecimal digits"):
        experiment.pull(REPOSITORY, tmp_path / "got", sha256="abc")
    assert list(tmp_path.iterdir()) == []


def test_a_redirect_elsewhere_is_not_followed_and_no_token_goes_there(stocked: LoopbackHub, tmp_path: Path) -> None:
    with open_loopback_hub() as other:
        target = f"{other.url}/{REPOSITORY}/resolve/x/{FILE}"
        stocked.lie = only_file(lambda handler: handler.answer(b"", 307, Location=target))
        with pytest.raises(Unsupported, match="leads to http://127"):
            experiment.pull(REPOSITORY, tmp_path / "got")
        assert other.asked == []


def test_a_redirect_within_the_hub_is_followed(stocked: LoopbackHub, share: bytes, tmp_path: Path) -> None:
    def lie(handler: Any) -> bool:
        if "moved" in handler.path:
            handler.answer(share)
        elif handler.path.endswith(FILE):
            handler.answer(b"", 307, Location=f"/moved/{FILE}")
        else:
            return False
        return True

    stocked.lie = lie
    assert experiment.pull(REPOSITORY, tmp_path / "got").files[FILE].bytes == len(share)
    assert {word for _, _, word in stocked.asked} == {f"Bearer {TOKEN}"}


@pytest.mark.parametrize(
    ("url", "known"),
    [
        ("https://huggingface.co/a", True), ("https://cdn-lfs.hf.co/a?Signature=x", True),
        ("https://cas-bridge.xethub.hf.co/a", True), ("http://cdn-lfs.hf.co/a", False),
        ("https://hf.co.evil.example/a", False), ("https://evilhf.co/a", False), ("https://hf.co@evil.example/", False),
        ("https://evil.example#.hf.co/", False), ("https://127.0.0.1/a", False), ("https://hf.co:444/a", False),
        ("https://u@hf.co/a", False), ("ftp://hf.co/a", False), ("", False), ("https://[", False),
    ],
)  # fmt: skip
def test_hosts_that_an_answer_may_lead_to(url: str, known: bool) -> None:
    assert transfer.is_known_host(url, transfer.USUAL_ENDPOINT) is known


def test_the_token_goes_to_the_endpoint_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert TOKEN not in repr(transfer.Hub("https://x", TOKEN))
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setenv("HF_ENDPOINT", "http://hub.example")
    with pytest.raises(BadInput, match="unencrypted") as caught:
        experiment.pull(REPOSITORY, tmp_path / "got")
    assert TOKEN not in str(caught.value)
    for endpoint in ("hub.example", f"https://u:{TOKEN}@hub.example", "https://", "file:///tmp"):
        monkeypatch.setenv("HF_ENDPOINT", endpoint)
        with pytest.raises(BadInput, match="no address") as caught:
            experiment.pull(REPOSITORY, tmp_path / "got")
        assert TOKEN not in str(caught.value)


def test_a_hub_that_is_not_there(hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(Missing, match="cannot be reached"):
        experiment.pull(REPOSITORY, tmp_path / "got")


@pytest.mark.parametrize(
    "text",
    ["digits", "a/b/c", "../x", "a/..", "a/b@", "a/b@" + "x" * 201, "a b/c", "a/b\n", "-a/b", "a/b.git", "é/b", ""],
)
def test_names_that_cannot_be(text: str, hub: LoopbackHub, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="user/name"):
        experiment.pull(text, tmp_path / "got")
    assert hub.asked == []


def test_revisions_are_quoted() -> None:
    address = parse_address("a/b@refs/pr/1?x#y/../..")
    assert address.info_path == "/api/models/a/b/revision/refs%2Fpr%2F1%3Fx%23y%2F..%2F..?blobs=true"


@pytest.mark.parametrize(
    "change", [{"commit": "main"}, {"files": {}}, {"repository": "../x"}, {"schema": 2}, {"more": 1},
               {"files": {FILE: {"sha256": "0", "bytes": 1}}}]
)  # fmt: skip
def test_a_lock_that_is_none(change: dict[str, Any], stocked: LoopbackHub, tmp_path: Path) -> None:
    experiment.pull(REPOSITORY, tmp_path / "got")
    path = tmp_path / "spoilt.json"
    path.write_text(json.dumps({**json.loads((tmp_path / "got" / "hub-lock.json").read_text()), **change}))
    stocked.asked.clear()
    with pytest.raises(BadInput):
        experiment.pull(path, tmp_path / "again")
    assert stocked.asked == []


def test_a_folder_that_is_taken(stocked: LoopbackHub, tmp_path: Path) -> None:
    (tmp_path / "got").mkdir()
    (tmp_path / "got" / "mine").touch()
    with pytest.raises(BadInput, match="not an empty folder"):
        experiment.pull(REPOSITORY, tmp_path / "got")
    assert stocked.asked == []


def test_a_push_without_a_token_or_with_another(
    hub: LoopbackHub, run: experiment.Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.get_token", lambda: None)
    with pytest.raises(BadInput, match="no token"):
        experiment.push(run, REPOSITORY)
    monkeypatch.setattr("huggingface_hub.get_token", lambda: "hf_another")
    with pytest.raises(Missing, match="does not take your token"):
        experiment.push(run, REPOSITORY)
    assert [path for _, path, _ in hub.asked] == ["/api/whoami-v2"]


def refuse(part: str, *answer: Any) -> Lie:
    def lie(handler: Any) -> bool:
        if part not in handler.path:
            return False
        handler.answer(*answer)
        return True

    return lie


@pytest.mark.parametrize(
    "lie",
    [
        refuse("repos/create", {"error": f"no, Bearer {TOKEN}!"}, 403),
        refuse("preupload", {"files": "none"}),
        refuse("preupload", {"files": [{"path": "x", "uploadMode": "lfs"}]}),
        refuse("objects/batch", {"objects": [{"oid": 1}]}),
        refuse("/store/", b"", 403),
        refuse("/commit/", b"no JSON"),
        refuse("/commit/", {"error": "forbidden"}, 403),
    ],
)
def test_a_push_that_the_hub_refuses(
    lie: Lie, hub: LoopbackHub, run: experiment.Run, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.lie = lie
    assert main(["push", str(run.path), REPOSITORY]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "nothing was pushed" in err
    assert TOKEN not in err
    assert "Traceback" not in err


def test_a_hub_that_keeps_other_bytes_than_were_pushed(hub: LoopbackHub, run: experiment.Run) -> None:
    hub.told = lambda told: with_sibling(told, lfs={"sha256": "0" * 64, "size": 1})
    with pytest.raises(Damaged, match="as this machine has it"):
        experiment.push(run, REPOSITORY)


def test_without_the_extra_one_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(__import__("sys").modules, "huggingface_hub", None)
    with pytest.raises(Unsupported, match="advnets\\[hub\\]"):
        experiment.pull(REPOSITORY, tmp_path / "got")


def test_each_guard_of_a_pull_is_needed(stocked: LoopbackHub, share: bytes, tmp_path: Path) -> None:
    """Without one of them, what the tests above refuse is kept, or asked for elsewhere."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pull_module, "_expect_share_file", lambda path, where: None)
        stocked.commit(REPOSITORY, model__safetensors=pickled(share))
        experiment.pull(REPOSITORY, tmp_path / "pickle")
        assert (tmp_path / "pickle" / FILE).read_bytes() == pickled(share)
    stocked.commit(REPOSITORY, model__safetensors=share)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pull_module, "expect_digest", lambda found, expected, where: None)
        assert experiment.pull(REPOSITORY, tmp_path / "other", sha256="0" * 64)
    with pytest.MonkeyPatch.context() as patch, open_loopback_hub() as other:
        patch.setattr(transfer, "is_known_host", lambda url, endpoint: True)
        stocked.lie = only_file(lambda handler: handler.answer(b"", 307, Location=f"{other.url}/x"))
        with pytest.raises(Missing):
            experiment.pull(REPOSITORY, tmp_path / "elsewhere")
        assert [token for _, _, token in other.asked] == [None]
