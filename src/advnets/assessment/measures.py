"""The measures: what each asks, what it needs, and how its number is read. A new measure is a row of MEASURES."""

from dataclasses import replace

from advnets.assessment.context import Context, Pair
from advnets.assessment.jackknives import (
    class_distance_of_real,
    coverage_of_real,
    density_of_real,
    frechet_of_real,
    jackknife_class_distance,
    jackknife_nearest_training,
    jackknife_parzen,
    parzen_of_real,
    precision_of_real,
    recall_of_real,
    shuffled_features,
)
from advnets.assessment.measure_row import ASKED, OWN, MeasureCard, MeasureRow
from advnets.assessment.translation_rows import TRANSLATION_ROWS
from advnets.metrics.birthday import birthday, duplicates
from advnets.metrics.fast_jackknives import frechet_jackknife, kernel_jackknife
from advnets.metrics.frechet import frechet
from advnets.metrics.inception_score import inception_score
from advnets.metrics.kernel import kernel_distance, kernel_test
from advnets.metrics.memorisation import (
    authenticity,
    copying_share,
    data_copying,
    logits_gap,
    near_duplicates,
    nearest_training_test,
)
from advnets.metrics.modes import class_agreement, class_distance, class_shares
from advnets.metrics.ndb import different_bins
from advnets.metrics.neighbours import coverage
from advnets.metrics.pixels.sliced_wasserstein import mind, sliced_wasserstein
from advnets.metrics.pixels.spectrum import spectrum_distance
from advnets.metrics.pixels.tone import tone_distance
from advnets.metrics.two_sample import classifier_test, nearest_neighbour_test
from advnets.metrics.vendi import vendi
from advnets.statistics import Estimate
from advnets.statistics.distances import pairwise_distance

PERMUTATIONS = 4999
"""Permutations of a test: with fewer, no p-value is so small that it stays below .01 beside a dozen others."""
FEW_REAL = 40
"""Held-out images by which sides are compared with what lies around single images: of fewer, a few decide."""

COPIES = "some samples are copies of training images"
NO_COPIES = "no copying can be shown"
NEARER = "nearer to training images, for their neighbourhood, than held-out images are"
NOT_NEARER = "no nearer to training images than held-out ones can be shown"


def _kid(context: Context) -> Estimate:
    tested = kernel_test(*context.drawn_features, seed=context.seed, permutations=PERMUTATIONS)
    found = kernel_distance(*context.whole)
    return replace(
        found, p_value=tested.p_value, notes={**found.notes, **{f"test {k}": v for k, v in tested.notes.items()}}
    )


def with_real_floor(found: Estimate, real: Estimate) -> Estimate:
    """Set the floor of an estimate to what real samples got.

    Args:
        found: The estimate of the samples; one that has a floor is returned as it is.
        real: The same of real samples.

    Returns:
        The estimate, whose notes hold `floor_error`.
    """
    if found.floor is not None:
        return found
    notes = {} if real.error is None else {"floor_error": real.error}
    return replace(found, floor=real.value, notes={**found.notes, **notes})


def _coverage(context: Context) -> Estimate:
    if context.reference.repeats_itself:  # its floor is a formula for data without ties
        return with_real_floor(replace(_cover(context.part), floor=None), _cover(context.stand_in))
    return _cover(context.drawn_features)


def _cover(sides: Pair) -> Estimate:
    samples, real = sides
    return coverage(samples, real, k=min(5, max(len(real) - 1, 1)))


def _density(context: Context) -> Estimate:
    found = context.manifolds["density"]
    if context.reference.repeats_itself:  # its floor, 1, is for data without ties
        found = replace(found, floor=None)
    return with_real_floor(found, context.real_manifolds["density"])


