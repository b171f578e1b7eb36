"""The measures: what each asks, what it needs, and how its number is to be read. A new one is a row of MEASURES."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from advnets import metrics
from advnets.experiment.assessment.case import Case
from advnets.metrics import Estimate

Find = Callable[[Case], Estimate]

GROUPS = ("fidelity", "diversity", "memorisation", "two samples", "likelihood")
KINDS = ("values", "features", "classes", "scores")


@dataclass(frozen=True)
class Row:
    """One measure.

    group: of GROUPS. asks: its question, in a sentence. better: "lower" or "higher" is nearer to real, or "floor":
    either side of what real samples get is off. find: measures; raises BadInput where it cannot, with the reason.
    on: what it looks at, of KINDS: whose features enter the protocol. of: "images", "points" or "any" data.
    needs: "labels" of the data, that a classifier is trained with, "critic", a discriminator, "mixture", known modes;
    where it is not there the row is left out with that reason. unit: of the value.
    differs: the finding in words, where its p-value is small.
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


def _kid(case: Case) -> Estimate:
    tested = metrics.kernel_test(*case.drawn, seed=case.seed)
    found = metrics.kernel_distance(*case.whole)
    return replace(
        found, p_value=tested.p_value, notes={**found.notes, **{f"test {k}": v for k, v in tested.notes.items()}}
    )


def _part_of_manifolds(name: str) -> Find:
    """A number of `manifolds`, beside that of real images in the samples' place where it has no floor of its own."""
    return lambda case: beside(case.manifolds[name], case.real_manifolds[name])


def beside(found: Estimate, real: Estimate) -> Estimate:
    """An estimate whose floor is what real samples got; the error of that is noted."""
    if found.floor is not None:
        return found
    notes = {} if real.error is None else {"floor_error": real.error}
    return replace(found, floor=real.value, notes={**found.notes, **notes})


def _coverage(case: Case) -> Estimate:
    samples, real = case.drawn
    return metrics.coverage(samples, real, k=min(5, max(len(real) - 1, 1)))


