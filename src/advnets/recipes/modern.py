"""R3GAN: Huang et al. 2024, "The GAN is dead; long live the GAN! A modern baseline GAN", for two cores and for GPUs.

`modern` has its ideas in nets and numbers chosen for a CPU and for some hundred to some thousand images; what was tried
stands in docs/photos.md. `r3gan-cifar10` has the numbers of the released code's CIFAR-10 preset (brownvc/R3GAN at
19a7ddf), where it differs: our augmentation stands for its pipe, and weights are averaged and multiplied as in every
recipe here.
"""

from dataclasses import replace

from advnets.algorithm import Algorithm1
from advnets.augmentations import AugmentationRow
from advnets.games import AdversarialRow
from advnets.networks import ModernDiscriminator, ModernGenerator, R3ganDiscriminator, R3ganGenerator
from advnets.optimizers import Adam
from advnets.recipes.recipe import PLAYERS, Average, Budget, Descent, Recipe
from advnets.schedules import CosineDecay

_small = AdversarialRow(
    generator=ModernGenerator(width=32),
    discriminator=ModernDiscriminator(width=32),
    objective="relativistic",
    latent_size=64,
    penalties={"r1": 1.0, "r2": 1.0},
    augment=AugmentationRow(("mirror", "translation", "cutout")),
    precision="auto",
)

modern = Recipe(
    name="modern",
    about="R3GAN's ideas for two cores: relativistic, R1 and R2, no normalisation, augmented; 8 to 256 pixels",
    source="Huang et al. 2024; nets and numbers ours, see docs/photos.md",
    learner=_small,
    algorithm=Algorithm1(),
    descents=dict.fromkeys(PLAYERS, Descent(Adam(betas=(0.0, 0.99)), 2e-4)),
    batch_size=32,
    transform="symmetric",
    average=Average(half_life=20_000.0),
    budget=Budget(minutes=30.0),
)

modern_classes = replace(
    modern,
    name="modern-classes",
    about="modern with labels: a learnt vector for each class beside z, and a logit for each class",
    learner=replace(_small, given="labels"),
)

_SCHEDULED = 0.4
"""Share of the budget at which the schedules end: the preset's 20 million images of 50 million."""

r3gan_cifar10 = Recipe(
    name="r3gan-cifar10",
    about="R3GAN as published for CIFAR-10, for GPUs: grouped bottlenecks of 768 maps, every number on a cosine",
    source="Huang et al. 2024; brownvc/R3GAN @19a7ddf, CIFAR-10 preset; batches of 512",
    learner=AdversarialRow(
        generator=R3ganGenerator(),
        discriminator=R3ganDiscriminator(),
        objective="relativistic",
        latent_size=64,
        given="labels",
        penalties={
            "r1": CosineDecay(start=0.05, end=0.005, until=_SCHEDULED),
            "r2": CosineDecay(start=0.05, end=0.005, until=_SCHEDULED),
        },
        augment=AugmentationRow(
            ("mirror", "translation", "cutout", "colour"), p=CosineDecay(start=0.0, end=0.55, until=_SCHEDULED)
        ),
        precision="auto",
    ),
    algorithm=Algorithm1(),
    descents=dict.fromkeys(
        PLAYERS,
        Descent(
            Adam(betas=(0.0, CosineDecay(start=0.9, end=0.99, until=_SCHEDULED))),
            CosineDecay(start=2e-4, end=5e-5, until=_SCHEDULED),
        ),
    ),
    batch_size=512,
    transform="symmetric",
    average=Average(half_life=CosineDecay(start=0.0, end=5_000_000.0, until=_SCHEDULED)),
    budget=Budget(steps=97_656),
)
