"""What an evaluation trains: a classifier only where something that is asked for looks at it."""

import pytest

from advnets import data, extractors
from advnets.assessment import EvaluationPlan, Subject, evaluate_samples, exhaust, run_measures
from advnets.data import Dataset
from advnets.errors import BadInput


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return data.load("digits")


@pytest.fixture
def untrained(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """No classifier is in the cache, and training one is noted and refused."""
    trained: list[str] = []

    def train(dataset: Dataset) -> extractors.Classifier:
        trained.append(dataset.name)
        raise BadInput("a classifier was trained")

    monkeypatch.setattr(extractors, "train_classifier", train)
    monkeypatch.setattr(extractors, "is_cached", lambda dataset: False)
    return trained


@pytest.mark.parametrize(
    "plan",
    [
        EvaluationPlan(measures=("parzen",)),
        EvaluationPlan(measures=("spectrum", "tone")),
        EvaluationPlan(measures=("copying",), extractor="pixels"),
        EvaluationPlan(measures=("fid",), classifier=False),
    ],
)
def test_what_looks_at_no_classifier_trains_none(plan: EvaluationPlan, digits: Dataset, untrained: list[str]) -> None:
    steps = evaluate_samples(Subject("samples", digits.test.values[:60]), digits, plan)
    report = exhaust(
        steps, lambda progress: untrained.append(progress.what) if "classifier of" in progress.what else None
    )
    assert list(report.measures) == list(plan.measures or ())
    assert untrained == []


@pytest.mark.parametrize(
    "plan",
    [
        EvaluationPlan(),
        EvaluationPlan(measures=("parzen",), figures=True),
        EvaluationPlan(measures=("parzen", "class-distance"), extractor="pixels"),
        EvaluationPlan(measures=("fid",)),
        EvaluationPlan(measures=("spectrum",), extractor="classifier"),
    ],
)
def test_what_looks_at_one_trains_it(plan: EvaluationPlan, digits: Dataset, untrained: list[str]) -> None:
    with pytest.raises(BadInput, match="was trained"):
        exhaust(evaluate_samples(Subject("samples", digits.test.values[:60]), digits, plan))
    assert untrained == ["digits"]


def test_a_measured_row_names_copies_only_where_they_are(digits: Dataset) -> None:
    """Words of the memorisation rows: only one names copies."""
    rows = {name: row for name, row in run_measures.MEASURES.items() if row.group == "memorisation"}
    assert [name for name, row in rows.items() if "copies" in row.differs] == ["copying"]
