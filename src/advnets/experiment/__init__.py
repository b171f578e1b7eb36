"""The room where all others meet: runs are started, resumed, sampled and measured here."""

from advnets.experiment.assessment import (
    MEASURES,
    SPLITS,
    Choice,
    Doing,
    Plan,
    Reference,
    Report,
    Subject,
    assess,
    in_unit,
    lacks_classifier,
    names_of,
    reference,
    selection_and_points,
    usual_samples,
    within_memory,
    write_report,
)
from advnets.experiment.comparison import CONTROLS, PAIRED, Comparison, Contrast, compare_reports, comparing
from advnets.experiment.cost import Cost, dry_run, peak_mebibytes
from advnets.experiment.course import Progress
from advnets.experiment.door import find_recipe, resume, start, train
from advnets.experiment.evaluation import choosing, evaluation
from advnets.experiment.measure import Measure
from advnets.experiment.model import Model, open_model
from advnets.experiment.run import Run
from advnets.experiment.samples import Samples
from advnets.experiment.settings import DEVICES, Settings, find_device
from advnets.experiment.sources import find_model, source

__all__ = [
    "CONTROLS", "Choice", "Comparison", "Contrast", "Cost", "DEVICES", "Doing", "MEASURES", "Measure", "Model",
    "PAIRED", "Plan", "Progress", "Reference", "Report", "Run", "SPLITS", "Samples", "Settings", "Subject", "assess",
    "choosing", "compare_reports", "comparing", "dry_run", "evaluation", "find_device", "find_model", "find_recipe",
    "in_unit", "lacks_classifier", "names_of", "open_model", "peak_mebibytes", "reference", "resume",
    "selection_and_points", "source", "start", "train", "usual_samples", "within_memory", "write_report",
]  # fmt: skip
