"""The precision that is measured: which one it stands for, and that a run keeps it."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

import tiny
from advnets import experiment
from advnets.experiment import lifecycle
from advnets.games import AdversarialRow, bfloat16_speedup, describe_speedup, precision, settle_precision

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("ratio", "expected"), [(0.4, "float32"), (1.4, "float32"), (1.6, "bfloat16"), (0.0, "float32")]
)
def test_auto_takes_bfloat16_where_it_is_fast(monkeypatch: pytest.MonkeyPatch, ratio: float, expected: str) -> None:
    monkeypatch.setattr(precision, "bfloat16_speedup", lambda device: ratio)
    assert settle_precision("auto", CPU) == expected
    assert settle_precision("float32", CPU) == "float32"
    assert settle_precision("bfloat16", CPU) == "bfloat16"


def test_the_ratio_is_measured_on_a_cpu_and_nowhere_else_than_on_a_gpu() -> None:
    assert bfloat16_speedup(CPU) > 0
    assert bfloat16_speedup(torch.device("meta")) == 0


@pytest.mark.parametrize(
    ("ratio", "told"),
    [
        (0.5, "products take 2.0 times as long as"), (1.2, "products are only 1.2 times as fast as"),
        (3.0, "products are 3.0 times as fast as"), (0.0, "it is not measured here"),
    ],
)  # fmt: skip
def test_a_slower_precision_is_told_by_how_much_longer_it_takes(ratio: float, told: str) -> None:
    assert told in describe_speedup(ratio)


def test_a_run_keeps_the_precision_that_was_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for file in (precision, lifecycle):
        monkeypatch.setattr(file, "bfloat16_speedup", lambda device: 3.0)
    recipe = tiny.with_learner(tiny.RECIPE, precision="auto")
    run = experiment.start(recipe, settings=tiny.settings("run", steps=2))
    row = run.recipe.learner
    assert isinstance(row, AdversarialRow)
    assert row.precision == "bfloat16"
    assert "precision: bfloat16, for bfloat16 products are 3.0 times as fast as float32's here" in run.notes()
    monkeypatch.setattr(precision, "bfloat16_speedup", lambda device: 0.5)
    assert experiment.Run(tmp_path / "run").recipe.learner == replace(row, precision="bfloat16")
