"""The paper's Table 1: units are trained, measured once and kept; what a table says; what it refuses."""

import json
import math
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.io import savemat
from torch import Tensor, nn

import tiny
from advnets import data, metrics
from advnets.cli.main import main
from advnets.errors import BadInput, Damaged, NonFinite
from advnets.experiment import Run
from advnets.optimizers import Adam
from advnets.recipes import RECIPES, Budget
from advnets.studies import table
from advnets.studies.results_file import ResultsFile
from advnets.studies.table import measure_run, study
from advnets.studies.table.chain_mixing import count_layers, measure_mixing
from advnets.studies.table.controls import CONTROLS, draw_control
from advnets.studies.table.evaluator import Evaluator
from advnets.studies.table.records import ClassCoverage, MeasuredControl, Measurements, Origin, ParzenScore, TrainedUnit
from advnets.studies.table.rows import find_rows
from advnets.studies.table.summary import summarise

RESULTS, RUNS = Path("results/table-digits.json"), Path("runs/table-digits")
QUICK = ["table", "--rows", "paper-adam", "--share", "0.01", "--device", "cpu"]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for this file: the classifier of digits is trained once."""
    return tmp_path_factory.mktemp("table-cache")


@pytest.fixture(autouse=True)
def _one_cache(cache: Path, _in_a_folder_of_its_own: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADVNETS_CACHE", str(cache))


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often runs are trained and measured, and controls measured; the work itself is done."""
    counted: Counter[str] = Counter()

    def counting(home: Any, name: str) -> None:
        real = getattr(home, name)

        def counter(*given: Any, **more: Any) -> Any:
            counted[name] += 1
            return real(*given, **more)

        monkeypatch.setattr(home, name, counter)

    counting(Run, "carry_on")
    counting(measure_run, "_measure")
    counting(study, "measure_control")
    return counted


def score(value: float, sigma: float = 0.2) -> ParzenScore:
    return ParzenScore(value, 2.0, sigma, False, 541.0)


def numbers(value: float, samples: int = 1000) -> Measurements:
    scores = {name: {"validation": score(value + 4), "test": score(value)} for name in metrics.PROTOCOLS}
    return Measurements(samples, scores, 0.97, 0.01, ClassCoverage(0.08, 0.12, 0.8, 0.01, 0.97))


ORIGIN = Origin("advnets table", "0.1.0", "d3c02cd", "Linux", 1)


def unit(row: str = "paper-adam", seed: int = 0, value: float = 185.0) -> TrainedUnit:
    return TrainedUnit(row, "0" * 64, seed, 10.0, 9000, numbers(value), 30_000.0, 0.5, None, ORIGIN, ORIGIN, 1)


def results(*units: TrainedUnit, **controls: float) -> table.TableResults:
    held = {name.replace("_", " "): MeasuredControl(numbers(value), ORIGIN) for name, value in controls.items()}
    return table.TableResults("mnist", "0" * 64, units, held)


def table_file(path: Path) -> ResultsFile[table.TableResults]:
    return ResultsFile(path, table.TableResults)


def readings(seed: int = 0, recipe: str = "paper-adam") -> int:
    return len((RUNS / f"{recipe}-seed{seed}" / "test-readings.jsonl").read_text().splitlines())


