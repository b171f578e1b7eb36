"""The playground: each control does what it says, densities are densities, and a game is a function of its settings."""

import math
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings as hypothesis_settings, strategies as st

from advnets import theory
from advnets.errors import BadInput, NonFinite
from advnets.studies.playground import CONTROLS, LESSONS, Link, Playground, Settings, history, players
from advnets.studies.playground.link import LANGUAGES, SPEEDS
from advnets.studies.playground.picture import as_evaluated
from advnets.studies.playground.settings import BARS, BEGINNINGS, DATA
from advnets.studies.playground.shapes import EDGES, jensen_shannon, line_masses, shape_of
from advnets.studies.playground.slow_motion import LISTINGS, play_slowly

PLANE = BEGINNINGS[2]
HISTOGRAM = [0] * 10 + [30] * 5 + [0] * 10 + [99] * 5 + [1] * 10


def weights(game: Playground, player: str) -> torch.Tensor:
    return torch.cat([theta.detach().flatten() for theta in game.game.players[player].parameters()])


def gradient(game: Playground, player: str) -> torch.Tensor:
    return torch.cat(
        [theta.grad.flatten() for theta in game.game.players[player].parameters() if theta.grad is not None]
    )


def floats(content: bytes) -> np.ndarray[Any, Any]:
    return np.frombuffer(content, "<f4").astype(np.float64)


def moved(changes: dict[str, Any], player: str, base: dict[str, Any] | None = None) -> Playground:
    """A game after one move of one player."""
    game = Playground(Settings.of({**(base or {}), **changes}))
    game.move(player)
    return game


# Every control, a value of it, and what it names.
GRADIENT_OF_D = {
    "batch": 64, "seed": 1, "r1": 1.0, "r2": 1.0, "gradient_penalty": 1.0, "r1_finite": 1.0, "r2_finite": 1.0,
    "start": 0.0, "spread": 0.2, "latent": "uniform", "latent_size": 2, "instance_noise": 0.5, "activation": "relu",
    "data": "uniform", "objective": "hinge", "pack": 2, "d_layers": 1, "d_width": 8, "g_layers": 1, "g_width": 8,
    "dimension": 2,
}  # fmt: skip
MOVE = {"d_optimizer": "sgd", "d_rate": 0.1, "clip": 0.01, "g_optimizer": "sgd", "g_rate": 0.1}
AFTER_STEPS = {"algorithm": "extragradient", "k": 3, "d_until": 2}


def test_every_control_is_tried_below() -> None:
    assert {*GRADIENT_OF_D, *MOVE, *AFTER_STEPS, "average"} == set(CONTROLS)


@pytest.mark.parametrize("name", GRADIENT_OF_D)
def test_a_control_changes_the_gradient_of_d(name: str) -> None:
    changes = {name: GRADIENT_OF_D[name], **({"data": "ring"} if name == "dimension" else {})}
    before, after = (gradient(moved(change, "discriminator"), "discriminator") for change in ({}, changes))
    assert before.shape != after.shape or not torch.equal(before, after)


@pytest.mark.parametrize("name", MOVE)
def test_a_control_changes_the_move_of_its_player_and_no_gradient(name: str) -> None:
    player = "generator" if name[0] == "g" else "discriminator"
    before, after = (moved(change, player) for change in ({}, {name: MOVE[name]}))
    assert torch.equal(gradient(before, player), gradient(after, player))
    assert not torch.equal(weights(before, player), weights(after, player))


@pytest.mark.parametrize("name", AFTER_STEPS)
def test_a_control_changes_who_moves_when(name: str) -> None:
    before, after = (Playground(Settings.of(change)) for change in ({}, {name: AFTER_STEPS[name]}))
    for game in (before, after):
        game.play(4)
    assert not torch.equal(weights(before, "discriminator"), weights(after, "discriminator"))
    assert after.made["discriminator"] == {"algorithm": 4, "k": 12, "d_until": 2}[name]


