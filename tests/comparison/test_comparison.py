"""Sides beside each other: what differs is told, what does not is not, and what is unlike is refused by its fields."""

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import tiny
from advnets import assessment, data, experiment, runs, statistics
from advnets.algorithm import Algorithm1
from advnets.assessment import MEASURES, Context, EvaluationPlan, assess
from advnets.cli.main import main
from advnets.comparison import Comparison, Side, compare_reports, compare_samples
from advnets.comparison.difference import (
    NOT_SHOWN,
    NOT_TESTED,
    ROUNDED,
    THE_SAME,
    Contrast,
    contrast_reports,
    contrast_seeds,
    judge,
    smallest_exact_p_value,
)
from advnets.comparison.inputs import parse_sides
from advnets.comparison.work import count_parameters, trained_seconds
from advnets.errors import BadInput, Missing, NonFinite
from advnets.experiment import Samples
from advnets.experiment.preparation.build_training import build_training
from advnets.networks import DenseGenerator
from advnets.statistics import Estimate

PLAIN = EvaluationPlan(measures=("fid", "kid", "coverage", "parzen"), extractor="pca", classifier=False)
WORDS = ["--extractor", "pca", "--no-classifier", "--measures", "fid,kid"]


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def write(name: str, start: int = 0, n: int = 300, noise: int = 0, shape: tuple[int, int] = (8, 8)) -> str:
    """Digits that nobody measures against, FILE.npz, with noise of so many levels."""
    values = data.load("digits").train.values[start : start + n].numpy().astype(int)
    levels = np.random.default_rng(start).integers(-noise, noise + 1, values.shape)
    images = np.clip(values + levels, 0, 255).astype(np.uint8)[..., : shape[0], : shape[1]]
    Samples(images.transpose(0, 2, 3, 1).copy()).save(name)
    return name


def compared(*words: str, plan: EvaluationPlan = PLAIN, **more: Any) -> Comparison:
    return assessment.exhaust(compare_samples(words, plan, others="digits", **more))


def by_measure(found: Comparison) -> dict[str, Contrast]:
    return {each.measure: each for each in found.contrasts}


def test_damage_is_told_and_two_draws_of_real_images_are_not(tmp_path: Path) -> None:
    write("a.npz")
    write("b.npz", start=300)
    write("noisy.npz", start=600, noise=90)
    alike, apart = compared("a.npz", "b.npz"), compared("a.npz", "noisy.npz")
    assert {each.words for each in alike.contrasts} == {NOT_SHOWN}
    assert alike.verdict() == "No difference can be shown, by any of 4 tests. There may still be one."
    worse = by_measure(apart)
    assert worse["fid"].words == worse["kid"].words == "a.npz is better"
    assert apart.verdict().startswith("a.npz is better than noisy.npz by ")
    assert all(each.smallest is not None and each.smallest > 0 for each in worse.values())
    assert apart.kind == "paired"
    assert apart.protocol["samples"] == 300
    assert "`advnets evaluate`, which" not in apart.markdown()
    assert "freedom" not in apart.markdown()


def test_three_sides_are_three_pairs_and_one_family_of_tests(tmp_path: Path) -> None:
    for number in range(3):
        write(f"{number}.npz", start=300 * number, n=200)
    found = compared("0.npz", "x=1.npz", "2.npz", plan=replace(PLAIN, measures=("fid", "coverage")))
    assert [(each.first, each.second) for each in found.contrasts[::2]] == [
        ("0.npz", "x"), ("0.npz", "2.npz"), ("x", "2.npz"),
    ]  # fmt: skip
    p = [each.difference.p_value or 0.0 for each in found.contrasts]
    assert [each.adjusted for each in found.contrasts] == pytest.approx(statistics.holm(p))
    assert "## 0.npz - x" in found.markdown()


