"""The doctor: what was measured of a training, as numbers, becomes findings in whole sentences.

Nothing here sees a network or a training: `experiment.probes` measures, and these are pure functions of its numbers.

Inside of the room a file imports only from those before it: finding, probe, setup, thresholds, measurement, advice,
detector, variety, balance, slopes, motion, sight, diagnose, not_judged.
"""

from advnets.diagnosis.detector import Detector
from advnets.diagnosis.diagnose import DETECTORS, diagnose, finding_of_failure, gravity
from advnets.diagnosis.finding import SEVERITIES, Finding
from advnets.diagnosis.measurement import (
    chance_above,
    compare_samples,
    copy_ratio,
    nearest_distances,
    reach_of_logits,
    rhythm_of,
    share_of_untrained,
)
from advnets.diagnosis.not_judged import NotJudged, describe_silence, gather_not_judged, list_not_judged
from advnets.diagnosis.probe import Probe
from advnets.diagnosis.setup import UNKNOWN, Rate, Setup
from advnets.diagnosis.sight import PROBABILITIES, RANGES
from advnets.diagnosis.thresholds import THRESHOLDS, Thresholds
from advnets.diagnosis.variety import sign_of_sameness

__all__ = [
    "DETECTORS", "Detector", "Finding", "NotJudged", "PROBABILITIES", "Probe", "RANGES", "Rate", "SEVERITIES",
    "Setup", "THRESHOLDS", "Thresholds", "UNKNOWN", "chance_above", "compare_samples", "copy_ratio",
    "describe_silence", "diagnose", "finding_of_failure", "gather_not_judged", "gravity", "list_not_judged",
    "nearest_distances", "reach_of_logits", "rhythm_of", "share_of_untrained", "sign_of_sameness",
]  # fmt: skip
