"""The Inception network of the published distances: its table of layers, its weights' file, and the extractor."""

from advnets.extractors.inception.extractor import PREPARATIONS, Inception, inception_extractor
from advnets.extractors.inception.network import InceptionNetwork

__all__ = ["Inception", "InceptionNetwork", "PREPARATIONS", "inception_extractor"]
