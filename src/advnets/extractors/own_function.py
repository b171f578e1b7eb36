"""Any function of the user's own as an extractor, and whatever else may stand where an extractor is asked for."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from types import FunctionType
from typing import Any

from torch import Tensor, nn

from advnets.errors import BadInput
from advnets.extractors.extractor import Extractor, expect_features, name_failed_extractor, run_in_parts
from advnets.extractors.image_preprocessing import Preprocessing
from advnets.extractors.own_network import NetworkExtractor, network_extractor

PART = 500
"""Images that a function is given at once."""


@dataclass(frozen=True, eq=False)
class FunctionExtractor:
    """A function from images to features.

    Attributes:
        id: Where it is defined, and the SHA-256 of its code.
        function: (n, c, h, w) uint8 -> (n, d) floats; of points, (n, d) float32 -> (n, d) floats.
    """

    id: str
    function: Callable[[Tensor], Tensor] = field(repr=False)

    def features(self, values: Tensor) -> Tensor:
        """Compute the function's output.

        Args:
            values: Images, (n, c, h, w) uint8, or points, (n, d) float32.

        Returns:
            Features, (n, d) float32, on the CPU.

        Raises:
            BadInput: If the function raises anything, or the output is not (n, d).
            NonFinite: If there is a NaN or an Inf.
        """

        def run(part: Tensor) -> Tensor:
            with name_failed_extractor(self.function, self.id):
                features = self.function(part)
            return expect_features(features, len(part), self.id)

        return run_in_parts(run, values, PART)


def function_extractor(function: Callable[[Tensor], Tensor]) -> FunctionExtractor:
    """Return a function as an extractor.

    Its code is part of what names it; what it reads beside its argument, such as a global network, is not. A network is
    given as an nn.Module, whose weights name it.

    Args:
        function: (n, c, h, w) uint8 -> (n, d) floats. It must treat every image by itself.

    Returns:
        The extractor.
    """
    code = function.__code__
    told = repr((code.co_code, [one for one in code.co_consts if isinstance(one, int | float | str)], code.co_names))
    digest = hashlib.sha256(told.encode()).hexdigest()
    return FunctionExtractor(f"{function.__module__}.{function.__qualname__}; sha256 of its code {digest}", function)


def as_extractor(found: Any) -> Extractor:
    """Return what stands where an extractor is asked for as an extractor.

    Args:
        found: An extractor, that is an object with `id` and `features`; a network of images in [0, 1], as
            `network_extractor` takes it; or a function of images, uint8 (n, c, h, w), to features (n, d).

    Returns:
        The extractor.

    Raises:
        BadInput: For anything else.
    """
    if isinstance(found, nn.Module):
        network: NetworkExtractor = network_extractor(found, Preprocessing())
        return network
    if hasattr(found, "id") and callable(getattr(found, "features", None)):
        own: Extractor = found
        return own
    if isinstance(found, FunctionType):
        return function_extractor(found)
    raise BadInput(
        f"extractor is {type(found).__name__}; expected a name of EXTRACTORS, an nn.Module, a function of images, or "
        "an object with `id` and `features(images)`"
    )
