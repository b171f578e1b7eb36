"""InfoGAN: Chen et al. 2016, "InfoGAN: interpretable representation learning by information maximizing GANs", on MNIST.

openai/InfoGAN at 6e41232, launchers/run_mnist_exp.py: one category of ten and two continuous coordinates at the end of
z, told by the discriminator's heads; both players are paid for it, with weight 1. No label is read. Each move draws
noises of its own, and the generator moves on the real batch of the discriminator. Deviation: the 62 other coordinates
have unit variance, which batch normalisation takes up.
"""

from advnets.algorithm import Algorithm1
from advnets.games import AdversarialRow
from advnets.networks import Code, InfoganDiscriminator, InfoganGenerator
from advnets.optimizers import Adam
from advnets.recipes.recipe import PLAYERS, Average, Budget, Descent, Recipe

infogan = Recipe(
    name="infogan",
    about="InfoGAN as published for MNIST: a code at the end of z that finds classes and slants without labels",
    source="openai/InfoGAN @6e41232, run_mnist_exp.py",
    learner=AdversarialRow(
        generator=InfoganGenerator(),
        discriminator=InfoganDiscriminator(),
        objective="non_saturating",
        latent="uniform",
        latent_size=74,
        code=Code(categories=10, continuous=2),
        ties={player: {"information": 1.0} for player in PLAYERS},
        precision="auto",
    ),
    algorithm=Algorithm1(),
    descents={
        "discriminator": Descent(Adam(betas=(0.5, 0.999)), 2e-4),
        "generator": Descent(Adam(betas=(0.5, 0.999)), 1e-3),
    },
    batch_size=128,
    transform="unit",
    average=Average(half_life=0.0),
    budget=Budget(minutes=10.0),
)
