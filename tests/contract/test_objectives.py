"""Every row of OBJECTIVES keeps one contract: closed form, derivatives, finite everywhere, one loss a sample."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from advnets.errors import BadInput
from advnets.objectives import OBJECTIVES, Objective, halve, minimax, non_saturating, non_saturating_halved

Array = np.ndarray[Any, Any]


def D(a: Array) -> Array:
    return 1 / (1 + np.exp(-a))


# The papers' formulas as they are printed, in plain numpy; good for moderate logits only. (r, f) = (real, fake) logits.
ORACLES: dict[str, tuple[Callable[[Array, Array], Array], Callable[[Array, Array], Array]]] = {
    "minimax": (lambda r, f: -np.log(D(r)) - np.log(1 - D(f)), lambda r, f: np.log(1 - D(f))),
    "non_saturating": (lambda r, f: -np.log(D(r)) - np.log(1 - D(f)), lambda r, f: -np.log(D(f))),
    "non_saturating_halved": (lambda r, f: (-np.log(D(r)) - np.log(1 - D(f))) / 2, lambda r, f: -np.log(D(f))),
    "least_squares": (lambda r, f: ((r - 1) ** 2 + f**2) / 2, lambda r, f: (f - 1) ** 2 / 2),
    "wasserstein": (lambda r, f: f - r, lambda r, f: -f),
    "hinge": (lambda r, f: np.maximum(0, 1 - r) + np.maximum(0, 1 + f), lambda r, f: -f),
    "relativistic": (lambda r, f: -np.log(D(r - f)), lambda r, f: -np.log(D(f - r))),
}
PLAYERS = ["discriminator", "generator"]
EXTREMES = torch.tensor([-1e4, -100.0, -1.0, 0.0, 1.0, 100.0, 1e4])

every_objective = pytest.mark.parametrize("name", OBJECTIVES)
every_loss = [every_objective, pytest.mark.parametrize("player", PLAYERS)]


def loss_of(name: str, player: str) -> Callable[[Tensor, Tensor], Tensor]:
    """The loss as it is called: a generator that does not see the real batch is given None."""
    objective = OBJECTIVES[name]
    if player == "discriminator":
        return objective.discriminator
    return lambda real, fake: objective.generator(real if objective.generator_sees_real else None, fake)


def logits(n: int = 32, dtype: torch.dtype = torch.float64, seed: int = 0) -> tuple[Tensor, Tensor]:
    rng = torch.Generator().manual_seed(seed)
    real, fake = 3 * torch.randn(2, n, generator=rng, dtype=dtype)
    return real, fake


def over_every_loss(test: Any) -> Any:
    for mark in every_loss:
        test = mark(test)
    return test


def test_every_row_has_an_oracle() -> None:
    assert set(ORACLES) == set(OBJECTIVES)


@over_every_loss
def test_closed_form(name: str, player: str) -> None:
    real, fake = logits()
    expected = ORACLES[name][PLAYERS.index(player)](real.numpy(), fake.numpy())
    np.testing.assert_allclose(loss_of(name, player)(real, fake).numpy(), expected, rtol=1e-12, atol=1e-12)


@over_every_loss
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("n", [1, 2, 7])
def test_one_loss_a_sample(name: str, player: str, dtype: torch.dtype, n: int) -> None:
    loss = loss_of(name, player)(*logits(n, dtype))
    assert loss.shape == (n,)
    assert loss.dtype == dtype


@over_every_loss
def test_permutation_equivariance_and_batch_size(name: str, player: str) -> None:
    """To 1e-14: vector instructions and their remainder loops round the last bit differently."""
    loss, (real, fake) = loss_of(name, player), logits()
    order = torch.randperm(len(real), generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(loss(real[order], fake[order]), loss(real, fake)[order], rtol=1e-14, atol=1e-14)
    torch.testing.assert_close(loss(real[:5], fake[:5]), loss(real, fake)[:5], rtol=1e-14, atol=1e-14)


@over_every_loss
def test_derivatives(name: str, player: str) -> None:
    """Against torch's gradcheck, and against a central difference of the numpy oracle, to 1e-7."""
    loss = loss_of(name, player)
    real, fake = (a.requires_grad_() for a in logits(8))
    assert torch.autograd.gradcheck(loss, (real, fake))
    found = torch.autograd.grad(loss(real, fake).sum(), (real, fake), allow_unused=True)
    oracle, r, f, h = ORACLES[name][PLAYERS.index(player)], real.detach().numpy(), fake.detach().numpy(), 1e-5
    expected = (oracle(r + h, f) - oracle(r - h, f)) / (2 * h), (oracle(r, f + h) - oracle(r, f - h)) / (2 * h)
    for gradient, difference in zip(found, expected, strict=True):
        gradient = torch.zeros(8, dtype=torch.float64) if gradient is None else gradient
        np.testing.assert_allclose(gradient.numpy(), difference * np.ones(8), atol=1e-7)