def test_the_same_side_twice_differs_by_exactly_nothing(tmp_path: Path) -> None:
    found = compared(write("a.npz"), "a.npz")
    assert {each.words for each in found.contrasts} == {THE_SAME}
    assert found.verdict().startswith("The sides are equal in all that was measured")
    assert [side.name for side in found.sides] == ["a.npz", "a.npz (2)"]


def test_as_many_samples_of_each_are_measured_and_fewer_than_asked_for_are_refused(tmp_path: Path) -> None:
    write("few.npz", n=90)
    write("many.npz", start=300)
    assert compared("few.npz", "many.npz").protocol["samples"] == 90
    with pytest.raises(BadInput, match=r"few.npz: found 90 samples, expected 200, as --n says"):
        compared("few.npz", "many.npz", plan=replace(PLAIN, n=200))


def test_what_cannot_be_taken_is_left_out_with_the_reason(tmp_path: Path) -> None:
    write("a.npz", n=30)
    write("b.npz", n=30, start=300)
    found = compared("a.npz", "b.npz", plan=replace(PLAIN, measures=("fid", "parzen", "class-distance")))
    assert [each.measure for each in found.contrasts] == ["parzen"]
    assert "samples: found 30, expected 40" in found.left_out["fid"]
    assert "no classifier" in found.left_out["class-distance"]
    with pytest.raises(BadInput, match="nothing could be compared: samples: found 30"):
        compared("a.npz", "b.npz", plan=replace(PLAIN, measures=("fid",)))


def test_few_held_out_images_are_no_ground_for_a_claim_by_neighbourhoods(tmp_path: Path) -> None:
    write("a.npz", n=60)
    write("b.npz", n=60, start=300)
    write("real.npz", n=80, start=600)
    plan = replace(PLAIN, measures=("recall", "coverage", "precision", "density", "nearest-training"))
    found = assessment.exhaust(compare_samples(["a.npz", "b.npz"], plan, others="real.npz"))
    assert [each.measure for each in found.contrasts] == ["nearest-training"]
    for name in ("recall", "coverage", "precision", "density"):
        assert "held-out images, and sides are compared by it with 40 or more" in found.left_out[name]
    few = "Which side looks more real, or varies more, cannot be told by "
    assert found.verdict().startswith(few)
    alone = assessment.exhaust(
        compare_samples(["a.npz", "b.npz"], replace(plan, measures=("nearest-training",)), others="real.npz")
    )
    assert few not in alone.verdict(), "it was not asked"


def test_of_points_parzen_is_left_out_and_the_rest_is_compared(tmp_path: Path) -> None:
    ring = data.load("ring-8")
    for number in range(2):
        Samples(ring.test.values[300 * number : 300 * (number + 1)].numpy()).save(f"{number}.npz")
    plan = EvaluationPlan(measures=("fid", "parzen"))
    found = assessment.exhaust(compare_samples(["0.npz", "1.npz"], plan, others="ring-8"))
    assert [each.measure for each in found.contrasts] == ["fid"]
    assert list(found.left_out) == ["parzen"]


def test_the_side_with_fewer_copies_is_better(tmp_path: Path) -> None:
    """All samples are training images, or every other one."""
    digits = data.load("digits")
    mixed = torch.stack([digits.train.values[:125], digits.test.values[:125]], 1).flatten(0, 1)
    Samples(mixed.permute(0, 2, 3, 1).numpy()).save("mixed.npz")
    write("copies.npz", n=250)
    found = compared("copies.npz", "mixed.npz", plan=replace(PLAIN, measures=("nearest-training",)))
    only = by_measure(found)["nearest-training"]
    assert (only.a.value, only.a.floor) == (pytest.approx(1.0), 0.5)
    assert only.words == "mixed.npz is better"


