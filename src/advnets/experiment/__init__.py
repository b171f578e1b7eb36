"""The room where all others meet: runs are started, resumed, sampled and measured here."""

from advnets.experiment.cost import Cost, dry_run, peak_mebibytes
from advnets.experiment.course import Progress
from advnets.experiment.door import find_recipe, resume, start, train
from advnets.experiment.evaluation import (
    SPLITS,
    Report,
    centres_of,
    selection_and_points,
    usual_samples,
    within_memory,
)
from advnets.experiment.measure import Measure
from advnets.experiment.model import Model, open_model
from advnets.experiment.recognition import Recognition, lacks_classifier, recognise
from advnets.experiment.run import Run, find_model, source
from advnets.experiment.samples import Samples
from advnets.experiment.settings import DEVICES, Settings, find_device

__all__ = [
    "Cost", "DEVICES", "Measure", "Model", "Progress", "Recognition", "Report", "Run", "SPLITS", "Samples", "Settings",
    "centres_of", "dry_run", "find_device", "find_model", "find_recipe", "lacks_classifier", "open_model",
    "peak_mebibytes", "recognise", "resume", "selection_and_points", "source", "start", "train", "usual_samples",
    "within_memory",
]  # fmt: skip
