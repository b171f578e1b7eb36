"""DCGAN: Radford, Metz, Chintala 2015, "Unsupervised representation learning with DCGAN", as users know it.

Numbers: soumith/dcgan.torch at commit 6eaac63, which the frameworks' examples follow: kernels of 4 x 4, batches of 64,
the generator moving on the noises of the discriminator's move. That code draws a crop of 64 of 96 pixels; ours reads
images as they are told to be read. The authors' own Theano code (Newmu/dcgan_code at ee12b2d) has 5 x 5 kernels, twice
the maps, batches of 128, coupled weight decay of 1e-5, uniform noise, and moves each player on every other batch.
"""

from dataclasses import replace

from advnets.algorithm import Algorithm1
from advnets.augmentations import AugmentationRow
from advnets.games import AdversarialRow
from advnets.networks import DcganDiscriminator, DcganGenerator
from advnets.optimizers import Adam
from advnets.recipes.recipe import PLAYERS, Average, Budget, Descent, Recipe

_published = AdversarialRow(
    generator=DcganGenerator(width=64),
    discriminator=DcganDiscriminator(width=64),
    objective="non_saturating",
    augment=AugmentationRow(("mirror",)),
    precision="auto",
)

dcgan = Recipe(
    name="dcgan",
    about="DCGAN as users know it: strided convolutions, batch normalisation, Adam; images of 8 to 256 pixels",
    source="soumith/dcgan.torch @6eaac63",
    learner=_published,
    algorithm=Algorithm1(share_fakes=True),
    descents=dict.fromkeys(PLAYERS, Descent(Adam(betas=(0.5, 0.999)), 2e-4)),
    batch_size=64,
    transform="symmetric",
    average=Average(half_life=0.0),
    budget=Budget(minutes=30.0),
)

dcgan_classes = replace(
    dcgan,
    name="dcgan-classes",
    about="dcgan with labels: a learnt vector for each class beside z, and a logit for each class",
    source="soumith/dcgan.torch @6eaac63; labels as in Mescheder et al. 2018",
    learner=replace(_published, given="labels"),
)