def test_runs_by_the_command_are_compared_and_then_their_reports(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for seed in range(4):
        tiny.trained(f"r{seed}", seed=seed % 2, steps=4 if seed < 2 else 8)
    assert main(["compare", "r0", "r2", *WORDS, "--n", "100", "--split", "test", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [side["steps"] for side in told["sides"]] == [[4], [8]]
    assert main(["compare", "r0", "r2", *WORDS, "--n", "100"]) == 0
    lead = "The sides were trained for unlike numbers of steps (r0: 4, r2: 8), which alone may make them differ. "
    assert lead in capsys.readouterr().out
    assert main(["compare", "r0", "r1", *WORDS, "--n", "100"]) == 0
    assert "unlike numbers of steps" not in capsys.readouterr().out
    assert [each["measure"] for each in told["contrasts"]] == ["fid", "kid"]
    for name in ("r0", "r2"):
        reading = json.loads(Path(name, "test-readings.jsonl").read_text())
        assert (reading["split"], reading["samples"], reading["compared"]) == ("test", 100, True)
    groups = ["few=r0,r1", "more=r3,r2"]
    assert main(["compare", *groups, *WORDS, "--n", "100", "--out", "page.md"]) == 0
    page = Path("page.md").read_text()
    assert "a paired t test, as each group has runs of the same seeds" in page
    assert "The test has 1 degree of freedom. Two runs a group are few: only large differences can be shown." in page
    assert "does not hold the error of the real images" in page
    assert main(["compare", *groups, *WORDS, "--n", "100", "--out", "page.md"]) == 2
    assert main(["compare", *groups, *WORDS, "--n", "100", "--unpaired", "--json"]) == 0
    capsys.readouterr()

    assert main(["compare", "r0", "r1", "--reports"]) == 2
    assert "r0 has no report yet" in capsys.readouterr().err
    for name, n in (("r0", "100"), ("r1", "100"), ("r2", "90")):
        assert main(["evaluate", name, *WORDS, "--n", n, "--json"]) == 0
        Path(f"{name}.json").write_text(capsys.readouterr().out)
    assert main(["compare", "r0", "r1.json", "--reports", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["kind"], len(told["contrasts"])) == ("reports", 2)
    assert main(["compare", "r0", "r2", "--reports"]) == 2
    assert "fid of r0 and of r2 were measured differently (samples: 100 and 90)" in capsys.readouterr().err
    assert main(["compare", "r0", "r1", "--reports", "--n", "100", "--seed", "3"]) == 2
    assert "leave out --n, --seed" in capsys.readouterr().err
    assert main(["compare", "r0.json", "r1", *WORDS]) == 2
    assert "r0.json is a report; give --reports" in capsys.readouterr().err
    tiny.experiment.resume("r0", steps=8)
    with pytest.raises(BadInput, match="is of step 4, expected 8"):
        compare_reports(["r0", "r1"])


def test_the_runs_of_a_group_differ_by_their_seed_and_by_nothing_else(tmp_path: Path) -> None:
    for name, seed, steps in (("a", 0, 4), ("b", 1, 4), ("later", 2, 8), ("e", 4, 4), ("f", 5, 4)):
        tiny.trained(name, seed=seed, steps=steps)
    tiny.trained("wide", replace(tiny.RECIPE, batch_size=16), seed=3, steps=4)
    shutil.copytree("a", "copy")
    expected = {
        "x=a,b,copy": "x: a and copy both have the seed 0",
        "x=a,later": r"x: a and later differ by more than their seed \(step: 4 and 8\)",
        "x=a,wide": r"x: a and wide differ by more than their seed \(batch_size: 32 and 16\)",
    }
    for word, message in expected.items():
        with pytest.raises(BadInput, match=message):
            list(compare_samples([word, "y=e,f"], PLAIN))
    for name in ("a", "copy"):
        experiment.Run(Path(name)).evaluate(measures=("fid",), extractor="pca", classifier=False, n=60)
        shutil.copy(Path(name, "report.json"), f"{name}.json")
    with pytest.raises(BadInput, match="x: a and copy both have the seed 0"):
        compare_reports(["x=a,copy", "y=a.json,copy.json"])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("measures", 5),
        ("measures", ["fid"]),
        ("measures", {"fid": 3}),
        ("skipped", ["a"]),
        ("skipped", {"a": 3}),
        ("controls", 3),
        ("controls", {"mean image": 3}),
        ("controls", {"mean image": {"value": 1.0}}),
        ("step", "4"),
        ("seconds", [1]),
        ("seconds", "long"),
        ("figures", 3),
        ("name", None),
        ("against", []),
    ],
)
def test_a_malformed_report_is_bad_input_that_names_the_file(
    field: str, value: object, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    digits = assessment.reference(data.load("digits"), "pixels", classifier=False)
    told = assess(digits.train[:60], digits, measures=("spectrum",)).as_dict()
    for name, given in (("good", {}), ("bad", {field: value})):
        Path(f"{name}.json").write_text(runs.sealed_text({**told, **given}))
    assert main(["compare", "good.json", "good.json", "--reports", "--measures", "spectrum,spectrum"]) == 0
    assert capsys.readouterr().out.count("| spectrum") == 1
    assert main(["compare", "good.json", "bad.json", "--reports"]) == 2
    err = capsys.readouterr().err
    assert "bad.json: " in err
    assert field in err


def test_sides_of_unlike_sizes_and_unlike_data_are_refused(tmp_path: Path) -> None:
    write("a.npz")
    write("small.npz", shape=(7, 8))
    with pytest.raises(BadInput, match=r"small.npz: samples of shape \(1, 7, 8\), expected \(1, 8, 8\)"):
        compared("a.npz", "small.npz")
    tiny.trained("run", steps=4)
    with pytest.raises(BadInput, match=r"unlike data \(name: 'digits' and 'mnist'; digest: .*; shape: \(1, 8, 8\)"):
        list(compare_samples(["run", "paper-mnist"], PLAIN))
    with pytest.raises(Missing, match=r"all sides are files; .* --against"):
        list(compare_samples(["a.npz", "small.npz"], PLAIN))
    with pytest.raises(Missing, match="nothing"):
        list(compare_samples(["run", "nothing"], PLAIN))
    with pytest.raises(BadInput, match="unknown measure that is compared in pairs 'vendi'"):
        list(compare_samples(["run", "run"], replace(PLAIN, measures=("vendi",))))
    with pytest.raises(BadInput, match=r"unknown control 'hom'\. Did you mean 'holm'"):
        list(compare_samples(["run", "run"], PLAIN, control="hom"))
    with pytest.raises(BadInput, match="--unpaired is for groups"):
        list(compare_samples(["run", "run"], PLAIN, unpaired=True))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["a"], "found 1 side, expected two or more"),
        (["x=a", "x=b"], "two sides are called 'x'"),
        (["x=a", "y=b,c"], "x is one run, beside 2 of y"),
        (["x=a,a", "y=b,c"], "a is given twice"),
        (["x=a,b", "y=b,c"], "b is given twice"),
        (["x=a,", "y=b,c"], "expected PATH, NAME=PATH"),
        (["=a", "b"], "expected PATH, NAME=PATH"),
    ],
)
def test_words_that_are_no_sides_are_refused(words: list[str], message: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=message):
        parse_sides(words)