def test_the_average_changes_the_picture_and_no_move() -> None:
    before, after = (Playground(Settings.of(change)) for change in ({}, {"average": 10_000}))
    for game in (before, after):
        game.play(20)
    assert torch.equal(weights(before, "generator"), weights(after, "generator"))
    assert before.picture()[1]["p_g"] != after.picture()[1]["p_g"]


OBJECTIVES = CONTROLS["objective"].options


def expect_objective_to_last(name: str) -> None:
    """The gradients are those of the objective, from the first move on, after a reset, and after other layers."""
    first = moved({"objective": name}, "generator")
    game = Playground(Settings.of({"objective": "wasserstein" if name != "wasserstein" else "minimax"}))
    game.play(3)
    game.change(game.settings.replace(objective=name))
    game.restart()
    game.move("generator")
    assert torch.equal(gradient(game, "generator"), gradient(first, "generator"))
    game.change(game.settings.replace(d_width=8, g_layers=1))
    game.move("generator")
    wide = moved({"objective": name, "d_width": 8, "g_layers": 1}, "generator")
    assert torch.equal(gradient(game, "generator"), gradient(wide, "generator"))
    assert game.settings.objective == name


@pytest.mark.parametrize("name", OBJECTIVES)
def test_an_objective_lasts_through_a_reset_and_a_change_of_layers(name: str) -> None:
    expect_objective_to_last(name)


def test_gradients_of_different_objectives_differ() -> None:
    found = [gradient(moved({"objective": name}, "generator"), "generator") for name in OBJECTIVES]
    same = [
        (a, b)
        for i, a in enumerate(OBJECTIVES)
        for j, b in enumerate(OBJECTIVES)
        if i < j and torch.equal(found[i], found[j])
    ]
    # G descends the same loss in these; D does not.
    assert same == [("non_saturating", "non_saturating_halved"), ("wasserstein", "hinge")]


def test_an_objective_that_is_forgotten_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fault of another playground: a reset trained the log loss, while the menu said another."""
    real = players.Players.game
    monkeypatch.setattr(
        players.Players, "game", lambda self, told: real(self, told.replace(objective="non_saturating"))
    )
    found = moved({"objective": "minimax"}, "generator")
    monkeypatch.undo()
    assert not torch.equal(
        gradient(found, "generator"), gradient(moved({"objective": "minimax"}, "generator"), "generator")
    )
    calls = [0]

    def forget(self: players.Players, told: Settings) -> Any:
        calls[0] += 1
        return real(self, told.replace(objective="non_saturating") if calls[0] > 3 else told)

    monkeypatch.setattr(players.Players, "game", forget)
    with pytest.raises(AssertionError):
        expect_objective_to_last("hinge")


LINES = [
    {"data": name, **({"drawn": HISTOGRAM} if name == "drawn" else {}), "latent": latent, "latent_size": size}
    for name in DATA[1] for latent in ("gaussian", "uniform") for size in (1, 2)
]  # fmt: skip


def expect_densities(game: Playground) -> None:
    p_g, p_data = floats(game.picture()[1]["p_g"]), floats(game.backdrop()["p_data"])
    for masses in (p_g, p_data):
        assert masses.min() >= 0
        assert abs(masses.sum() - 1) < 1e-3


@pytest.mark.parametrize(
    "told", LINES, ids=lambda told: "-".join(map(str, (told["data"], told["latent"], told["latent_size"])))
)
def test_densities_sum_to_one(told: dict[str, Any]) -> None:
    game = Playground(Settings.of({**told, "g_rate": 0.05}))
    for _ in range(3):
        expect_densities(game)
        game.play(3)


def test_a_density_that_does_not_sum_to_one_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fault of another playground: only every third sample was counted."""
    monkeypatch.setattr(theory, "cell_masses", lambda x, shares, edges: 0.34 * real(x, shares, edges))
    with pytest.raises(AssertionError):
        expect_densities(Playground(Settings()))


real = theory.cell_masses


