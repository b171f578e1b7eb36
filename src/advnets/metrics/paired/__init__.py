"""Measures of images against the very images that they should be: one score an image, so that sides can be paired.

Inside of the room a file imports only from those before it: images, l1, psnr, ssim.
"""

from advnets.metrics.paired.images import mean_score
from advnets.metrics.paired.l1 import l1_distances
from advnets.metrics.paired.psnr import peak_ratios
from advnets.metrics.paired.ssim import structural_similarities

PAIRED = {"l1": l1_distances, "psnr": peak_ratios, "ssim": structural_similarities}
"""{measure: scores (n,) of images (n, c, h, w) against their targets}; more is better but for l1."""

__all__ = ["PAIRED", "l1_distances", "mean_score", "peak_ratios", "structural_similarities"]
