"""The room that puts the others together: runs are started, resumed, sampled and measured here.

Inside of the room a file imports only from those before it: sampling, preparation, probes, paper_figures, model,
settings, cost, progress, rollback, doctor, loop, resume_notes, run_data, run_record, run_model, run_evaluation,
run_diagnosis, run, opening, origin, lifecycle, evaluation.
"""

from advnets.experiment.cost import Cost, dry_run, peak_mebibytes
from advnets.experiment.evaluation import evaluate_path, select_checkpoint
from advnets.experiment.lifecycle import choose_recipe_for, find_recipe, resume, start, train
from advnets.experiment.model import Model
from advnets.experiment.opening import SHIPPED, find_model, open_model, open_source
from advnets.experiment.progress import TrainingProgress
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

__all__ = [
    "SHIPPED",
    "Cost",
    "DEVICES",
    "Diagnosis",
    "Model",
    "TrainingProgress",
    "TranslationPlan",
    "TranslationScores",
    "Run",
    "SamplePlan",
    "Samples",
    "Settings",
    "choose_recipe_for",
    "dry_run",
    "evaluate_path",
    "expect_place_for_samples",
    "find_device",
    "find_model",
    "find_recipe",
    "open_model",
    "peak_mebibytes",
    "resume",
    "score_translations",
    "open_source",
    "select_checkpoint",
    "start",
    "train",
]
