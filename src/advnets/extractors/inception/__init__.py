"""The Inception network of the published distances: its table of layers, its weights' file, and the extractor."""

from advnets.extractors.inception.judge import PREPARATIONS, Inception, inception
from advnets.extractors.inception.network import InceptionNetwork

__all__ = ["Inception", "InceptionNetwork", "PREPARATIONS", "inception"]
