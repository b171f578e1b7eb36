"""CGAN: Mirza and Osindero 2014, "Conditional generative adversarial nets", on MNIST.

No code was released; the numbers are the text's (section 4.1). Left open there, and ours: where weights start; z is
uniform with unit variance, not in the unit cube, which a linear layer takes up; one average of the weights, where the
paper picks a step by its Parzen likelihood on validation data.
"""

from advnets.algorithm import Algorithm1
from advnets.games import AdversarialRow
from advnets.networks import CganDiscriminator, CganGenerator
from advnets.optimizers import Momentum
from advnets.recipes.recipe import PLAYERS, Average, Budget, Descent, Recipe
from advnets.schedules import EpochRamp, ExponentialDecay

_descent = Descent(Momentum(EpochRamp(0.5, 0.7, 1, 250)), ExponentialDecay(0.1, 1.00004, 1e-6))

cgan = Recipe(
    name="cgan",
    about="CGAN as published: dense nets, maxout and dropout, and the label beside z and beside x",
    source="Mirza and Osindero 2014, section 4.1",
    learner=AdversarialRow(
        generator=CganGenerator(),
        discriminator=CganDiscriminator(),
        objective="non_saturating",
        latent="uniform",
        latent_size=100,
        given="labels",
    ),
    algorithm=Algorithm1(),
    descents=dict.fromkeys(PLAYERS, _descent),
    batch_size=100,
    transform="unit",
    average=Average(half_life=20_000.0),
    budget=Budget(minutes=10.0),
)