def test_a_tiny_table_end_to_end(tmp_path: Path, capsys: pytest.CaptureFixture[str], calls: Counter[str]) -> None:
    words = [*QUICK[:2], "paper,paper-adam", *QUICK[3:]]
    assert main([*words, "--json"]) == 0
    out, err = capsys.readouterr()
    told = json.loads(out)
    assert "paper, seed 0: measuring" in err
    assert [row["recipe"] for row in told["rows"]] == ["paper", "paper-adam", *[None] * len(CONTROLS)]
    assert told["results"] == json.loads(RESULTS.read_text())
    assert calls == {"carry_on": 2, "_measure": 2, "measure_control": len(CONTROLS)}
    by = {row["label"]: row for row in told["rows"]}
    nats = {label: row["nats"]["goodfellow2014"]["test"] for label, row in by.items()}
    assert nats["mean image"] < nats["real images"] < nats["all training images"]
    assert nats["real images, Bernoulli draws"] < nats["real images, binarised at .5"] < nats["real images"]
    assert by["real images"]["nearness"] == 0, "they are training images"
    assert by["k-means centroids"]["samples"] == 1297 // 5
    (one,) = [one for one in told["results"]["units"] if one["row"] == "paper-adam"]
    assert one["trained"]["commit"]
    assert one["trained"]["advnets"] == version("advnets")
    assert one["steps"] == find_rows("paper-adam")[0].length("digits") // 100
    assert (one["layer_passes"], one["mixing"], one["test_readings"]) == (30_000, None, 1)
    assert set(one["numbers"]["scores"]) == set(metrics.PROTOCOLS)
    # A seed more: nothing that is finished is done again.
    assert main([*QUICK, "--seeds", "2", "--out", "pages/table.md"]) == 0
    assert "paper-adam, seed 1: measuring" in capsys.readouterr().err
    assert calls == {"carry_on": 3, "_measure": 3, "measure_control": len(CONTROLS)}
    assert "0,1" in Path("pages/table.md").read_text()
    # The results are lost, the runs are not: the test split is not read again.
    kept = json.loads(RESULTS.read_text())
    RESULTS.write_text(json.dumps({**kept, "units": []}))
    assert main([*words, "--seeds", "1"]) == main([*QUICK, "--seeds", "2"]) == 0
    assert calls["carry_on"] == calls["_measure"] == 3
    assert json.loads(RESULTS.read_text()) == kept
    assert [readings(0, "paper"), readings(0), readings(1)] == [1, 1, 1]
    capsys.readouterr()
    assert main(["table", "--show", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["results"]["units"]) == 3
    # What was trained for other steps does not stand in one mean with them.
    before = RESULTS.read_bytes()
    assert main([*QUICK[:4], "0.02"]) == 2
    assert "was trained for 10 steps, and 20 are asked now" in capsys.readouterr().err
    assert RESULTS.read_bytes() == before


def test_scores_are_those_that_evaluate_tells(tmp_path: Path) -> None:
    """One code for the table and for `advnets evaluate`: the very same numbers."""
    run = tiny.trained("run")
    unit = measure_run.measure_finished_run(run, Evaluator.of(run.dataset))
    report = run.evaluate(classifier=False, measures=("parzen",))
    found = unit.numbers.scores["goodfellow2014"]["validation"]
    score = report.measures["parzen"].estimate
    assert (found.value, found.error) == (score.value, score.error)
    real = measure_run.measure_control("real images", Evaluator.of(run.dataset)).numbers.scores["goodfellow2014"][
        "validation"
    ]
    assert real.value == pytest.approx(report.controls["real images"].value, abs=1e-3)


def with_controls() -> None:
    """Results that hold every control, so that none is measured."""
    some = results(a=1).controls["a"]
    controls = dict.fromkeys(CONTROLS, some)
    table_file(RESULTS).add(table.TableResults("digits", data.load("digits").digest, controls=controls))


def started(*code: str, share: str = "0.1") -> subprocess.Popen[str]:
    words = ["table", "--rows", "paper-adam", "--share", share, "--device", "cpu"]
    lines = [*code, "import sys", "from advnets.cli.main import main", f"sys.exit(main({words!r}))"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", "\n".join(lines)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def wait_for(path: Path, process: subprocess.Popen[str], word: str) -> None:
    deadline = time.monotonic() + 120
    while not (path.exists() and word in path.read_text()):
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), pytest.param(signal.SIGKILL, -9, marks=pytest.mark.slow)]
)
def test_a_unit_that_is_stopped_is_carried_on(
    number: signal.Signals, code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with_controls()
    process = started()
    wait_for(RUNS / "paper-adam-seed0" / "status.json", process, '"training"')
    process.send_signal(number)
    _, told = process.communicate(timeout=60)
    assert process.returncode == code, told
    assert "Traceback" not in told
    held = json.loads(RESULTS.read_text())
    assert (held["units"], len(held["controls"])) == ([], len(CONTROLS)), "what is finished is kept"
    stopped = json.loads((RUNS / "paper-adam-seed0" / "status.json").read_text())
    assert stopped["state"] == ("stopped" if code == 130 else "training")
    assert main(["table", "--rows", "paper-adam", "--share", "0.1", "--device", "cpu"]) == 0
    capsys.readouterr()
    (one,) = json.loads(RESULTS.read_text())["units"]
    assert stopped["step"] < one["steps"] == 100
    assert readings() == 1


def test_a_signal_while_measuring_leaves_the_run_finished(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], calls: Counter[str]
) -> None:
    # A measuring that never ends.
    slow = ("import time", "from pathlib import Path", "from advnets.studies.table import measure_run",
            "measure_run.measure_mixing = lambda *given: (Path('begun').write_text('x'), time.sleep(600))")  # fmt: skip
    with_controls()
    process = started(*slow, share="0.01")
    wait_for(Path("begun"), process, "x")
    process.send_signal(signal.SIGTERM)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 143, told
    assert "Traceback" not in told
    assert not (RUNS / "paper-adam-seed0" / "test-readings.jsonl").exists()
    assert main(QUICK) == 0
    assert calls == {"_measure": 1}, "it is only measured, and controls stay"
    assert readings() == 1
    capsys.readouterr()