@over_every_loss
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_extreme_logits_are_finite(name: str, player: str, dtype: torch.dtype) -> None:
    real, fake = (a.flatten().to(dtype).requires_grad_() for a in torch.meshgrid(EXTREMES, EXTREMES, indexing="ij"))
    loss = loss_of(name, player)(real, fake)
    gradients = torch.autograd.grad(loss.sum(), (real, fake), allow_unused=True)
    assert loss.isfinite().all()
    assert all(gradient.isfinite().all() for gradient in gradients if gradient is not None)


@every_objective
def test_the_generator_reads_real_logits_only_if_it_says_so(name: str) -> None:
    objective, (real, fake) = OBJECTIVES[name], logits()
    if objective.generator_sees_real:
        assert not torch.equal(objective.generator(real, fake), objective.generator(real + 1, fake))
        with pytest.raises(BadInput, match="no real logits"):
            objective.generator(None, fake)
    else:
        assert torch.equal(objective.generator(real, fake), objective.generator(None, fake))


@every_objective
def test_players_pull_fake_logits_apart(name: str) -> None:
    """Descent raises D(x) and lowers D(G(z)) for D, and raises D(G(z)) for G, at logits between their targets."""
    objective, (real, fake) = OBJECTIVES[name], (torch.full((4,), 0.3).requires_grad_() for _ in range(2))
    to_real, to_fake = torch.autograd.grad(objective.discriminator(real, fake).sum(), (real, fake))
    (by_generator,) = torch.autograd.grad(objective.generator(real.detach(), fake).sum(), fake)
    assert (to_real < 0).all()
    assert (to_fake > 0).all()
    assert (by_generator < 0).all()


@over_every_loss
@pytest.mark.parametrize(("real_shape", "fake_shape"), [((4, 1, 1), (4, 1, 1)), ((4, 1), (4,)), ((4,), (3,)), ((), ())])
def test_other_shapes_are_refused(
    name: str, player: str, real_shape: tuple[int, ...], fake_shape: tuple[int, ...]
) -> None:
    objective = OBJECTIVES[name]
    with pytest.raises(BadInput, match=r"expected \(batch,\)"):
        getattr(objective, player)(torch.zeros(real_shape), torch.zeros(fake_shape))


@every_objective
def test_score(name: str) -> None:
    """Shown as D(x): a probability where the loss is a cross-entropy, the output itself elsewhere."""
    real, _ = logits()
    expected = real if name in {"least_squares", "wasserstein", "hinge"} else real.sigmoid()
    assert torch.equal(OBJECTIVES[name].score(real), expected)


def test_minimax_and_non_saturating_share_one_discriminator() -> None:
    assert minimax.discriminator is non_saturating.discriminator
    assert minimax.generator is not non_saturating.generator


def test_the_released_code_halves_the_discriminator_only() -> None:
    real, fake = logits()
    assert torch.equal(non_saturating_halved.discriminator(real, fake), minimax.discriminator(real, fake) / 2)
    assert non_saturating_halved.generator is non_saturating.generator
    assert torch.equal(halve(minimax.discriminator)(real, fake), non_saturating_halved.discriminator(real, fake))


@pytest.mark.parametrize(
    ("objective", "slope"),
    [(minimax, lambda D: -D), (non_saturating, lambda D: -(1 - D))],
    ids=["minimax", "non_saturating"],
)
def test_saturation(objective: Objective, slope: Callable[[Tensor], Tensor]) -> None:
    """d/da log(1 - sigmoid(a)) = -D vanishes as D rejects the fake; d/da -log D = -(1 - D) does not. To 1e-8."""
    a = torch.linspace(-40, 40, 161, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(objective.generator(None, a).sum(), a)
    torch.testing.assert_close(gradient, slope(torch.sigmoid(a.detach())), rtol=0, atol=1e-8)


@over_every_loss
def test_patches_are_averaged_per_sample(name: str, player: str) -> None:
    real, fake = (a.view(8, 4) for a in logits())
    alone = loss_of(name, player)(real.flatten(), fake.flatten())
    torch.testing.assert_close(loss_of(name, player)(real, fake), alone.view(8, 4).mean(1), rtol=1e-14, atol=1e-14)
