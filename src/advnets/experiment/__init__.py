"""The room where all others meet: runs are started, resumed, sampled and measured here."""

from advnets.experiment.cost import Cost, dry_run, peak_mebibytes
from advnets.experiment.course import Progress
from advnets.experiment.evaluation import SPLITS, Report
from advnets.experiment.measure import Measure
from advnets.experiment.recognition import Recognition
from advnets.experiment.run import Run, find_recipe, resume, start, train
from advnets.experiment.samples import Samples
from advnets.experiment.settings import DEVICES, Settings, find_device

__all__ = [
    "Cost", "DEVICES", "Measure", "Progress", "Recognition", "Report", "Run", "SPLITS", "Samples", "Settings",
    "dry_run",
    "find_device",
    "find_recipe", "peak_mebibytes", "resume", "start", "train",
]  # fmt: skip