def test_a_run_of_other_numbers_is_not_taken_for_a_unit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tiny.trained(str(RUNS / "paper-adam-seed0"), steps=2)
    with_controls()
    assert main(QUICK) == 2
    assert "was begun as another run than paper-adam, seed 0" in capsys.readouterr().err


def quick_table(**more: Any) -> table.TableStudy:
    return table.TableStudy(**{"rows": "paper-adam", "share": 0.01, "device": "cpu", **more})


def test_a_run_of_other_data_is_not_taken_for_a_unit(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for folder in ("one", "two"):
        Path(folder).mkdir()
        np.savez(f"{folder}/p.npz", images=rng.integers(0, 256, (300, 8, 8), np.uint8))
    one, two = (quick_table(data=f"{folder}/p.npz", results=f"{folder}.json") for folder in ("one", "two"))
    (row,) = find_rows("paper-adam")
    assert one._open_run(row, 0).path == two.runs_folder / "paper-adam-seed0"
    with pytest.raises(BadInput, match="was begun on other data"):
        two._open_run(row, 0)


def test_units_of_other_numbers_do_not_enter_one_mean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_controls()
    quick = quick_table()
    steps = quick._steps(*find_rows("paper-adam"))
    dataset = data.load("digits")
    now = measure_run.recipe_digest(RECIPES["paper-adam"])
    kept = replace(unit(), steps=steps, recipe=now)
    quick.results_file.add(table.TableResults("digits", dataset.digest, (kept,)))
    events = list(quick.run())
    assert [event for event in events if event.what.startswith("paper-adam")] == []
    assert "nothing is trained, since" in events[-1].doing
    words = replace(RECIPES["paper-adam"], about="said otherwise", budget=Budget(minutes=3.0))
    assert measure_run.recipe_digest(words) == now
    monkeypatch.setitem(study.RECIPES, "paper-adam", tiny.with_descents(words, optimizer=Adam(betas=(0.4, 0.99))))
    with pytest.raises(BadInput, match="trained by other numbers than the recipe has now"):
        list(quick.run())


def test_a_file_named_as_a_data_set_is_not_taken_for_it(tmp_path: Path) -> None:
    np.savez("mnist.npz", images=np.random.default_rng(0).integers(0, 256, (300, 28, 28), np.uint8))
    named = quick_table(data="mnist.npz").name
    assert named.startswith("mnist-")
    assert all(row.published_score(named) is None for row in table.TABLE_ROWS)
    assert find_rows("dbn")[0].published_score("mnist") == (138.0, 2.0)
    assert find_rows("dbn")[0].published_score("tfd_photos-12345678") is None


def test_a_unit_that_diverges_does_not_keep_the_others_from_their_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with_controls()
    real = table.TableStudy._make_unit

    def diverging(self: table.TableStudy, row: Any, seed: int, *given: Any) -> Iterator[table.TableProgress]:
        if seed == 0:
            raise NonFinite("NaN in the loss")
        yield from real(self, row, seed, *given)

    monkeypatch.setattr(table.TableStudy, "_make_unit", diverging)
    assert main([*QUICK, "--seeds", "2"]) == 3
    assert "paper-adam, seed 0: NaN in the loss" in capsys.readouterr().err
    assert [kept.seed for kept in quick_table().read().units] == [1]


def test_too_few_images_are_told_before_anything_is_measured(tmp_path: Path) -> None:
    np.savez("few.npz", images=np.random.default_rng(0).integers(0, 256, (80, 8, 8), np.uint8))
    with pytest.raises(BadInput, match="training images, and paper-adam takes 100 a step"):
        next(quick_table(data="few.npz").run())


class Drift(nn.Module):
    """A chain of known memory: each pixel an AR(1) process around .5."""

    burn_in, passes_per_step = 30, 4

    def __init__(self, phi: float) -> None:
        super().__init__()
        self.phi = phi

    def walk(self, z: Tensor) -> Iterator[Tensor]:
        """The states after each step."""
        x = torch.zeros(len(z), 1, 8, 8)
        while True:
            x = self.phi * x + (1 - self.phi**2) ** 0.5 * torch.randn_like(x)
            yield (0.5 + 0.12 * x).clamp(0, 1)

    def forward(self, z: Tensor) -> Tensor:
        """One sample of each chain."""
        walk = self.walk(z)
        for _ in range(self.burn_in - 1):
            next(walk)
        return next(walk)


def test_a_chain_is_measured_beside_independent_samples(tmp_path: Path) -> None:
    run = tiny.trained("run")
    evaluator = Evaluator.of(run.dataset)
    chain = measure_mixing(replace(run.model, network=Drift(0.8)), evaluator)
    assert chain is not None
    assert (chain.burn_in, chain.passes_per_step, chain.chains, chain.states) == (30, 4, 100, 10)
    assert chain.one.value == pytest.approx(9, rel=0.1), "(1 + .8) / (1 - .8) steps"
    assert chain.many.value == pytest.approx(9, rel=0.1)
    assert chain.one.enough
    assert (chain.one.chains, chain.one.steps, chain.many.chains, chain.many.steps) == (1, 1000, 100, 50)
    assert set(chain.consecutive) == {"validation", "test"}
    stuck = measure_mixing(replace(run.model, network=Drift(0.9999)), evaluator)
    assert stuck is not None
    assert not stuck.one.enough
    assert measure_mixing(run.model, evaluator) is None
    assert count_layers(run.model.network) == 2, "16 hidden units and the pixels; batch normalisation is no layer"


def test_what_is_told_of_a_row(tmp_path: Path) -> None:
    held = results(unit(value=180), unit(seed=1, value=190), unit("paper", value=260), real_images=246, mean_image=-59)
    lines = summarise(held)
    assert [line.recipe for line in lines] == ["paper", "paper-adam", None, None]
    assert [line.label for line in lines[2:]] == ["mean image", "real images"]
    paper, adam, mean, real = lines
    assert (adam.test, adam.between, adam.error, adam.seeds) == (185, pytest.approx(50**0.5), 2, (0, 1))
    assert adam.paper == (225, 2)
    assert (paper.flag, adam.flag, mean.flag, real.flag) == ("blur", "", "", "")
    assert (paper.between, mean.minutes) == (None, None)
    assert summarise(replace(held, data="cifar10"))[0].paper is None
    more = replace(
        held, controls={**held.controls, "all training images": MeasuredControl(numbers(320, 50_000), ORIGIN)}
    )
    assert [line.flag for line in summarise(more) if line.label.startswith("all")] == ["more centres"]


def test_the_page_has_the_checklist_beside_it(tmp_path: Path) -> None:
    held = results(unit(), unit(seed=1, value=190), real_images=246)
    page, text = table.as_markdown(held), table.as_text(held)
    for said in ("225 +- 2", "187.5", "0,1", "0.2000", "8.0-12.0", "0.800 (0.970)", "30,000"):
        assert said in page
        assert said in text
    said = ("not a log-likelihood of the ", "no dequantisation", "read once for each unit", "edge:", "ceiling",
            "std / sqrt(points)", "never draws", "autocorrelation", "246.0")  # fmt: skip
    for point in said:
        assert point in page
    rows = [line for line in page.splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in rows[:4]}) == 1
    assert "commit d3c02cd" in page
    again = replace(held, units=(replace(unit(), test_readings=3),))
    assert "up to 3 times" in table.as_markdown(again)


