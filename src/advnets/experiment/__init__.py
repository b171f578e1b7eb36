"""The room that puts the others together: runs are started, resumed, sampled and measured here.

Inside of the room a file imports only from those before it: sampling, preparation, probes, paper_figures, model_data,
model, page_export, exports, settings, keywords, run_data, machine, training_loop, run_record, resume_notes,
own_networks, notebook, run_model, run_evaluation, run_diagnosis, run, opening, exploration, origin, lifecycle,
evaluation, publication. A file that is not named stands alone.
"""

from advnets.experiment.evaluation import evaluate_path, select_checkpoint
from advnets.experiment.exports import EXPORTERS, ExportedFile, Exporter
from advnets.experiment.journal_files import write_journal
from advnets.experiment.lifecycle import change_recipe, choose_recipe_for, find_recipe, resume, start, train
from advnets.experiment.machine import Cost, clear_cache, describe_installation, dry_run, measure_cache, peak_mebibytes
from advnets.experiment.model import Model
from advnets.experiment.opening import SHIPPED, export_generator, find_model, open_model, open_source
from advnets.experiment.own_networks import own_model
from advnets.experiment.publication import PICTURE, SHARE_FILE, HubLock, pull, push, write_card
from advnets.experiment.run import Run
from advnets.experiment.run_diagnosis import Diagnosis
from advnets.experiment.sampling import (
    SamplePlan,
    Samples,
    TranslationPlan,
    TranslationScores,
    expect_place_for_samples,
    score_translations,
)
from advnets.experiment.settings import DEVICES, Settings, find_device
from advnets.experiment.training_loop import MeasuredCheckpoint, TrainingProgress, Validation, read_standing_findings

__all__ = [
    "SHARE_FILE",
    "SHIPPED",
    "Cost",
    "HubLock",
    "DEVICES",
    "EXPORTERS",
    "ExportedFile",
    "Exporter",
    "PICTURE",
    "Diagnosis",
    "MeasuredCheckpoint",
    "Model",
    "TrainingProgress",
    "TranslationPlan",
    "TranslationScores",
    "Run",
    "SamplePlan",
    "Samples",
    "Settings",
    "Validation",
    "change_recipe",
    "choose_recipe_for",
    "clear_cache",
    "describe_installation",
    "dry_run",
    "evaluate_path",
    "expect_place_for_samples",
    "export_generator",
    "find_device",
    "find_model",
    "find_recipe",
    "measure_cache",
    "open_model",
    "peak_mebibytes",
    "pull",
    "push",
    "read_standing_findings",
    "resume",
    "score_translations",
    "open_source",
    "own_model",
    "select_checkpoint",
    "start",
    "train",
    "write_card",
    "write_journal",
]
