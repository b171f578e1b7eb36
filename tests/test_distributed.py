"""Many processes: the same mathematics for any number, one end for all, and exact resume."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from advnets import distributed
from advnets.objectives import OBJECTIVES
from advnets.penalties import PENALTIES
from toy_games import TOYS

RANKS = Path(__file__).parent / "tools" / "torchrun_checks.py"
JOBS = ["equality", "toys", "batch_norm", "sabotaged",
        "moments", "whole", "resume", "loosely", "not_finite", "disk_full", "uneven", "taken",
        "own_networks", "refused_networks", "by_minutes", "one_signal", "one_leaves", "kill"]  # fmt: skip
forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked from a warmed one")


def done(folder: Path, *jobs: str) -> dict[str, Any]:
    command = [sys.executable, str(RANKS), *jobs]
    process = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=900)
    assert process.returncode == 0, process.stderr[-3000:]
    told: dict[str, Any] = json.loads(process.stdout.splitlines()[-1])
    return told


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What every job of ranks.py found, done once."""
    return done(tmp_path_factory.mktemp("ranks"), *JOBS)


@forks
def test_moments_of_two_processes_are_those_of_all_rows(found: dict[str, Any]) -> None:
    rows = torch.arange(60, dtype=torch.float64).sin().view(20, 3)
    first, second = found["moments"]
    assert first == second
    assert first["n"] == 20
    assert torch.allclose(torch.tensor(first["mean"], dtype=torch.float64), rows.mean(0), atol=1e-14)
    scatter = torch.tensor(first["scatter"], dtype=torch.float64)
    assert torch.allclose(scatter / 19, torch.cov(rows.T), rtol=1e-12, atol=1e-12)


def check_equality(told: dict[str, Any]) -> None:
    for n in (2, 4):
        assert all(told[f"ids {n}"].values())
        assert {name: far for name, far in told[f"theta {n}"].items() if not far <= 1e-9} == {}
        assert told[f"between {n}"] == 0


@forks
def test_any_number_of_processes_trains_on_the_same_samples_to_the_same_parameters(found: dict[str, Any]) -> None:
    """8 steps in float64 by SGD: every objective x penalty; with 4 processes a few (slow: 20 steps of all)."""
    told = found["equality"]
    check_equality(told)
    assert len(told["theta 2"]) == len(OBJECTIVES) * (len(PENALTIES) + 1) + 6
    assert {len(batch) for batch in told["ids"]} == {16}
    assert len({tuple(batch) for batch in told["ids"]}) == len(told["ids"]) > 2 * 150 / 16


@forks
def test_every_kind_of_game_is_the_same_for_two_processes(found: dict[str, Any]) -> None:
    """Given labels and images, heads, cycles with pools, packs, lazy penalties, extragradient, parts; 6 steps."""
    check_toys(found["toys"])


def check_toys(told: dict[str, float]) -> None:
    assert {name.removesuffix(" in parts") for name in told} == set(TOYS)
    # Adam's first steps are the signs of gradients, and finite differences divide their rounding by s = .01.
    bounds = {"augmentation": 1e-7, "controlled augmentation": 1e-7}
    assert {name: far for name, far in told.items() if not far <= bounds.get(name, 1e-9)} == {}


@forks
def test_batch_normalisation_is_of_the_global_batch(found: dict[str, Any]) -> None:
    """Gradients, running moments, and a penalty on slopes through it, in float64."""
    assert found["batch_norm"] <= 1e-12


@forks
@pytest.mark.slow
def test_four_processes_in_every_case_and_every_kind_of_game_for_longer(tmp_path: Path) -> None:
    """20 steps, and 16 of each kind of game."""
    told = done(tmp_path, "equality_of_all", "long_toys")
    check_equality(told["equality_of_all"])
    assert set(told["equality_of_all"]["theta 4"]) == set(told["equality_of_all"]["theta 2"])
    check_toys(told["long_toys"])


@forks
@pytest.mark.parametrize("saboteur", ["no average", "z", "eps", "part"])
def test_what_makes_them_equal_is_missed_when_it_is_taken_out(saboteur: str, found: dict[str, Any]) -> None:
    """Gradients not averaged; z or eps drawn by each process for itself; the same samples for all."""
    assert found["sabotaged"]["none"] <= 1e-9
    assert found["sabotaged"][saboteur] > 1e-4


@forks
def test_a_run_says_how_many_processes_it_has_and_each_drops_out_by_its_own_numbers(found: dict[str, Any]) -> None:
    told = found["whole"]
    assert told["environment"]["processes"] == 2
    assert (told["status"]["state"], told["status"]["processes"], told["status"]["step"]) == ("finished", 2, 24)
    assert [entry["step"] for entry in told["journal"]] == [5, 10, 15, 20, 24]
    first, second = told["ranks"]
    assert first["theta"] == second["theta"]
    assert first["shared"] == second["shared"]
    assert first["own"] != second["own"]


@forks
def test_as_many_processes_resume_bit_for_bit(found: dict[str, Any]) -> None:
    whole, resumed = found["whole"], found["resume"]
    assert resumed["before"] == 10
    assert resumed["hash"] == whole["hash"]
    assert resumed["ranks"] == whole["ranks"]
    clocks = ("seconds", "images_per_second")
    numbers = [[{k: v for k, v in e.items() if k not in clocks} for e in told["journal"]] for told in (resumed, whole)]
    assert numbers[0] == numbers[1]


