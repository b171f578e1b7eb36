"""What watch reads of runs, also of damaged ones; and that watching changes none."""

import hashlib
import io
import json
import os
import shutil
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import tiny
import web_client
from advnets.comparison.settings_difference import settings_differences
from advnets.diagnosis import DETECTORS, Probe, list_not_judged
from advnets.disk import Folder
from advnets.errors import BadInput
from advnets.experiment import Diagnosis
from advnets.experiment.exploration import Exploration, LatentExplorer, draw_place
from advnets.runs.overview import find_run_folders, read_overview
from advnets.runs.tail import read_tail
from advnets.web import Keys, Page
from advnets.web.watch import watch_page
from web_client import ask, guarded, watched_runs, with_cookie, with_token


class Client:
    """A viewer with the token."""

    def __init__(self, root: Path) -> None:
        self.page: Page = watch_page(root)
        self.keys = Keys()
        self.app = guarded(self.page, self.keys)

    def get(self, path: str) -> web_client.Answer:
        return ask(self.app, path, headers=with_token(self.keys))

    def post(self, path: str, body: bytes) -> web_client.Answer:
        sent = with_cookie(self.keys, ("origin", web_client.ORIGIN))
        return ask(self.app, path, method="POST", headers=sent, body=body)

    def key(self, name: str) -> str:
        return next(run["key"] for run in self.get("/api/runs").json()["runs"] if run["name"] == name)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two small runs."""
    root = tmp_path_factory.mktemp("trained") / "runs"
    for seed in (0, 1):
        tiny.trained(str(root / f"run-{seed}"), seed=seed)
    return root


def files_of(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_a_tail_reads_each_line_once_and_leaves_a_torn_one(tmp_path: Path) -> None:
    file = tmp_path / "journal.jsonl"
    with Folder.open(tmp_path) as folder:
        assert read_tail(folder, "journal.jsonl").entries == []
        file.write_bytes(b'{"step": 1}\n{"step": 2}\n{"step')
        first = read_tail(folder, "journal.jsonl")
        assert ([one["step"] for one in first.entries], first.is_anew) == ([1, 2], True)
        file.write_bytes(b'{"step": 1}\n{"step": 2}\n{"step": 3}\nbroken\n[4]\n{"step": 5}\n')
        second = read_tail(folder, "journal.jsonl", first.cursor)
        assert ([one["step"] for one in second.entries], second.is_anew, second.broken) == ([3, 5], False, 2)
        assert read_tail(folder, "journal.jsonl", second.cursor).entries == []
        file.write_bytes(b'{"step": 1}\n{"step": 22}\n{"step": 3}\n')  # as a resumed run writes it anew
        again = read_tail(folder, "journal.jsonl", first.cursor)
        assert ([one["step"] for one in again.entries], again.is_anew) == ([1, 22, 3], True)
        assert read_tail(folder, "journal.jsonl", "999999-0123456789abcdef").is_anew
        assert read_tail(folder, "journal.jsonl", "../x").is_anew


def test_a_long_journal_comes_in_parts_without_a_gap(tmp_path: Path) -> None:
    lines = [json.dumps({"step": step, "pad": "x" * 200}) for step in range(30_000)]
    (tmp_path / "journal.jsonl").write_text("\n".join([*lines[:100], "y" * 3_000_000, *lines[100:]]) + "\n")
    cursor, found, parts, more = "", list[int](), 0, True
    with Folder.open(tmp_path) as folder:
        while more:
            tail = read_tail(folder, "journal.jsonl", cursor)
            found += [one["step"] for one in tail.entries]
            cursor, more, parts = tail.cursor, tail.is_more, parts + 1
    assert found == list(range(30_000))
    assert parts > 3


def test_the_state_of_a_run_is_told_as_it_is(tmp_path: Path) -> None:
    run = watched_runs(tmp_path) / "one"
    now = time.time()

    def state_of(after: float = 0.0, **status: object) -> str:
        (run / "status.json").write_text(json.dumps(status))
        return read_overview(run, now + after).state

    assert state_of(state="training", pid=os.getpid()) == "training"
    assert state_of(300, state="training", pid=os.getpid()) == "quiet"
    assert state_of(300, state="training", pid=2**22 + 1) == "killed"
    assert state_of(10, state="training", pid=2**22 + 1) == "training"  # of another machine, perhaps
    assert state_of(state="finished") == "finished"
    assert state_of(state=["x"]) == "unreadable"
    (run / "status.json").write_text("[" * 100_000)
    damaged = read_overview(run)
    assert damaged.state == "unreadable"
    assert damaged.step == 20
    assert any("status.json" in problem for problem in damaged.problems)


def test_a_folder_and_a_run_are_found_and_links_are_not(tmp_path: Path) -> None:
    root = watched_runs(tmp_path)
    (root / "group" / "two").mkdir(parents=True)
    (root / "group" / "two" / "status.json").write_text("{}")
    assert {path.name for path in find_run_folders(root)} == {"one", "two"}
    assert find_run_folders(root / "one") == [root / "one"]
    with pytest.raises(BadInput, match="expected a run, or a folder of runs"):
        find_run_folders(root / "nowhere")


def test_differences_name_fields_and_values() -> None:
    one = {"recipe": {"learner": {"penalties": {"r1": 1.0}}}, "settings": {"seed": 0, "out": "a"}, "data": {}}
    two = {"recipe": {"learner": {"penalties": {}}}, "settings": {"seed": 1, "out": "b"}, "data": {}}
    found = settings_differences([one, two])
    assert found == {"recipe.learner.penalties.r1": ("1.0", "not there"), "settings.seed": ("0", "1")} | {
        "recipe.learner.penalties": ("not there", "{}")
    }
    assert settings_differences([one, one]) == {}


def test_the_page_reads_a_run_and_changes_nothing(trained: Path) -> None:
    before = files_of(trained)
    client = Client(trained)
    runs = client.get("/api/runs").json()["runs"]
    assert {run["name"] for run in runs} == {"run-0", "run-1"}
    key, other = client.key("run-0"), client.key("run-1")
    journal = client.get(f"/api/journal/{key}").json()
    assert journal["columns"]["step"][-1] == runs[0]["step"]
    assert {"D(x)", "D(G(z))"} <= set(journal["columns"])
    assert client.get(f"/api/journal/{key}?after={journal['cursor']}").json()["columns"] == {}
    about = client.get(f"/api/run/{key}").json()
    assert about["problems"] == []
    assert about["settings"]["settings.seed"] == "0"
    picture = client.get(f"/api/preview/{key}/{about['previews'][-1]}")
    assert picture.headers["content-type"] == "image/png"
    assert picture.body == sorted((trained / "run-0" / "previews").iterdir())[-1].read_bytes()
    rows = client.get(f"/api/differences?keys={key}.{other}").json()["rows"]
    assert [row["field"] for row in rows] == ["settings.seed"]
    assert client.get(f"/api/latents/{key}").json()["step"] == runs[0]["step"]
    drawn = client.post(f"/api/explore/{key}", b'{"seed": 1, "n": 4}')
    assert Image.open(io.BytesIO(drawn.body)).size[0] > 50
    moved = client.post(f"/api/explore/{key}", b'{"seed": 1, "n": 4, "coordinates": {"0": 3}}')
    way = client.post(f"/api/explore/{key}", b'{"seed": 1, "n": 4, "other": 9, "share": 0.5}')
    assert len({drawn.body, moved.body, way.body}) == 3
    client.page.close()
    assert files_of(trained) == before


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"{", b'{"n": 65}', b'{"n": 1e9}', b'{"n": "4"}', b'{"n": NaN}', b'{"seed": -1}',
        b'{"seed": 1e400}',
        b'{"share": 2, "other": 1}', b'{"coordinates": {"0": 9}}', b'{"coordinates": {"100000": 1}}',
        b'{"coordinates": []}',
        b'{"coordinates": {"0": "x"}}', b'{"class": 3}', b'{"path": "/etc/passwd"}', b'{"seed": true}',
        b'{"seed": 1, "seed": 2}', b"[" * 60_000,
    ],
)  # fmt: skip
def test_what_cannot_be_drawn_is_refused_in_words(body: bytes, trained: Path) -> None:
    client = Client(trained)
    answer = client.post(f"/api/explore/{client.key('run-0')}", body)
    assert answer.status in (413, 422)
    assert answer.json()["error"]
    client.page.close()


def test_samples_are_shown_beside_their_nearest_training_images(trained: Path, tmp_path: Path) -> None:
    run = tiny.experiment.Run(trained / "run-0")
    drawn = LatentExplorer(run.path).draw(Exploration(n=4, is_beside_nearest=True))
    alone, train = draw_place(run.model, Exploration(n=4)), run.dataset.train.values
    left, right = drawn.stored_values.chunk(2, dim=3)
    torch.testing.assert_close(left, alone.stored_values, rtol=0, atol=0)
    shown = right.flatten(1).double()
    distances = torch.cdist(alone.stored_values.flatten(1).double(), train.flatten(1).double())
    torch.testing.assert_close(
        (alone.stored_values.flatten(1).double() - shown).norm(dim=1), distances.min(1).values, rtol=1e-6, atol=1e-4
    )
    client = Client(trained)
    asked = [f'{{"n": 4, "nearest": {word}}}'.encode() for word in ("false", "true", "3")]
    answers = [client.post(f"/api/explore/{client.key('run-0')}", body) for body in asked]
    assert [answer.status for answer in answers] == [200, 200, 422]
    assert answers[0].body != answers[1].body
    client.page.close()
    run.export(tmp_path / "G.safetensors")
    with pytest.raises(BadInput, match="holds no training images"):
        LatentExplorer(tmp_path / "G.safetensors").draw(Exploration(is_beside_nearest=True))


def test_viewers_of_a_training_do_not_change_it(trained: Path, tmp_path: Path) -> None:
    end, answers = threading.Event(), list[int]()

    def look(root: Path) -> None:
        client = Client(root)
        while not end.is_set():
            for run in client.get("/api/runs").json()["runs"]:
                key = run["key"]
                asked = (f"/api/run/{key}", f"/api/journal/{key}", f"/api/latents/{key}", f"/api/preview/{key}/20")
                answers.extend(client.get(path).status for path in asked)
        client.page.close()

    (tmp_path / "runs").mkdir()
    viewer = threading.Thread(target=look, args=(tmp_path / "runs",))
    viewer.start()
    try:
        watched = tiny.trained(str(tmp_path / "runs" / "run-0"), seed=0)
        for _ in range(400):  # of a quick training the viewer may have seen nothing yet
            if answers.count(200) > 3:
                break
            time.sleep(0.05)
    finally:
        end.set()
        viewer.join()
    assert answers.count(200) > 3
    assert tiny.state_hash(watched) == tiny.state_hash(tiny.experiment.Run(trained / "run-0"))


def test_the_way_between_two_seeds_ends_at_their_samples(trained: Path) -> None:
    model = tiny.experiment.Run(trained / "run-0").model
    ends = [draw_place(model, Exploration(seed=seed)).values for seed in (3, 8)]
    way = [draw_place(model, Exploration(seed=3, other=8, share=share)).values for share in (0.0, 1.0, 0.5)]
    np.testing.assert_array_equal(way[0], ends[0])
    np.testing.assert_array_equal(way[1], ends[1])
    assert not np.array_equal(way[2], ends[0])


def test_a_damaged_run_is_shown_as_far_as_it_can_be_read(tmp_path: Path) -> None:
    root = watched_runs(tmp_path)
    run = root / "one"
    (run / "recipe.json").write_text("{")
    (run / "report.json").write_text("{}")
    with (run / "journal.jsonl").open("a") as journal:
        journal.write('broken\n{"step": 30, "D(x)": NaN}\n{"st')
    (run / "findings.jsonl").write_text(json.dumps({"name": "collapse", "severity": "warning"}) + "\n")
    client = Client(root)
    key = client.key("one")
    about = client.get(f"/api/run/{key}").json()
    assert len(about["problems"]) >= 2
    told = client.get(f"/api/journal/{key}").json()
    assert told["columns"] == {"step": [10, 20, 30], "D(x)": [0.5, 0.5, "nan"]}
    assert told["broken"] == 1
    assert client.get(f"/api/findings/{key}").json()["findings"] == [{"name": "collapse", "severity": "warning"}]
    assert client.get("/api/runs").json()["runs"][0]["finding"]["name"] == "collapse"
    assert client.get(f"/api/latents/{key}").json()["reason"]
    for path in (f"/api/run/{'0' * 16}", f"/api/preview/{key}/11", f"/api/preview/{key}/30"):
        assert client.get(path).status == 404, path
    client.page.close()


def test_the_page_says_what_is_not_judged_yet(trained: Path, tmp_path: Path) -> None:
    shutil.copytree(trained / "run-0", tmp_path / "runs" / "one")
    run, client = tmp_path / "runs" / "one", Client(tmp_path / "runs")
    key = client.key("one")

    def judgement() -> dict[str, Any]:
        found: dict[str, Any] = client.get(f"/api/run/{key}").json()["judgement"]
        return found

    def write(*probes: dict[str, Any]) -> None:
        (run / "probes.jsonl").write_text("".join(json.dumps(one) + "\n" for one in probes))

    (run / "findings.jsonl").unlink(missing_ok=True)
    write({"step": 0}, {"step": 6, "spread": 0.5})
    early = judgement()
    assert (early["step"], early["probes"], early["failures"]) == (6, 2, len(DETECTORS))
    said = str(Diagnosis(run, 6, (), (), 2, tuple(list_not_judged([Probe(0), Probe(6, spread=0.5)]))))
    assert early["words"] in said
    assert all(f"{one['name']} ({one['until']})" in said for one in early["not_judged"])
    assert "It is too early to say: at step 6, " in early["words"]
    (run / "findings.jsonl").write_text(json.dumps({"name": "dead-units", "severity": "finding"}) + "\n")
    assert "dead-units" in {one["name"] for one in early["not_judged"]}
    assert "dead-units" not in {one["name"] for one in judgement()["not_judged"]}
    write(*({"step": step, "spread": 0.5, "track": [0.1, 0.2]} for step in range(0, 3000, 100)))
    late = judgement()
    assert (late["words"], late["not_judged"]) == ("Nothing is found to be wrong.", [])
    write()
    assert judgement()["words"].startswith("The doctor has made no probe of this run yet.")
    write({"step": "six"})
    about = client.get(f"/api/run/{key}").json()
    assert about["judgement"] is None
    assert any("probes.jsonl" in problem for problem in about["problems"])
    client.page.close()


@pytest.mark.parametrize(
    ("lines", "name"),
    [
        (["collapse finding", "batch-reading note"], "collapse"),
        (["cycling warning", "collapse finding", "dead-units finding"], "dead-units"),
        (["collapse warning", "collapse gone"], None),
        (["collapse finding", "cycling note", "collapse gone"], "cycling"),
    ],
)
def test_the_list_shows_the_gravest_finding_that_stands(lines: list[str], name: str | None, tmp_path: Path) -> None:
    root = watched_runs(tmp_path)
    found = [dict(zip(("name", "severity"), line.split(), strict=True)) for line in lines]
    (root / "one" / "findings.jsonl").write_text("".join(json.dumps(one) + "\n" for one in found))
    client = Client(root)
    run = next(run for run in client.get("/api/runs").json()["runs"] if run["name"] == "one")
    assert (run["finding"] or {}).get("name") == name
    client.page.close()


def test_too_many_drawings_are_refused(trained: Path) -> None:
    client = Client(trained)
    watch = client.page.routes[0].endpoint.__self__  # type: ignore[attr-defined]
    for _ in range(8):
        assert watch.worker._places.acquire(blocking=False)
    assert client.post(f"/api/explore/{client.key('run-0')}", b"{}").status == 429
    client.page.close()
