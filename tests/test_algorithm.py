"""Algorithm 1: the order of moves, what each consumes, and that nothing non-finite passes."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import algorithm1_by_hand
from advnets.algorithm import ALGORITHMS, Algorithm1, Simultaneous, algorithm1, moves
from advnets.errors import BadInput, NonFinite
from advnets.games import Draw, Game, Terms
from advnets.latents import gaussian
from advnets.objectives import minimax, non_saturating, relativistic
from advnets.optimizers import SGD, Adam, OptimizerRow, set_numbers
from advnets.penalties import r1
from advnets.schedules import LinearDecay
from advnets.training import Batch, Moment
from advnets.turns import descend, differentiate


def game_of(objective: object = non_saturating) -> Game:
    torch.manual_seed(0)
    return Game(
        nn.Linear(2, 2), nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1)), objective, latent=gaussian(2)
    )  # type: ignore[arg-type]


def batches(n: int = 5, drawn: list[int] | None = None) -> Iterator[Batch]:
    rng = torch.Generator().manual_seed(3)
    while True:
        if drawn is not None:
            drawn.append(1)
        yield Batch(torch.randn(n, 2, generator=rng) + 2)


def optimizers(game: Game, lr: float = 0.1) -> dict[str, torch.optim.Optimizer]:
    return {name: torch.optim.SGD(network.parameters(), lr=lr) for name, network in game.players.items()}


def take(steps: Iterator[object], n: int) -> list[object]:
    return [next(steps) for _ in range(n)]


@pytest.mark.parametrize("k", [1, 2, 5])
def test_k_discriminator_moves_then_one_generator_move(k: int) -> None:
    game = game_of()
    made = take(moves(game, batches(), optimizers(game), k=k), 3 * (k + 1))
    assert [move.player for move in made] == (["discriminator"] * k + ["generator"]) * 3  # type: ignore[attr-defined]
    assert [move.step for move in made] == [step for step in range(3) for _ in range(k + 1)]  # type: ignore[attr-defined]


def test_k_may_be_a_function_of_the_step_and_zero() -> None:
    game = game_of()
    steps = take(algorithm1(game, batches(), optimizers(game), start=4, k=lambda step: step % 3), 4)
    assert [(step.number, len(step.moves) - 1) for step in steps] == [(4, 1), (5, 2), (6, 0), (7, 1)]  # type: ignore[attr-defined]


@pytest.mark.parametrize(("objective", "expected"), [(non_saturating, 3), (relativistic, 4)])
def test_the_generator_takes_a_fresh_batch_only_if_it_sees_real_data(objective: object, expected: int) -> None:
    drawn: list[int] = []
    game = game_of(objective)
    next(algorithm1(game, batches(drawn=drawn), optimizers(game), k=3))
    assert len(drawn) == expected


def test_each_move_descends_its_own_player_alone() -> None:
    game = game_of()
    made = moves(game, batches(), optimizers(game))
    before = {name: [theta.clone() for theta in net.parameters()] for name, net in game.players.items()}
    assert next(made).player == "discriminator"
    changed = {name: not all(map(torch.equal, before[name], net.parameters())) for name, net in game.players.items()}
    assert changed == {"discriminator": True, "generator": False}


def test_one_step_of_algorithm1_is_what_the_paper_writes() -> None:
    """theta_d += lr grad_d mean[log D(x) + log(1 - D(G(z)))]; theta_g -= lr grad_g mean log(1 - D(G(z)))."""
    ours, theirs = game_of(minimax), game_of(minimax)
    torch.manual_seed(7)
    next(algorithm1(ours, batches(), optimizers(ours)))
    torch.manual_seed(7)
    algorithm1_by_hand.step(theirs.generator, theirs.discriminator, [next(batches()).real], width=2, rate=0.1)
    for a, b in zip(ours.players.values(), theirs.players.values(), strict=True):
        for mine, its in zip(a.parameters(), b.parameters(), strict=True):
            torch.testing.assert_close(mine, its, atol=1e-6, rtol=1e-5)


def test_one_simultaneous_step_takes_both_gradients_at_the_same_parameters_and_z() -> None:
    ours, theirs = game_of(), game_of()
    torch.manual_seed(7)
    next(Simultaneous().steps(ours, batches(), optimizers(ours)))
    torch.manual_seed(7)
    x, (g, d), z = next(batches()).real, (theirs.generator, theirs.discriminator), torch.randn(5, 2)
    fake = g(z)
    d_loss = -(d(x).sigmoid().log() + (1 - d(fake).sigmoid()).log()).mean()
    g_loss = -d(fake).sigmoid().log().mean()
    d_theta, g_theta = list(d.parameters()), list(g.parameters())
    d_gradients = torch.autograd.grad(d_loss, d_theta, retain_graph=True)
    g_gradients = torch.autograd.grad(g_loss, g_theta)
    with torch.no_grad():
        for p, gradient in zip([*d_theta, *g_theta], [*d_gradients, *g_gradients], strict=True):
            p -= 0.1 * gradient
    for a, b in zip(ours.players.values(), theirs.players.values(), strict=True):
        for mine, its in zip(a.parameters(), b.parameters(), strict=True):
            torch.testing.assert_close(mine, its, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("objective", [minimax, non_saturating])
def test_both_losses_train_on_a_gaussian(objective: object) -> None:
    """An affine G learns the mean of N(2, I); it circles about it, so its path is averaged."""
    game = game_of(objective)
    descents = {name: torch.optim.Adam(net.parameters(), lr=0.01) for name, net in game.players.items()}
    steps = algorithm1(game, batches(128), descents)
    take(steps, 300)
    path = []
    for _ in range(600):
        next(steps)
        path.append(game.generator.bias.detach().clone())  # type: ignore[union-attr]
    assert float((torch.stack(path).mean(0) - 2).abs().max()) < 0.3


@pytest.mark.parametrize("algorithm", [algorithm1, Simultaneous().steps])
@pytest.mark.parametrize("place", ["batch", "discriminator", "generator"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_non_finite_tensor_stops_the_step_and_is_named(algorithm: object, place: str, value: float) -> None:
    game = game_of()
    data = batches()
    steps = algorithm(game, data, optimizers(game), start=41)  # type: ignore[operator]
    next(steps)
    if place == "batch":
        steps = algorithm(game, iter([Batch(torch.full((5, 2), value))]), optimizers(game), start=42)  # type: ignore[operator]
    else:
        with torch.no_grad():
            next(game.players[place].parameters()).view(-1)[0] = value
    with pytest.raises(NonFinite, match=r"(NaN|Inf) in .*at step 42") as caught:
        next(steps)
    assert {"batch": "the real batch", "discriminator": "discriminator.", "generator": "generator."}[place] in str(
        caught.value
    )


def test_a_non_finite_gradient_of_a_finite_loss_stops_before_the_move() -> None:
    class Root(nn.Module):
        """sqrt at 0: value 0, gradient infinite."""

        def __init__(self) -> None:
            super().__init__()
            self.w = nn.Parameter(torch.zeros(1))

        def forward(self, x: Tensor) -> Tensor:
            return x.sum(1) * 0 + self.w.sqrt()

    game = Game(nn.Linear(2, 2), Root(), non_saturating, latent=gaussian(2))
    with pytest.raises(
        NonFinite, match=r"Inf in the gradient of discriminator\.w at step 0|NaN in the gradient of discriminator\.w"
    ):
        next(moves(game, batches(), optimizers(game)))
    assert float(game.discriminator.w.detach()) == 0.0  # type: ignore[arg-type]


def test_a_schedule_of_k_is_rounded_to_whole_moves() -> None:
    game, at = game_of(), iter([0.0, 0.5, 1.0])
    row = Algorithm1(k=LinearDecay(3.0, 1.0))
    steps = row.steps(game, batches(), optimizers(game), moment=lambda: Moment(0, 1, next(at)))
    assert [len(step.moves) - 1 for step in take(steps, 3)] == [3, 2, 1]  # type: ignore[attr-defined]


def test_shared_fakes_are_made_once_and_those_of_the_discriminators_last_move() -> None:
    game, made, judged = game_of(), [], []
    game.generator.register_forward_hook(lambda module, given, fakes: made.append(fakes.detach().clone()))
    game.discriminator.register_forward_hook(lambda module, given, logits: judged.append(given[0].detach().clone()))
    next(Algorithm1(k=2, share_fakes=True).steps(game, batches(), optimizers(game)))
    assert len(made) == 2
    assert not torch.equal(made[0], made[1])
    assert torch.equal(judged[-1], made[1])
    made.clear()
    next(Algorithm1(k=2).steps(game, batches(), optimizers(game)))
    assert len(made) == 3


def test_a_generator_learns_of_shared_fakes_what_it_learns_of_new_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has not moved since they were made; a net that draws nothing else makes the same ones again."""

    def moved() -> list[Tensor]:
        torch.manual_seed(0)
        game = game_of()
        steps = Algorithm1(share_fakes=True).steps(game, batches(), optimizers(game))
        assert len(take(steps, 3)) == 3
        return [*game.generator.parameters()]

    shared = moved()
    monkeypatch.setattr("advnets.games.game.fakes_to_improve", lambda draw, make: make(draw))
    for theta, again in zip(shared, moved(), strict=True):
        torch.testing.assert_close(theta, again, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("k", [0, 1.5, True, "two"])
def test_a_k_that_is_no_number_of_moves_is_refused(k: object) -> None:
    with pytest.raises(BadInput, match="expected a whole number of moves, 1 or more, or a schedule"):
        Algorithm1(k=k)  # type: ignore[arg-type]


class Number(nn.Module):
    """A player of one number."""

    def __init__(self, start: float) -> None:
        super().__init__()
        self.value = nn.Parameter(torch.tensor(start, dtype=torch.float64))


class Bilinear:
    """min over x, max over y of x y: the game that simultaneous descent leaves in circles that grow."""

    def __init__(self) -> None:
        self.players = {"discriminator": Number(1.0), "generator": Number(1.0)}
        self.makers = {"": self.players["generator"]}

    def draw(self, batch: Batch, movers: object) -> Draw:
        return Draw(None)

    def terms(self, movers: tuple[str, ...], batch: Batch, draw: Draw, step: int) -> dict[str, Terms]:
        value = self.players["generator"].value * self.players["discriminator"].value
        signed = {"generator": value, "discriminator": -value}
        return {player: Terms({"objective": signed[player]}, {}) for player in movers}

    def wants_fresh_batch(self, player: str) -> bool:
        return player == "discriminator"

    def constrain(self, player: str) -> None:
        pass

    def schedule(self, moment: Moment) -> None:
        pass


def closed_form(name: str, rate: float, steps: int) -> np.ndarray:
    """(x, y) after so many steps: each is one matrix, of which `steps` powers are taken."""
    turn = np.array([[0.0, -rate], [rate, 0.0]])
    one = {
        "simultaneous": np.eye(2) + turn,
        "extragradient": np.eye(2) + turn @ (np.eye(2) + turn),
        # D ascends first, then G descends at the new y.
        "algorithm1": np.array([[1.0, -rate], [0.0, 1.0]]) @ np.array([[1.0, 0.0], [rate, 1.0]]),
    }
    return np.linalg.matrix_power(one[name], steps) @ np.ones(2)


@pytest.mark.parametrize("name", sorted(ALGORITHMS))
@pytest.mark.parametrize("rate", [0.05, 0.2])
def test_the_bilinear_game_follows_its_closed_form(name: str, rate: float) -> None:
    """Extragradient goes in, simultaneous descent out, Algorithm 1 round; float64, to 1e-12."""
    game = Bilinear()
    steps = ALGORITHMS[name]().steps(game, batches(), optimizers(game, rate))  # type: ignore[arg-type]
    take(steps, 100)
    found = [float(game.players[player].value.detach()) for player in ("generator", "discriminator")]
    np.testing.assert_allclose(found, closed_form(name, rate, 100), rtol=1e-12, atol=1e-12)
    distance = float(np.hypot(*found))
    assert {"extragradient": distance < 1.3, "simultaneous": distance > 1.5, "algorithm1": 1 < distance < 1.6}[name]
    if rate == 0.2 and name != "algorithm1":
        assert distance == pytest.approx({"extragradient": 0.1996, "simultaneous": 10.05}[name], rel=1e-3)


@pytest.mark.parametrize("row", [Adam(), SGD()])
def test_a_gradient_that_lies_transposed_moves_the_weights_that_it_belongs_to(row: OptimizerRow) -> None:
    """R1 through a convolution gives such a gradient; torch's fused steps would read it in another order."""
    torch.manual_seed(0)
    judge = nn.Sequential(nn.Conv2d(2, 4, 3), nn.Tanh(), nn.Flatten(), nn.Linear(16, 1))
    game = Game(nn.Sequential(nn.Linear(3, 32), nn.Unflatten(1, (2, 4, 4))), judge, non_saturating, latent=gaussian(3),
                penalties={r1: 10.0})  # fmt: skip
    optimizer, weight = row.build(list(judge.parameters())), judge[0].weight
    set_numbers(optimizer, lr=0.01)
    before, batch = weight.detach().clone(), Batch(torch.randn(6, 2, 4, 4))
    movers = ("discriminator",)
    found = differentiate(game, movers, batch, game.draw(batch, movers), 0)[1]["discriminator"]
    lies = found.values[0].transpose(0, 1).contiguous().transpose(0, 1)
    assert lies.stride() != weight.stride()
    descend(game, "discriminator", found._replace(values=[lies, *found.values[1:]]), optimizer)
    assert torch.equal((weight.detach() - before).sign(), -lies.sign())
