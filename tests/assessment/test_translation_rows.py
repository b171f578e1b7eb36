"""The rows of translators: what they count, beside what, on which side their tests stand, and what they refuse."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from advnets.assessment import MEASURES, EvaluationPlan, Report, Subject, Translations, evaluate_samples, exhaust
from advnets.assessment.translation_rows import TRANSLATION_ROWS
from advnets.data import Dataset, Split

N, SIDE = 60, 12
ROWS = tuple(name for name in TRANSLATION_ROWS if name not in ("class-kept",))


def images(n: int, seed: int) -> torch.Tensor:
    """Dark images with a bright half, whose negatives are far from them."""
    rng = torch.Generator().manual_seed(seed)
    found = torch.randint(0, 60, (n, 1, SIDE, SIDE), generator=rng, dtype=torch.uint8)
    found[:, :, : SIDE // 2] += torch.randint(60, 190, (n, 1, 1, 1), generator=rng, dtype=torch.uint8)
    return found


def negatives(n: int, seed: int) -> Split:
    given = images(n, seed)
    return Split(255 - given, given=given)


@pytest.fixture(scope="module")
def pairs() -> Dataset:
    return Dataset("negatives", negatives(80, 1), negatives(N, 2), negatives(N, 3), None, "")


def measure(dataset: Dataset, made: torch.Tensor, measures: tuple[str, ...] = ROWS, **translations: object) -> Report:
    held_out = dataset.validation
    assert held_out.given is not None
    given: dict[str, object] = {"targets": held_out.values} | translations
    subject = Subject("made", made, translations=Translations(held_out.given, **given))  # type: ignore[arg-type]
    plan = EvaluationPlan(measures=measures, extractor="pixels", classifier=False)
    return exhaust(evaluate_samples(subject, dataset, plan))


def nearly(targets: torch.Tensor) -> torch.Tensor:
    """The targets, each a little too dark by an amount of its own."""
    darker = torch.arange(1, len(targets) + 1).view(-1, 1, 1, 1) % 9
    return (targets.int() - darker).clamp(min=0).to(torch.uint8)


def test_scores_and_baselines_are_those_of_their_formulas(pairs: Dataset) -> None:
    targets, given, train = pairs.validation.values, pairs.validation.given, pairs.train
    assert given is not None
    assert train.given is not None
    report = measure(pairs, nearly(targets))
    floats = {name: one.double().numpy() / 255 for name, one in (("made", nearly(targets)), ("target", targets))}
    ours = np.abs(floats["made"] - floats["target"]).mean((1, 2, 3))
    assert report.measures["l1"].estimate.value == pytest.approx(ours.mean())
    assert report.measures["l1"].estimate.error == pytest.approx(ours.std(ddof=1) / N**0.5)
    distances = (given.double().flatten(1)[:, None] - train.given.double().flatten(1)).square().sum(2)
    sides = {
        "copy": given,
        "mean": train.values.double().mean(0).round().expand_as(targets),
        "nearest": train.values[distances.argmin(1)],
    }
    for side, one in sides.items():
        theirs = np.abs(one.double().numpy() / 255 - floats["target"]).mean((1, 2, 3))
        found = report.measures[f"l1-beside-{side}"].estimate
        assert found.value == pytest.approx((ours - theirs).mean())
        assert found.error == pytest.approx((ours - theirs).std(ddof=1) / N**0.5)
        assert (found.notes["model"], found.notes["baseline"]) == pytest.approx((ours.mean(), theirs.mean()))


def test_what_is_better_is_told_by_every_test(pairs: Dataset) -> None:
    report = measure(pairs, nearly(pairs.validation.values), again=pairs.validation.given)
    rows = [name for name in report.measures if "-beside-" in name]
    assert len(rows) == 14
    for name in rows:
        if name == "kid-beside-mean":  # so few images do not tell
            continue
        assert report.verdicts[name].differs, name
        assert (report.verdicts[name].adjusted or 0) < 0.01, name
    assert not report.skipped


def test_what_is_worse_is_never_told_to_be_better(pairs: Dataset) -> None:
    """Noise: the tests are one-sided, and a large difference to the wrong side tells nothing."""
    rng = torch.Generator().manual_seed(5)
    noise = torch.randint(0, 256, pairs.validation.values.shape, generator=rng, dtype=torch.uint8)
    report = measure(pairs, noise, ("l1-beside-mean", "psnr-beside-mean", "ssim-beside-mean", "l1-beside-nearest"))
    assert report.measures["psnr-beside-mean"].estimate.value < 0 < report.measures["l1-beside-mean"].estimate.value
    for name, verdict in report.verdicts.items():
        assert not verdict.differs
        assert "not shown to be better than" in verdict.words, name


def test_a_copy_is_not_better_than_a_copy(pairs: Dataset) -> None:
    assert pairs.validation.given is not None
    report = measure(pairs, pairs.validation.given, ("l1-beside-copy", "fid-beside-copy", "kid-beside-copy"))
    assert {one.estimate.value for one in report.measures.values()} == {0.0}
    assert not any(verdict.differs for verdict in report.verdicts.values())


def test_distances_are_those_of_the_rows_of_all_samples(pairs: Dataset) -> None:
    report = measure(pairs, nearly(pairs.validation.values), ("fid", "kid", "fid-beside-mean", "kid-beside-copy"))
    for measured, row in (("fid", "fid-beside-mean"), ("kid", "kid-beside-copy")):
        found = report.measures[row].estimate
        assert found.notes["model"] == pytest.approx(report.measures[measured].estimate.value, rel=1e-4, abs=1e-9)
        assert found.value == pytest.approx(float(found.notes["model"]) - float(found.notes["baseline"]))


def test_the_way_back_is_measured_against_the_input(pairs: Dataset) -> None:
    given = pairs.validation.given
    assert given is not None
    report = measure(pairs, pairs.validation.values, ("cycle-error", "cycle-error-beside-mean"), again=given // 2)
    expected = (given.double() - (given // 2).double()).abs().mean() / 255
    assert report.measures["cycle-error"].estimate.value == pytest.approx(float(expected))
    assert report.measures["cycle-error-beside-mean"].estimate.notes["model"] == pytest.approx(float(expected))


def test_a_page_has_the_values_of_all_sides(pairs: Dataset) -> None:
    report = measure(pairs, nearly(pairs.validation.values))
    page = report.markdown()
    assert "| measure | translations | copy | mean | nearest |" in page
    assert "**translation**" in page
    again = Report.from_dict(report.as_dict())
    assert again.measures == report.measures


def test_without_pairs_only_distances_are_left(pairs: Dataset) -> None:
    train = replace(pairs.train, is_paired=False)
    report = measure(replace(pairs, train=train), nearly(pairs.validation.values), targets=None)
    assert set(report.measures) == {f"{name}-beside-{side}" for name in ("fid", "kid") for side in ("copy", "mean")}
    assert "nothing pairs the inputs" in report.skipped["l1"]
    assert "it takes the run of a cycle" in report.skipped["cycle-error"]
    truth_alone = measure(replace(pairs, train=train), nearly(pairs.validation.values))
    assert "the training images are no pairs" in truth_alone.skipped["l1-beside-nearest"]


@pytest.mark.parametrize("name", [name for name, row in TRANSLATION_ROWS.items() if row.least > 1])
def test_a_row_says_how_many_images_it_needs_and_those_will_do(name: str, pairs: Dataset) -> None:
    least, held_out = TRANSLATION_ROWS[name].least, pairs.validation
    for n in (least, least - 1):
        some = held_out.select(torch.arange(n))
        assert some.given is not None
        of = Translations(some.given, some.values, again=some.given // 2)
        subject = Subject("made", nearly(some.values), translations=of)
        plan = EvaluationPlan(measures=(name,), extractor="pixels", classifier=False)
        report = exhaust(evaluate_samples(subject, pairs, plan))
        assert (name in report.measures) == (n == least), report.skipped
    assert f"it needs {least} or more" in report.skipped[name]


def test_samples_that_are_no_translations_have_no_such_rows(pairs: Dataset) -> None:
    plan = EvaluationPlan(extractor="pixels", classifier=False)
    report = exhaust(evaluate_samples(Subject("drawn", pairs.validation.values), pairs, replace(plan, measures=None)))
    assert not set(TRANSLATION_ROWS) & {*report.measures, *report.skipped}
    asked = exhaust(
        evaluate_samples(Subject("drawn", pairs.validation.values), pairs, replace(plan, measures=("l1", "fid")))
    )
    assert "it takes a model that is given images" in asked.skipped["l1"]


def test_the_class_of_the_input_is_kept(pairs: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a classifier that tells bright images from dark ones."""

    class ByBrightness:
        id, accuracy = "by brightness", 1.0

        def logits(self, values: torch.Tensor) -> torch.Tensor:
            bright = values.double().flatten(1).mean(1) - 150
            return torch.stack([-bright, bright], 1)

        def features(self, values: torch.Tensor) -> torch.Tensor:
            return values.flatten(1).float()

    judge = ByBrightness()
    splits = [replace(one, labels=judge.logits(one.values).argmax(1)) for one in pairs.splits.values()]
    dataset = Dataset("bright", *splits, 2, "")
    monkeypatch.setattr("advnets.extractors.train_classifier", lambda data: judge)
    monkeypatch.setattr("advnets.extractors.is_cached", lambda data: True)
    labels = dataset.validation.labels
    assert labels is not None
    assert dataset.validation.given is not None
    for made, expected in ((dataset.validation.values, 1.0), (255 - dataset.validation.values, None)):
        of = Translations(dataset.validation.given, labels=labels)
        steps = evaluate_samples(
            Subject("made", made, translations=of), dataset, EvaluationPlan(measures=("class-kept",))
        )
        found = exhaust(steps).measures["class-kept"].estimate
        kept = (judge.logits(made).argmax(1) == labels).double().mean()
        assert found.value == pytest.approx(float(kept)) == pytest.approx(expected or float(kept))
        assert found.floor == 1.0
    assert MEASURES["class-kept"].better == "higher"
