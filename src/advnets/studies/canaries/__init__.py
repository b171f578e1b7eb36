"""Canaries: known damage done to real images, to see which measures notice it, and from what strength on."""

from advnets.studies.canaries.battery import Battery, usual_battery
from advnets.studies.canaries.damage import DAMAGES, Clean, Damage
from advnets.studies.canaries.detection import (
    Detection,
    MeasuredSamples,
    MeasureReading,
    false_alarms,
    prediction,
    verdict,
    weakest,
)
from advnets.studies.canaries.page import as_json, as_markdown, as_text
from advnets.studies.canaries.resplit import Resplit, resplit, usual_size
from advnets.studies.canaries.results import CanaryResults
from advnets.studies.canaries.study import Canaries, CanaryProgress, damage_images

__all__ = [
    "Battery", "Canaries", "CanaryProgress", "CanaryResults", "Clean", "DAMAGES", "Damage", "Detection",
    "MeasureReading", "MeasuredSamples", "Resplit", "as_json", "as_markdown", "as_text", "damage_images",
    "false_alarms", "prediction", "resplit", "usual_battery", "usual_size", "verdict", "weakest",
]  # fmt: skip