@pytest.mark.parametrize("share", [0.01, 0.1, 0.123, 1.0, 2.5])
def test_the_page_tells_the_share_of_the_steps(share: float) -> None:
    full = {row.recipe: row.length("mnist") for row in find_rows(None)}
    units = [replace(unit(row), steps=max(1, round(steps * share))) for row, steps in full.items()]
    said = f"share {share:g}: each row was trained for {share:g} times its full steps."
    for shown in (table.as_markdown, table.as_text):
        page = shown(results(*units))
        assert (said in page, "full steps" in page) == (share != 1,) * 2
        assert "full steps" not in shown(results())
    unlike = [unit("dbn"), replace(unit("paper"), steps=full["paper"])]
    unlike[0] = replace(unlike[0], steps=full["dbn"] // 2)
    mixed = "unlike shares of their full steps: DBN 0.5, Adversarial nets, text 1."
    assert mixed in table.as_text(results(*unlike))
    former = replace(unit("a-former-row"), steps=5)
    assert "full steps" not in table.as_text(results(former)), "nobody knows how many it had"


def test_results_survive_the_file(tmp_path: Path) -> None:
    chain = measure_mixing(
        replace(tiny.trained("run", steps=2).model, network=Drift(0.5)), Evaluator.of(data.load("digits"))
    )
    held = results(replace(unit(), mixing=chain), unit(seed=1), real_images=246)
    file = table_file(Path("r/table.json"))
    for one in held.units:
        file.add(replace(held, units=(one,), controls={}))
    assert file.add(replace(held, units=())) == held
    assert file.read() == held
    assert file.add(replace(held, units=(unit(value=0),))) == held, "a finished unit is never overwritten"
    with pytest.raises(BadInput, match="measured otherwise: data is 'mnist', expected 'digits'"):
        file.read_or(table.TableResults("digits", held.digest))


@pytest.mark.parametrize(
    "broken", [b"{", b"[]", b'{"data": "digits"}', b'{"data": "digits", "digest": "", "units": [{}]}']
)
def test_a_broken_results_file_is_told_and_left_alone(
    broken: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    RESULTS.parent.mkdir()
    RESULTS.write_bytes(broken)
    for words in (QUICK, ["table", "--show"]):
        assert main(words) == 2
        assert "table-digits.json" in capsys.readouterr().err
    assert RESULTS.read_bytes() == broken
    assert not RUNS.exists()
    with pytest.raises(Damaged):
        table.TableStudy().read()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--rows", "paper-adm"], "unknown row 'paper-adm'. Did you mean 'paper-adam'?"),
        (["--rows", ","], "no rows are named"),
        (["--seeds", "0"], "seeds is 0"),
        (["--share", "0"], "share is 0.0"),
        (["--data", "digitz"], "digits"),
        (["--data", "ring-8"], "holds points"),
        (["--data", "faces/TFD_48x48.mat"], "TFD_48x48.mat"),
        (["--device", "tpu"], "unknown device 'tpu'"),
        (["--out", "table.txt"], "a .md file"),
        (["--show"], "results/table-digits.json is not there"),
        (["--show", "--seeds", "2"], "Leave out --seeds"),
    ],
)
def test_bad_input_is_told(words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["table", *words]) == 2
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_users_own_file_of_faces(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    faces = np.random.default_rng(0).integers(0, 256, (150, 48, 48)).astype(np.uint8)
    folds = np.repeat([[0], [2], [3]], [120, 20, 10], 0).repeat(5, 1)
    savemat("TFD_48x48.mat", {"images": faces, "folds": folds})
    words = ["table", "--data", "TFD_48x48.mat:1", "--rows", "paper-adam", "--share", "0.0001", "--json"]
    assert main(words) == 0
    row, *controls = json.loads(capsys.readouterr().out)["rows"]
    assert (row["paper"], row["samples"], row["coverage"]) == ([2057, 26], 120, None)
    assert len(controls) == len(CONTROLS)
    assert Path("results/table-TFD_48x48-1.json").exists()
    assert "Ours is of one fold" in table.as_text(table.TableStudy("TFD_48x48.mat:1").read())


@pytest.mark.parametrize("name", ["tfd", "tfd-3"])
def test_faces_that_are_not_at_hand_end_well(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ADVNETS_DATA", str(tmp_path))
    assert main(["table", "--data", name]) == 0
    assert capsys.readouterr().out == "n/a: the data set is given by its owners on request\n"
    assert list(tmp_path.iterdir()) == []


def test_rows_are_recipes_with_lengths_in_steps(tmp_path: Path) -> None:
    assert [row.recipe for row in table.TABLE_ROWS if row.recipe not in RECIPES] == []
    assert [row.recipe for row in find_rows("paper-adam, paper")] == ["paper", "paper-adam"]
    for row in table.TABLE_ROWS:
        assert row.length("olivetti-48") == row.length("olivetti")
        assert row.length("photos") == row.length("mnist")
        assert all(type(steps) is int and steps > 0 for steps in row.steps)
        assert row.published_score("tfd-2") == row.paper.get("tfd")
        assert row.published_score("olivetti") is None
    for name in ("dbn", "stacked-cae", "dae", "dae-walkback", "deep-gsn", "paper-mnist", "best-mnist"):
        assert RECIPES[name].budget == Budget(steps=find_rows(name)[0].length("mnist")), name


def test_controls_are_what_they_are_called(tmp_path: Path) -> None:
    dataset = data.load("digits")
    images = {name: draw_control(name, dataset, 300).values[..., 0] / 255 for name in CONTROLS}
    assert [len(images[name]) for name in CONTROLS] == [1, 300, 1297, 259, 300, 300, 300]
    real = images["real images"]
    binarised = images["real images, binarised at .5"]
    assert set(binarised.flat) == set(images["real images, Bernoulli draws"].flat) == {0, 1}
    assert ((real > 0.5) == binarised).all()
    assert images["real images, Bernoulli draws"].mean() == pytest.approx(real.mean(), abs=0.01)
    blurred = images["PCA-50 reconstructions"]
    assert 0 < ((blurred - real) ** 2).mean() < 0.05 * real.var()
    assert abs(images["mean image"][0] - dataset.mean[0].numpy()).max() <= 0.5 / 255 + 1e-6


@pytest.mark.slow
def test_the_whole_table_on_digits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All rows, one seed: minutes. A row has 5,000 steps at most, too few for adversarial nets of MNIST's size, whose
    averages are still a mean image then; models that settle sooner are far above it."""
    began = time.monotonic()
    assert main(["table", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    print(f"{time.monotonic() - began:.0f} s")
    floor = next(row for row in told["rows"] if row["label"] == "mean image")["nats"]["goodfellow2014"]["test"]
    models = [row for row in told["rows"] if row["recipe"]]
    assert [row["recipe"] for row in models] == [row.recipe for row in table.TABLE_ROWS]
    scores = {row["recipe"]: row["nats"]["goodfellow2014"]["test"] for row in models}
    assert all(math.isfinite(score) for score in scores.values())
    assert min(scores[recipe] for recipe in ("dbn", "stacked-cae", "dae", "deep-gsn")) > floor + 5
    assert told["results"] == json.loads(RESULTS.read_text())
    assert [unit["row"] for unit in told["results"]["units"]] == list(scores)


def test_the_results_that_are_kept_are_of_the_recipes_that_there_are(tmp_path: Path) -> None:
    kept = table_file(Path(__file__).parents[2] / "results" / "table-mnist.json").read()
    assert {unit.row for unit in kept.units} >= {"dbn", "stacked-cae", "deep-gsn", "paper-mnist", "best-mnist"}
    for one in kept.units:
        assert one.recipe == measure_run.recipe_digest(RECIPES[one.row]), one.row
        assert one.test_readings == 1
    assert set(kept.controls) == set(CONTROLS)
