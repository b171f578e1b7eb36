"""benchmarks/toys.py: its games are those that its page names, and the page tells what was not run."""

import pytest
import toys

from advnets.games import AdversarialRow


def run(row: str, seed: int, *, modes: int = 8, quality: float = 0.9) -> toys.Run:
    return toys.Run(row, "ring-8-pacgan", seed, seconds=180.0, steps=1000, modes=modes, high_quality=quality, kl=0.01)


def test_rows_play_what_they_are_called() -> None:
    learners = {name: recipe.learner for name, recipe in toys.ROWS.items()}
    assert all(isinstance(row, AdversarialRow) and row.latent_size == 2 for row in learners.values())
    assert [getattr(learners[f"non-saturating, packs of {n}"], "pack", None) for n in (2, 4)] == [2, 4]
    assert getattr(learners["relativistic + R1 + R2"], "penalties", {}).keys() == {"r1", "r2"}


def test_the_page_has_means_ranges_and_what_is_missing() -> None:
    page = toys.page([run("hinge", 0), run("hinge", 1, modes=6, quality=0.8)])
    assert "| hinge | 2 | 1,000 | 7 (6 to 8) | 85.0% (80.0% to 90.0%) | 0.010 |" in page
    assert f"{toys.CEILING:.1%}" == "98.9%"
    assert "- hinge, ring-8-pacgan: seeds 2\n" in page
    assert "- minimax, grid-25: seeds 0, 1, 2" in page
    everything = [toys.Run(row, name, seed, 180.0, 1, 8, 0.9, 0.0)
                  for row in toys.ROWS for name in toys.DATA for seed in toys.SEEDS]  # fmt: skip
    assert "No run is missing." in toys.page(everything)


def test_a_row_trains_for_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toys, "SAMPLES", 50)
    found = toys.measure("hinge", "ring-8-pacgan", seed=0, minutes=0.001)
    assert found.steps >= 1
    assert 0 <= found.modes <= 8
