"""Baselines of the 2014 table: each a row of BASELINES, with a network that draws and a Training that teaches it."""

from advnets.baselines.baseline import Baseline, Chain, Lesson
from advnets.baselines.contractive import StackedContractive
from advnets.baselines.denoising import Denoising
from advnets.baselines.descent import descend

__all__ = ["Baseline", "Chain", "Denoising", "Lesson", "StackedContractive", "descend"]
