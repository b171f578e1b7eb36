"""The quantities of the 2014 paper as numbers: D*, V(D, G), C(G), KL and JSD, and densities where they are exact.

Goodfellow et al., Generative Adversarial Nets, 2014, section 4. Everything is in nats, in float64. A distribution is
its log density at nodes x, shape (n,), with weights w, shape (n,), such that

    sum_i w_i f(x_i) = integral of f

So a discrete distribution has w = 1, and a density on the line has the weights of a quadrature. -inf is a log density
too.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import log, pi, sqrt

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from advnets.errors import BadInput

LOG_4 = log(4)  # C(G) = -LOG_4 if and only if p_g = p_data (Theorem 1)


def optimal_discriminator(p_data: Tensor, p_g: Tensor) -> Tensor:
    """Compute the discriminator that no other beats, for a fixed generator.

        D*(x) = p_data(x) / (p_data(x) + p_g(x))

    Proposition 1, equation 2. Where both densities vanish the paper leaves D* undefined; here it is 1/2.

    Args:
        p_data: Densities (not logs) of the data, of any shape.
        p_g: Densities of the generator, of the same shape.

    Returns:
        D*, of that shape.
    """
    total = p_data + p_g
    return torch.where(total > 0, p_data / total, 0.5)


def optimal_logits(log_p_data: Tensor, log_p_g: Tensor) -> Tensor:
    """Compute the logits of D*, which are right in tails where both densities underflow.

        a*(x) = log p_data(x) - log p_g(x),        D* = sigmoid(a*)

    Proposition 1, equation 2, through p / (p + q) = sigmoid(log p - log q). They are 0 where both densities vanish.

    Args:
        log_p_data: Log densities of the data, of any shape, in nats.
        log_p_g: Log densities of the generator, of the same shape.

    Returns:
        a*, of that shape.
    """
    a = log_p_data - log_p_g
    return torch.where(a.isnan() & log_p_data.isneginf(), 0.0, a)


def expectation(log_p: Tensor, f: Tensor, w: Tensor | float = 1.0) -> Tensor:
    """Compute E_p f = sum_i w_i p(x_i) f(x_i), where 0 times anything is 0.

    Args:
        log_p: Log density at the nodes, (n,).
        f: Values at the nodes, (n,).
        w: Weights, (n,), or 1 for a discrete distribution.

    Returns:
        The expectation, a scalar.
    """
    return torch.where(log_p.isneginf(), 0.0, w * log_p.exp() * f).sum()


def value_function(D: Tensor, p_data: Tensor, p_g: Tensor, w: Tensor | float = 1.0) -> Tensor:
    """Compute the value of the minimax game, which D climbs and G descends, in nats.

        V(D, G) = E_{x ~ p_data} log D(x) + E_{x ~ p_g} log(1 - D(x))

    Equation 1, in the form of equation 3; 0 log 0 = 0. It is differentiable in D and in p_g. Where D rounds to 0 or 1
    use `value_of_logits`.

    Args:
        D: Probabilities at the nodes, (n,).
        p_data: Density of the data there, (n,).
        p_g: Density of the generator there, (n,).
        w: Weights, (n,), or 1.

    Returns:
        V, a scalar.
    """
    return (w * (torch.xlogy(p_data, D) + torch.xlogy(p_g, 1 - D))).sum()


def value_of_logits(a: Tensor, log_p_data: Tensor, log_p_g: Tensor, w: Tensor | float = 1.0) -> Tensor:
    """Compute V(D, G) of `value_function` for D = sigmoid(a), without rounding D to 0 or 1.

    Args:
        a: Logits at the nodes, (n,).
        log_p_data: Log density of the data there, (n,).
        log_p_g: Log density of the generator there, (n,).
        w: Weights, (n,), or 1.

    Returns:
        V, a scalar, in nats.
    """
    # log(1 - sigmoid(a)) = log sigmoid(-a)
    return expectation(log_p_data, logsigmoid(a), w) + expectation(log_p_g, logsigmoid(-a), w)


def kl(log_p: Tensor, log_q: Tensor, w: Tensor | float = 1.0) -> Tensor:
    """Compute the Kullback-Leibler divergence, in nats; it is infinite if p puts mass where q has none.

        KL(p || q) = E_p [log p - log q]

    It is not symmetric: KL(p_data || p_g) is what maximum likelihood descends.

    Args:
        log_p: Log density p at the nodes, (n,).
        log_q: Log density q there, (n,).
        w: Weights, (n,), or 1.

    Returns:
        The divergence, a scalar.
    """
    return expectation(log_p, log_p - log_q, w)


def jsd(log_p: Tensor, log_q: Tensor, w: Tensor | float = 1.0) -> Tensor:
    """Compute the Jensen-Shannon divergence, in nats, from 0 (p = q) to log 2 (disjoint supports).

        JSD(p || q) = 1/2 KL(p || m) + 1/2 KL(q || m),        m = (p + q) / 2

    It is not its square root, the Jensen-Shannon distance of some libraries; nor is it in bits, where its largest value
    is 1.

    Args:
        log_p: Log density p at the nodes, (n,).
        log_q: Log density q there, (n,).
        w: Weights, (n,), or 1.

    Returns:
        The divergence, a scalar.
    """
    log_m = torch.logaddexp(log_p, log_q) - log(2)
    return 0.5 * kl(log_p, log_m, w) + 0.5 * kl(log_q, log_m, w)


def criterion(log_p_data: Tensor, log_p_g: Tensor, w: Tensor | float = 1.0) -> Tensor:
    """Compute what a generator descends against a perfect discriminator, in nats, from -log 4 to 0.

        C(G) = max_D V(D, G) = -log 4 + 2 JSD(p_data || p_g)

    Theorem 1, equations 4 to 6.

    Args:
        log_p_data: Log density of the data at the nodes, (n,).
        log_p_g: Log density of the generator there, (n,).
        w: Weights, (n,), or 1.

    Returns:
        C(G), a scalar.
    """
    return -LOG_4 + 2 * jsd(log_p_data, log_p_g, w)


def trapezoid_weights(x: Tensor) -> Tensor:
    """Compute the weights of the trapezoid rule: w_i = (x_{i+1} - x_{i-1}) / 2, and half an interval at both ends.

    Args:
        x: Increasing nodes, (n,), float64.

    Returns:
        Weights, (n,).
    """
    h = x.diff() / 2
    zero = h.new_zeros(1)
    return torch.cat([h, zero]) + torch.cat([zero, h])


def gauss_legendre(edges: list[float], n: int = 64) -> tuple[Tensor, Tensor]:
    """Compute n-point Gauss-Legendre quadrature on each interval between neighbouring edges.

    Args:
        edges: Increasing numbers; put one wherever a density jumps.
        n: Points an interval.

    Returns:
        Nodes x and weights w, each (n (edges - 1),).
    """
    t, u = (torch.from_numpy(a) for a in np.polynomial.legendre.leggauss(n))
    e = torch.tensor(edges, dtype=torch.float64)
    half, middle = e.diff()[:, None] / 2, (e[1:] + e[:-1])[:, None] / 2
    return (middle + half * t).flatten(), (half * u).flatten()


def log_normal(x: Tensor, mu: float, sigma: float) -> Tensor:
    """Compute log N(x; mu, sigma^2), the log of a normal density; not the log-normal distribution.

    Args:
        x: Points, of any shape.
        mu: Mean, in x's unit.
        sigma: Standard deviation, not variance, in x's unit.

    Returns:
        Log densities, of x's shape, in nats.
    """
    return -0.5 * ((x - mu) / sigma) ** 2 - log(sigma * sqrt(2 * pi))


def log_uniform(x: Tensor, a: float, b: float) -> Tensor:
    """Compute log U(x; a, b): -log(b - a) on [a, b), and -inf elsewhere.

    Args:
        x: Points, of any shape.
        a: Lower end, in x's unit.
        b: Upper end, above a.

    Returns:
        Log densities, of x's shape, in nats.
    """
    return torch.full_like(x, -log(b - a)).masked_fill((x < a) | (x >= b), -torch.inf)


def log_mixture(log_densities: list[Tensor], proportions: list[float]) -> Tensor:
    """Compute the log of a mixture, log sum_k pi_k p_k(x).

    Args:
        log_densities: log p_k(x), each of one shape.
        proportions: pi_k, which sum to 1.

    Returns:
        Log densities, of that shape, in nats.
    """
    return torch.logsumexp(torch.stack([p + log(c) for p, c in zip(log_densities, proportions, strict=True)]), 0)


LogDensity = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Pair:
    """p_data and p_g, nodes and weights that integrate them, and their divergences in closed form, in nats.

    Attributes:
        log_p_data: x -> log density of the data.
        log_p_g: x -> log density of the generator.
        edges: The support, with an edge wherever a density jumps.
        kl: KL(p_data || p_g).
        reverse_kl: KL(p_g || p_data).
        jsd: JSD, or None if it has no closed form.
        x: Nodes, (n,), float64, computed from edges.
        w: Weights, (n,), float64, computed from edges.
    """

    log_p_data: LogDensity
    log_p_g: LogDensity
    edges: list[float]
    kl: float
    reverse_kl: float
    jsd: float | None
    x: Tensor = field(init=False, repr=False, compare=False)
    w: Tensor = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        x, w = gauss_legendre(self.edges)
        object.__setattr__(self, "x", x)
        object.__setattr__(self, "w", w)

    @property
    def log_densities(self) -> tuple[Tensor, Tensor]:
        """Log densities of p_data and p_g at the nodes, each (n,)."""
        return self.log_p_data(self.x), self.log_p_g(self.x)

    @property
    def criterion(self) -> float | None:
        """C(G) = -log 4 + 2 JSD, or None if JSD has no closed form (Theorem 1, equation 6)."""
        return None if self.jsd is None else -LOG_4 + 2 * self.jsd


def normals_kl(mu: float, sigma: float, mu_q: float, sigma_q: float) -> float:
    """Compute KL(N(mu, sigma^2) || N(mu_q, sigma_q^2)), in nats.

        log(sigma_q / sigma) + (sigma^2 + (mu - mu_q)^2) / (2 sigma_q^2) - 1/2

    Args:
        mu: Mean of the first.
        sigma: Standard deviation of the first, in the means' unit.
        mu_q: Mean of the second.
        sigma_q: Standard deviation of the second, in the means' unit.

    Returns:
        The divergence.
    """
    return log(sigma_q / sigma) + (sigma**2 + (mu - mu_q) ** 2) / (2 * sigma_q**2) - 0.5


def normal_pair(mu: float, sigma: float, mu_g: float, sigma_g: float) -> Pair:
    """Return two normal densities: D* is the sigmoid of a parabola.

    JSD has no closed form, unless they are equal. Nodes reach 12 deviations out.

    Args:
        mu: Mean of p_data.
        sigma: Standard deviation of p_data.
        mu_g: Mean of p_g.
        sigma_g: Standard deviation of p_g.

    Returns:
        The pair.
    """
    lo, hi = min(mu - 12 * sigma, mu_g - 12 * sigma_g), max(mu + 12 * sigma, mu_g + 12 * sigma_g)
    edges = np.arange(lo, hi + 2 * min(sigma, sigma_g), 2 * min(sigma, sigma_g)).tolist()
    return Pair(
        lambda x: log_normal(x, mu, sigma),
        lambda x: log_normal(x, mu_g, sigma_g),
        edges,
        kl=normals_kl(mu, sigma, mu_g, sigma_g),
        reverse_kl=normals_kl(mu_g, sigma_g, mu, sigma),
        jsd=0.0 if (mu, sigma) == (mu_g, sigma_g) else None,
    )


def uniform_pair(a: float, b: float, c: float, d: float) -> Pair:
    """Return p_data = U[a, b) and p_g = U[c, d).

    With o the length of the overlap, p = 1 / (b - a) and q = 1 / (d - c),

        2 JSD = (1 - o p) log 2 + o p log(2p / (p + q)) + (1 - o q) log 2 + o q log(2q / (p + q))

    So JSD = log 2 and C(G) = 0 for disjoint supports, and a shift s of [0, 1) has JSD = s log 2.

    Args:
        a: Lower end of p_data, in x's unit.
        b: Upper end of p_data, above a.
        c: Lower end of p_g.
        d: Upper end of p_g, above c.

    Returns:
        The pair.

    Raises:
        BadInput: If an interval is empty.
    """
    if not (a < b and c < d):
        raise BadInput(f"uniforms({a}, {b}, {c}, {d}): expected a < b and c < d")
    p, q, o = 1 / (b - a), 1 / (d - c), max(0.0, min(b, d) - max(a, c))
    return Pair(
        lambda x: log_uniform(x, a, b),
        lambda x: log_uniform(x, c, d),
        sorted({a, b, c, d}),
        kl=log(p / q) if c <= a and b <= d else float("inf"),
        reverse_kl=log(q / p) if a <= c and d <= b else float("inf"),
        jsd=log(2) + (o * p * log(p / (p + q)) + o * q * log(q / (p + q))) / 2,
    )


def ramp_pair() -> Pair:
    """Return p_data = 1 and p_g = 2x on [0, 1]: D*(x) = 1 / (1 + 2x) is smooth, and all has a closed form.

    KL(p_data || p_g) = 1 - log 2        KL(p_g || p_data) = log 2 - 1/2        JSD = 1/4 + 3/2 log 2 - 9/8 log 3

    Returns:
        The pair, with its divergences in nats.
    """
    return Pair(
        lambda x: log_uniform(x, 0, 1),
        lambda x: log_uniform(x, 0, 1) + (2 * x).log(),
        [0.0, *(10.0**-k for k in range(10, -1, -1))],
        kl=1 - log(2),
        reverse_kl=log(2) - 0.5,
        jsd=0.25 + 1.5 * log(2) - 1.125 * log(3),
    )
