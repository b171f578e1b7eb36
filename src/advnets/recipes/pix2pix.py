"""pix2pix: Isola et al. 2017, "Image-to-image translation with conditional adversarial networks".

The maintained port, junyanz/pytorch-CycleGAN-and-pix2pix: cross-entropy with half the loss for the discriminator, the
mean absolute difference from the target with weight 100, batches of one image, rates that stay for one half of the run
and go to 0 in the other. Deviations: images are read at one size, where the port draws a crop of 256 of 286 pixels and
mirrors pairs; rates go to 0 with each step, not with each epoch. The authors' Lua code (phillipi/pix2pix at 89ff2a8)
keeps its rate for 200 epochs, halves the discriminator's loss in what it prints alone, and has no biases.
"""

from advnets.algorithm import Algorithm1
from advnets.games import AdversarialRow
from advnets.networks import Pix2pixDiscriminator, Pix2pixGenerator
from advnets.optimizers import Adam
from advnets.recipes.recipe import PLAYERS, Average, Budget, Descent, Recipe
from advnets.schedules import LateLinearDecay

pix2pix = Recipe(
    name="pix2pix",
    about="pix2pix as published: translates images by pairs, a U-Net against patches; 8 to 256 pixels",
    source="junyanz/pytorch-CycleGAN-and-pix2pix",
    learner=AdversarialRow(
        generator=Pix2pixGenerator(),
        discriminator=Pix2pixDiscriminator(),
        objective="non_saturating_halved",
        latent_size=0,
        given="images",
        ties={"generator": {"l1": 100.0}},
    ),
    algorithm=Algorithm1(share_fakes=True),
    descents=dict.fromkeys(PLAYERS, Descent(Adam(betas=(0.5, 0.999)), LateLinearDecay(2e-4))),
    batch_size=1,
    transform="symmetric",
    average=Average(half_life=0.0),
    budget=Budget(minutes=90.0),
)