@pytest.mark.parametrize(
    "told",
    [one for one in LINES if one["latent_size"] == 1 and one["latent"] == "gaussian"],
    ids=lambda told: told["data"],
)
def test_the_density_of_the_data_is_that_of_its_samples(told: dict[str, Any]) -> None:
    settings = Settings.of(told)
    torch.manual_seed(0)
    points = shape_of(settings).sample(100_000).double().clamp(-4.99, 4.99)
    counts = torch.histogram(points[:, 0].contiguous(), EDGES).hist / len(points)
    assert float((counts - line_masses(settings)).abs().sum()) / 2 < 0.02


def test_the_density_of_g_is_that_of_its_samples() -> None:
    for told in ({}, {"latent_size": 3}):
        game = Playground(Settings.of({**told, "data": "two_gaussians"}))
        game.play(60)
        with torch.no_grad():
            points = game.maker(game.game.latent(100_000, torch.Generator().manual_seed(1))).double().clamp(-4.99, 4.99)
        counts = torch.histogram(points[:, 0].contiguous(), EDGES).hist / len(points)
        assert float((counts - torch.from_numpy(floats(game.picture()[1]["p_g"]))).abs().sum()) / 2 < 0.04


def test_numbers_are_those_of_the_theory() -> None:
    game = Playground(Settings())
    game.play(20)
    numbers, arrays = game.picture()
    p, q, D = (torch.from_numpy(floats(found)) for found in (game.backdrop()["p_data"], arrays["p_g"], arrays["D"]))
    best = theory.optimal_discriminator(p, q)
    assert torch.allclose(torch.from_numpy(floats(arrays["best"])), best, atol=1e-6)
    assert numbers["jsd"] == pytest.approx(jensen_shannon(p, q), abs=1e-5)
    assert numbers["value"] == pytest.approx(float(theory.value_function(D, p, q)), abs=1e-4)
    # No D is better than D*, whose value is -log 4 + 2 JSD.
    assert numbers["value"] <= -math.log(4) + 2 * numbers["jsd"] + 1e-6


def test_arrows_are_minus_the_slope_of_gs_loss() -> None:
    game = Playground(Settings.of(PLANE))
    game.play(5)
    arrays = game.picture()[1]
    fakes = torch.from_numpy(floats(arrays["fake"])).float().reshape(-1, 2).requires_grad_()
    with as_evaluated(game.game.discriminator):
        loss = torch.nn.functional.softplus(-game.game.critic(fakes)).sum()
    (slope,) = torch.autograd.grad(loss, fakes)
    assert torch.allclose(torch.from_numpy(floats(arrays["slopes"])).float().reshape(-1, 2), -slope, atol=1e-6)


VARIED: list[dict[str, Any]] = [
    {}, PLANE, {"algorithm": "extragradient", "r1_finite": 0.1}, {"k": 2, "instance_noise": 0.3, "average": 500},
    {"objective": "relativistic", "pack": 2, "gradient_penalty": 1.0},
]  # fmt: skip


def expect_looking_to_change_nothing(told: dict[str, Any]) -> None:
    watched, alone = Playground(Settings.of(told)), Playground(Settings.of(told))
    torch.manual_seed(7)
    for _ in range(3):
        watched.play(2)
        watched.record()
        watched.picture()
    alone.play(6)
    for player in ("discriminator", "generator"):
        assert torch.equal(weights(watched, player), weights(alone, player))
    assert watched.picture() == alone.picture()


@pytest.mark.parametrize("told", VARIED, ids=str)
def test_a_game_is_a_function_of_its_settings_and_looking_changes_nothing(told: dict[str, Any]) -> None:
    expect_looking_to_change_nothing(told)


def test_looking_that_draws_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def draw_noise(self: Playground) -> bool:
        with self.streams.as_defaults():
            self.game.critic(torch.zeros(2, 1))
        return False

    monkeypatch.setattr(Playground, "record", draw_noise)
    with pytest.raises(AssertionError):
        expect_looking_to_change_nothing({"instance_noise": 0.3})


