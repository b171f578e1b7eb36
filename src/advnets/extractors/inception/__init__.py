"""The Inception network of published distances: its table of layers, the file of its weights, and the extractor.

Inside of the room a file imports only from those before it: network, extractor. A file that is not named stands alone.
"""

from advnets.extractors.inception.extractor import PREPARATIONS, Inception, inception_extractor
from advnets.extractors.inception.network import InceptionNetwork

__all__ = ["Inception", "InceptionNetwork", "PREPARATIONS", "inception_extractor"]
