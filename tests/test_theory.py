"""The paper's section 4 in numbers: closed forms, quadrature, ascent on V, and a net that finds D*."""

from collections.abc import Iterator
from math import inf, log

import numpy as np
import pytest
import torch
from scipy import integrate, special, stats
from torch import Tensor, nn

from advnets import theory
from advnets.errors import BadInput
from advnets.objectives import minimax
from problems import PAIRS, OneDimension

every_pair = pytest.mark.parametrize("name", PAIRS)


def discrete(seed: int, n: int = 10) -> tuple[Tensor, Tensor]:
    """Two distributions on n outcomes, float64."""
    p, q = np.random.default_rng(seed).dirichlet(np.ones(n), size=2)
    return torch.from_numpy(p), torch.from_numpy(q)


@every_pair
def test_densities_integrate_to_one(name: str) -> None:
    pair = PAIRS[name]
    for log_p in pair.log_densities:
        assert float((pair.w * log_p.exp()).sum()) == pytest.approx(1, abs=1e-12)


@every_pair
def test_divergences_are_their_closed_forms(name: str) -> None:
    """Both KL, JSD and C(G), to 1e-6 and mostly to 1e-12."""
    pair = PAIRS[name]
    log_p, log_q = pair.log_densities
    assert float(theory.kl(log_p, log_q, pair.w)) == pytest.approx(pair.kl, abs=1e-6)
    assert float(theory.kl(log_q, log_p, pair.w)) == pytest.approx(pair.reverse_kl, abs=1e-6)
    if pair.jsd is not None and pair.criterion is not None:
        assert float(theory.jsd(log_p, log_q, pair.w)) == pytest.approx(pair.jsd, abs=1e-6)
        assert float(theory.criterion(log_p, log_q, pair.w)) == pytest.approx(pair.criterion, abs=1e-6)


@every_pair
def test_criterion_is_the_value_at_the_optimum(name: str) -> None:
    """C(G) = V(D*, G) (equation 4), -log 4 <= C(G) <= 0, and no other D does better (Proposition 1)."""
    pair = PAIRS[name]
    log_p, log_q = pair.log_densities
    C = float(theory.criterion(log_p, log_q, pair.w))
    best = theory.optimal_logits(log_p, log_q)
    assert float(theory.value_of_logits(best, log_p, log_q, pair.w)) == pytest.approx(C, abs=1e-9)
    assert -theory.LOG_4 - 1e-12 <= C <= 1e-12
    for other in (best.clamp(-1, 1) + 0.1, 0.5 * best.clamp(-9, 9), torch.zeros_like(best)):
        assert float(theory.value_of_logits(other, log_p, log_q, pair.w)) <= C + 1e-12


@every_pair
def test_densities_and_logits_give_one_optimum(name: str) -> None:
    pair = PAIRS[name]
    log_p, log_q = pair.log_densities
    seen = (log_p > -700) | (log_q > -700)
    D = theory.optimal_discriminator(log_p.exp(), log_q.exp())
    torch.testing.assert_close(torch.sigmoid(theory.optimal_logits(log_p, log_q))[seen], D[seen], rtol=0, atol=1e-12)


def test_optimum_far_in_the_tail_and_off_the_support() -> None:
    x = torch.tensor([60.0], dtype=torch.float64)
    a = theory.optimal_logits(theory.log_normal(x, 0, 1), theory.log_normal(x, 0.1, 1))
    assert float(a) == pytest.approx(0.1**2 / 2 - 0.1 * 60, abs=1e-9)  # both densities underflow to 0 here
    nothing = torch.tensor([-inf], dtype=torch.float64)
    assert float(theory.optimal_logits(nothing, nothing)) == 0
    assert float(theory.optimal_discriminator(nothing.exp(), nothing.exp())) == 0.5


