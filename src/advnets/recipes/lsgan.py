"""LSGAN: Mao et al. 2017, "Least squares generative adversarial networks".

xudonmao/LSGAN at 3b13d36, train_lsun.py: labels 1 and 0, z of 1,024 coordinates shared by both moves. Deviations: that
code sums the losses of a batch where we average them, which Adam takes up but for its eps; z has unit variance, which
batch normalisation takes up; images are as large as the data's, where the code has 112 pixels.
"""

from advnets.algorithm import Algorithm1
from advnets.games import AdversarialRow
from advnets.networks import LsganDiscriminator, LsganGenerator
from advnets.optimizers import Adam
from advnets.recipes.recipe import PLAYERS, Average, Budget, Descent, Recipe

lsgan = Recipe(
    name="lsgan",
    about="LSGAN as published: least squares in place of the logarithm, convolutional nets; 8 to 256 pixels",
    source="xudonmao/LSGAN @3b13d36, train_lsun.py",
    learner=AdversarialRow(
        generator=LsganGenerator(),
        discriminator=LsganDiscriminator(),
        objective="least_squares",
        latent="uniform",
        latent_size=1024,
        precision="auto",
    ),
    algorithm=Algorithm1(share_fakes=True),
    descents=dict.fromkeys(PLAYERS, Descent(Adam(betas=(0.5, 0.999)), 1e-3)),
    batch_size=64,
    transform="symmetric",
    average=Average(half_life=0.0),
    budget=Budget(minutes=10.0),
)
