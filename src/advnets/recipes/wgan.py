"""WGAN: Arjovsky, Chintala, Bottou 2017, "Wasserstein GAN".

martinarjovsky/WassersteinGAN at f7a01e8: DCGAN's nets, the critic with batch normalisation, 5 moves of it a step, and
100 in the first 25 steps and in each 500th. Every parameter of the critic is clipped to +-.01, its gains too, which
start near 1. Deviation: the clip follows the move, as in the paper's Algorithm 1; the code clips before it.
"""

from advnets.algorithm import Algorithm1
from advnets.games import AdversarialRow
from advnets.networks import DcganDiscriminator, DcganGenerator
from advnets.optimizers import RMSprop
from advnets.recipes.recipe import PLAYERS, Average, Budget, Descent, Recipe
from advnets.schedules import Bursts

wgan = Recipe(
    name="wgan",
    about="WGAN as published: a critic of clipped weights, 5 moves a step, 100 at first; 8 to 256 pixels",
    source="martinarjovsky/WassersteinGAN @f7a01e8; clipped after the move, as the paper has it",
    learner=AdversarialRow(
        generator=DcganGenerator(width=64),
        discriminator=DcganDiscriminator(width=64),
        objective="wasserstein",
        latent_size=100,
        constraints={"discriminator": {"clip_weights": 0.01}},
        precision="auto",
    ),
    algorithm=Algorithm1(k=Bursts(5, 100, first=25, every=500)),
    descents=dict.fromkeys(PLAYERS, Descent(RMSprop(), 5e-5)),
    batch_size=64,
    transform="symmetric",
    average=Average(half_life=0.0),
    budget=Budget(minutes=10.0),
)
