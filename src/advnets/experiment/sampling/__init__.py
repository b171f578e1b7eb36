"""Samples: which are asked for, what they are made of, and how they are written.

Inside of the room a file imports only from those before it: files, samples, nearest, plan, inputs, blocks,
translation, translation_scores, translated_subject.
"""

from advnets.experiment.sampling.blocks import ShowProgress, follow_blocks, ignore_progress, join_blocks, make_blocks
from advnets.experiment.sampling.files import Values, expect_place_for_samples, is_streamed, write_blocks
from advnets.experiment.sampling.inputs import STEPS, Inputs, choose_given, choose_inputs, draw_noises, sweep_code
from advnets.experiment.sampling.nearest import find_nearest_training_images
from advnets.experiment.sampling.plan import FRAMES, Given, SampleKeywords, SamplePlan
from advnets.experiment.sampling.samples import Samples
from advnets.experiment.sampling.translated_subject import draw_translations
from advnets.experiment.sampling.translation import (
    TranslationPlan,
    expect_place_for_translations,
    expect_translator,
    translate_image,
    translate_stored,
    write_translations,
)
from advnets.experiment.sampling.translation_scores import TranslationScores, score_translations

__all__ = [
    "FRAMES",
    "Given",
    "Inputs",
    "STEPS",
    "SampleKeywords",
    "SamplePlan",
    "Samples",
    "ShowProgress",
    "TranslationPlan",
    "TranslationScores",
    "Values",
    "choose_given",
    "choose_inputs",
    "draw_noises",
    "draw_translations",
    "expect_place_for_samples",
    "expect_place_for_translations",
    "expect_translator",
    "find_nearest_training_images",
    "follow_blocks",
    "ignore_progress",
    "is_streamed",
    "join_blocks",
    "make_blocks",
    "score_translations",
    "sweep_code",
    "translate_image",
    "translate_stored",
    "write_blocks",
    "write_translations",
]