def _near_duplicates(context: Context) -> Estimate:
    train = context.reference.train_features
    found = near_duplicates(context.features, train, seed=context.seed)
    if not context.reference.repeats_itself:
        return found
    # Its floor is the share of a quantile, which ties exceed: as many held-out images are counted in its place.
    held_out = context.reference.held_out_features
    real = near_duplicates(held_out, train, threshold=float(found.notes["threshold"]), seed=context.seed)
    scale, notes = context.n / len(held_out), {k: v for k, v in found.notes.items() if not k.startswith("floor_")}
    floor_error = scale * real.standard_error
    return replace(found, floor=scale * real.value, notes={**notes, "floor_error": floor_error})


def _inception(context: Context) -> Estimate:
    samples, real = context.draw_equal_counts(context.scores)
    splits = max(1, min(10, len(real) // 100))
    return with_real_floor(inception_score(samples, splits=splits), inception_score(real, splits=splits))


def _class_shares(context: Context) -> Estimate:
    classes = context.reference.dataset.classes
    assert classes is not None
    # The share of the rarest class is biased low, the more so the fewer images there are: both sides have as many.
    samples, real = context.draw_equal_counts((context.logits, context.reference.held_out_logits))
    found = with_real_floor(class_shares(samples.argmax(1), classes), class_shares(real.argmax(1), classes))
    every = class_shares(context.logits.argmax(1), classes, names=context.reference.dataset.class_names).notes
    found = replace(found, notes={key: note for key, note in found.notes.items() if not key.startswith("class ")})
    return replace(found, notes={**found.notes, **every, "n": len(samples), "n_all": context.n})


def _class_distance(context: Context) -> Estimate:
    dataset = context.reference.dataset
    assert dataset.classes is not None
    # Both by the classifier: beside true labels, its own mistakes would be taken for the generator's.
    drawn = context.logits.argmax(1), context.reference.held_out_logits.argmax(1)
    return class_distance(*drawn, dataset.classes, names=dataset.class_names)


def _class_asked(context: Context) -> Estimate:
    reference, asked = context.reference, context.require_asked()
    real = reference.dataset.splits[reference.split].labels
    assert real is not None
    drawn = context.logits.argmax(1), reference.held_out_logits.argmax(1)
    return class_agreement(asked.labels, drawn[0], real, drawn[1], names=asked.names)


def _different_bins(context: Context) -> Estimate:
    samples, held_out, train = context.beside_train
    return different_bins(samples, train, held_out=held_out, seed=context.seed)


def _pairwise_distance(context: Context) -> Estimate:
    return with_real_floor(pairwise_distance(context.part[0][:1000]), pairwise_distance(context.stand_in[0][:1000]))


def _parzen(context: Context) -> Estimate:
    real = context.controls["real images"]
    notes = {**context.parzen.notes, "samples left out": context.n - len(context.centres)}
    return replace(context.parzen, floor=real.value, notes=notes)


MEASURES: dict[str, MeasureRow] = TRANSLATION_ROWS | {
    "fid": MeasureRow(
        "fidelity", "How far are mean and covariance of the samples from those of real images (Frechet distance)?",
        "lower", lambda context: frechet(*context.whole), least=2,
        jackknife=lambda context: frechet_jackknife(*shuffled_features(context)), paired_floor=frechet_of_real,
    ),
    "kid": MeasureRow(
        "fidelity", "How far are samples from real images by a cubic kernel, which no sample size biases?",
        "lower", _kid, least=3, jackknife=lambda context: kernel_jackknife(*shuffled_features(context)),
        paired_floor=0.0,
    ),
    "precision": MeasureRow(
        "fidelity", "Which share of the samples lies where real images lie? Its error and p-value are about the draw "
        "of samples, given these real images.",
        "floor", lambda context: with_real_floor(context.manifolds["precision"], context.real_manifolds["precision"]),
        least=6, least_held_out=FEW_REAL, jackknife=lambda context: context.manifold_jackknives["precision"],
        paired_floor=precision_of_real,
    ),
    "density": MeasureRow(
        "fidelity", "How densely do real images lie around samples?",
        "floor", _density, least=6, least_held_out=FEW_REAL,
        jackknife=lambda context: context.manifold_jackknives["density"],
        paired_floor=density_of_real,
    ),
    "sliced-wasserstein": MeasureRow(
        "fidelity", "How far must samples move, along random directions, to be distributed as real images are?",
        "lower", lambda context: sliced_wasserstein(*context.drawn_features, seed=context.seed), least=4,
    ),
    "mind": MeasureRow(
        "fidelity", "How far must samples move in squared distance, on a scale to be read beside FID (MIND)?",
        "lower", lambda context: mind(*context.drawn_features, seed=context.seed), least=4,
    ),
    "spectrum": MeasureRow(
        "fidelity", "Do images have the power of real ones at every frequency?", "lower",
        lambda context: spectrum_distance(*context.images, seed=context.seed, permutations=PERMUTATIONS),
        on="values", of="images", least=4,
    ),
    "tone": MeasureRow(
        "fidelity", "Have images the brightness, contrast, colours and sides of real ones?", "lower",
        lambda context: tone_distance(*context.images, seed=context.seed, permutations=PERMUTATIONS),
        on="values", of="images", least=4, differs="brightness, contrast, colours or sides are unlike real images'",
    ),
    "inception-score": MeasureRow(
        "fidelity", "Is the classifier sure of each sample, and are all classes drawn?",
        "floor", _inception, on="scores", least=2,
    ),
    "class-asked": MeasureRow(
        "fidelity", "Is a sample of the class asked, by the classifier, as often as the classifier is right on real "
        "images?",
        "floor", _class_asked, on="classes", of="images", needs=("labels", ASKED),
    ),
    "high-quality": MeasureRow(
        "fidelity", "Which share of the points lies within three deviations of a mode?",
        "higher", lambda context: context.mixture_modes["high_quality"], on="values", of="points", needs=("mixture",),
    ),
    "modes": MeasureRow(
        "diversity", "How many modes have a point of high quality?", "higher",
        lambda context: context.mixture_modes["modes"], on="values", of="points", needs=("mixture",), unit="modes",
    ),
    "mode-divergence": MeasureRow(
        "diversity", "How uneven are the modes?", "lower",
        lambda context: context.mixture_modes["kl"], on="values", of="points", needs=("mixture",), unit="nats",
    ),
    "recall": MeasureRow(
        "diversity", "Which share of real images lies where samples lie?",
        "higher", lambda context: with_real_floor(context.manifolds["recall"], context.real_manifolds["recall"]),
        least=6, least_held_out=FEW_REAL, jackknife=lambda context: context.manifold_jackknives["recall"],
        paired_floor=recall_of_real,
    ),
    "coverage": MeasureRow(
        "diversity", "Which share of real images has a sample among its nearest neighbours?", "higher", _coverage,
        least=2, least_held_out=FEW_REAL, jackknife=lambda context: context.manifold_jackknives["coverage"],
        paired_floor=coverage_of_real,
    ),
    "class-shares": MeasureRow(
        "diversity", "What is the share of the rarest class, by the classifier?",
        "floor", _class_shares, on="classes", needs=("labels",),
    ),
    "class-distance": MeasureRow(
        "diversity", "Are the classes as frequent as among real images (total variation; chi-squared test)?",
        "lower", _class_distance, on="classes", needs=("labels",),
        differs="classes are not as frequent as in real images", jackknife=jackknife_class_distance,
        paired_floor=class_distance_of_real,
    ),
    "different-bins": MeasureRow(
        "diversity", "Which share of regions has too many or too few samples (NDB)?", "lower", _different_bins,
        differs="some regions have too many or too few samples",
    ),
    "vendi": MeasureRow(
        "diversity", "How many samples, all unlike each other, would be as diverse?",
        "floor", lambda context: with_real_floor(vendi(context.part[0]), vendi(context.stand_in[0])),
    ),
    "pairwise-distance": MeasureRow(
        "diversity", "How far apart do two samples lie on average?", "floor", _pairwise_distance, least=2
    ),
    "birthday": MeasureRow(
        "diversity", "How many different images could the generator draw, by the near-duplicates among samples?",
        "floor", lambda context: birthday(*context.all_samples, seed=context.seed), unit="images", least=6,
    ),
    "duplicates": MeasureRow(
        "diversity", "Do more pairs of samples stand out as near-duplicates than pairs of real images?", "lower",
        lambda context: duplicates(*context.all_samples, seed=context.seed),
        unit="pairs", least=6, differs="more near-duplicates than among real images",
        alike="no more near-duplicates than real can be shown",
    ),
    "copying": MeasureRow(
        "memorisation", "Which share of samples has a training image that stands out as near as hardly any held-out "
        "image has?",
        "lower", lambda context: copying_share(*context.beside_train), differs=COPIES, alike=NO_COPIES,
    ),
    "nearest-training": MeasureRow(
        "memorisation", "How often is a sample nearer to training images, for its neighbourhood, than a held-out image "
        "is (Mann-Whitney)?",
        "floor", lambda context: nearest_training_test(*context.beside_train), differs=NEARER, alike=NOT_NEARER,
        jackknife=jackknife_nearest_training, paired_floor=0.5,
    ),
    "data-copying": MeasureRow(
        "memorisation", "Are samples of a region nearer to training images than held-out ones are (Meehan et al.)? "
        "The value is a standard score, which is below 0 for copies.",
        "floor", lambda context: data_copying(*context.beside_train, seed=context.seed),
        differs=f"{NEARER}, region by region", alike=NOT_NEARER,
    ),
    "authenticity": MeasureRow(
        "memorisation", "How much more often are samples authentic than held-out images are? An image is authentic if "
        "it lies farther from its nearest training image than that image lies from its own nearest neighbour.",
        "floor", lambda context: authenticity(*context.beside_train),
        differs="samples are less authentic than held-out images", alike=NOT_NEARER,
    ),
    "near-duplicates": MeasureRow(
        "memorisation", "How many samples nearly equal a training image?", "lower",
        _near_duplicates, unit="samples",
    ),
    "logits-gap": MeasureRow(
        "memorisation", "Does the discriminator tell training images from held-out ones (area under the curve)?",
        "floor", lambda context: logits_gap(*context.discriminator_logits), on="values", needs=("discriminator",),
        differs="the discriminator tells training images from held-out ones",
        alike="the discriminator cannot be shown to know training images",
    ),
    "neighbour-test": MeasureRow(
        "two samples", "Is the nearest neighbour of a sample as often real as a sample (1-NN, leave one out)?", "floor",
        lambda context: nearest_neighbour_test(*context.drawn_features, seed=context.seed, permutations=PERMUTATIONS),
        least=2,
    ),
    "classifier-test": MeasureRow(
        "two samples", "Can a linear classifier learn to tell samples from real images?",
        "floor", lambda context: classifier_test(*context.drawn_features, seed=context.seed), least=8,
    ),
    "parzen": MeasureRow(
        "likelihood", "What log density do samples, as a Parzen window, give held-out images (Goodfellow et al. 2014)?",
        "floor", _parzen, on="values", of="images", unit="nats", jackknife=jackknife_parzen,
        paired_floor=parzen_of_real,
    ),
}  # fmt: skip
"""All measures, by name."""


def card_of(name: str, stored: MeasureCard | None = None) -> MeasureCard:
    """Return what a page says of a measure.

    Args:
        name: Name of the measure.
        stored: What a report holds of it, for a measure that is no row of MEASURES.

    Returns:
        The card of its row; else the stored one; else one that says nothing but that its group is not known.
    """
    if name in MEASURES:
        return MEASURES[name].card
    return stored or MeasureCard(OWN)


def badness(name: str, value: float, floor: float | None) -> float | None:
    """A number that is smaller the nearer to real a value is.

    Args:
        name: Name of the measure.
        value: Its value.
        floor: What real samples get; None if it is not known.

    Returns:
        |value - floor| where either side of the floor is off, else plus or minus the value; None if it is not known.
    """
    better = MEASURES[name].better if name in MEASURES else None
    if better == "floor":
        return None if floor is None else abs(value - floor)
    return {"lower": value, "higher": -value, None: None}[better]
