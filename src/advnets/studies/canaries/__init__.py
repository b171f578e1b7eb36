"""Canaries: known damage is done to real images, to see which measures detect it, and from what strength on.

Inside of the room a file imports only from those before it: damage, detection, resplit, battery, results, page, study.
"""

from advnets.studies.canaries.battery import Battery, MeasureSamples, default_battery
from advnets.studies.canaries.damage import DAMAGES, CleanImages, Damage
from advnets.studies.canaries.detection import (
    Detection,
    MeasuredSamples,
    MeasureReading,
    count_false_alarms,
    judge_reading,
    prediction_test,
    weakest_detected,
)
from advnets.studies.canaries.page import as_json, as_markdown, as_text
from advnets.studies.canaries.resplit import Resplit, default_size, draw_resplit
from advnets.studies.canaries.results import CanaryResults
from advnets.studies.canaries.study import CanaryProgress, CanaryStudy, damage_images

__all__ = [
    "Battery", "CanaryProgress", "CanaryResults", "CanaryStudy", "CleanImages", "DAMAGES", "Damage", "Detection",
    "MeasureReading", "MeasureSamples", "MeasuredSamples", "Resplit", "as_json", "as_markdown", "as_text",
    "count_false_alarms", "damage_images", "default_battery", "default_size", "draw_resplit", "judge_reading",
    "prediction_test", "weakest_detected",
]  # fmt: skip
