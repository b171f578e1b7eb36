"""How a network sees labels: the generator beside z, the discriminator by a logit of its own for each class."""

import torch
from torch import Tensor, nn


class LabelledLatent(nn.Module):
    """G(z, y): a generator of z joined with a learnt vector for each class.

    Mescheder, Geiger, Nowozin, Which Training Methods for GANs do actually Converge?, 2018, appendix: class
    conditional nets.

    Args:
        generator: (batch, latent_size + label_size) -> samples.
        classes: Number of classes.
        label_size: Coordinates of a class's vector, 1 or more.
    """

    def __init__(self, generator: nn.Module, classes: int, label_size: int) -> None:
        super().__init__()
        self.generator = generator
        self.embedding = nn.Embedding(classes, label_size)

    def forward(self, z: Tensor, given: Tensor) -> Tensor:
        """Make samples of noises, each of its class.

        Args:
            z: Noises, (batch, latent_size).
            given: Labels, (batch,) int64.

        Returns:
            The generator's samples, (batch, ...).
        """
        samples: Tensor = self.generator(torch.cat([z, self.embedding(given)], 1))
        return samples


class ClassLogits(nn.Module):
    """D(x, y) = a_0(x) + a_y(x): a logit that all classes share, and one of each class.

    Mescheder et al. 2018 take a_y alone; what is shared learns of all images, which helps where a class has few. Linear
    in the last features h(x), so it is Miyato and Koyama's projection, "cGANs with projection discriminator", 2018,
    equation 3, with h before its pooling.

    Args:
        discriminator: Samples -> (batch, 1 + classes).
    """

    def __init__(self, discriminator: nn.Module) -> None:
        super().__init__()
        self.discriminator = discriminator

    def forward(self, x: Tensor, given: Tensor) -> Tensor:
        """Judge samples, each as one of its class.

        Args:
            x: Samples, (batch, ...).
            given: Labels, (batch,) int64.

        Returns:
            The logits a_0(x) + a_y(x), (batch,).
        """
        shared, of_classes = self.discriminator(x).tensor_split([1], dim=1)
        logits: Tensor = (shared + of_classes.gather(1, given[:, None])).squeeze(1)
        return logits
