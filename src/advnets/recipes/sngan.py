"""SNGAN: Miyato et al. 2018, "Spectral normalization for generative adversarial networks", and projection of labels.

pfnet-research/sngan_projection at e84b1a5, configs/sn_cifar10_unconditional.yml. Deviations: there, the generator moves
first in a step, and on 128 noises, twice the batch; pixels have noise of one grey level added. Each round moves u of
the power iteration as often as there: in every pass of the discriminator.
"""

from dataclasses import replace

from advnets.algorithm import Algorithm1
from advnets.games import AdversarialRow
from advnets.networks import ResnetDiscriminator, ResnetGenerator
from advnets.optimizers import Adam
from advnets.recipes.recipe import PLAYERS, Average, Budget, Descent, Recipe
from advnets.schedules import LinearDecay

_published = AdversarialRow(
    generator=ResnetGenerator(width=256),
    discriminator=ResnetDiscriminator(width=128),
    objective="hinge",
    latent_size=128,
    precision="auto",
)

sngan = Recipe(
    name="sngan",
    about="SNGAN as published for CIFAR-10: residual nets, every weight of the discriminator by its spectral norm",
    source="pfnet-research/sngan_projection @e84b1a5, sn_cifar10_unconditional.yml",
    learner=_published,
    algorithm=Algorithm1(k=5),
    descents=dict.fromkeys(PLAYERS, Descent(Adam(betas=(0.0, 0.9)), LinearDecay(2e-4))),
    batch_size=64,
    transform="symmetric",
    average=Average(half_life=0.0),
    budget=Budget(minutes=60.0),
)

sngan_classes = replace(
    sngan,
    name="sngan-classes",
    about="sngan with labels: normalisation for each class in the generator, projection in the discriminator",
    source="pfnet-research/sngan_projection @e84b1a5; Miyato and Koyama 2018",
    learner=replace(_published, given="labels"),
)

sngan_small = replace(
    sngan,
    name="sngan-small",
    about="sngan with a quarter of the maps, which two cores train in an hour",
    learner=replace(_published, generator=ResnetGenerator(width=64), discriminator=ResnetDiscriminator(width=32)),
)
