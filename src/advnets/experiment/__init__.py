"""The room that puts the others together: runs are started, resumed, sampled and measured here.

Inside of the room a file imports only from those before it: own_code, sampling, preparation, paper_figures, model,
own_model, settings, keywords, cost, loop, resume_notes, run_data, run_record, notebook, own_weights, run_model,
run_evaluation, run, opening, origin, lifecycle, evaluation.
"""

from advnets.experiment.cost import Cost, dry_run, peak_mebibytes
from advnets.experiment.evaluation import evaluate_path, select_checkpoint
from advnets.experiment.lifecycle import change_recipe, choose_recipe_for, find_recipe, resume, start, train
from advnets.experiment.loop import TrainingProgress
from advnets.experiment.model import Model
from advnets.experiment.opening import SHIPPED, find_model, open_model, open_source
from advnets.experiment.own_model import own_model
from advnets.experiment.run import Run
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
    "Model",
    "TrainingProgress",
    "TranslationPlan",
    "TranslationScores",
    "Run",
    "SamplePlan",
    "Samples",
    "Settings",
    "change_recipe",
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
    "own_model",
    "select_checkpoint",
    "start",
    "train",
]