@pytest.mark.parametrize("told", VARIED, ids=str)
def test_slow_motion_makes_the_same_step(told: dict[str, Any]) -> None:
    slow, fast = Playground(Settings.of(told)), Playground(Settings.of(told))
    for _ in range(2):
        phases = play_slowly(slow)
    fast.play(2)
    assert slow.picture() == fast.picture()
    assert (phases[-1].numbers, phases[-1].arrays) == fast.picture()
    lines = [line for line, *_ in LISTINGS[slow.settings.algorithm]]
    assert {phase.line for phase in phases} == {line for line in lines if "_" in line and not line.startswith("end")}


def test_slow_motion_tells_ks_moves_in_the_order_of_the_paper() -> None:
    told = [phase.line for phase in play_slowly(Playground(Settings.of({"k": 2})))]
    assert told == 2 * ["d_noise", "d_examples", "d_update"] + ["g_noise", "g_update"]


@pytest.mark.parametrize("told", VARIED, ids=str)
def test_one_goes_back_and_on_from_there_as_before(told: dict[str, Any]) -> None:
    game = Playground(Settings.of(told))
    for _ in range(4):
        game.play(2)
        game.record()
    end = game.picture()
    game.rewind(1)
    assert game.picture()[1] == game.history.at(1).arrays
    assert len(game.history) == 5  # what comes after is there until the game goes on
    for _ in range(3):
        game.play(2)
        game.record()
    assert game.picture() == end
    assert len(game.history) == 5


def test_moves_of_a_player_that_stands_still_are_not_counted() -> None:
    game = Playground(Settings.of({"k": 2, "d_until": 3}))
    counts = []
    for _ in range(5):
        game.play(1)
        game.record()
        counts.append((game.made["discriminator"], game.made["generator"]))
    game.move("discriminator")
    assert counts == [(2, 1), (4, 2), (6, 3), (6, 4), (6, 5)]
    assert game.picture()[0]["d_moves"] == 6
    still = Playground(Settings.of({"g_rate": 0.0}))
    still.play(3)
    assert still.made == {"discriminator": 3, "generator": 0}


def test_a_discriminator_that_has_stopped_learns_again_in_the_past() -> None:
    game, straight = (Playground(Settings.of({"d_until": 4})) for _ in range(2))
    for _ in range(6):
        game.play(1)
        game.record()
    game.rewind(2)
    game.play(1)
    straight.play(3)
    assert torch.equal(weights(game, "discriminator"), weights(straight, "discriminator"))
    assert game.made == straight.made == {"discriminator": 3, "generator": 3}


def test_a_live_change_goes_on_and_another_begins_anew() -> None:
    game = Playground(Settings())
    game.play(5)
    held = weights(game, "generator")
    assert not game.change(game.settings.replace(r1=1.0, k=2, objective="hinge", g_rate=0.5))
    assert torch.equal(weights(game, "generator"), held)
    assert game.change(game.settings.replace(seed=3))
    assert game.step == 0
    with pytest.raises(BadInput, match="finite differences"):
        Playground(Settings.of({"instance_noise": 0.1, "r1_finite": 1.0}))


def test_a_game_that_runs_away_stops_before_it_moves() -> None:
    linear = {"objective": "wasserstein", "g_layers": 0, "d_layers": 0, "g_optimizer": "sgd", "d_optimizer": "sgd"}
    game = Playground(Settings.of({**linear, "g_rate": 1.0, "d_rate": 1.0, "algorithm": "simultaneous"}))
    with pytest.raises(NonFinite):
        game.play(5000)
    assert game.step < 1000
    assert weights(game, "generator").isfinite().all()
    game.picture()


HOSTILE: list[Any] = [
    None, [], "x", {"d_width": 10**6}, {"d_width": 0}, {"d_layers": 6}, {"g_layers": 1.0}, {"seed": True}, {"seed": -1},
    {"d_rate": math.nan}, {"d_rate": math.inf}, {"d_rate": "0.1"}, {"batch": 10**9}, {"pack": 3}, {"objective": "x"},
    {"objective": ["minimax"]}, {"data": "ring"}, {"dimension": 3}, {"values": {}}, {"drawn": [1]}, {1: 2},
    {"data": "drawn"}, {"data": "drawn", "drawn": [0] * BARS}, {"data": "drawn", "drawn": [100] * BARS},
    {"data": "drawn", "drawn": [1.5] * BARS}, {"data": "drawn", "drawn": [1] * 1000}, {"latent_size": 10**4},
    {**PLANE, "data": "drawn", "drawn": [1] * 514}, {**PLANE, "data": "drawn", "drawn": [1, 2, 3]},
]  # fmt: skip


