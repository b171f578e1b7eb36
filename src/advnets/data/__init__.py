"""Data sets and batches of them: digits, MNIST, CIFAR-10, faces, toys, a user's own files, and tensors in memory.

The order of the files, lowest first: conversion, splits and transforms; dataset; batches and memory; formats; sets;
images; description and catalogue.

Inside of the room a file imports only from those before it: conversion, splits, split_checks, dataset_card, dataset,
class_choice, two_kinds, batches, formats, memory, sets, images, catalogue, description. A file that is not named stands
alone.
"""

from advnets.data.batches import Batches, order
from advnets.data.catalogue import DATASETS, holds_image_files, is_named, load, load_unpaired
from advnets.data.class_choice import choose_class
from advnets.data.dataset import Dataset, Split, Survey
from advnets.data.description import describe
from advnets.data.formats.npz import load_npz
from advnets.data.images.folder import load_images
from advnets.data.images.image_options import DIRECTIONS, UNPAIRED, ImageOptions
from advnets.data.images.pairs import load_pairs
from advnets.data.images.single_files import ImageFile, find_image_files
from advnets.data.images.unreadable import expect_readable
from advnets.data.memory import STORED_NAME, find_data, from_memory
from advnets.data.sets.download import fetch
from advnets.data.sets.published_files import cache_folder
from advnets.data.sets.toys import MIXTURES, Mixture, mixture
from advnets.data.transforms import TRANSFORMS, Transform, to_uint8

__all__ = [
    "Batches",
    "DATASETS",
    "DIRECTIONS",
    "Dataset",
    "MIXTURES",
    "Mixture",
    "ImageFile",
    "ImageOptions",
    "STORED_NAME",
    "Split",
    "Survey",
    "TRANSFORMS",
    "Transform",
    "UNPAIRED",
    "cache_folder",
    "choose_class",
    "describe",
    "expect_readable",
    "fetch",
    "find_data",
    "find_image_files",
    "from_memory",
    "holds_image_files",
    "is_named",
    "load",
    "load_npz",
    "load_images",
    "load_pairs",
    "load_unpaired",
    "mixture",
    "order",
    "to_uint8",
]
