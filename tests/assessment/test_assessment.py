"""Measuring samples: real ones pass, damage is found and named, and what cannot be measured is said."""

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import Tensor

from advnets import assessment, data, metrics
from advnets.assessment import (
    GROUPS,
    KINDS,
    MEASURES,
    AskedClasses,
    CheckpointChoice,
    MeasureRow,
    Report,
    Subject,
    assess,
    exhaust,
    measure_samples,
    reference,
    verdicts,
)
from advnets.assessment.context import Context
from advnets.assessment.report import format_estimate
from advnets.assessment.verdict import NOT_SHOWN, explain_numbers, floor_p_value
from advnets.data import Dataset, Split
from advnets.errors import BadInput, NonFinite
from advnets.statistics import Estimate


@pytest.fixture(scope="module")
def digits() -> Dataset:
    """Digits parted anew, at random: its own splits are of other writers, and no sample of one is a real one's peer."""
    found = data.load("digits")
    values, labels = (
        torch.cat(part) for part in zip(*((s.values, s.labels) for s in found.splits.values()), strict=True)
    )
    parts = torch.randperm(len(values), generator=torch.Generator().manual_seed(1)).split([797, 500, 500])
    train, validation, test = (Split(values[part], labels[part]) for part in parts)
    return Dataset("digits again", train, validation, test, 10, "digits, parted at random")


@pytest.fixture(scope="module")
def held(digits: Dataset) -> assessment.Reference:
    return reference(digits)


@pytest.fixture(scope="module")
def clean(digits: Dataset, held: assessment.Reference) -> Report:
    return assess(digits.test.values, held)


def holds_floor(found: Estimate) -> bool | None:
    """Whether what real samples get lies within the 95 % interval of a value, taken alone."""
    p = floor_p_value(found)
    return None if p is None else p >= 0.05


def adjusted(report: Report) -> Mapping[str, float]:
    return {name: verdict.adjusted for name, verdict in report.verdicts.items() if verdict.adjusted is not None}


def test_of_real_images_no_difference_is_told(clean: Report) -> None:
    assert min(adjusted(clean).values()) > 0.01
    assert clean.skipped.keys() == {"logits-gap"}
    assert not {name for name, verdict in clean.verdicts.items() if verdict.differs}
    for name in ("fid", "kid", "precision", "recall", "density", "coverage", "vendi", "parzen", "class-shares"):
        assert clean.measures[name].estimate.floor is not None, name


def test_damage_is_found_by_the_measures_that_are_for_it(digits: Dataset, held: assessment.Reference) -> None:
    real = digits.test.values
    copies = torch.cat([real[:350], digits.train.values[:150]])
    assert adjusted(assess(copies, held))["copying"] < 0.01
    assert digits.test.labels is not None
    dropped = real[digits.test.labels != 3]
    assert adjusted(assess(dropped, held))["class-distance"] < 0.01
    repeated = torch.cat([real[:400], real[:100]])
    assert adjusted(assess(repeated, held))["duplicates"] < 0.01


def test_the_class_asked_is_the_class_drawn_of_real_images_and_by_chance_otherwise(
    digits: Dataset, held: assessment.Reference
) -> None:
    plan = assessment.EvaluationPlan(measures=("class-asked", "class-shares"))
    labels = digits.test.labels
    assert labels is not None
    subject = Subject("digits", digits.test.values, asked=AskedClasses(labels))
    report = exhaust(measure_samples(subject, held, plan))
    found = report.measures["class-asked"].estimate
    assert held.classifier is not None
    assert found.floor == held.classifier.accuracy
    assert not report.verdicts["class-asked"].differs
    assert f"for {100 * found.value:.0f} % +- {100 * found.standard_error:.1f} of the samples" in report.markdown()
    for asked, why in (
        (None, "no classes were asked: it takes a model that is given labels"),
        (AskedClasses(labels, ("cat", "dog")), "the classes asked are cat, dog, and those of digits again are unnamed"),
        (AskedClasses(labels + 1), "class 10 was asked, and digits again has 10"),
    ):
        assert why in exhaust(measure_samples(replace(subject, asked=asked), held, plan)).skipped["class-asked"]
    elsewhere = replace(subject, asked=AskedClasses((labels + 1) % 10))
    wrong = exhaust(measure_samples(elsewhere, held, plan))
    assert wrong.measures["class-asked"].estimate.value < 0.1
    assert wrong.verdicts["class-asked"].differs


