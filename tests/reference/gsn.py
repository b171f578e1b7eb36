"""A deep GSN written as its formulas read, in float64 numpy: the oracle of advnets.baselines.deep_gsn.

uniform, normal: shape -> draws, called in the order of the public code: x before the even hidden layers, the noise
before tanh before the noise after it.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Draw = Callable[[tuple[int, ...]], Floats]


def sigmoid(a: Floats) -> Floats:
    return 1 / (1 + np.exp(-a))


class Gsn:
    """weights: W_i (n_{i-1}, n_i). biases: b_0 .. b_K. sigmas: of h_1 .. h_K. salt: share of pixels replaced."""

    def __init__(
        self, weights: Sequence[Floats], biases: Sequence[Floats], sigmas: Sequence[float], salt: float, *draws: Draw
    ) -> None:
        self.weights, self.biases, self.sigmas, self.salt = weights, biases, sigmas, salt
        self.uniform, self.normal = draws

    def hidden(self, i: int, layers: list[Floats]) -> Floats:
        a = self.biases[i] + layers[i - 1] @ self.weights[i - 1]
        if i < len(self.weights):
            a = a + layers[i + 1] @ self.weights[i].T
        if self.sigmas[i - 1] == 0:
            return np.tanh(a)
        h = np.tanh(a + self.sigmas[i - 1] * self.normal(a.shape))
        return h + self.sigmas[i - 1] * self.normal(a.shape)

    def visible(self, layers: list[Floats]) -> Floats:
        return sigmoid(self.biases[0] + layers[1] @ self.weights[0].T)

    def corrupt(self, x: Floats) -> Floats:
        u = self.uniform(x.shape)
        return np.where(u < self.salt / 2, 0.0, np.where(u >= 1 - self.salt / 2, 1.0, x))

    def draw(self, p: Floats) -> Floats:
        """Salt and pepper upon Bernoulli(p): kept with 1 - s and then 1 with p; replaced with s and then 1 with 1/2."""
        return (self.uniform(p.shape) < (1 - self.salt) * p + self.salt * 0.5).astype(np.float64)

    def step(self, layers: list[Floats]) -> Floats:
        """Odd layers, then even ones; p(x | h_1) as it was before x was drawn."""
        for i in range(1, len(layers), 2):
            layers[i] = self.hidden(i, layers)
        p = self.visible(layers)
        layers[0] = self.draw(p)
        for i in range(2, len(layers), 2):
            layers[i] = self.hidden(i, layers)
        return p

    def zeros(self, n: int) -> list[Floats]:
        return [np.zeros((n, len(bias))) for bias in self.biases]

    def reconstructions(self, x: Floats, walkbacks: int) -> list[Floats]:
        layers = self.zeros(len(x))
        layers[0] = self.corrupt(x)
        return [self.step(layers) for _ in range(walkbacks)]

    def walk(self, z: Floats, steps: int) -> list[Floats]:
        layers = self.zeros(len(z))
        layers[-1] = z
        for i in range(len(layers) - 2, 0, -1):
            layers[i] = self.hidden(i, layers)
        layers[0] = self.draw(self.visible(layers))
        return [self.step(layers) for _ in range(steps)]


def cross_entropy(p: Floats, x: Floats) -> float:
    return float(-(x * np.log(p) + (1 - x) * np.log(1 - p)).mean())


def transitions(weight: Floats, biases: Sequence[Floats], salt: float) -> tuple[Floats, Floats]:
    """T (2^d, 2^d), T[x, x'] of the chain of one noiseless hidden layer, and p(x' | h(x)) (2^d, d) before the salt."""
    d = len(weight)
    states = np.array([[(k >> i) & 1 for i in range(d)] for k in range(2**d)], dtype=np.float64)
    p = sigmoid(biases[0] + np.tanh(biases[1] + states @ weight) @ weight.T)
    ones = (1 - salt) * p + salt / 2
    return np.prod(np.where(states[None] == 1, ones[:, None], 1 - ones[:, None]), axis=2), p


def stationary(matrix: Floats) -> Floats:
    """pi with pi T = pi."""
    system = np.vstack([matrix.T - np.eye(len(matrix)), np.ones(len(matrix))])
    target = np.append(np.zeros(len(matrix)), 1.0)
    return np.asarray(np.linalg.lstsq(system, target, rcond=None)[0])