def test_normals_against_scipy() -> None:
    """KL, and JSD, which has no closed form, of N(0, 1) and N(1, 4) by another quadrature, to 1e-8."""
    pair, p, q = PAIRS["wide and narrow normals"], stats.norm(0, 1), stats.norm(1, 2)
    log_p, log_q = pair.log_densities

    def m_term(x: float) -> float:
        m = (p.pdf(x) + q.pdf(x)) / 2
        return float(special.rel_entr(p.pdf(x), m) + special.rel_entr(q.pdf(x), m)) / 2

    jsd = integrate.quad(m_term, -30, 30, epsabs=1e-11, limit=200)[0]
    kl = integrate.quad(lambda x: p.pdf(x) * (p.logpdf(x) - q.logpdf(x)), -30, 30, epsabs=1e-11, limit=200)[0]
    assert float(theory.jsd(log_p, log_q, pair.w)) == pytest.approx(jsd, abs=1e-8)
    assert pair.kl == pytest.approx(kl, abs=1e-8)


@pytest.mark.parametrize("s", [0.0, 0.25, 0.5, 1.0, 3.0])
def test_shifted_uniforms(s: float) -> None:
    """JSD = min(s, 1) log 2, so C(G) goes from -log 4 to 0 and is flat from there on: no gradient for G."""
    pair = theory.uniform_pair(0, 1, s, 1 + s)
    assert pair.jsd == pytest.approx(min(s, 1) * log(2), abs=1e-12)
    assert pair.criterion == pytest.approx(-(1 - min(s, 1)) * log(4), abs=1e-12)


def test_discrete_divergences_against_scipy() -> None:
    for seed in range(5):
        p, q = discrete(seed)
        assert float(theory.kl(p.log(), q.log())) == pytest.approx(float(stats.entropy(p, q)), abs=1e-12)
        jsd = (stats.entropy(p, (p + q) / 2) + stats.entropy(q, (p + q) / 2)) / 2
        assert float(theory.jsd(p.log(), q.log())) == pytest.approx(float(jsd), abs=1e-12)


def test_discrete_with_disjoint_supports() -> None:
    p, q = torch.tensor([[0.5, 0.5, 0, 0], [0, 0, 0.25, 0.75]], dtype=torch.float64)
    assert float(theory.jsd(p.log(), q.log())) == pytest.approx(log(2), abs=1e-15)
    assert float(theory.kl(p.log(), q.log())) == inf
    assert float(theory.criterion(p.log(), q.log())) == pytest.approx(0, abs=1e-15)
    assert float(theory.value_function(theory.optimal_discriminator(p, q), p, q)) == 0


def test_value_function_is_that_of_logits_and_of_the_loss() -> None:
    """V(D, G) is minus the expectation of the minimax discriminator's loss, by three ways."""
    p, q = discrete(0)
    a = torch.linspace(-3, 3, 10, dtype=torch.float64)
    V = theory.value_function(torch.sigmoid(a), p, q)
    torch.testing.assert_close(theory.value_of_logits(a, p.log(), q.log()), V)
    table = torch.stack([minimax.discriminator(a, fake.expand(10)) for fake in a], 1)
    torch.testing.assert_close(-(p[:, None] * q * table).sum(), V)


@pytest.mark.parametrize("seed", range(3))
def test_ascent_on_the_value_finds_the_optimum(seed: int) -> None:
    """Proposition 1: gradient ascent on V by autograd ends at D*, within 1e-6, with V = C(G) to 1e-9."""
    p, q = discrete(seed)
    a = torch.zeros(10, dtype=torch.float64, requires_grad=True)
    ascent = torch.optim.LBFGS(
        [a], max_iter=500, tolerance_grad=1e-12, tolerance_change=0, line_search_fn="strong_wolfe"
    )

    def closure() -> Tensor:
        ascent.zero_grad()
        loss = -theory.value_function(torch.sigmoid(a), p, q)
        loss.backward()
        return loss

    ascent.step(closure)
    D = torch.sigmoid(a.detach())
    torch.testing.assert_close(D, theory.optimal_discriminator(p, q), rtol=0, atol=1e-6)
    assert float(theory.value_function(D, p, q)) == pytest.approx(float(theory.criterion(p.log(), q.log())), abs=1e-9)


def test_the_optimum_is_stationary_and_a_maximum() -> None:
    p, q = discrete(3)
    D = theory.optimal_discriminator(p, q).requires_grad_()
    hessian = torch.autograd.functional.hessian(lambda D: theory.value_function(D, p, q), D)
    (slope,) = torch.autograd.grad(theory.value_function(D, p, q), D)
    assert slope.abs().max() < 1e-12
    assert torch.linalg.eigvalsh(hessian).max() < 0


