"""Every row of PENALTIES keeps one contract: closed form, second derivatives, no gradient into the samples."""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

from advnets.errors import BadInput
from advnets.penalties import FINITE, PENALTIES, SCALE, Critic, Pass, gradient_penalty, interpolate, judge, r1, r2

SHAPES = [(6, 2), (6, 1, 4, 4), (6, 3, 5, 2)]
every_penalty = pytest.mark.parametrize("name", PENALTIES)
every_slope = pytest.mark.parametrize("name", [name for name, row in PENALTIES.items() if row not in FINITE])
every_finite = pytest.mark.parametrize("name", [name for name, row in PENALTIES.items() if row in FINITE])
every_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)


class Maxout(nn.Module):
    """max over pairs of linear units, as in the 2014 discriminators."""

    def forward(self, x: Tensor) -> Tensor:
        return x.unflatten(1, (-1, 2)).amax(2)


ACTIVATIONS = {"relu": nn.ReLU, "maxout": Maxout, "tanh": nn.Tanh}
every_activation = pytest.mark.parametrize("activation", ACTIVATIONS)


def mlp(activation: str, d: int = 3) -> nn.Sequential:
    """A critic of points, with float64 parameters."""
    torch.manual_seed(0)
    act, width = ACTIVATIONS[activation], 16 if activation == "maxout" else 8
    layers = [nn.Linear(d, width), act(), nn.Linear(8, width), act(), nn.Linear(8, 1), nn.Flatten(0)]
    return nn.Sequential(*layers).double()


