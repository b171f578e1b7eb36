"""PacGAN: Lin, Khetan, Fanti, Oh 2018, "PacGAN: the power of two samples in generative adversarial networks".

fjxmlzn/PacGAN, stacked_MNIST_experiments: DCGAN's game, whose discriminator judges two samples as one, side by side
along their channels, so that samples too alike give themselves away. Deviations: our DCGAN nets (4 x 4 kernels) in
place of that code's; one move of the generator a step, where its VEEGAN setting makes two.
"""

from dataclasses import replace

from advnets.augmentations import AugmentationRow
from advnets.games import AdversarialRow
from advnets.recipes.dcgan import dcgan
from advnets.recipes.recipe import Budget

assert isinstance(dcgan.learner, AdversarialRow)

packed = replace(
    dcgan,
    name="packed",
    about="PacGAN: dcgan whose discriminator judges two samples as one, against mode collapse",
    source="Lin et al. 2018; fjxmlzn/PacGAN; nets of soumith/dcgan.torch @6eaac63",
    learner=replace(dcgan.learner, pack=2, augment=AugmentationRow()),
    budget=Budget(minutes=10.0),
)