@pytest.mark.parametrize("told", HOSTILE, ids=str)
def test_settings_that_cannot_be_are_refused(told: Any) -> None:
    with pytest.raises(BadInput):
        Settings.of(told)


def values(name: str) -> st.SearchStrategy[Any]:
    one = CONTROLS[name]
    if one.options:
        return st.sampled_from(one.options)
    if isinstance(one.default, int):
        return st.integers(int(one.least or 0), int(one.most or 0))
    return st.floats(one.least, one.most)


@st.composite
def some_settings(draw: Callable[..., Any]) -> Settings:
    told = {name: draw(values(name)) for name in CONTROLS if draw(st.booleans())}
    dimension = told.get("dimension", 1)
    told["data"] = draw(st.sampled_from(DATA[dimension]))
    told["batch"] = 48
    if told["data"] == "drawn":
        size = BARS if dimension == 1 else 2 * draw(st.integers(1, 20))
        told["drawn"] = [1, *draw(st.lists(st.integers(0, 99), min_size=size - 1, max_size=size - 1))]
    return Settings.of(told)


links = st.builds(
    Link, some_settings(), st.none() | some_settings(), st.lists(st.sampled_from([*CONTROLS]), unique=True).map(tuple),
    st.sampled_from(["", *LESSONS]), st.sampled_from(LANGUAGES), st.sampled_from(SPEEDS),
)  # fmt: skip


@hypothesis_settings(max_examples=60, deadline=None)
@given(links)
def test_an_address_holds_the_whole_state(link: Link) -> None:
    assert Link.of(link.fragment()) == link
    assert Link.of("#" + link.fragment()).fragment() == link.fragment()


@pytest.mark.parametrize(
    "fragment",
    ["x", "x=1", "k=1&k=2", "k=1.5", "k=", "k=1000", "hide=x", "hide=k,k", "lang=fr", "speed=3", "lesson=<b>",
     "compare=2", "b.k=2", "drawn=1.2", "data=drawn&drawn=1.x", "seed=1" + "0" * 30_000, "d_rate=nan", "k=%31%30%30"],
)  # fmt: skip
def test_addresses_that_cannot_be_are_refused(fragment: str) -> None:
    with pytest.raises(BadInput):
        Link.of(fragment)


def test_the_page_of_the_game_names_every_word_of_a_state() -> None:
    page = (Path(__file__).parents[2] / "docs" / "play.md").read_text()
    assert [name for name in CONTROLS if f"`{name}`" not in page] == []


def moment(size: int, number: int) -> history.Moment[int]:
    return history.Moment({"step": number}, {}, number, size)


def test_the_past_stays_in_bounds_and_covers_the_whole_game() -> None:
    kept: history.History[int] = history.History()
    for number in range(5000):
        kept.add(moment(1000, number))
        assert len(kept) <= history.MOST
    steps = [one.numbers["step"] for one in kept]
    assert steps[0] == 0
    assert steps[-1] == 4999
    assert len(steps) > history.MOST // 2 - 2
    assert max(b - a for a, b in pairwise(steps)) <= 2 * max(1, min(b - a for a, b in pairwise(steps[:-1])))
    kept.forget_after(10)
    kept.add(moment(1000, 6000))
    assert kept.at(len(kept) - 1).state == 6000
    for place in (-1, len(kept), 1.0, "0", None):
        with pytest.raises(BadInput):
            kept.at(place)  # type: ignore[arg-type]


def test_large_networks_have_a_shorter_past() -> None:
    kept: history.History[int] = history.History()
    for number in range(300):
        kept.add(moment(2**20, number))
    assert len(kept) <= 64