def _inception(case: Case) -> Estimate:
    samples, real = case.scores
    splits = max(1, min(10, case.n // 100))
    return beside(metrics.inception_score(samples, splits=splits), metrics.inception_score(real, splits=splits))


def _class_shares(case: Case) -> Estimate:
    classes = case.reference.dataset.classes
    assert classes is not None
    found = metrics.class_shares(case.logits.argmax(1), classes)
    return beside(found, metrics.class_shares(case.reference.held_out_logits.argmax(1), classes))


def _class_distance(case: Case) -> Estimate:
    classes = case.reference.dataset.classes
    assert classes is not None
    # Both by the classifier: held against true labels, its own mistakes would be taken for the generator's.
    return metrics.class_distance(case.logits.argmax(1), case.reference.held_out_logits.argmax(1), classes)


def _vendi(case: Case) -> Estimate:
    return beside(metrics.vendi(case.part[0]), metrics.vendi(case.stand_in[0]))


def _pairwise(case: Case) -> Estimate:
    return beside(metrics.pairwise_distance(case.part[0][:1000]), metrics.pairwise_distance(case.stand_in[0][:1000]))


def _parzen(case: Case) -> Estimate:
    return replace(case.parzen, floor=case.controls["real images"].value)


MEASURES: dict[str, Row] = {
    "fid": Row(
        "fidelity", "How far are mean and covariance of the samples from those of real images (Frechet distance)?",
        "lower", lambda case: metrics.frechet(*case.whole),
    ),
    "kid": Row(
        "fidelity", "How far are samples from real images by a cubic kernel, which no sample size biases?",
        "lower", _kid,
    ),
    "precision": Row(
        "fidelity", "Which share of the samples lies where real images lie?", "higher", _part_of_manifolds("precision")
    ),
    "density": Row(
        "fidelity", "How densely do real images lie around samples?", "higher", _part_of_manifolds("density")
    ),
    "sliced-wasserstein": Row(
        "fidelity", "How far must samples be moved, along random directions, to be distributed as real images?",
        "lower", lambda case: metrics.sliced_wasserstein(*case.drawn, seed=case.seed),
    ),
    "mind": Row(
        "fidelity", "The same with squared distances, scaled to be read beside FID (MIND).",
        "lower", lambda case: metrics.mind(*case.drawn, seed=case.seed),
    ),
    "spectrum": Row(
        "fidelity", "Do images have the power of real ones at every frequency?",
        "lower", lambda case: metrics.spectrum_distance(*case.images, seed=case.seed), on="values", of="images",
    ),
    "inception-score": Row(
        "fidelity", "Is the classifier sure of each sample, and are all classes drawn?",
        "higher", _inception, on="scores",
    ),
    "high-quality": Row(
        "fidelity", "Which share of the points lies within three deviations of a mode?",
        "higher", lambda case: case.mixture_modes["high_quality"], on="values", of="points", needs="mixture",
    ),
    "modes": Row(
        "diversity", "How many modes have a point of high quality?",
        "higher", lambda case: case.mixture_modes["modes"], on="values", of="points", needs="mixture", unit="modes",
    ),
    "mode-divergence": Row(
        "diversity", "How uneven are the modes?",
        "lower", lambda case: case.mixture_modes["kl"], on="values", of="points", needs="mixture", unit="nats",
    ),
    "recall": Row(
        "diversity", "Which share of real images lies where samples lie?", "higher", _part_of_manifolds("recall")
    ),
    "coverage": Row(
        "diversity", "Which share of real images has a sample among its nearest neighbours?", "higher", _coverage
    ),
    "class-shares": Row(
        "diversity", "What is the share of the rarest class, by the classifier?",
        "floor", _class_shares, on="classes", needs="labels",
    ),
    "class-distance": Row(
        "diversity", "Are the classes as frequent as among real images (total variation; chi-squared test)?",
        "lower", _class_distance, on="classes", needs="labels", differs="classes are not as frequent as in real images",
    ),
    "different-bins": Row(
        "diversity", "Which share of regions has too many or too few samples (NDB)?",
        "lower", lambda case: metrics.different_bins(*case.whole, seed=case.seed),
        differs="some regions have too many or too few samples",
    ),
    "vendi": Row("diversity", "How many samples, all unlike, would be as diverse?", "floor", _vendi),
    "pairwise-distance": Row("diversity", "How far do two samples lie apart on average?", "floor", _pairwise),
    "birthday": Row(
        "diversity", "Of how many images might they be draws, by the near-duplicates among them?",
        "floor", lambda case: metrics.birthday(*case.drawn), unit="images",
    ),
    "duplicates": Row(
        "diversity", "Are there more near-duplicates among samples than among as many real images?",
        "lower", lambda case: metrics.duplicates(*case.drawn), unit="pairs",
        differs="more near-duplicates than among real images",
    ),
    "copying": Row(
        "memorisation", "Which share of samples lies nearer to a training image than held-out images do?",
        "lower", lambda case: metrics.copying(*case.beside_train), differs="samples lie too near to training images",
    ),
    "nearest-training": Row(
        "memorisation", "Is a sample's nearest training image as far as a held-out image's (Mann-Whitney)?",
        "floor", lambda case: metrics.nearest_training_test(*case.beside_train),
        differs="distances to training images are not those of held-out images",
    ),
    "data-copying": Row(
        "memorisation", "The same, region by region (Meehan et al.).",
        "floor", lambda case: metrics.data_copying(*case.beside_train, seed=case.seed),
        differs="distances to training images are not those of held-out images, region by region",
    ),
    "authenticity": Row(
        "memorisation", "Which share of samples lies farther from a training image than its nearest neighbour does?",
        "floor", lambda case: metrics.authenticity(*case.beside_train),
        differs="samples are less authentic than held-out images",
    ),
    "near-duplicates": Row(
        "memorisation", "Which share of samples nearly equals a training image?",
        "lower", lambda case: metrics.near_duplicates(case.features, case.reference.train_features),
    ),
    "logits-gap": Row(
        "memorisation", "Does the discriminator tell training images from held-out ones (area under the curve)?",
        "floor", lambda case: metrics.logits_gap(*case.criticised), on="values", needs="critic",
        differs="the discriminator has learnt training images by heart",
    ),
    "neighbour-test": Row(
        "two samples", "Is the nearest neighbour of a sample as often real as a sample (1-NN, leave one out)?",
        "floor", lambda case: metrics.nearest_neighbour_test(*case.drawn, seed=case.seed),
    ),
    "classifier-test": Row(
        "two samples", "Can a linear classifier be taught to tell samples from real images?",
        "floor", lambda case: metrics.classifier_test(*case.drawn, seed=case.seed),
    ),
    "parzen": Row(
        "likelihood", "What log density do samples, as a Parzen window, give held-out images (Goodfellow et al. 2014)?",
        "floor", _parzen, on="values", of="images", unit="nats",
    ),
}  # fmt: skip
