"""Samples: which are asked for, what they are made of, and how they are written.

Inside of the room a file imports only from those before it: files, samples, plan, inputs,
blocks.
"""

from advnets.experiment.sampling.blocks import ShowProgress, follow_blocks, ignore_progress, join_blocks, make_blocks
from advnets.experiment.sampling.files import Values, expect_place_for_samples, is_streamed, write_blocks
from advnets.experiment.sampling.inputs import STEPS, Inputs, choose_given, choose_inputs, draw_noises, sweep_code
from advnets.experiment.sampling.plan import FRAMES, Given, SamplePlan
from advnets.experiment.sampling.samples import Samples

__all__ = [
    "FRAMES",
    "Given",
    "Inputs",
    "STEPS",
    "SamplePlan",
    "Samples",
    "ShowProgress",
    "Values",
    "choose_given",
    "choose_inputs",
    "draw_noises",
    "expect_place_for_samples",
    "follow_blocks",
    "ignore_progress",
    "is_streamed",
    "join_blocks",
    "make_blocks",
    "sweep_code",
    "write_blocks",
]