def test_a_path_with_an_equals_sign_is_a_path(tmp_path: Path) -> None:
    Path("a=b,c").mkdir()
    assert [side.paths for side in parse_sides(["a=b,c", "k"])] == [("a=b,c",), ("k",)]


@pytest.mark.parametrize(
    ("measure", "a", "b", "floor", "words"),
    [
        ("fid", 1.0, 2.0, None, "A is better"),
        ("coverage", 1.0, 2.0, None, "B is better"),
        ("parzen", 5.0, 6.0, 9.0, "B is better"),
        ("parzen", 12.0, 11.0, 9.0, "B is better"),
        ("parzen", 8.0, 11.0, 9.0, "A is better"),
        ("parzen", 8.0, 10.0, 9.0, "B is higher"),
        ("density", 2.0, 0.9, 1.0, "B is better"),
        ("precision", 0.99, 0.8, 0.79, "B is better"),
        ("inception-score", 9.0, 7.0, 7.5, "B is better"),
        ("parzen", 12.0, 11.0, None, "A is higher"),
        ("of another version", 12.0, 11.0, 9.0, "A is higher"),
    ],
)
def test_the_better_side_is_the_one_nearer_to_real(
    measure: str, a: float, b: float, floor: float | None, words: str
) -> None:
    pair = (Estimate(a, 0.01, floor), Estimate(b, 0.01, floor))
    assert judge([contrast_reports(measure, ("A", "B"), *pair)])[0].words == words


