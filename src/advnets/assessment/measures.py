"""The measures: what each asks, what it needs, and how its number is to be read. A new one is a row of MEASURES."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from advnets import metrics, statistics
from advnets.assessment.context import Context
from advnets.statistics import Estimate

Find = Callable[[Context], Estimate]

GROUPS = ("fidelity", "diversity", "memorisation", "two samples", "likelihood")
KINDS = ("values", "features", "classes", "scores")

PERMUTATIONS = 4999
"""Of tests that permute: with fewer, no p-value is so small that it stays below .01 beside a dozen others."""

COPIES = "samples lie too near to training images"
NO_COPIES = "no copying can be shown"


@dataclass(frozen=True)
class MeasureRow:
    """One measure.

    group: of GROUPS. asks: its question, in a sentence. better: "lower" or "higher" is nearer to real, or "floor":
    either side of what real samples get is off, as blur is, which lies more densely among real images than they do.
    find: measures; raises BadInput where it cannot, with the reason.
    on: what it looks at, of KINDS: whose features enter the protocol. of: "images", "points" or "any" data.
    needs: "labels" of the data, that a classifier is trained with, "critic", a discriminator, "mixture", known modes;
    where it is not there the row is left out with that reason. unit: of the value.
    differs, alike: the finding in words, where its p-value is small, and where it is not.
    """

    group: str
    asks: str
    better: str
    find: Find
    on: str = "features"
    of: str = "any"
    needs: str = ""
    unit: str = ""
    differs: str = "differs from real"
    alike: str = "no difference can be shown"


def _kid(case: Context) -> Estimate:
    tested = metrics.kernel_test(*case.drawn_features, seed=case.seed, permutations=PERMUTATIONS)
    found = metrics.kernel_distance(*case.whole)
    return replace(
        found, p_value=tested.p_value, notes={**found.notes, **{f"test {k}": v for k, v in tested.notes.items()}}
    )


def _part_of_manifolds(name: str) -> Find:
    """A number of `manifolds`, beside that of real images in the samples' place where it has no floor of its own."""
    return lambda case: with_real_floor(case.manifolds[name], case.real_manifolds[name])


def with_real_floor(found: Estimate, real: Estimate) -> Estimate:
    """An estimate whose floor is what real samples got; the error of that is noted."""
    if found.floor is not None:
        return found
    notes = {} if real.error is None else {"floor_error": real.error}
    return replace(found, floor=real.value, notes={**found.notes, **notes})


def _coverage(case: Context) -> Estimate:
    samples, real = case.drawn_features
    return metrics.coverage(samples, real, k=min(5, max(len(real) - 1, 1)))