@forks
@pytest.mark.parametrize(("begin", "end"), [(2, 1), (1, 2), (2, 4)])
def test_other_numbers_of_processes_resume_with_the_same_batches(begin: int, end: int, found: dict[str, Any]) -> None:
    """Without dropout and batch norm: 24 steps of Adam in float32, against one process that never stopped."""
    told = found["resume"][f"from-{begin}-to-{end}"]
    assert told["step"] == 24
    assert told["far"] < 1e-4
    assert begin == 1 or "processes: 1 now, 2 when it was saved" in " ".join(found["resume"]["notes from-2-to-1"])


@forks
def test_dropout_and_batch_norm_differ_a_little(found: dict[str, Any]) -> None:
    check_losses(found["loosely"])


@forks
@pytest.mark.slow
def test_dropout_and_batch_norm_differ_a_little_with_four_processes(tmp_path: Path) -> None:
    check_losses(done(tmp_path, "loosely_with_four")["loosely_with_four"])


def check_losses(told: dict[str, Any]) -> None:
    one, *more = told.values()
    for other in more:
        for name, value in one.items():
            assert other[name] == pytest.approx(value, abs=0.05)
            assert other[name] != value


@forks
def test_a_nan_in_one_process_stops_all(found: dict[str, Any]) -> None:
    told = found["not_finite"]
    first, second = told["ranks"]
    assert first["error"] == second["error"] == "NonFinite"
    assert "in another process" in first["message"]
    assert "NaN in the real batch at step 9" in second["message"]
    assert (told["status"]["state"], told["step"]) == ("failed", 8)


@forks
def test_what_the_first_cannot_do_is_told_by_all(found: dict[str, Any]) -> None:
    assert all("the disk is full" in told["message"] for told in found["disk_full"])
    assert all("exists already" in told["message"] for told in found["taken"])
    assert all(told["error"] == "BadInput" for told in found["uneven"])
    assert all("found 31, expected a multiple of 2" in told["message"] for told in found["uneven"])


@forks
def test_networks_of_your_own_begin_alike(found: dict[str, Any]) -> None:
    first, second = found["own_networks"]
    assert first["theta"] == second["theta"]


@forks
def test_a_trial_move_fails_in_every_process_and_complex_parameters_learn_alike(found: dict[str, Any]) -> None:
    refused, is_left, (first, second) = found["refused_networks"]
    assert [told["error"] for told in refused] == ["BadInput", "BadInput"]
    assert all("made samples of shape (50, 1, 6, 6)" in told["message"] for told in refused)
    assert not is_left
    assert first == second
    assert any(abs(one - 1) > 1e-6 for one in first[::2])


@forks
def test_a_budget_in_minutes_is_that_of_the_first_ones_clock(found: dict[str, Any]) -> None:
    first, second = found["by_minutes"]
    assert (first["step"], first["theta"]) == (second["step"], second["theta"])


@forks
def test_a_signal_to_one_process_stops_all_after_the_same_step(found: dict[str, Any]) -> None:
    first, second = found["one_signal"]
    assert first == second
    assert first["code"] == 143
    assert 10 <= first["step"] <= 15


@forks
def test_a_caller_who_leaves_in_one_process_ends_and_saves_all(found: dict[str, Any]) -> None:
    first, second = found["one_leaves"]
    assert "another process has left the loop at step 10" in first["error"]
    assert second["error"] == "mine"
    assert [told["step"] for told in (first, second)] == [10, 10]
    assert first["status"] == "stopped"


def check_kill(told: dict[str, Any]) -> None:
    assert told["codes"][told["victim"]] == -9
    assert told["survivor"]["error"] == "ProcessLost"
    assert "has lost another process" in told["survivor"]["message"]
    assert 0 < told["at"] < told["steps"]
    assert told["hash"] == told["expected"]


@forks
def test_a_killed_process_stops_the_other_and_the_run_resumes_bit_for_bit(found: dict[str, Any]) -> None:
    (told,) = found["kill"]
    check_kill(told)


@forks
@pytest.mark.slow
def test_twenty_kills_of_a_random_process(tmp_path: Path) -> None:
    kills = done(tmp_path, "twenty_kills")["twenty_kills"]
    midway = [told for told in kills if told["survivor"] and "error" in told["survivor"]]
    assert {told["hash"] for told in kills} == {kills[0]["expected"]}
    assert len(midway) >= 15
    assert {told["victim"] for told in midway} == {0, 1}
    for told in midway:
        check_kill(told)


@forks
@pytest.mark.slow
def test_a_process_that_hangs_is_given_up(tmp_path: Path) -> None:
    told = done(tmp_path, "hang")["hang"]
    assert told["codes"] == [0]
    assert told["survivor"]["error"] == "ProcessLost"


def test_with_one_process_nothing_is_changed() -> None:
    assert (distributed.rank(), distributed.world_size(), distributed.is_rank0()) == (0, 1, True)
    loss, gradients = torch.ones(()), [torch.ones(3), None]
    assert distributed.average_gradients(loss, gradients) == (loss, gradients)
    assert distributed.rank_slice(7) == slice(0, 7)
    torch.manual_seed(1)
    expected = torch.rand(5)
    torch.manual_seed(1)
    assert torch.equal(distributed.draw_global(lambda every, shared: torch.rand(every, generator=shared), 5), expected)
    assert distributed.all_agree(1.5, None) == (1.5, None)
    assert distributed.all_reduce_mean({"a": 2.0}) == {"a": 2.0}
    assert distributed.local_rank0_first(lambda: "made") == distributed.on_rank0(lambda: "made") == "made"
    assert distributed.all_gather(b"x") == [b"x"]
    distributed.barrier()
    distributed.init_process_group()
    assert distributed.world_size() == 1