@pytest.mark.parametrize(("a", "words"), [(1.2, "A is higher"), (1.25, "A is higher"), (1.5, "B is better")])
def test_of_two_sides_about_real_the_nearer_one_has_to_be_shown_too(a: float, words: str) -> None:
    """Both differ surely, but .2 above real and .2 below it are as near."""
    found = contrast_reports("density", ("A", "B"), Estimate(a, 0.05, 1.0), Estimate(0.8, 0.05, 1.0))
    assert judge([found])[0].words == words


def test_what_rounding_does_is_no_difference() -> None:
    found = judge([contrast_reports("fid", ("A", "B"), Estimate(1.0, 1e-9), Estimate(1.0 + 5e-7, 1e-9))])
    assert (found[0].words, found[0].better) == (ROUNDED, None)


def test_blur_is_not_better_than_real_images(tmp_path: Path) -> None:
    """Images drawn towards their mean lie more densely among real images than these do."""
    real = data.load("digits").test.values[:250]
    blurred = (0.6 * real + 0.4 * real.float().mean(0)).to(torch.uint8)
    for name, values in (("real.npz", real), ("blur.npz", blurred)):
        Samples(values.permute(0, 2, 3, 1).numpy()).save(name)
    whole = compared("real.npz", "blur.npz", plan=replace(PLAIN, measures=("density", "precision")))
    found = by_measure(whole)
    assert found["density"].b.value > 1.2
    assert found["density"].words == "real.npz is better"
    assert found["precision"].a.floor is not None
    page = whole.markdown()
    head, row = (next(line for line in page.splitlines() if f"| {name} " in line) for name in ("measure", "density"))
    columns = [[cell.strip() for cell in line.split("|")] for line in (head, row)]
    assert columns[1][columns[0].index("real")] == "1"
    assert (
        "Values of precision, density are not those of `advnets evaluate`, which measures them against at most half"
        in page
    )


def test_without_an_error_nothing_is_tested() -> None:
    for error in (None, 0.0):
        found = judge([contrast_reports("fid", ("A", "B"), Estimate(1.0, error), Estimate(2.0, error))])[0]
        assert (found.words, found.adjusted, found.smallest) == (NOT_TESTED, None, None)
    assert judge([contrast_reports("fid", ("A", "B"), Estimate(1.0, 0.0), Estimate(1.0, 0.0))])[0].words == THE_SAME


def test_reports_are_tested_by_their_errors_and_adjusted_together() -> None:
    found = [
        contrast_reports("fid", ("A", "B"), Estimate(1.0, 3.0), Estimate(value, 4.0)) for value in (1.0, 12.0, 30.0)
    ]
    assert found[1].difference.error == 5.0
    assert found[1].difference.p_value == pytest.approx(math.erfc(11 / 5 / math.sqrt(2)), rel=1e-3)
    assert [each.words for each in judge(found)] == [NOT_SHOWN, NOT_SHOWN, "A is better"]
    loose = judge(found, "benjamini-hochberg")
    assert [each.words for each in loose] == [NOT_SHOWN, "A is better", "A is better"]
    assert judge(found)[0].smallest == pytest.approx(5 * (2.394 + 0.842), rel=1e-3)  # .05 / 3, power .8


