"""Data that stay in memory: digits, MNIST, CIFAR-10, faces, toys, a user's own .npz, and batches drawn from them."""

from advnets.data.batches import Batches, order
from advnets.data.catalogue import DATASETS, load
from advnets.data.dataset import Dataset, Split
from advnets.data.download import fetch
from advnets.data.npz import load_npz
from advnets.data.places import cache_folder
from advnets.data.summary import describe
from advnets.data.toys import MIXTURES, Mixture, mixture
from advnets.data.transforms import TRANSFORMS, Transform, to_uint8

__all__ = [
    "Batches",
    "DATASETS",
    "Dataset",
    "MIXTURES",
    "Mixture",
    "Split",
    "TRANSFORMS",
    "Transform",
    "cache_folder",
    "describe",
    "fetch",
    "load",
    "load_npz",
    "mixture",
    "order",
    "to_uint8",
]
