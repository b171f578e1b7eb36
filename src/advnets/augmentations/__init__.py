"""Differentiable augmentations: what the discriminator sees real and fake images through.

Inside of the room a file imports only from those before it: image_maps, controllers, augmentation.
"""

from advnets.augmentations.augmentation import Augmentation, AugmentationRow
from advnets.augmentations.controllers import CONTROLLERS, PairSigns, RealSigns
from advnets.augmentations.image_maps import AUGMENTATIONS

__all__ = ["AUGMENTATIONS", "Augmentation", "AugmentationRow", "CONTROLLERS", "PairSigns", "RealSigns"]