def test_seeds_are_matched_or_not() -> None:
    a, b = [1.0, 2.0, 3.0], [1.5, 2.6, 3.4]
    paired = contrast_seeds("fid", ("A", "B"), a, b, matched=True, floor=None)
    welch = contrast_seeds("fid", ("A", "B"), a, b, matched=False, floor=None)
    assert paired.difference.p_value == pytest.approx(0.0131, abs=1e-3)
    assert welch.difference.p_value is not None
    assert welch.difference.p_value > 0.5
    assert (paired.degrees, welch.degrees) == (2.0, pytest.approx(4.0, abs=0.1))
    assert (welch.a.value, welch.a.error) == (2.0, pytest.approx(1 / math.sqrt(3)))
    # Three seeds a group: what differs by less than three to four errors is hardly shown.
    smallest = judge([welch])[0].smallest
    assert smallest is not None
    assert smallest / (welch.difference.error or 0) == pytest.approx(3.76, abs=0.1)


@pytest.mark.parametrize("pairs", [2, 3, 5, 6])
def test_of_few_pairs_a_page_says_what_the_test_rests_on(pairs: int) -> None:
    seeds = tuple(range(pairs))
    a, b = [1.0 + 0.1 * seed for seed in seeds], [3.0 + 0.13 * seed for seed in seeds]
    matched = contrast_seeds("fid", ("A", "B"), a, b, matched=True, floor=None)
    least = smallest_exact_p_value(pairs)
    notes = matched.difference.notes
    assert (notes["p_sign"], notes["p_permutation"]) == (pytest.approx(least), pytest.approx(least))
    sides = tuple(Side(name, tuple(f"{name}{seed}" for seed in seeds), (4,) * pairs, seeds) for name in ("A", "B"))
    page = Comparison("matched seeds", sides, {}, judge([matched]), {}, "holm").markdown()
    assert "The runs of a pair share their seed alone." in page
    assert "`--unpaired` (in Python `unpaired=True`) tests without pairing." in page
    few = f"Of {pairs} pairs they cannot go below p = {least:.4g}".replace("0.", ".")
    assert (few in page, "rests on differences of pairs that are normally distributed" in page) == (pairs < 6,) * 2
    welch = contrast_seeds("fid", ("A", "B"), a, b, matched=False, floor=None)
    other = Comparison("seeds", sides, {}, judge([welch]), {}, "holm").markdown()
    assert "share their seed" not in other
    assert "cannot go below" not in other


def test_groups_of_one_number_each_are_compared_without_a_warning() -> None:
    found = contrast_seeds("coverage", ("A", "B"), [0.0, 0.0, 0.0], [0.2, 0.3, 0.25], matched=False, floor=None)
    assert judge([found])[0].words == "B is better"
    same = contrast_seeds("coverage", ("A", "B"), [0.0, 0.0], [0.0, 0.0], matched=False, floor=None)
    assert judge([same])[0].words == THE_SAME


def test_a_mean_of_equal_runs_has_no_error_of_zero() -> None:
    found = contrast_seeds("precision", ("A", "B"), [0.408, 0.408], [0.3, 0.5], matched=False, floor=1.0)
    sides = tuple(Side(name, (f"{name}1", f"{name}2"), (4, 4), (0, 1)) for name in ("A", "B"))
    page = Comparison("seeds", sides, {}, judge([found]), {}, "holm").markdown()
    assert "+- 0 " not in page
    assert "| 0.408 (all alike) |" in page
    assert "`(all alike)` stands where all runs of a group have one value: so few tell no error." in page
    other = contrast_seeds("precision", ("A", "B"), [0.4, 0.41], [0.3, 0.5], matched=False, floor=1.0)
    assert "all alike" not in Comparison("seeds", sides, {}, judge([other]), {}, "holm").markdown()