def test_descent_on_the_criterion_ends_at_minus_log_4() -> None:
    """Theorem 1: over all p_g (softmax of free logits), min C(G) = -log 4 to 1e-9, and there p_g = p_data to 1e-4."""
    p, _ = discrete(4)
    theta = torch.zeros(10, dtype=torch.float64, requires_grad=True)
    descent = torch.optim.LBFGS(
        [theta], max_iter=500, tolerance_grad=1e-12, tolerance_change=0, line_search_fn="strong_wolfe"
    )

    def closure() -> Tensor:
        descent.zero_grad()
        loss = theory.criterion(p.log(), theta.log_softmax(0))
        loss.backward()
        return loss

    assert closure().item() > -theory.LOG_4 + 0.01
    descent.step(closure)
    assert closure().item() == pytest.approx(-1.3862943611198906, abs=1e-9)
    torch.testing.assert_close(theta.detach().softmax(0), p, rtol=0, atol=1e-4)


def test_criterion_is_convex_in_p_g() -> None:
    """Proposition 2 rests on it: C at a blend of two generators is no more than the blend of the two C."""
    p, q = discrete(5)
    r, _ = discrete(6)
    for t in np.linspace(0, 1, 11):
        blend = theory.criterion(p.log(), (t * q + (1 - t) * r).log())
        assert blend <= t * theory.criterion(p.log(), q.log()) + (1 - t) * theory.criterion(p.log(), r.log()) + 1e-12


def test_trapezoid() -> None:
    """Exact on lines, over uneven nodes; to 1e-6 on a normal density over 4,001 nodes."""
    x = torch.tensor([0.0, 0.1, 0.5, 2.0], dtype=torch.float64)
    assert float((theory.trapezoid_weights(x) * (3 * x + 1)).sum()) == pytest.approx(8)
    x = torch.linspace(-8, 8, 4001, dtype=torch.float64)
    assert float((theory.trapezoid_weights(x) * theory.log_normal(x, 0, 1).exp()).sum()) == pytest.approx(1, abs=1e-6)


def test_empty_intervals_are_refused() -> None:
    with pytest.raises(BadInput, match="expected a < b"):
        theory.uniform_pair(1, 1, 0, 1)


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Small matrices on shared cores: threads that wait for each other turned seconds into minutes."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def trained_discriminator(problem: OneDimension, seed: int, steps: int = 1500, n: int = 1000) -> nn.Module:
    """A 1-64-64-1 tanh net that descends the minimax loss: Adam .01, cosine to 0, fresh stratified batches of n + n."""
    rng = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    net = nn.Sequential(nn.Linear(1, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 1), nn.Flatten(0))
    adam = torch.optim.Adam(net.parameters(), lr=0.01, betas=(0.9, 0.99))
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR(adam, steps)
    for _ in range(steps):
        real, fake = problem.real(n, rng).float()[:, None], problem.fake(n, rng).float()[:, None]
        loss = minimax.discriminator(net(real), net(fake)).mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
        cosine.step()
    return net


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("seed", range(3))
def test_a_trained_discriminator_finds_the_optimum(seed: int) -> None:
    """max |D - D*| <= 0.02 over the highest-density region that holds 99 % of (p_data + p_g) / 2.

    The region is [-2.69, 3.20], one interval, and D* runs from 0.084 to 0.838 on it. Measured for seeds 0, 1, 2:
    0.0037, 0.0027, 0.0036 (0.0080 at most over seeds 0 to 7), in about 2 s each on one core. Independent draws of the
    same number gave 0.017, 0.010, 0.026: there the bound would test the noise of the batches, not the loss.
    """
    problem = OneDimension()
    x = problem.region(0.99, torch.linspace(-8, 8, 4001, dtype=torch.float64))
    D = torch.sigmoid(trained_discriminator(problem, seed)(x.float()[:, None])).detach()
    optimum = problem.optimal_discriminator(x)
    assert (optimum - 0.5).abs().max() > 0.4  # far from what an untrained net says
    assert (D - optimum).abs().max() <= 0.02
