"""WGAN-GP: Gulrajani et al. 2017, "Improved training of Wasserstein GANs", for MNIST and for CIFAR-10.

igul222/improved_wgan_training at fa66c57: gan_mnist.py, without any normalisation, and gan_cifar.py, whose generator is
normalised by batch. The paper's CIFAR-10 score is that of a residual net, which is not this one.
"""

from dataclasses import replace

from advnets.algorithm import Algorithm1
from advnets.games import AdversarialRow
from advnets.networks import WganGpDiscriminator, WganGpGenerator
from advnets.optimizers import Adam
from advnets.recipes.recipe import PLAYERS, Average, Budget, Descent, Recipe

_mnist = AdversarialRow(
    generator=WganGpGenerator(width=64),
    discriminator=WganGpDiscriminator(width=64),
    objective="wasserstein",
    latent_size=128,
    penalties={"gradient_penalty": 10.0},
)

wgan_gp = Recipe(
    name="wgan-gp",
    about="WGAN-GP as published for MNIST: a penalty on the critic's slope between real and fake, nothing normalised",
    source="igul222/improved_wgan_training @fa66c57, gan_mnist.py",
    learner=_mnist,
    algorithm=Algorithm1(k=5),
    descents=dict.fromkeys(PLAYERS, Descent(Adam(betas=(0.5, 0.9)), 1e-4)),
    batch_size=50,
    transform="unit",
    average=Average(half_life=0.0),
    budget=Budget(minutes=10.0),
)

wgan_gp_cifar10 = replace(
    wgan_gp,
    name="wgan-gp-cifar10",
    about="WGAN-GP as published for CIFAR-10: twice the maps, a generator normalised by batch",
    source="igul222/improved_wgan_training @fa66c57, gan_cifar.py",
    learner=replace(
        _mnist,
        generator=WganGpGenerator(width=128, batch_norm=True, output="tanh"),
        discriminator=WganGpDiscriminator(width=128),
    ),
    batch_size=64,
    transform="symmetric",
    budget=Budget(minutes=60.0),
)