def _inception(case: Context) -> Estimate:
    samples, real = case.as_many(case.scores)
    splits = max(1, min(10, len(real) // 100))
    return with_real_floor(
        metrics.inception_score(samples, splits=splits), metrics.inception_score(real, splits=splits)
    )


def _class_shares(case: Context) -> Estimate:
    classes = case.reference.dataset.classes
    assert classes is not None
    # The share of the rarest class is biased low, the more so the fewer images there are: both sides have as many.
    samples, real = case.as_many((case.logits, case.reference.held_out_logits))
    found = with_real_floor(
        metrics.class_shares(samples.argmax(1), classes), metrics.class_shares(real.argmax(1), classes)
    )
    every = metrics.class_shares(case.logits.argmax(1), classes).notes
    return replace(found, notes={**found.notes, **every, "n": len(samples), "n_all": case.n})


def _class_distance(case: Context) -> Estimate:
    classes = case.reference.dataset.classes
    assert classes is not None
    # Both by the classifier: held against true labels, its own mistakes would be taken for the generator's.
    return metrics.class_distance(case.logits.argmax(1), case.reference.held_out_logits.argmax(1), classes)


def _different_bins(case: Context) -> Estimate:
    samples, held_out, train = case.beside_train
    return metrics.different_bins(samples, train, held_out=held_out, seed=case.seed)


def _vendi(case: Context) -> Estimate:
    return with_real_floor(metrics.vendi(case.part[0]), metrics.vendi(case.stand_in[0]))


def _pairwise(case: Context) -> Estimate:
    return with_real_floor(
        statistics.pairwise_distance(case.part[0][:1000]), statistics.pairwise_distance(case.stand_in[0][:1000])
    )


def _parzen(case: Context) -> Estimate:
    real = case.controls["real images"]
    notes = {**case.parzen.notes, "samples left out": case.n - len(case.centres)}
    return replace(case.parzen, floor=real.value, notes=notes)


MEASURES: dict[str, MeasureRow] = {
    "fid": MeasureRow(
        "fidelity", "How far are mean and covariance of the samples from those of real images (Frechet distance)?",
        "lower", lambda case: metrics.frechet(*case.whole),
    ),
    "kid": MeasureRow(
        "fidelity", "How far are samples from real images by a cubic kernel, which no sample size biases?",
        "lower", _kid,
    ),
    "precision": MeasureRow(
        "fidelity", "Which share of the samples lies where real images lie?", "floor", _part_of_manifolds("precision")
    ),
    "density": MeasureRow(
        "fidelity", "How densely do real images lie around samples?", "floor", _part_of_manifolds("density")
    ),
    "sliced-wasserstein": MeasureRow(
        "fidelity", "How far must samples be moved, along random directions, to be distributed as real images?",
        "lower", lambda case: metrics.sliced_wasserstein(*case.drawn_features, seed=case.seed),
    ),
    "mind": MeasureRow(
        "fidelity", "The same with squared distances, scaled to be read beside FID (MIND).",
        "lower", lambda case: metrics.mind(*case.drawn_features, seed=case.seed),
    ),
    "spectrum": MeasureRow(
        "fidelity", "Do images have the power of real ones at every frequency?", "lower",
        lambda case: metrics.spectrum_distance(*case.images, seed=case.seed, permutations=PERMUTATIONS),
        on="values", of="images",
    ),
    "inception-score": MeasureRow(
        "fidelity", "Is the classifier sure of each sample, and are all classes drawn?",
        "floor", _inception, on="scores",
    ),
    "high-quality": MeasureRow(
        "fidelity", "Which share of the points lies within three deviations of a mode?",
        "higher", lambda case: case.mixture_modes["high_quality"], on="values", of="points", needs="mixture",
    ),
    "modes": MeasureRow(
        "diversity", "How many modes have a point of high quality?",
        "higher", lambda case: case.mixture_modes["modes"], on="values", of="points", needs="mixture", unit="modes",
    ),
    "mode-divergence": MeasureRow(
        "diversity", "How uneven are the modes?",
        "lower", lambda case: case.mixture_modes["kl"], on="values", of="points", needs="mixture", unit="nats",
    ),
    "recall": MeasureRow(
        "diversity", "Which share of real images lies where samples lie?", "higher", _part_of_manifolds("recall")
    ),
    "coverage": MeasureRow(
        "diversity", "Which share of real images has a sample among its nearest neighbours?", "higher", _coverage
    ),
    "class-shares": MeasureRow(
        "diversity", "What is the share of the rarest class, by the classifier?",
        "floor", _class_shares, on="classes", needs="labels",
    ),
    "class-distance": MeasureRow(
        "diversity", "Are the classes as frequent as among real images (total variation; chi-squared test)?",
        "lower", _class_distance, on="classes", needs="labels", differs="classes are not as frequent as in real images",
    ),
    "different-bins": MeasureRow(
        "diversity", "Which share of regions has too many or too few samples (NDB)?", "lower", _different_bins,
        differs="some regions have too many or too few samples",
    ),
    "vendi": MeasureRow("diversity", "How many samples, all unlike, would be as diverse?", "floor", _vendi),
    "pairwise-distance": MeasureRow("diversity", "How far do two samples lie apart on average?", "floor", _pairwise),
    "birthday": MeasureRow(
        "diversity", "Of how many images might they be draws, by the near-duplicates among them?", "floor",
        lambda case: metrics.birthday(*case.drawn_features, seed=case.seed), unit="images",
    ),
    "duplicates": MeasureRow(
        "diversity", "Are there more near-duplicates among samples than among as many real images?", "lower",
        lambda case: metrics.duplicates(*case.drawn_features, seed=case.seed, permutations=PERMUTATIONS), unit="pairs",
        differs="more near-duplicates than among real images", alike="no more near-duplicates than real can be shown",
    ),
    "copying": MeasureRow(
        "memorisation", "Which share of samples lies nearer to a training image than nearly all held-out images do?",
        "lower", lambda case: metrics.copying_share(*case.beside_train), differs=COPIES, alike=NO_COPIES,
    ),
    "nearest-training": MeasureRow(
        "memorisation", "How often is a sample nearer to training images than a held-out image is (Mann-Whitney)?",
        "floor", lambda case: metrics.nearest_training_test(*case.beside_train), differs=COPIES, alike=NO_COPIES,
    ),
    "data-copying": MeasureRow(
        "memorisation", "The same, region by region, as a standard score: below 0 for copies (Meehan et al.).",
        "floor", lambda case: metrics.data_copying(*case.beside_train, seed=case.seed),
        differs=f"{COPIES}, region by region", alike=NO_COPIES,
    ),
    "authenticity": MeasureRow(
        "memorisation",
        "By how much more often than a held-out image is a sample authentic: farther from its nearest training image "
        "than that one's nearest neighbour is?",
        "floor", lambda case: metrics.authenticity(*case.beside_train),
        differs="samples are less authentic than held-out images", alike=NO_COPIES,
    ),
    "near-duplicates": MeasureRow(
        "memorisation", "How many samples nearly equal a training image?", "lower",
        lambda case: metrics.near_duplicates(case.features, case.reference.train_features, seed=case.seed),
        unit="samples",
    ),
    "logits-gap": MeasureRow(
        "memorisation", "Does the discriminator tell training images from held-out ones (area under the curve)?",
        "floor", lambda case: metrics.logits_gap(*case.discriminator_logits), on="values", needs="critic",
        differs="the discriminator tells training images from held-out ones",
        alike="the discriminator cannot be shown to know training images",
    ),
    "neighbour-test": MeasureRow(
        "two samples", "Is the nearest neighbour of a sample as often real as a sample (1-NN, leave one out)?",
        "floor", lambda case: metrics.nearest_neighbour_test(*case.drawn_features, seed=case.seed, permutations=PERMUTATIONS),
    ),
    "classifier-test": MeasureRow(
        "two samples", "Can a linear classifier be taught to tell samples from real images?",
        "floor", lambda case: metrics.classifier_test(*case.drawn_features, seed=case.seed),
    ),
    "parzen": MeasureRow(
        "likelihood", "What log density do samples, as a Parzen window, give held-out images (Goodfellow et al. 2014)?",
        "floor", _parzen, on="values", of="images", unit="nats",
    ),
}  # fmt: skip


def badness(name: str, value: float, floor: float | None) -> float | None:
    """What is smaller, the nearer to real a value is: of a "floor" measure |value - floor|; None if it is not known."""
    better = MEASURES[name].better if name in MEASURES else None
    if better == "floor":
        return None if floor is None else abs(value - floor)
    return {"lower": value, "higher": -value, None: None}[better]
