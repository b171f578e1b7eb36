"""The measures of translations: rows of MEASURES for models that are given images."""

from dataclasses import replace
from functools import partial

import torch

from advnets.assessment.context import Context
from advnets.assessment.measure_row import TRANSLATIONS, MeasureRow
from advnets.assessment.translations import BASELINES, DISTANCES, MODEL, TranslationSides, jackknife_scores
from advnets.metrics.modes import class_agreement
from advnets.metrics.paired import PAIRED, l1_distances, mean_score
from advnets.statistics import BLOCKS, Estimate, Jackknife, jackknife_difference, paired_difference
from advnets.statistics.arrays import Floats

NAMES = {
    "l1": "mean absolute difference, pixels in [0, 1]",
    "psnr": "peak signal-to-noise ratio",
    "ssim": "structural similarity",
    "fid": "Frechet distance",
    "kid": "squared distance by a cubic kernel",
}
BETTER = {"l1": "lower", "psnr": "higher", "ssim": "higher", "fid": "lower", "kid": "lower"}
UNITS = {"psnr": "dB"}
LEAST = 2 * BLOCKS
"""Images of which blocks can be left out in turn."""


def beside(measure: str, side: str) -> str:
    """Return the name of the row that holds a measure of translations beside that of a baseline.

    Args:
        measure: A name in PAIRED or DISTANCES.
        side: A name in BASELINES.

    Returns:
        The name.

    Example:
        >>> beside("l1", "copy")
        'l1-beside-copy'
    """
    return f"{measure}-beside-{side}"


def _sides(context: Context) -> TranslationSides:
    return context.translation_sides


def _score(measure: str, context: Context) -> Estimate:
    return mean_score(_sides(context).scores(measure, MODEL))


def _jackknife(measure: str, context: Context) -> Jackknife:
    return jackknife_scores(_sides(context).scores(measure, MODEL))


def _score_beside(measure: str, side: str, context: Context) -> Estimate:
    """The mean score less that of a baseline, paired by image."""
    ours, theirs = (_sides(context).scores(measure, one) for one in (MODEL, side))
    found = paired_difference(ours, theirs, seed=context.seed)
    return _one_sided(found, measure, float(ours.mean()), float(theirs.mean()))


def _distance_beside(measure: str, side: str, context: Context) -> Estimate:
    """The distance less that of a baseline, both from the same real images."""
    ours, theirs = (_sides(context).jackknife(measure, one) for one in (MODEL, side))
    return _one_sided(jackknife_difference(ours, theirs), measure, ours.value, theirs.value)


def _one_sided(found: Estimate, measure: str, ours: float, theirs: float) -> Estimate:
    """A difference with the p-value of the test that the translations are better, and the values of both sides."""
    assert found.p_value is not None
    is_better = found.value < 0 if BETTER[measure] == "lower" else found.value > 0
    p_value = found.p_value / 2 if is_better else 1 - found.p_value / 2
    notes = {**found.notes, "model": ours, "baseline": theirs}
    return replace(found, p_value=p_value, floor=None, notes=notes)


def _class_kept(context: Context) -> Estimate:
    reference, labels = context.reference, context.require_translations().require_labels()
    real = reference.dataset.splits[reference.split].labels
    assert real is not None
    drawn = context.logits.argmax(1), reference.held_out_logits.argmax(1)
    return class_agreement(labels, drawn[0], real, drawn[1], names=reference.dataset.class_names)


def _jackknife_class_kept(context: Context) -> Jackknife:
    labels = context.require_translations().require_labels()
    return jackknife_scores(torch.eq(context.logits.argmax(1), labels).double().numpy())


def _cycle_scores(context: Context) -> Floats:
    translations = context.require_translations()
    return l1_distances(translations.require_again(), translations.inputs)


def _cycle_beside_mean(context: Context) -> Estimate:
    """The cycle error less the distance of the mean input, which carries nothing of an input."""
    inputs, ours = context.require_translations().inputs, _cycle_scores(context)
    given = context.reference.dataset.train.given
    pool = inputs if given is None else given
    mean = (pool.sum(0, dtype=torch.int64) / len(pool)).round().to(torch.uint8)
    theirs = l1_distances(mean.expand_as(inputs), inputs)
    found = paired_difference(ours, theirs, seed=context.seed)
    return _one_sided(found, "l1", float(ours.mean()), float(theirs.mean()))


def _row_beside(measure: str, side: str) -> MeasureRow:
    is_paired = measure in PAIRED
    what = BASELINES[side]
    return MeasureRow(
        "translation",
        f"Is the {NAMES[measure]} {BETTER[measure]} than that of {what}? The value is the translations' less that one.",
        BETTER[measure],
        partial(_score_beside if is_paired else _distance_beside, measure, side),
        on="values" if is_paired else "features",
        of="images",
        needs=(TRANSLATIONS, "targets") if is_paired else (TRANSLATIONS,),
        unit=UNITS.get(measure, ""),
        least=2 if is_paired else LEAST,
        differs=f"better than {what}",
        alike=f"not shown to be better than {what}",
    )


TRANSLATION_ROWS: dict[str, MeasureRow] = (
    {
        measure: MeasureRow(
            "translation", f"How near is each translation to its own target ({NAMES[measure]})?", BETTER[measure],
            partial(_score, measure), on="values", of="images", needs=(TRANSLATIONS, "targets"),
            unit=UNITS.get(measure, ""), jackknife=partial(_jackknife, measure),
        )
        for measure in PAIRED
    }
    | {beside(measure, side): _row_beside(measure, side) for measure in PAIRED for side in BASELINES}
    | {beside(measure, side): _row_beside(measure, side) for measure in DISTANCES for side in ("copy", "mean")}
    | {
        "class-kept": MeasureRow(
            "translation", "Is a translation of its input's class, by a classifier of real images of the kind that is "
            "made, as often as that is right on real images?",
            "higher", _class_kept, on="classes", of="images", needs=(TRANSLATIONS, "labels", "input classes"),
            jackknife=_jackknife_class_kept,
        ),
        "cycle-error": MeasureRow(
            "translation", "How far is an input from what comes back of it (mean absolute difference, pixels in "
            "[0, 1])? A generator that changes nothing gets 0.",
            "lower", lambda context: mean_score(_cycle_scores(context)), on="values", of="images",
            needs=(TRANSLATIONS, "way back"), jackknife=lambda context: jackknife_scores(_cycle_scores(context)),
        ),
        "cycle-error-beside-mean": MeasureRow(
            "translation", "Is what comes back nearer to the input than the mean of all inputs is? The value is its "
            "distance less that one's.",
            "lower", _cycle_beside_mean, on="values", of="images", needs=(TRANSLATIONS, "way back"), least=2,
            differs="nearer than the mean of all inputs", alike="not shown to be nearer than the mean of all inputs",
        ),
    }
)  # fmt: skip
"""The rows, by name; MEASURES holds them too."""
