"""The Dirac-GAN: the smallest game, whose every motion is known.

Mescheder, Geiger, Nowozin, Which Training Methods for GANs do actually Converge?, 2018, section 2. All data lie at 0,
all samples at theta, and the critic is a line through 0, or through a constant c:

    x = 0,        G(z) = theta,        D(x) = psi x + c,        s = psi theta

The only equilibrium is psi = theta = 0. A state is w = (psi, theta). Both players descend, in continuous time by

    psi' = -theta f(s) - gamma psi - 2 lambda (|psi| - 1) sign psi,        theta' = -psi g(s)

with f and g the slopes of the two losses in the logit of the sample, gamma the weight of R1 and of R2 together, and
lambda that of the one-centred gradient penalty. The slope of D is psi everywhere, so that R1 and R2 are the same here.
With f = 1 and g = -1 it is the bilinear game, min over theta and max over psi of -theta psi.
"""

import cmath
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import exp

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Slope = Callable[[float], float]


@dataclass(frozen=True)
class Force:
    """The slopes of an objective's losses in the logit of the sample, where the logit of the data is c.

    Attributes:
        f: s -> d L_D / d logit, at the logit c + s.
        g: s -> d L_G / d logit, there.
        c: The critic's value at the data: the logit at which it is undecided.
    """

    f: Slope
    g: Slope
    c: float = 0.0


def sigmoid(t: float) -> float:
    """Compute the logistic function, 1 / (1 + exp(-t)).

    Args:
        t: A number above -709, so that exp(-t) is finite.

    Returns:
        The value, from 0 to 1.
    """
    return 1 / (1 + exp(-t))


FORCES: Mapping[str, Force] = {
    "minimax": Force(sigmoid, lambda s: -sigmoid(s)),
    "non_saturating": Force(sigmoid, lambda s: -sigmoid(-s)),
    "non_saturating_halved": Force(lambda s: sigmoid(s) / 2, lambda s: -sigmoid(-s)),
    "least_squares": Force(lambda s: s + 0.5, lambda s: s - 0.5, c=0.5),
    "wasserstein": Force(lambda s: 1.0, lambda s: -1.0),
    "hinge": Force(lambda s: float(s > -1), lambda s: -1.0),
    "relativistic": Force(sigmoid, lambda s: -sigmoid(-s)),
}
"""By the name of the objective. Least squares is undecided at 1/2, half way between its labels 0 and 1."""


def vector_field(force: Force, w: Array, *, gamma: float = 0.0, penalty: float = 0.0) -> Array:
    """Return the velocity of both players in continuous time.

        psi' = -theta f(s) - gamma psi - 2 lambda (|psi| - 1) sign psi,        theta' = -psi g(s)

    Mescheder et al. 2018, section 2, and section 3 for the penalties.

    Args:
        force: The objective's slopes.
        w: The state (psi, theta), (2,).
        gamma: Weights of R1 and R2, added.
        penalty: lambda, the weight of the one-centred gradient penalty.

    Returns:
        (psi', theta'), (2,).
    """
    psi, theta = w
    s = float(psi * theta)
    bound = 2 * penalty * (abs(psi) - 1) * np.sign(psi)
    return np.array([-theta * force.f(s) - gamma * psi - bound, -psi * force.g(s)])


def jacobian(force: Force, *, gamma: float = 0.0) -> Array:
    """Return the derivative of the vector field at the equilibrium, on (psi, theta).

        [[-gamma, -f(0)], [-g(0), 0]]

    Its eigenvalues are (-gamma +- sqrt(gamma^2 + 4 f(0) g(0))) / 2: purely imaginary without gamma, so that both
    players circle; of negative real part with it. Mescheder et al. 2018, sections 2 and 3. The one-centred penalty has
    none, for its force jumps at psi = 0.

    Args:
        force: The objective's slopes.
        gamma: Weights of R1 and R2, added.

    Returns:
        (2, 2).
    """
    return np.array([[-gamma, -force.f(0.0)], [-force.g(0.0), 0.0]])


def _simultaneous_map(A: Array, rate: float) -> Array:
    """I + eta A: both gradients at the same state."""
    return np.eye(2) + rate * A


def _alternating_map(A: Array, rate: float) -> Array:
    """The discriminator's move, then the generator's at the new psi."""
    first = np.eye(2) + rate * np.array([A[0], [0.0, 0.0]])
    second = np.eye(2) + rate * np.array([[0.0, 0.0], A[1]])
    return second @ first


def _extragradient_map(A: Array, rate: float) -> Array:
    """I + eta A (I + eta A): the gradients of the state one step ahead."""
    return np.eye(2) + rate * A @ (np.eye(2) + rate * A)


STEP_MAPS: Mapping[str, Callable[[Array, float], Array]] = {
    "algorithm1": _alternating_map,
    "simultaneous": _simultaneous_map,
    "extragradient": _extragradient_map,
}
"""By the name of the algorithm: (A, eta) -> what one step of plain gradient descent does to w near the equilibrium.

In the bilinear game, where these maps are exact everywhere, a step keeps psi^2 + theta^2 - eta psi theta under
algorithm1, multiplies psi^2 + theta^2 by 1 + eta^2 under simultaneous, and by 1 - eta^2 + eta^4 under extragradient.
"""


def multiplier(M: Array) -> float:
    """Return the spectral radius: what a step multiplies the distance from the equilibrium by, in the long run.

        max |lambda|,        lambda = t/2 +- sqrt(t^2/4 - d),        t the trace of M, d its determinant

    Args:
        M: What a step does to w, (2, 2).

    Returns:
        The larger modulus: below 1 converges, above 1 diverges, and 1 is left to higher orders.
    """
    half, d = float(np.trace(M)) / 2, float(M[0, 0] * M[1, 1] - M[0, 1] * M[1, 0])
    root = cmath.sqrt(half**2 - d)
    return max(abs(half + root), abs(half - root))


def flow(A: Array, w: Array, t: float) -> Array:
    """Return where a linear vector field takes a state: exp(A t) w, in closed form for a 2 x 2 matrix.

        exp(A t) = e^(m t) (cosh(q t) I + sinh(q t) / q (A - m I)),        m = tr A / 2,        q^2 = m^2 - det A

    It is exact for the Wasserstein objective, with R1 and R2 too: a circle without them, a spiral with them.

    Args:
        A: The matrix, (2, 2).
        w: The state at time 0, (2,).
        t: Time: the number of steps times the rate.

    Returns:
        The state, (2,).
    """
    m, d = float(np.trace(A)) / 2, float(A[0, 0] * A[1, 1] - A[0, 1] * A[1, 0])
    q = cmath.sqrt(m**2 - d)
    slope = cmath.sinh(q * t) / q if q else t
    found: Array = exp(m * t) * ((cmath.cosh(q * t) * np.eye(2) + slope * (A - m * np.eye(2))).real @ w)
    return found
