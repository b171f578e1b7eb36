"""Data that repeat themselves: what real images get has ties too, and the reader is told first."""

from dataclasses import replace

import pytest
import torch

from advnets import assessment, data, metrics
from advnets.assessment import assess
from advnets.assessment.context import Context
from advnets.assessment.jackknives import density_of_real
from advnets.data import Dataset, Split

ROWS = ("coverage", "density", "near-duplicates", "precision", "recall")


def unlabelled_digits() -> Dataset:
    """Digits, for which no classifier is trained."""
    digits = data.load("digits")
    train, validation, test = (Split(split.values) for split in (digits.train, digits.validation, digits.test))
    return replace(
        digits, train=train, validation=validation, test=test, classes=None, class_names=None, known_digest=None
    )


def draws(seed: int, images: int = 300) -> tuple[Dataset, torch.Tensor]:
    """Digits that are draws of so few images, and samples that are draws of them too."""
    digits, rng = unlabelled_digits(), torch.Generator().manual_seed(seed)
    few = torch.randperm(len(digits.train), generator=rng)[:images]

    def draw(n: int) -> torch.Tensor:
        return digits.train.values[few[torch.randint(images, (n,), generator=rng)]]

    train, held_out = Split(draw(1000)), Split(draw(500))
    return replace(digits, train=train, validation=held_out, test=held_out), draw(500)


@pytest.mark.parametrize("seed", range(3))
def test_draws_of_data_that_repeat_themselves_are_as_real(seed: int) -> None:
    repeated, samples = draws(seed)
    found = assess(samples, repeated, measures=ROWS, extractor="pixels")
    assert not [name for name, verdict in found.verdicts.items() if verdict.differs], str(found)
    near = found.measures["near-duplicates"].estimate
    assert near.floor == pytest.approx(near.value, rel=0.1)
    coverage = found.measures["coverage"].estimate
    assert coverage.notes["n"] == coverage.notes["m"] == 250
    assert coverage.floor != metrics.neighbours.expected_coverage(250, 250, 5)


def test_the_repetition_is_told_before_any_number() -> None:
    repeated, samples = draws(0)
    found = assess(samples, repeated, measures=("coverage",), extractor="pixels")
    assert found.against.repeats > 450
    page = str(found)
    assert 0 < page.index("The data repeat themselves: 4") < page.index("| measure")
    assert assessment.Report.from_dict(found.as_dict()).against == found.against


def test_a_generator_that_draws_a_tenth_of_such_data_differs() -> None:
    repeated, samples = draws(0)
    few = samples[:30].repeat(17, 1, 1, 1)[:500]
    found = assess(few, repeated, measures=ROWS, extractor="pixels")
    assert found.verdicts["coverage"].differs
    assert found.verdicts["recall"].differs


def test_data_that_do_not_repeat_themselves_keep_their_exact_floors() -> None:
    digits = unlabelled_digits()
    found = assess(digits.test.values, digits, measures=("coverage", "density", "near-duplicates"), extractor="pixels")
    assert found.against.repeats == 0
    assert "repeat themselves" not in str(found)
    estimates = {name: measure.estimate for name, measure in found.measures.items()}
    assert estimates["density"].floor == 1
    assert estimates["coverage"].floor == pytest.approx(0.969, abs=1e-3)
    assert estimates["near-duplicates"].floor == pytest.approx(0.01 * len(digits.test))


def test_the_density_that_paired_sets_are_held_against_has_ties_too() -> None:
    repeated, samples = draws(0)
    context = Context(samples, assessment.reference(repeated, "pixels"))
    assert 0 < density_of_real(context) < 0.95
    digits = unlabelled_digits()
    assert density_of_real(Context(digits.test.values, assessment.reference(digits, "pixels"))) == 1


def test_equals_are_counted_across_both_sets() -> None:
    digits = unlabelled_digits()
    some = digits.validation.values.clone()
    some[3], some[5] = some[2], digits.train.values[0]
    changed = replace(digits, validation=Split(some))
    assert assessment.reference(changed, "pixels").repeats == 3