def test_noise_is_told_from_real_by_all_that_look_at_fidelity(digits: Dataset, held: assessment.Reference) -> None:
    noise = torch.randint(0, 256, (500, 1, 8, 8), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    found = assess(noise, held)
    for name in ("fid", "kid", "precision", "spectrum", "coverage", "neighbour-test", "classifier-test", "parzen"):
        assert found.verdicts[name].differs, name


def test_a_report_goes_to_json_and_back(clean: Report) -> None:
    again = Report.from_dict(json.loads(json.dumps(clean.as_dict(), allow_nan=False)))
    assert again == clean
    assert again.verdicts == clean.verdicts
    assert again.markdown() == clean.markdown()


@pytest.mark.parametrize("told", [{}, [], {"schema": 1}, {"schema": 2}, {"schema": 2, "against": {"data": 3}}])
def test_what_is_no_report_is_refused(told: object) -> None:
    with pytest.raises(BadInput, match="report"):
        Report.from_dict(told)  # type: ignore[arg-type]


def test_the_page_tells_every_measure_its_question_and_the_controls(clean: Report) -> None:
    page = clean.markdown(definitions=True)
    for name, measure in clean.measures.items():
        assert f"| {name} " in page
        assert MEASURES[name].asks in page
        assert MEASURES[name].asks not in clean.markdown()
        assert measure.protocol["digest"] == clean.against.digest
    for words in ("mean image", "k-means centroids", "% of the way", "blur, not quality", "Classes of 500 samples",
                  "have one (Holm)", "Not measured:", "logits-gap: no discriminator"):  # fmt: skip
        assert words in page
    assert 0.5 < (clean.share_of_the_way() or 0) < 1.5


@pytest.mark.parametrize("name", MEASURES)
def test_every_row_of_the_table_is_whole(name: str) -> None:
    row = MEASURES[name]
    assert row.group in GROUPS
    assert row.better in ("lower", "higher", "floor")
    assert row.on in KINDS
    assert row.of in ("any", "images", "points")
    assert row.asks[-1] in "?."
    assert name == name.lower().replace(" ", "-")


def test_a_new_measure_is_one_row(digits: Dataset, held: assessment.Reference, monkeypatch: pytest.MonkeyPatch) -> None:
    def brightness(context: Context) -> Estimate:
        return Estimate(float(context.values.float().mean()), 1.0, float(context.reference.held_out.float().mean()))

    row = MeasureRow("fidelity", "How bright are samples?", "floor", brightness, on="values")
    monkeypatch.setitem(assessment.MEASURES, "brightness", row)
    found = assess(digits.test.values, held, measures=["brightness"])
    assert found.verdicts["brightness"].words.startswith(NOT_SHOWN)
    assert "How bright are samples?" in found.markdown(definitions=True)


def test_a_reference_made_once_gives_what_a_fresh_one_gives(digits: Dataset, held: assessment.Reference) -> None:
    names = ("fid", "coverage", "class-distance")
    once, fresh = (assess(digits.test.values, to, measures=names).measures for to in (held, digits))
    assert once == fresh


def test_sorted_samples_are_measured_as_shuffled_ones(digits: Dataset, held: assessment.Reference) -> None:
    assert digits.test.labels is not None
    by_class = digits.test.values[digits.test.labels.argsort()]
    found = assess(by_class, held, measures=("precision", "recall", "coverage", "vendi"))
    assert all(not verdict.differs for verdict in found.verdicts.values()), found


def test_without_labels_or_a_classifier_the_rest_is_measured(digits: Dataset) -> None:
    bare = Dataset("bare", *(Split(split.values) for split in digits.splits.values()), None, "")
    found = assess(digits.test.values[:100], bare, measures=("fid", "class-distance", "inception-score", "modes"))
    assert found.measures.keys() == {"fid"}
    assert "labelled images" in found.skipped["class-distance"]
    assert "points" in found.skipped["modes"]
    assert found.against.classifier is None
    assert "classifier" not in found.measures["fid"].protocol["extractor"]


DRAWN = [name for name, row in MEASURES.items() if "translations" not in row.needs]
"""Those of samples that are no translations."""


@pytest.mark.parametrize("name", [name for name in DRAWN if MEASURES[name].least > 1])
def test_a_measure_says_how_many_samples_it_needs_and_those_will_do(held: assessment.Reference,
                                                                    digits: Dataset, name: str) -> None:  # fmt: skip
    enough, few = (assess(digits.test.values[: MEASURES[name].least - less], held, measures=(name,)) for less in (0, 1))
    assert enough.measures.keys() == {name}
    assert f"it needs {MEASURES[name].least} or more; raise --n" in few.skipped[name]


@pytest.mark.parametrize("n", [1, 2, 3])
def test_too_few_samples_are_said_to_be_too_few(digits: Dataset, held: assessment.Reference, n: int) -> None:
    found = assess(digits.test.values[:n], held)
    suiting = {name for name in DRAWN if MEASURES[name].of != "points"} - {"class-asked"}  # nothing was asked
    assert {*found.measures, *found.skipped} == suiting
    assert all(reason for reason in found.skipped.values())
    json.dumps(found.as_dict(), allow_nan=False)
    assert str(found)
    if n == 1:
        assert "fid" in found.skipped
    else:
        assert found.verdicts["fid"].words == "too few samples to tell"
        assert "Note:" in str(found)
        assert "- fid: so few samples" in str(found)


def test_a_collapsed_generator_is_measured_too(digits: Dataset, held: assessment.Reference) -> None:
    found = assess(digits.test.values[:1].repeat(300, 1, 1, 1), held)
    json.dumps(found.as_dict(), allow_nan=False)
    assert found.verdicts["coverage"].differs
    assert adjusted(found)["class-distance"] < 0.01
    assert adjusted(found)["duplicates"] < 0.01


def test_points_have_measures_of_their_own() -> None:
    ring = data.load("ring-8")
    ring = replace(ring, train=Split(ring.train.values[:2000], ring.train.labels[:2000]))
    found = assess(ring.test.values[:500], ring, measures=("modes", "high-quality", "mode-divergence", "fid"))
    assert found.measures["modes"].estimate.value == 8
    assert not found.skipped
    one = assess(ring.test.values[:500] * 0 + torch.tensor([2.0, 0.0]), ring, measures=("modes", "parzen"))
    assert one.measures["modes"].estimate.value == 1
    assert "it is for images" in one.skipped["parzen"]


def images(n: int, *shape: int) -> Tensor:
    return torch.zeros(n, *shape, dtype=torch.uint8)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (images(5, 1, 9, 9), r"samples of shape \(1, 9, 9\), expected \(1, 8, 8\)"),
        (images(5, 3, 8, 8), "Bring both to one size"),
        (images(0, 1, 8, 8), "at least one image"),
        (torch.zeros(5, 1, 8, 8), "found torch.float32"),
        (torch.zeros(5, 2), "samples of shape"),
    ],
)
def test_samples_that_do_not_fit_are_refused(digits: Dataset, values: Tensor, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        assess(values, digits)


def test_a_nan_among_points_is_named() -> None:
    with pytest.raises(NonFinite, match="point 1 has a NaN"):
        Subject("mine", torch.tensor([[0.0, 1.0], [math.nan, 0.0]]))


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        ({"split": "tset"}, "unknown split 'tset'. Did you mean 'test'"),
        ({"measures": ("fidd",)}, "unknown measure 'fidd'. Did you mean 'fid'"),
        ({"extractor": "pixel"}, "Did you mean 'pixels'"),
        ({"protocol": "goodfellow"}, "goodfellow2014"),
        ({"seed": -1}, "seed is -1"),
    ],
)
def test_plans_that_cannot_be_are_refused(digits: Dataset, plan: dict[str, object], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        assess(digits.test.values, digits, **plan)  # type: ignore[arg-type]


def test_a_number_that_is_none_is_no_measure(digits: Dataset, held: assessment.Reference,
                                             monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.setattr("advnets.assessment.measures.frechet", lambda *sides: Estimate(math.nan))
    infinite = Estimate(1.0, interval=(0.5, math.inf))
    monkeypatch.setattr("advnets.assessment.measures.coverage", lambda *sides, k: infinite)
    found = assess(digits.test.values, held, measures=("fid", "coverage"))
    assert "came out as nan" in found.skipped["fid"]
    assert found.measures["coverage"].estimate.notes["interval"] == "0.5 to inf"
    json.dumps(found.as_dict(), allow_nan=False)


def test_words_say_no_more_than_the_numbers() -> None:
    found = verdicts(
        {
            "fid": Estimate(4.0, 0.5, 1.0),
            "precision": Estimate(0.8, 0.01, 0.79, {"floor_error": 0.0}),
            "recall": Estimate(0.7, 0.01, 0.79),
            "vendi": Estimate(3.0, None, 2.0),
            "birthday": Estimate(3.0, 1.0),
            "copying": Estimate(0.5, p_value=0.02),
            "duplicates": Estimate(3.0, p_value=0.001),
            "kid": Estimate(0.1, 0.1, 0.0, p_value=0.5),
        }
    )
    assert found["fid"].words == "4 times that of real images (p < 1e-06)"
    assert found["precision"].words == "no difference can be shown (p = 0.63)"  # never "as real"
    assert found["recall"].words == "0.09 below real images (p < 1e-06)"
    assert found["vendi"].words == "1 above real images; its error is not known"
    assert found["vendi"].differs is None
    assert found["birthday"].words == "there is nothing real to compare it with"
    assert found["copying"].adjusted == pytest.approx(0.06)
    assert found["duplicates"].words == "more near-duplicates than among real images (p = 0.004)"
    assert found["kid"].words == "no difference can be shown (p = 0.63)"


def test_a_footer_says_what_an_interval_is_of_and_that_fid_is_not_the_published_one() -> None:
    biased = Estimate(9.783, 0.5, 9.0, interval=(7.58, 9.47), bias=1.25)
    assert format_estimate(biased) == "9.783, less bias 8.53 [7.58, 9.47]"
    plain = {"precision": Estimate(0.8, 0.01, 0.79)}
    assert "less bias" in explain_numbers({"fid": biased}, "convnet 24")
    assert "not the published FID" in explain_numbers({"fid": biased}, "convnet 24")
    assert "published" not in explain_numbers({"fid": biased}, "inception-2015-12-05; resized")
    assert "less bias" not in explain_numbers(plain, "convnet 24")
    assert "5 % at most tell any difference here, and 1 % in the first" in explain_numbers(plain, "convnet 24")


def test_a_value_beyond_its_own_interval_is_adjusted_with_all_rows() -> None:
    beyond = Estimate(1.0, 0.1, 0.75)  # 2.5 errors apart
    alone = verdicts({"vendi": beyond})["vendi"]
    assert alone.differs
    assert alone.adjusted == pytest.approx(0.0124, abs=1e-4)
    among = verdicts({"vendi": beyond, **{f"row {i}": Estimate(1.0, 0.1, 1.0) for i in range(9)}})["vendi"]
    assert not among.differs
    assert among.words == "no difference can be shown (p = 0.12)"


def false_reports(together: float) -> int:
    """How many of 400 reports of 24 rows on real samples tell anything; rows share that part of their luck."""
    rng, told = np.random.default_rng(0), 0
    for _ in range(400):
        z = together * rng.normal() + math.sqrt(1 - together**2) * rng.normal(size=24)
        values = {f"value {i}": Estimate(one, 0.8, 0.0, {"floor_error": 0.6}) for i, one in enumerate(z[::2])}
        tests = {
            f"test {i}": Estimate(one, p_value=math.erfc(abs(one) / math.sqrt(2))) for i, one in enumerate(z[1::2])
        }
        told += any(one.differs for one in verdicts(values | tests).values())
    return told


@pytest.mark.parametrize("together", [0.0, 0.9])
def test_one_in_twenty_reports_on_real_samples_tells_anything(together: float) -> None:
    assert 0 < false_reports(together) <= 400 * 0.05 + 3 * math.sqrt(400 * 0.05 * 0.95)


def test_rows_that_are_not_adjusted_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("advnets.statistics.holm", list)
    assert false_reports(0.0) > 200


def test_the_error_of_a_measured_floor_counts() -> None:
    assert not holds_floor(Estimate(1.0, 0.1, 1.3))
    assert holds_floor(Estimate(1.0, 0.1, 1.3, {"floor_error": 0.15}))
    assert holds_floor(Estimate(1.0, None, 1.3, interval=(0.9, 1.4)))
    assert holds_floor(Estimate(1.0, None, 1.3)) is None


def draws(seed: int, train: int, m: int, d: int) -> tuple[Tensor, Tensor]:
    rng = torch.Generator().manual_seed(seed)
    return torch.randn(train, d, generator=rng), torch.randn(m, d, generator=rng)


@pytest.mark.parametrize(
    ("train", "m", "d"), [(30, 60, 10), (100, 200, 10), (449, 800, 10), (797, 500, 16), (300, 1000, 2)]
)
def test_counted_near_duplicates_of_real_draws_are_as_real(train: int, m: int, d: int) -> None:
    """The threshold is the luck of a few training items, which the error over samples knows nothing of."""
    told = []
    for seed in range(60):
        real, samples = draws(seed, train, m, d)
        told.append(holds_floor(metrics.near_duplicates(samples, real, seed=seed)))
    assert sum(not one for one in told) <= 5


def test_near_duplicates_that_are_there_or_hardly_any_are_not_as_real() -> None:
    real, samples = draws(0, 300, 1000, 2)
    far = metrics.near_duplicates(samples + 100, real)
    assert far.value == 0
    assert far.standard_error > 0.9
    assert not holds_floor(metrics.near_duplicates(torch.cat([samples, real[:200]]), real))
    real, samples = draws(1, 5000, 1000, 10)
    samples[:50] = real[:50]
    assert not holds_floor(metrics.near_duplicates(samples, real))


def test_the_birthday_of_real_draws_is_as_real_and_that_of_copies_is_not() -> None:
    """Its floor is a count of two pairs or so."""
    told = []
    for seed in range(60):
        real, samples = draws(seed, 500, 250, 8)
        told.append(holds_floor(metrics.birthday(samples, real, seed=seed)))
    assert None not in told
    assert sum(not one for one in told) <= 7
    repeated = samples[:50].repeat(5, 1)
    assert verdicts({"birthday": metrics.birthday(repeated, real)})["birthday"].differs


@pytest.mark.parametrize(
    ("notes", "interval", "holds"),
    [
        ({"floor_low": 5.0, "floor_high": 20.0}, (22.0, 40.0), False),
        ({"floor_low": 5.0, "floor_high": 60.0}, (22.0, 40.0), True),
        ({"floor_low": 5.0}, (28.0, 40.0), True),
        ({"floor_low": 5.0, "floor_high": 15.0, "low": 25.0}, None, False),
        ({"floor_low": 5.0, "floor_high": 35.0, "low": 25.0}, None, True),
    ],
)
def test_the_interval_of_a_floor_counts_on_the_side_that_faces_the_value(
    notes: dict[str, float], interval: tuple[float, float] | None, holds: bool
) -> None:
    assert holds_floor(Estimate(30.0, None, 10.0, notes, interval)) is holds


def test_a_floor_is_as_biased_as_the_value_and_an_interval_is_not() -> None:
    assert holds_floor(Estimate(1.0, 0.1, 0.9, interval=(0.0, 0.2), bias=0.95))
    assert not holds_floor(Estimate(2.0, 0.1, 0.9, interval=(0.9, 1.2), bias=0.95))
    assert holds_floor(Estimate(5.0, 0.1, 5.1, interval=(5.1, 5.3), bias=-0.2))


@pytest.mark.parametrize(
    ("values", "error", "best", "words"),
    [
        ((3.0, 1.0, 2.0), 0.1, 2, "is worse by 1 +- 0.14, more than the error"),
        ((3.0, 1.0, 1.1), 0.1, 2, "within the error: they cannot be told apart"),
        ((3.0,), 0.1, 1, "It is the only one"),
        ((3.0, 1.0), None, 2, "the error of that is not known"),
    ],
)
def test_of_checkpoints_the_best_is_named_and_whether_it_can_be_told(
    clean: Report, values: tuple[float, ...], error: float | None, best: int, words: str
) -> None:
    fid = clean.measures["fid"]
    reports = {
        step: replace(clean, measures={"fid": replace(fid, estimate=Estimate(value, error, 0.5))})
        for step, value in enumerate(values, 1)
    }
    choice = CheckpointChoice("fid", reports, {"00000009": "damaged"})
    assert choice.best == best
    assert words in str(choice)
    assert "Passed over: 00000009" in str(choice)
    json.dumps(choice.as_dict(), allow_nan=False)


@pytest.mark.parametrize(("values", "best"), [((3.0, 1.05, 0.4), 2), ((0.5, 1.4, 4.0), 2), ((0.8, 1.4, 9.0), 1)])
def test_the_best_checkpoint_is_nearest_to_the_floor_and_not_the_blurriest(
    clean: Report, values: tuple[float, ...], best: int
) -> None:
    density = clean.measures["density"]
    reports = {
        step: replace(clean, measures={"density": replace(density, estimate=Estimate(value, 0.1, 1.0))})
        for step, value in enumerate(values, 1)
    }
    assert CheckpointChoice("density", reports, {}).best == best
    blind = {1: replace(clean, measures={"density": replace(density, estimate=Estimate(1.0, 0.1))})}
    with pytest.raises(BadInput, match="not known what real images get"):
        _ = CheckpointChoice("density", blind, {}).best


def test_checkpoints_with_other_measures_are_put_beside_each_other(clean: Report) -> None:
    fid, vendi = clean.measures["fid"], clean.measures["vendi"]
    reports = {
        1: replace(clean, measures={"fid": fid, "vendi": vendi}, skipped={"logits-gap": "no discriminator"}),
        1000: replace(clean, measures={"fid": fid}, skipped={"logits-gap": "no discriminator", "vendi": "too few"}),
    }
    told = str(CheckpointChoice("fid", reports, {}))
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in told.splitlines() if line.startswith("|")]
    assert rows[0] == ["step", "fid", "vendi", "logits-gap"]
    assert rows[3][0] == "1,000"
    assert rows[3][2:] == ["-", "-"]
    assert "Not measured: vendi, step 1,000: too few" in told
    assert "Not measured: logits-gap, step 1 and 1,000: no discriminator" in told


def test_values_and_floors_are_of_as_many_images(digits: Dataset, held: assessment.Reference) -> None:
    """1,000 draws of real images, with doubles, beside 500 held-out ones: the floor is theirs, not that of 500."""
    many = digits.test.values.repeat(2, 1, 1, 1)
    context = Context(many, held)
    for name, logits in (("inception-score", context.scores), ("class-shares", (context.logits, held.held_out_logits))):
        found = MEASURES[name].find(context)
        samples, real = context.draw_equal_counts(logits)
        assert (len(samples), len(real), found.notes["n"]) == (500, 500, 500)
        like = MEASURES[name].find(Context(digits.validation.values, held))
        assert found.floor == pytest.approx(like.floor), name
        assert like.value == pytest.approx(like.floor), name
    assert context.scores[1] is held.held_out_logits


def test_class_shares_are_told_of_all_samples_and_parts_are_named(digits: Dataset, held: assessment.Reference) -> None:
    many = torch.cat([digits.test.values, digits.train.values])
    found = assess(many, held, measures=("fid", "precision", "class-shares", "coverage"))
    notes = found.measures["class-shares"].estimate.notes
    exact = metrics.class_shares(Context(many, held).logits.argmax(1), 10).notes
    assert {name: notes[name] for name in exact if name != "n"} == {k: v for k, v in exact.items() if k != "n"}
    assert "Classes of 1,297 samples" in str(found)
    assert "250 by precision; 500 by coverage, class-shares." in str(found) or (
        "250 by precision; 500 by class-shares, coverage." in str(found)
    )


def test_copies_of_training_images_are_counted_under_the_table(digits: Dataset, held: assessment.Reference) -> None:
    samples = torch.cat([digits.test.values[:400], digits.train.values[:7]])
    assert "- copying: 7 samples equal a training image" in str(assess(samples, held, measures=("copying",)))


def test_many_noises_are_at_least_so_many_images(digits: Dataset, held: assessment.Reference) -> None:
    noise = torch.randint(0, 256, (300, 1, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    found = assess(noise, held, measures=("birthday",))
    assert found.measures["birthday"].estimate.notes["collisions"] == 0
    assert "| at least " in str(found)


def test_of_many_real_images_the_inception_score_is_as_real() -> None:
    """Scores of 1,000 samples beside 250 held-out images were above real in 37 of 40 draws."""
    told = []
    for seed in range(20):
        logits = 3 * torch.randn(1250, 10, generator=torch.Generator().manual_seed(seed))
        stub = SimpleNamespace(order=torch.arange(250), dataset=SimpleNamespace(classes=10, class_names=None),
                               held_out_logits=logits[1000:])  # fmt: skip
        context = Context(torch.zeros(1000, 1), stub)  # type: ignore[arg-type]
        context.__dict__["logits"] = logits[:1000]
        context.__dict__["scores"] = (logits[:1000], logits[1000:])
        told += [holds_floor(MEASURES[name].find(context)) for name in ("inception-score", "class-shares")]
    assert sum(not one for one in told) <= 5


def test_parzen_has_as_many_centres_as_its_control(digits: Dataset, held: assessment.Reference) -> None:
    """With more samples than training images, real images were above real images by their number alone."""
    few = replace(held, dataset=replace(digits, train=Split(digits.train.values[:100], digits.train.labels[:100])))
    found = assess(digits.test.values, few, measures=("parzen",))
    parzen = found.measures["parzen"]
    assert parzen.estimate.notes["n_centres"] == parzen.protocol["n_centres"] == 100
    assert parzen.estimate.notes["samples left out"] == 400
    assert found.controls["real images"].notes["n_centres"] == 100
    assert abs((found.share_of_the_way() or 0) - 1) < 0.3


@pytest.mark.parametrize(("level", "last"), [(0, 0), (128, 128), (0, 1)])
def test_between_controls_that_are_alike_there_is_no_way(level: int, last: int) -> None:
    """All images are of one grey: real ones and their mean score alike, or nearly so."""
    grey = torch.full((400, 1, 4, 4), level, dtype=torch.uint8)
    grey[::50, 0, 0, 0] = last
    plain = Dataset("grey", Split(grey), Split(grey[:100]), Split(grey[:100]), None, "")
    found = assess(255 - grey, plain, measures=("parzen",), extractor="pixels")
    assert found.share_of_the_way() is None
    assert json.loads(json.dumps(found.as_dict()))["share_of_the_way"] is None
    assert "of the way" not in found.markdown()
    assert "| mean image" in found.markdown()
    assert "not a log-likelihood" in found.markdown()


def test_the_figures_are_drawn(digits: Dataset, held: assessment.Reference) -> None:
    subject = Subject("digits", digits.test.values)
    plan = assessment.EvaluationPlan(measures=("coverage",), figures=True)
    report = assessment.exhaust(assessment.measure_samples(subject, held, plan))
    assert report.figures.keys() == {"neighbours", "projection", "classes", "spectrum"}
    assert all(picture.startswith(b"\x89PNG") for picture in report.figures.values())
    assert "![classes](figures/classes.png)" in report.markdown()
    ring = data.load("ring-8")
    points = assessment.Subject("points", ring.test.values[:200])
    drawn = assessment.exhaust(assessment.measure_samples(points, reference(ring), replace(plan, measures=("modes",))))
    assert drawn.figures.keys() == {"projection"}
    assert np.isfinite(drawn.seconds)
