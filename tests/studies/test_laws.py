"""The Dirac-GAN: one step against theory's matrix, trajectories against closed forms and a solver of the field."""

from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.linalg import expm

from advnets import figures, theory
from advnets.algorithm import ALGORITHMS
from advnets.cli import figures as command
from advnets.cli.main import main
from advnets.errors import BadInput
from advnets.objectives import OBJECTIVES
from advnets.penalties import PENALTIES, Pass, r1
from advnets.studies import dirac, laws
from advnets.studies.dirac import BINDINGS, NONE, RATE, Dirac, judge
from advnets.studies.laws import NEAR, measure_law

PAGE = Path(__file__).parents[2] / "docs" / "laws.md"
CHANCE = {"r1_finite", "r2_finite"}
"""Penalties that draw: their damping is 1 in the mean alone."""
every_algorithm = pytest.mark.parametrize("algorithm", ALGORITHMS)
every_objective = pytest.mark.parametrize("objective", OBJECTIVES)


def radii(states: np.ndarray) -> np.ndarray:
    return np.linalg.norm(states, axis=1)


def test_theory_knows_every_row() -> None:
    assert theory.FORCES.keys() == OBJECTIVES.keys()
    assert theory.STEP_MAPS.keys() == ALGORITHMS.keys()
    assert set(BINDINGS) == {NONE, "clip_weights", *PENALTIES}


@every_objective
@every_algorithm
def test_one_step_near_the_equilibrium_is_the_matrix_of_theory(objective: str, algorithm: str) -> None:
    for binding in BINDINGS:
        game = Dirac(objective, binding, algorithm)
        expected = game.predict_step()
        if expected is not None:
            # A mean of 64 squared normals is 1 to within five of its deviations, sqrt(2 / 64).
            bound = RATE * 5 * np.sqrt(2 / 64) if binding in CHANCE else 1e-6
            np.testing.assert_allclose(game.measure_step(), expected, rtol=0, atol=bound, err_msg=binding)


@every_algorithm
def test_the_bilinear_game_keeps_its_laws_to_rounding(algorithm: str) -> None:
    """psi^2 + theta^2 - eta psi theta is kept, or psi^2 + theta^2 is multiplied by 1 + eta^2, or 1 - eta^2 + eta^4."""
    psi, theta = Dirac("wasserstein", algorithm=algorithm).play((0.3, -1.1), steps=50).T
    square = psi**2 + theta**2
    kept = {
        "algorithm1": square - RATE * psi * theta,
        "simultaneous": square / (1 + RATE**2) ** np.arange(51),
        "extragradient": square / (1 - RATE**2 + RATE**4) ** np.arange(51),
    }[algorithm]
    np.testing.assert_allclose(kept, kept[0], rtol=1e-13)


@every_algorithm
@pytest.mark.parametrize("binding", NEAR)
def test_the_wasserstein_objective_is_linear_everywhere(algorithm: str, binding: str) -> None:
    game = Dirac("wasserstein", binding, algorithm)
    step, states, expected = game.predict_step(), game.play((0.3, -1.1), steps=40), np.array([0.3, -1.1])
    assert step is not None
    for state in states:
        np.testing.assert_allclose(state, expected, rtol=0, atol=1e-13)
        expected = step @ expected


@pytest.mark.parametrize("gamma", [0.0, 1.0, 2.0, 5.0])
def test_the_closed_flow_is_the_matrix_exponential(gamma: float) -> None:
    """gamma = 2 is the one double eigenvalue."""
    A = theory.jacobian(theory.FORCES["wasserstein"], gamma=gamma)
    np.testing.assert_allclose(theory.flow(A, np.array([1.0, 2.0]), 1.7), expm(1.7 * A) @ [1.0, 2.0], atol=1e-12)
    if gamma == 0:  # a circle, at speed 1
        found = theory.flow(A, np.array([1.0, 0.0]), np.pi / 2)
        np.testing.assert_allclose(found, [0.0, 1.0], atol=1e-12)


