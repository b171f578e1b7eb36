"""Problems with known answers, shared by the tests: pairs of densities, a discriminator's exam, and its optimum."""

from dataclasses import dataclass

import torch
from torch import Tensor

from advnets import theory

PAIRS: dict[str, theory.Pair] = {
    "equal normals": theory.normal_pair(0.3, 1.5, 0.3, 1.5),
    "wide and narrow normals": theory.normal_pair(0.0, 1.0, 1.0, 2.0),
    "normals far apart": theory.normal_pair(0.0, 1.0, 3.0, 0.1),
    "equal uniforms": theory.uniform_pair(-1.0, 2.0, -1.0, 2.0),
    "shifted uniforms": theory.uniform_pair(0.0, 1.0, 0.3, 1.3),
    "nested uniforms": theory.uniform_pair(0.0, 4.0, 1.0, 2.0),
    "disjoint uniforms": theory.uniform_pair(0.0, 1.0, 2.0, 4.0),
    "ramp": theory.ramp_pair(),
}


def stratified_normal(n: int, rng: torch.Generator) -> Tensor:
    """n draws of N(0, 1), one in each of n equally probable slices: unbiased, of low variance; (n,), float64."""
    u = (torch.arange(n) + torch.rand(n, generator=rng, dtype=torch.float64)) / n
    return torch.special.ndtri(u.clamp(1e-12, 1 - 1e-12))


@dataclass(frozen=True)
class OneDimension:
    """p_data = sum_k pi_k N(mu_k, sigma_k^2), p_g = N(mu_g, sigma_g^2), on the line; D* is known and bends twice."""

    proportions: tuple[float, ...] = (0.4, 0.6)
    mus: tuple[float, ...] = (-1.5, 1.0)
    sigmas: tuple[float, ...] = (0.5, 0.7)
    mu_g: float = 0.5
    sigma_g: float = 1.2

    def log_p_data(self, x: Tensor) -> Tensor:
        parts = [theory.log_normal(x, mu, sigma) for mu, sigma in zip(self.mus, self.sigmas, strict=True)]
        return theory.log_mixture(parts, list(self.proportions))

    def log_p_g(self, x: Tensor) -> Tensor:
        return theory.log_normal(x, self.mu_g, self.sigma_g)

    def optimal_discriminator(self, x: Tensor) -> Tensor:
        return theory.optimal_discriminator(self.log_p_data(x).exp(), self.log_p_g(x).exp())

    def real(self, n: int, rng: torch.Generator) -> Tensor:
        """n stratified draws of p_data, (n,); n pi_k must be whole numbers, or the mixture would be another one."""
        counts = [round(n * proportion) for proportion in self.proportions]
        assert sum(counts) == n
        parts = zip(self.mus, self.sigmas, counts, strict=True)
        return torch.cat([mu + sigma * stratified_normal(count, rng) for mu, sigma, count in parts])

    def fake(self, n: int, rng: torch.Generator) -> Tensor:
        """n stratified draws of p_g, (n,)."""
        return self.mu_g + self.sigma_g * stratified_normal(n, rng)

    def region(self, mass: float, x: Tensor) -> Tensor:
        """The nodes of the highest-density region of (p_data + p_g) / 2 that holds `mass`, in order."""
        m = (self.log_p_data(x).exp() + self.log_p_g(x).exp()) / 2 * theory.trapezoid_weights(x)
        order = m.argsort(descending=True)
        inside = int((m[order].cumsum(0) < mass).sum()) + 1
        return x[order[:inside]].sort().values
