"""Theory as functions: what the papers prove, in closed form, to which trainings and tests are held.

One file a paper; each stands alone.
"""

from advnets.theory.change_of_variables import cell_masses
from advnets.theory.goodfellow2014 import (
    LOG_4,
    LogDensity,
    Pair,
    criterion,
    expectation,
    gauss_legendre,
    jsd,
    kl,
    log_mixture,
    log_normal,
    log_uniform,
    normal_pair,
    normals_kl,
    optimal_discriminator,
    optimal_logits,
    ramp_pair,
    trapezoid_weights,
    uniform_pair,
    value_function,
    value_of_logits,
)
from advnets.theory.mescheder2018 import FORCES, STEP_MAPS, Force, flow, jacobian, multiplier, vector_field

__all__ = [
    "FORCES", "Force", "LOG_4", "LogDensity", "Pair", "STEP_MAPS", "cell_masses", "criterion", "expectation", "flow",
    "gauss_legendre", "jacobian", "jsd", "kl", "log_mixture", "log_normal", "log_uniform", "multiplier", "normal_pair",
    "normals_kl", "optimal_discriminator", "optimal_logits", "ramp_pair", "trapezoid_weights", "uniform_pair",
    "value_function", "value_of_logits", "vector_field",
]  # fmt: skip