@every_objective
@every_algorithm
def test_small_steps_follow_continuous_time(objective: str, algorithm: str) -> None:
    """Within eta t r, and nearer by half where eta is halved: plain descent is of first order."""
    for binding in ("r1",) if objective in ("hinge", "minimax") else (NONE,):
        game, errors = Dirac(objective, binding, algorithm), []
        for rate in (0.1, 0.05):
            steps = round(1 / rate)
            end = game.flow(np.array([0.0, 1.0]), (0.6, 0.8))[-1]
            errors.append(np.linalg.norm(game.play((0.6, 0.8), steps=steps, rate=rate)[-1] - end))
        assert errors[0] < 0.1 * 1 * 1
        assert 1.6 < errors[0] / errors[1] < 2.6


def test_the_solver_agrees_with_the_closed_flow() -> None:
    game = Dirac("wasserstein", "r1")
    A = theory.jacobian(theory.FORCES["wasserstein"], gamma=1.0)
    expected = [theory.flow(A, np.array([1.0, 1.0]), t) for t in (0.0, 1.0, 4.0)]
    np.testing.assert_allclose(game.flow(np.array([0.0, 1.0, 4.0])), expected, atol=1e-8)


@pytest.mark.parametrize("slope", ["f", "g"])
@every_objective
def test_the_forces_are_the_derivatives_of_the_losses(objective: str, slope: str) -> None:
    force = theory.FORCES[objective]
    s = torch.linspace(-0.9, 2, 7, dtype=torch.float64, requires_grad=True)
    real, wanted = torch.full_like(s, force.c), OBJECTIVES[objective]
    loss = (wanted.discriminator if slope == "f" else wanted.generator)(real, s + force.c)
    (found,) = torch.autograd.grad(loss.sum(), s)
    np.testing.assert_allclose(found, [getattr(force, slope)(one) for one in s.tolist()], atol=1e-12)


@pytest.mark.parametrize(("objective", "binding", "algorithm"), [
    ("hinge", NONE, "simultaneous"),
    ("minimax", NONE, "extragradient"),
    ("hinge", "r2", "algorithm1"),
])  # fmt: skip
def test_what_a_small_trajectory_does_is_what_the_multiplier_says(objective: str, binding: str, algorithm: str) -> None:
    """Where the multiplier is not 1: a trajectory that stays small grows or falls by it, each step."""
    game = Dirac(objective, binding, algorithm)
    step, start = game.predict_step(), 1e-5
    assert step is not None
    multiplier = theory.multiplier(step)
    r = radii(game.play((start, start), steps=120))
    # A turn takes less than 60 steps, in which the distance itself goes up and down.
    assert np.log(r[60:].max() / r[:61].max()) / 60 == pytest.approx(np.log(multiplier), rel=0.15)
    assert (r[-1] < start) == (multiplier < 1)


def spiral(factor: float) -> np.ndarray:
    turn = np.exp(0.2j * np.arange(401)) * factor ** np.arange(401)
    return np.stack([turn.real, turn.imag], axis=1)


def test_verdicts_tell_made_up_trajectories_apart() -> None:
    assert [judge(spiral(factor)) for factor in (0.9, 0.99, 1.0, 1.01)] == [
        "converges",
        "converges",
        "circles",
        "diverges",
    ]
    slow = spiral(1.0) / np.sqrt(1 + np.arange(401))[:, None]
    assert judge(slow) == "creeps"
    assert judge(np.ones((401, 2)) - spiral(0.9)) == "strays"


def test_r1_with_its_sign_flipped_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    game = Dirac("wasserstein", "r1", "simultaneous")
    np.testing.assert_allclose(game.measure_step(), game.predict_step(), rtol=0, atol=1e-6)

    def flipped(seen: Pass) -> torch.Tensor:
        return -r1(seen)

    monkeypatch.setitem(dirac.PENALTIES, "r1", flipped)
    with pytest.raises(AssertionError):
        np.testing.assert_allclose(game.measure_step(), game.predict_step(), rtol=0, atol=1e-6)


def test_an_unknown_name_is_refused() -> None:
    for change in ({"objective": "hinges"}, {"binding": "r3"}, {"algorithm": "algorithm2"}):
        with pytest.raises(BadInput, match="unknown"):
            replace(Dirac(), **change)  # type: ignore[arg-type]


