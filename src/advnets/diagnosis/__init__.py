"""The doctor: what was measured of a training, as numbers, becomes findings in whole sentences.

Nothing here sees a network or a training: `experiment.probes` measures, and these are pure functions of its numbers.

Inside of the room a file imports only from those before it: finding, probe, thresholds, measurement, detector, variety,
balance, slopes, motion, sight, diagnose.
"""

from advnets.diagnosis.detector import Detector
from advnets.diagnosis.diagnose import DETECTORS, diagnose, finding_of_failure
from advnets.diagnosis.finding import SEVERITIES, Finding
from advnets.diagnosis.measurement import (
    chance_above,
    compare_samples,
    copy_ratio,
    nearest_distances,
    rhythm_of,
    share_of_untrained,
)
from advnets.diagnosis.probe import Probe
from advnets.diagnosis.sight import PROBABILITIES, RANGES
from advnets.diagnosis.thresholds import THRESHOLDS, Thresholds
from advnets.diagnosis.variety import sign_of_sameness

__all__ = [
    "DETECTORS", "Detector", "Finding", "PROBABILITIES", "Probe", "RANGES", "SEVERITIES", "THRESHOLDS", "Thresholds",
    "chance_above", "compare_samples", "copy_ratio", "diagnose", "finding_of_failure", "nearest_distances", "rhythm_of",
    "share_of_untrained", "sign_of_sameness",
]  # fmt: skip