def test_groups_and_pairs_call_a_side_better_by_one_rule() -> None:
    """The test of which side is nearer to real is as strict as that of the difference, whatever tests are beside it."""
    sure = [contrast_reports("fid", ("A", "B"), Estimate(1.0, 0.01), Estimate(2.0, 0.01)) for _ in range(3)]
    group = contrast_seeds("parzen", ("A", "B"), [-10.2, -9.8], [-1.0, -1.1], matched=True, floor=0.0)
    pair = contrast_reports("parzen", ("A", "B"), Estimate(-10.0, 0.2, 0.0), Estimate(-1.05, 0.05, 0.0))
    assert group.difference.p_value == pytest.approx(0.018, abs=1e-3)
    for one in (group, pair):
        assert judge([one])[0].words == judge([*sure, one])[-1].words == "B is better"


@pytest.mark.parametrize(("floor", "told"), [(9.0, True), (12.0, False)])
def test_a_page_says_why_a_side_is_higher_and_not_better(floor: float, told: bool) -> None:
    found = contrast_reports("parzen", ("A", "B"), Estimate(8.0, 0.01, floor), Estimate(10.0, 0.01, floor))
    sides = (Side("A", ("A",), (4,), (0,)), Side("B", ("B",), (4,), (0,)))
    page = Comparison("reports", sides, {}, judge([found]), {}, "holm").markdown()
    assert ("`is higher` stands where two values differ, and which of them is nearer" in page) == told


def test_sides_whose_steps_cost_unlike_work_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = replace(tiny.RECIPE, name="tiny")
    tiny.trained("plain", one, steps=4, seed=3)
    tiny.trained("often", replace(one, algorithm=Algorithm1(k=3), batch_size=16), steps=4)
    wider = replace(tiny.LEARNER, generator=DenseGenerator(hidden=(20,), batch_norm=True))
    tiny.trained("wide", replace(one, learner=wider), steps=4)
    tiny.trained("staged", tiny.TWO_STAGES, steps=4)
    assert main(["compare", "plain", "often", *WORDS, "--n", "100"]) == 0
    page = capsys.readouterr().out
    assert (
        "Equal steps of the sides are not equal work, for they differ in moves of the discriminator a step, k "
        "(plain: 1, often: 3); batch size (plain: 32, often: 16). Seconds of training: plain: "
    ) in page
    assert "- plain: step 4; recipe tiny; trained with seed 3" in page
    assert "seed of the samples 0" in page
    for other, told in {
        "wide": "they differ in numbers of the generator (plain: 1,200, wide: 1,484). ",
        "staged": "they differ in stages (plain: 1, staged: 2). ",
    }.items():
        assert main(["compare", "plain", other, *WORDS, "--n", "100"]) == 0
        assert told in capsys.readouterr().out
    write("files.npz")
    assert main(["compare", "plain", "files.npz", *WORDS, "--n", "100"]) == 0
    page = capsys.readouterr().out
    assert "not equal work" not in page
    assert "- files.npz\n" in page
    for name in ("plain", "often"):
        assert main(["evaluate", name, *WORDS, "--n", "100"]) == 0
    capsys.readouterr()
    assert main(["compare", "plain", "often", "--reports", "--json"]) == 0
    sides = json.loads(capsys.readouterr().out)["sides"]
    assert [(side["recipe"], side["seeds"], side["work"]["k"]) for side in sides] == [
        ("tiny", [3], "1"), ("tiny", [0], "3")
    ]  # fmt: skip
    assert all(side["seconds"][0] > 0 for side in sides)


def test_work_is_that_of_the_networks_and_seconds_are_those_of_the_checkpoint(tmp_path: Path) -> None:
    run = tiny.trained("run", steps=8, journal_steps=2)
    players = build_training(run.recipe, run.dataset, seed=0, device=torch.device("cpu")).players
    built = {player: sum(theta.numel() for theta in network.parameters()) for player, network in players.items()}
    assert count_parameters(run.record) == built
    first, last = trained_seconds(run, 3), trained_seconds(run, 8)
    assert first is not None
    assert last is not None
    assert 0 < first < last