def page_table(first: str) -> dict[str, dict[str, str]]:
    """{row: {column: cell}} of the table of docs/laws.md whose first cell says this."""
    lines = PAGE.read_text().split(f"| {first} ", 1)[1].split("\n\n", 1)[0].splitlines()
    cells = [[cell.strip() for cell in line.strip("| ").split("|")] for line in lines]
    heads = cells[0]
    return {line[0]: dict(zip(heads, line[1:], strict=True)) for line in cells[2:]}


def test_the_page_has_the_multipliers_that_are_measured() -> None:
    table = page_table("a step multiplies by")
    assert table.keys() == OBJECTIVES.keys()
    for objective, algorithm, binding in product(OBJECTIVES, ALGORITHMS, NEAR):
        head = algorithm if binding == NONE else f"{algorithm} + {binding}"
        measured = theory.multiplier(Dirac(objective, binding, algorithm).measure_step())
        # Where two eigenvalues are equal, they move by the root of an error of 1e-7.
        assert float(table[objective][head]) == pytest.approx(measured, abs=1e-3 if binding == "r1" else 6e-5)


@pytest.mark.parametrize(("objective", "binding", "algorithm"), [
    ("wasserstein", NONE, "simultaneous"),
    ("least_squares", "gradient_penalty", "simultaneous"),
])  # fmt: skip
def test_the_page_has_what_happens_from_afar(objective: str, binding: str, algorithm: str) -> None:
    law = measure_law(Dirac(objective, binding, algorithm))
    assert page_table(f"{algorithm}  ")[objective][binding] == f"{law.verdict} {law.radius:.2g}"


def test_no_verdict_contradicts_theory() -> None:
    """Where the multiplier is below 1, above it or 1, over all objectives, penalties and algorithms that have one."""
    allowed = {-1: {"converges"}, 0: {"creeps", "circles"}, 1: {"circles", "diverges"}}
    for objective, binding, algorithm in product(OBJECTIVES, BINDINGS, ALGORITHMS):
        step = Dirac(objective, binding, algorithm).predict_step()
        if step is not None:
            sign = int(np.sign(round(theory.multiplier(step) - 1, 9)))
            cell = page_table(f"{algorithm}  ")[objective][binding]
            assert cell.split()[0] in allowed[sign], (objective, binding, algorithm)


def test_every_verdict_stands_on_the_page() -> None:
    found = {cell.split()[0] for one in ALGORITHMS for row in page_table(f"{one}  ").values() for cell in row.values()}
    assert found == set(dirac.VERDICTS)
    assert all(f"- *{verdict}* if" in PAGE.read_text() for verdict in dirac.VERDICTS)


def test_the_picture_is_written_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(laws, "PANELS", (("wasserstein", NONE),))
    monkeypatch.setattr(laws, "ALGORITHMS", {"simultaneous": ALGORITHMS["simultaneous"]})
    path = laws.save_picture(tmp_path / "dirac.png")
    assert path.stat().st_size > 1000
    with pytest.raises(BadInput, match="already"):
        laws.save_picture(path)


def test_the_command_prints_the_tables_and_refuses_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [laws.Law("hinge", b, a, None if b == "gradient_penalty" else 1.25, None, "circles", 2.0)
            for b in BINDINGS for a in ALGORITHMS]  # fmt: skip
    monkeypatch.setattr(command, "measure_laws", lambda seed: laws.Laws(tuple(rows)))
    monkeypatch.setattr(command, "save_picture", lambda out, seed: out)
    monkeypatch.chdir(tmp_path)
    assert main(["figures", "dirac", "--out", "dirac.png"]) == 0
    said = capsys.readouterr().out
    assert said.count("circles 2") == len(BINDINGS) * len(ALGORITHMS)
    assert said.count("1.2500") == len(NEAR) * len(ALGORITHMS)
    assert main(["figures", "dirac", "--data", "digits", "--out", "dirac.png"]) == 2
    assert "Leave out --data" in capsys.readouterr().err


def test_a_picture_of_uneven_rows_is_refused() -> None:
    panel = figures.PlanePanel("a", "b", np.zeros((2, 2)), np.zeros((2, 2)))
    for rows, names in (([], []), ([[panel], []], ["x", "y"]), ([[panel]], [])):
        with pytest.raises(BadInput, match="expected one"):
            figures.draw_plane(rows, names=names, labels=("psi", "theta"), limit=1.0)