def draws(shape: tuple[int, ...], dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
    real, fake = torch.randn(2, *shape, generator=torch.Generator().manual_seed(0), dtype=dtype)
    return real, fake


def linear(w: Tensor) -> Critic:
    """D(x) = w . x, whose slope is w everywhere."""
    return lambda x: (x * w).flatten(1).sum(1)


def seeded_penalty(name: str, critic: Critic, real: Tensor, fake: Tensor) -> Tensor:
    """The penalty under one fixed draw of eps."""
    torch.manual_seed(7)
    return PENALTIES[name](judge(critic, real, fake))


@every_slope
@every_shape
def test_linear_critic(name: str, shape: tuple[int, ...]) -> None:
    """grad D = w: R1 = R2 = 1/2 ||w||^2 and GP = (||w|| - 1)^2, with the squares summed over c, h, w, to 1e-12."""
    real, fake = draws(shape)
    w = torch.randn(shape[1:], generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    square = float((w**2).sum())
    expected = (square**0.5 - 1) ** 2 if name == "gradient_penalty" else square / 2
    penalty = PENALTIES[name](judge(linear(w), real, fake))
    torch.testing.assert_close(penalty, torch.full((6,), expected, dtype=torch.float64), rtol=1e-12, atol=1e-12)


@every_slope
def test_quadratic_critic(name: str) -> None:
    """D = 1/2 x.Ax, so grad D = Ax at the penalty's own point: x, G(z), or xhat of the same eps; to 1e-12."""
    real, fake = draws((6, 3))
    B = torch.randn(3, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    A = B + B.T
    penalty = seeded_penalty(name, lambda x: 0.5 * ((x @ A) * x).sum(1), real, fake)
    torch.manual_seed(7)
    eps = torch.rand(6, 1, dtype=torch.float64)
    point = {"r1": real, "r2": fake, "gradient_penalty": eps * real + (1 - eps) * fake}[name]
    square = ((point @ A) ** 2).sum(1)
    expected = (square.sqrt() - 1) ** 2 if name == "gradient_penalty" else square / 2
    torch.testing.assert_close(penalty, expected, rtol=1e-12, atol=1e-12)


@every_penalty
@every_shape
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_one_penalty_a_sample(name: str, shape: tuple[int, ...], dtype: torch.dtype) -> None:
    real, fake = draws(shape, dtype)
    penalty = PENALTIES[name](judge(linear(torch.ones(shape[1:], dtype=dtype)), real, fake))
    assert penalty.shape == (6,)
    assert penalty.dtype == dtype
    assert (penalty >= 0).all()


@every_slope
def test_permutation_equivariance_and_batch_size(name: str) -> None:
    """With real = fake, so that eps does not matter; to the rounding of matrix products of other sizes, 1e-12."""
    real, _ = draws((6, 3))
    critic, order = mlp("tanh"), torch.tensor([3, 1, 5, 0, 2, 4])
    penalty = PENALTIES[name](judge(critic, real, real))
    torch.testing.assert_close(
        PENALTIES[name](judge(critic, real[order], real[order])), penalty[order], rtol=0, atol=1e-12
    )
    torch.testing.assert_close(PENALTIES[name](judge(critic, real[:2], real[:2])), penalty[:2], rtol=0, atol=1e-12)


def central_differences(critic: nn.Module, name: str, real: Tensor, fake: Tensor, h: float = 1e-6) -> Iterator[Tensor]:
    """d(mean penalty) / d(theta) for each parameter tensor of the critic, one number of it moved at a time."""
    for parameter in critic.parameters():
        difference = torch.zeros(parameter.numel(), dtype=torch.float64)
        flat = parameter.data.view(-1)
        for i in range(len(flat)):
            start = flat[i].item()
            for sign in (1, -1):
                flat[i] = start + sign * h
                difference[i] += sign * seeded_penalty(name, critic, real, fake).mean().item() / (2 * h)
            flat[i] = start
        yield difference.view_as(parameter)


@every_penalty
@every_activation
def test_derivative_in_theta(name: str, activation: str) -> None:
    """d(penalty) / d(theta) is that of central differences to 1e-7, and reaches every layer's weights.

    Not the last bias, on which no slope depends, nor the biases of piecewise linear nets.
    """
    critic, (real, fake) = mlp(activation), draws((6, 3))
    parameters = list(critic.parameters())
    found = torch.autograd.grad(seeded_penalty(name, critic, real, fake).mean(), parameters, allow_unused=True)
    for parameter, gradient, difference in zip(
        parameters, found, central_differences(critic, name, real, fake), strict=True
    ):
        gradient = torch.zeros_like(parameter) if gradient is None else gradient
        torch.testing.assert_close(gradient, difference, rtol=0, atol=1e-7)
        assert parameter.ndim == 1 or gradient.abs().max() > 1e-4


@every_penalty
def test_the_gradient_stops_at_the_samples(name: str) -> None:
    critic, (real, z) = mlp("tanh"), draws((6, 3))
    generator = nn.Linear(3, 3).double()
    real.requires_grad_()
    PENALTIES[name](judge(critic, real, generator(z))).sum().backward()
    assert real.grad is None
    assert all(parameter.grad is None for parameter in generator.parameters())
    assert all(layer.weight.grad.abs().max() > 0 for layer in critic if isinstance(layer, nn.Linear))


@every_penalty
def test_the_callers_samples_and_gradients_are_left_alone(name: str) -> None:
    critic, (real, fake) = mlp("tanh"), draws((6, 3))
    before = real.clone(), fake.clone()
    PENALTIES[name](judge(critic, real, fake))
    assert torch.equal(real, before[0])
    assert torch.equal(fake, before[1])
    assert not real.requires_grad
    assert not fake.requires_grad
    assert all(parameter.grad is None for parameter in critic.parameters())


def test_r1_reads_real_only_and_r2_fake_only() -> None:
    critic, (real, fake) = mlp("tanh"), draws((6, 3))
    nowhere = torch.full_like(real, torch.nan)
    assert r1(judge(critic, real, nowhere)).isfinite().all()
    assert torch.equal(r1(judge(critic, real, nowhere)), r2(judge(critic, nowhere, real)))
    assert torch.equal(r2(judge(critic, nowhere, fake)), r1(judge(critic, fake, nowhere)))


@every_finite
@every_shape
def test_finite_differences_of_a_linear_critic_are_its_slope_along_the_noise(name: str, shape: tuple[int, ...]) -> None:
    """D = w . x, so (D(x + s n) - D(x)) / s = w . n, whatever s is; to the rounding of a division by s, 1e-11."""
    real, fake = draws(shape)
    w = torch.randn(shape[1:], generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    penalty = seeded_penalty(name, linear(w), real, fake)
    torch.manual_seed(7)
    n = torch.randn(shape, dtype=torch.float64)
    torch.testing.assert_close(penalty, 0.5 * linear(w)(n).square(), rtol=1e-9, atol=1e-11)


def mean_over_draws(name: str, critic: nn.Module, real: Tensor, fake: Tensor, draws: int) -> tuple[Tensor, Tensor]:
    """The mean penalty over many n and its standard error, from one pass over copies of the samples."""
    torch.manual_seed(7)
    found = PENALTIES[name](judge(critic, *(x.repeat(draws, 1) for x in (real, fake)))).view(draws, -1).mean(1)
    return found.mean(), found.detach().std() / draws**0.5


@every_finite
def test_the_mean_of_finite_differences_is_the_exact_penalty_and_so_is_its_gradient(name: str) -> None:
    """Over 20,000 n: within 4 standard errors and the part of s^2, 1e-4 of it; gradients within 3 % of their norm.

    A draw's deviation is 1.4 of its mean, so the mean is known to .4 %; gradients were .5 and .7 % apart. Half or twice
    the penalty would miss by fifty bounds. Where D has kinks the part is of order s, where a sample lies beside one:
    maxout's gradient was 12 % apart at s = .01 and .5 % at s = .001.
    """
    critic, (real, fake) = mlp("tanh"), draws((6, 3))
    exact = PENALTIES[name.removesuffix("_finite")](judge(critic, real, fake)).mean()
    mean, error = mean_over_draws(name, critic, real, fake, 20_000)
    weights = [theta for theta in critic.parameters() if theta.ndim > 1]
    found, expected = (
        torch.cat([gradient.flatten() for gradient in torch.autograd.grad(loss, weights)]) for loss in (mean, exact)
    )
    assert float((found - expected).norm() / expected.norm()) < 0.03
    mean, exact = mean.detach(), exact.detach()
    assert abs(float(mean - exact)) < 4 * float(error) + SCALE**2 * float(exact)


def test_a_flat_critic_has_a_finite_gradient_penalty_and_gradient() -> None:
    """The norm has a kink at slope 0, where a net of zeros starts: (0 - 1)^2 = 1, and no NaN below it."""
    critic, (real, fake) = nn.Sequential(nn.Linear(3, 1), nn.Flatten(0)).double(), draws((6, 3))
    nn.init.zeros_(critic[0].weight)
    penalty = gradient_penalty(judge(critic, real, fake))
    assert torch.equal(penalty, torch.ones(6, dtype=torch.float64))
    penalty.sum().backward()
    assert critic[0].weight.grad.isfinite().all()


def is_one_eps_a_sample(xhat: Tensor) -> bool:
    """Between images of ones and images of zeros, xhat is eps: flat in each image, different between images."""
    eps = xhat.flatten(1)
    return bool((eps == eps[:, :1]).all()) and len(eps[:, 0].unique()) > 0.9 * len(eps)


def test_interpolation_is_per_sample() -> None:
    """One eps an image, uniform on [0, 1]; the check rejects one eps a pixel and one eps a batch."""
    seen: list[Tensor] = []
    ones, zeros = torch.ones(4096, 3, 2, 2), torch.zeros(4096, 3, 2, 2)

    def critic(x: Tensor) -> Tensor:
        seen.append(x.detach())
        return x.flatten(1).sum(1)

    torch.manual_seed(0)
    gradient_penalty(judge(critic, ones, zeros))
    assert is_one_eps_a_sample(seen[2])
    deciles = torch.histc(seen[2][:, 0, 0, 0], 10, 0, 1) / 4096
    assert (deciles - 0.1).abs().max() < 0.02  # 4.3 standard errors
    assert not is_one_eps_a_sample(torch.rand_like(ones))
    assert not is_one_eps_a_sample(torch.rand(1, 1, 1, 1).expand_as(ones))


def test_interpolates_lie_on_the_segment() -> None:
    """||x - xhat|| + ||xhat - G(z)|| = ||x - G(z)|| to 1e-12, which one eps a pixel breaks."""
    real, fake = (a.flatten(1) for a in draws((64, 3, 4, 4)))

    def detour(xhat: Tensor) -> Tensor:
        return (real - xhat).norm(dim=1) + (xhat - fake).norm(dim=1) - (real - fake).norm(dim=1)

    assert detour(interpolate(real, fake)).abs().max() < 1e-12
    assert detour(torch.lerp(fake, real, torch.rand_like(real))).min() > 0.1


@every_penalty
def test_bad_shapes_are_refused(name: str) -> None:
    real, fake = draws((6, 3))
    with pytest.raises(BadInput, match=r"expected \(batch,\)"):
        PENALTIES[name](judge(lambda x: x.sum(1)[:5], real, fake))
    with pytest.raises(BadInput, match="expected one shape"):
        gradient_penalty(judge(lambda x: x.sum(1), real, fake[:5]))


def test_slopes_at_both_by_one_pass_are_those_of_two_passes() -> None:
    """R1 and R2 of one move, and their gradients in the critic; the pass is one over real and fake, as a game's is."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 1), nn.Flatten(0)).double()
    found = []
    for joint in (False, True):
        real, fake = (torch.linspace(-1, end, 12, dtype=torch.float64).view(3, 4).requires_grad_() for end in (1, 2))
        real_logits, fake_logits = network(torch.cat([real, fake])).split(3)
        seen = Pass(real, fake, real_logits, fake_logits, network, network, joint=joint)
        penalties = PENALTIES["r1"](seen), PENALTIES["r2"](seen)
        loss = penalties[0].mean() + 2 * penalties[1].mean()
        found.append([*penalties, *torch.autograd.grad(loss, list(network.parameters())[:3])])
    for apart, together in zip(*found, strict=True):
        torch.testing.assert_close(together, apart, rtol=1e-12, atol=1e-12)
