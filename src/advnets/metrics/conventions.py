"""The settings with which our functions compute the numbers of other libraries, by library.

A number of one library is not comparable with that of another, even for the same images. Libraries divide
covariances, cut splits, count neighbours, resize and quantise in their own ways. This table holds the arithmetic of
each as keyword arguments, and the rest in words. It was read in the sources of 2024 to 2026.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from advnets.errors import unknown

Keywords = Mapping[str, Any]

TF_RESIZE = "TensorFlow 1 bilinear to 299, corners not aligned, no half-pixel centres, no antialias"
TF_BYTES = "uint8 RGB 0..255, then (x - 128) / 128"
SUBSETS: Keywords = {"subsets": 100, "size": 1000}
BALLS: Keywords = {"k": 3, "strict": False}


@dataclass(frozen=True)
class Convention:
    """The conventions of one library.

    A metric that the library does not have is None.

    Attributes:
        library: The library, and what it is known for.
        frechet: Keyword arguments of `frechet`.
        kernel_subsets: Keyword arguments of `kernel_subsets`.
        inception_score: Keyword arguments of `inception_score`.
        manifolds: Keyword arguments of `manifolds`.
        preparation: How the library brings bytes to the Inception network: a convention of `extractors.inception`.
        resize: How it resizes, in words.
        quantise: How it quantises, in words.
        differs: What of its arithmetic ours does not copy, and why numbers may still differ.
    """

    library: str
    frechet: Keywords | None = None
    kernel_subsets: Keywords | None = None
    inception_score: Keywords | None = None
    manifolds: Keywords | None = None
    preparation: str | None = None
    resize: str = "none of its own: it is given features"
    quantise: str = "none of its own: it is given features"
    differs: str = field(default="")


CONVENTIONS: dict[str, Convention] = {
    "ttur": Convention(
        "M. Heusel et al., the code of 2017 (bioinf-jku/TTUR), which defined the FID",
        frechet={"ddof": 1},
        preparation="tensorflow",
        resize=TF_RESIZE,
        quantise=TF_BYTES,
        differs="the mean of features in float32; sqrtm, with 1e-6 I added to both where it is not finite",
    ),
    "pytorch-fid": Convention(
        "M. Seitzer (mseitzer/pytorch-fid), the FID of most papers in PyTorch",
        frechet={"ddof": 1},
        preparation="pytorch-fid",
        resize="F.interpolate, bilinear to 299 with half-pixel centres, no antialias",
        quantise="uint8 / 255, then 2 x - 1",
        differs="sqrtm, with 1e-6 I added to both where it is not finite; fails with SciPy 1.18",
    ),
    "clean-fid": Convention(
        "G. Parmar, R. Zhang and J. Zhu, On aliased resizing and surprising subtleties in GAN evaluation, 2022",
        frechet={"ddof": 1},
        kernel_subsets=SUBSETS,
        preparation="clean-fid",
        resize="PIL bicubic to 299, each channel in float32, clipped to 0..255, not quantised again",
        quantise="uint8 files as they are: JPEG moves the FID",
        differs="subsets are drawn unseeded, of at most as many as the smaller set; an imaginary part is dropped",
    ),
    "stylegan3": Convention(
        "T. Karras et al. (NVlabs/stylegan3): fid50k_full, kid50k_full, is50k, pr50k3_full",
        frechet={"ddof": 0},
        kernel_subsets=SUBSETS,
        inception_score={"splits": 10, "rule": "proportional", "ddof": 0},
        manifolds=BALLS,
        preparation="tensorflow",
        resize="inside its published copy of the network, as TensorFlow 1: no half-pixel centres, no antialias",
        quantise="x 127.5 + 128, clamped to 0..255, to uint8",
        differs="precision and recall take features and radii in float16; the KID's subsets are drawn unseeded",
    ),
    "torchmetrics": Convention(
        "Lightning (torchmetrics.image): streaming FID, KID and IS",
        frechet={"ddof": 1},
        kernel_subsets=SUBSETS,
        inception_score={"splits": 10, "rule": "rounded-up", "ddof": 1},
        preparation="torchmetrics",
        resize="F.interpolate, bilinear to 299, with antialias: unlike the others for any image that is not 299 wide",
        quantise="(x 255).byte(), which truncates, for images in [0, 1]",
        differs="the IS and the KID draw their orders from torch's global generator",
    ),
    "adm": Convention(
        "P. Dhariwal and A. Nichol, Diffusion models beat GANs, 2021 (openai/guided-diffusion, evaluations)",
        frechet={"ddof": 1},
        inception_score={"size": 5000, "rule": "proportional", "ddof": 0},
        manifolds=BALLS,
        preparation="tensorflow",
        resize=TF_RESIZE,
        quantise=TF_BYTES,
        differs="the IS of classes in order is far too low: shuffle first; log p is NaN where softmax underflows; "
        "distances in float16, the reference of precision and recall of 10,000 images",
    ),
    "torch-fidelity": Convention(
        "A. Obukhov (toshas/torch-fidelity), the numbers nearest to TensorFlow's",
        frechet={"ddof": 1},
        kernel_subsets={**SUBSETS, "seed": 2020},
        inception_score={"splits": 10, "rule": "proportional", "ddof": 0, "shuffle": 2020},
        manifolds=BALLS,
        preparation="tensorflow",
        resize=TF_RESIZE,
        quantise=TF_BYTES,
        differs="the mean of features in float32; eigenvalues of the product of covariances",
    ),
    "prdc": Convention(
        "M. Naeem et al., Reliable fidelity and diversity metrics, 2020 (clovaai/generative-evaluation-prdc)",
        manifolds={"k": 5, "strict": True},
    ),
}
"""Conventions by library; a metric takes its own as keywords: frechet(samples, real, **convention("ttur").frechet)."""


def convention(name: str) -> Convention:
    """Look up the convention of a library.

    Args:
        name: A key of `CONVENTIONS`.

    Returns:
        The library's convention.

    Raises:
        BadInput: If the name is not in `CONVENTIONS`.

    Example:
        >>> convention("stylegan3").frechet
        {'ddof': 0}
    """
    if name not in CONVENTIONS:
        raise unknown("convention", name, CONVENTIONS)
    return CONVENTIONS[name]