def test_a_comparison_is_json(tmp_path: Path) -> None:
    found = compared(write("a.npz", n=60), write("b.npz", n=60, start=300))
    assert json.loads(json.dumps(found.as_dict()))["contrasts"][0]["difference"]["value"] == pytest.approx(
        found.contrasts[0].difference.value
    )
    assert found.markdown() == str(found)


def test_values_are_those_of_evaluate(tmp_path: Path) -> None:
    """Fid, kid and the Parzen score see all samples and all real images, as `assess` has them."""
    write("a.npz")
    write("b.npz", start=300)
    found = compared("a.npz", "b.npz")
    digits = data.load("digits")
    against = assessment.reference(digits, "pca", classifier=False)
    values = digits.train.values[:300]
    report = assess(values, against, measures=("fid", "kid", "parzen"))
    for name in ("fid", "kid", "parzen"):
        assert by_measure(found)[name].a.value == pytest.approx(report.measures[name].estimate.value, rel=1e-5)


def test_what_real_images_get_is_that_of_evaluate(tmp_path: Path) -> None:
    for number in range(2):
        write(f"{number}.npz", start=300 * number)
    wanted = ("fid", "kid", "recall", "coverage", "class-distance")
    found = compared("0.npz", "1.npz", plan=EvaluationPlan(measures=wanted, extractor="random", classifier=True))
    digits = data.load("digits")
    against = assessment.reference(digits, "random")
    report = assess(digits.train.values[:300], against, measures=wanted)
    floors = {name: each.a.floor for name, each in by_measure(found).items()}
    assert floors == {name: each.b.floor for name, each in by_measure(found).items()}
    assert floors["kid"] == report.measures["kid"].estimate.floor == 0
    for name in ("fid", "class-distance", "coverage"):
        assert floors[name] == pytest.approx(report.measures[name].estimate.floor)
    recall = floors["recall"]
    assert recall is not None
    assert recall == pytest.approx(report.measures["recall"].estimate.floor, abs=0.2), "measured on other images"
    table = [line.split("|") for line in found.markdown().splitlines() if line.startswith("| ")]
    assert all(row[5].strip() for row in table), "the column `real` is full"


def test_a_frechet_distance_of_too_few_samples_has_no_floor(tmp_path: Path) -> None:
    plan = EvaluationPlan(measures=("fid",), extractor="pixels", classifier=False)
    found = compared(write("a.npz", n=60), write("b.npz", n=60, start=300), plan=plan)
    assert by_measure(found)["fid"].a.floor is None
    assert "it is empty where that is not known, as for `fid` of too few samples" in found.markdown()


def test_a_measure_is_not_left_out_for_a_floor_that_it_is_not_judged_by(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_floor(context: Context) -> float:
        raise NonFinite("no floor")

    write("a.npz")
    write("b.npz", start=300)
    for name in ("coverage", "parzen"):
        monkeypatch.setitem(MEASURES, name, replace(MEASURES[name], paired_floor=no_floor))
    found = compared("a.npz", "b.npz", plan=replace(PLAIN, measures=("coverage", "parzen")))
    assert [(each.measure, each.a.floor) for each in found.contrasts] == [("coverage", None)]
    assert found.left_out == {"parzen": "no floor"}


def test_what_runs_of_one_recipe_differ_in_is_told_as_it_is_typed(tmp_path: Path) -> None:
    tiny.trained("usual", steps=4)
    tiny.trained("fast", experiment.change_recipe(tiny.RECIPE, generator_rate=0.003), steps=4, seed=1)
    found = assessment.exhaust(compare_samples(["usual", "fast"], replace(PLAIN, n=60, measures=("fid",))))
    (line,) = [line for line in found.markdown().splitlines() if "trained otherwise by" in line]
    assert line.count(";") == 0
    assert line.endswith("/ 0.003")
    assert "--generator.rate" in line
    assert list(found.as_dict()["settings_differ"]) == ["--generator.rate"]
