"""What a measure sees: samples, the reference that they are measured against, and what several measures share."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from advnets import metrics, statistics
from advnets.assessment.reference import HALF, Reference, selection_and_points, to_unit_interval
from advnets.assessment.translations import Translations, TranslationSides
from advnets.data import MIXTURES, Dataset, Mixture
from advnets.errors import BadInput, NonFinite
from advnets.extractors import extract_features, extract_logits

Pair = tuple[Tensor, Tensor]
"""The same of samples and of real images, (n, ...) and (m, ...)."""

Discriminator = Callable[[Tensor], Tensor]
"""Values of a data set -> a discriminator's logits, (n,)."""

JUDGED = 10_000
"""Training images, and held-out ones, that the discriminator judges at most."""


@dataclass(frozen=True, eq=False)
class AskedClasses:
    """The classes that a generator was asked for.

    Attributes:
        labels: The class of each sample, (n,) int64.
        names: Names of the classes by their numbers, or None.
    """

    labels: Tensor
    names: tuple[str, ...] | None = None

    def must_fit(self, dataset: Dataset) -> None:
        """Check that these are the names and numbers of the data's classes, as `Subject.must_fit` checks shapes."""
        if self.names != dataset.class_names:
            mine, others = (", ".join(names[:6]) if names else "unnamed" for names in (self.names, dataset.class_names))
            raise BadInput(f"the classes asked are {mine}, and those of {dataset.name} are {others}")
        if int(self.labels.max()) >= (dataset.classes or 0):
            raise BadInput(f"class {int(self.labels.max())} was asked, and {dataset.name} has {dataset.classes}")


def no_discriminator() -> Discriminator | None:
    """What samples without a discriminator have."""
    return None


@dataclass(frozen=True, eq=False)
class Subject:
    """Samples that are measured.

    Attributes:
        name: How the report calls them.
        values: Images, (n, c, h, w) uint8, or points, (n, d) float32.
        step: The step that their generator was trained to, if they have one.
        load_discriminator: Loads the discriminator that their generator was trained against, or gives None.
        notes: What was changed or left out when their files were read.
        asked: The classes that their generator was given, or None.
        translations: What they are translations of, or None.

    Raises:
        BadInput: If the values are neither images nor points.
        NonFinite: If a point has a NaN or an Inf.
    """

    name: str
    values: Tensor
    step: int | None = None
    load_discriminator: Callable[[], Discriminator | None] = no_discriminator
    notes: Sequence[str] = ()
    asked: AskedClasses | None = None
    translations: Translations | None = None

    def __post_init__(self) -> None:
        images = self.values.dtype == torch.uint8 and self.values.ndim == 4
        points = self.values.dtype == torch.float32 and self.values.ndim == 2
        if not (images or points) or self.values.numel() == 0:
            raise BadInput(
                f"{self.name}: found {self.values.dtype} of shape {tuple(self.values.shape)}, expected at least one "
                "image, uint8 (n, c, h, w), or point, float32 (n, d). Convert images to bytes 0..255."
            )
        if points and not bool(self.values.isfinite().all()):
            row = int((~self.values.isfinite()).any(1).nonzero()[0])
            raise NonFinite(f"{self.name}: point {row} has a NaN or an Inf. Remove such points, or find their cause.")

    def must_fit(self, dataset: Dataset) -> None:
        """Check that the samples have the shape of the data, as resizing them on the way would change every measure.

        Args:
            dataset: The data that they will be measured against.

        Raises:
            BadInput: If the shapes differ.
        """
        found = tuple(self.values.shape[1:])
        if found != dataset.shape:
            raise BadInput(
                f"{self.name}: samples of shape {found}, expected {dataset.shape}, as {dataset.name} has them. Bring "
                "both to one size and as many channels first: how they are resized changes every measure."
            )


@dataclass(frozen=True)
class ReferenceCard:
    """What samples were measured against, and by what.

    Attributes:
        data: Name of the data set.
        digest: Digest of the data set.
        split: The held-out split.
        samples: Number of samples.
        held_out: Number of held-out images.
        train: Number of training images.
        extractor: Id of what gave the features.
        seed: Seed of every draw.
        classifier: Id of the classifier, or None.
        accuracy: Its share of right answers on validation images, or None.
        repeats: Held-out images that equal another held-out or training image.
        chosen_by: The measure that chose this checkpoint among others on the validation split, or None.
        chosen_among: Number of the checkpoints that were measured for that; 0 where it was not chosen so.
        earlier_readings: How often this run was measured on the test split before, where that is the held-out one;
            None on other splits, and of samples that are no run's.
        coarse_below: Of a run that has trained fewer steps than good pictures need, how many they need; else None.
    """

    data: str
    digest: str
    split: str
    samples: int
    held_out: int
    train: int
    extractor: str
    seed: int
    classifier: str | None = None
    accuracy: float | None = None
    repeats: int = 0
    chosen_by: str | None = None
    chosen_among: int = 0
    earlier_readings: int | None = None
    coarse_below: int | None = None


@dataclass(frozen=True, eq=False)
class Context:
    """Samples and a reference; what several measures share is computed once.

    Attributes:
        values: Values of the samples, as a Split has them, (n, ...).
        reference: The real images, or points.
        protocol: Row of PROTOCOLS, of the Parzen score.
        seed: Seed of every draw.
        load_discriminator: As in `Subject`.
        asked: As in `Subject`.
        translations: As in `Subject`.
    """

    values: Tensor
    reference: Reference
    protocol: str = "goodfellow2014"
    seed: int = 0
    load_discriminator: Callable[[], Discriminator | None] = no_discriminator
    asked: AskedClasses | None = None
    translations: Translations | None = None

    @staticmethod
    def of(subject: Subject, against: Reference, *, protocol: str, seed: int) -> "Context":
        """Return the context of a subject.

        Args:
            subject: The samples.
            against: The reference.
            protocol: Row of PROTOCOLS, of the Parzen score.
            seed: Seed of every draw.

        Returns:
            The context.
        """
        load = subject.load_discriminator
        return Context(subject.values, against, protocol, seed, load, subject.asked, subject.translations)

    @cached_property
    def n(self) -> int:
        """Number of samples."""
        return len(self.values)

    @cached_property
    def card(self) -> ReferenceCard:
        """What the samples are measured against, and by what."""
        it, classifier = self.reference, self.reference.classifier
        return ReferenceCard(
            data=it.dataset.name,
            digest=it.dataset.digest,
            split=it.split,
            samples=self.n,
            held_out=len(it.held_out),
            train=len(it.train),
            extractor=it.extractor.id,
            seed=self.seed,
            classifier=None if classifier is None else classifier.id,
            accuracy=None if classifier is None else classifier.accuracy,
            repeats=it.repeats,
        )

    @cached_property
    def features(self) -> Tensor:
        """Features of the samples, (n, d)."""
        return extract_features(self.reference.extractor, self.values)

    @cached_property
    def logits(self) -> Tensor:
        """Logits of the samples by the classifier, (n, classes)."""
        return self.reference.require_classifier().logits(self.values)

    @cached_property
    def order(self) -> Tensor:
        """A random order of the samples: a file may hold them sorted, and a draw must not be its beginning."""
        return torch.randperm(self.n, generator=torch.Generator().manual_seed(self.seed))

    @cached_property
    def whole(self) -> Pair:
        """Features of all samples, and of all held-out images."""
        return self.features, self.reference.held_out_features

    @cached_property
    def beside_train(self) -> tuple[Tensor, Tensor, Tensor]:
        """Features of all samples, held-out and training images."""
        return *self.whole, self.reference.train_features

    @cached_property
    def scores(self) -> Pair:
        """Logits of samples and of held-out images, for the Inception Score: the extractor's, or the classifier's."""
        scorer, held_out = self.reference.scorer, self.reference.held_out
        if scorer is self.reference.classifier:
            return self.logits, self.reference.held_out_logits
        return extract_logits(scorer, self.values), extract_logits(scorer, held_out)

    def draw_equal_counts(self, sides: Pair) -> Pair:
        """Draw as many samples as held-out images.

        Args:
            sides: Something of all samples, and the same of all held-out images.

        Returns:
            The same of the draws.
        """
        samples, held_out = sides
        n = min(len(samples), len(held_out))
        return samples[self.order[:n]], held_out[self.reference.order[:n]]

    @cached_property
    def drawn_features(self) -> Pair:
        """Features of as many samples as held-out images, at most HALF."""
        real = self.reference.draw_indices(self.n)
        return self.features[self.order[: len(real)]], self.reference.held_out_features[real]

    @cached_property
    def all_samples(self) -> Pair:
        """Features of all samples, and of as many held-out images, or HALF if that is more."""
        return self.features, self.reference.held_out_features[self.reference.order[: max(self.n, HALF)]]

    @cached_property
    def halves(self) -> Pair:
        """Indices of the held-out images that are measured against, and of those that stand in for samples."""
        return self.reference.halves(self.n)

    @cached_property
    def part(self) -> Pair:
        """Features of a draw of samples, and of as many held-out images; other images are left to stand in."""
        against, _ = self.halves
        return self.features[self.order[: len(against)]], self.reference.held_out_features[against]

    @cached_property
    def stand_in(self) -> Pair:
        """The same as `part` with held-out images in place of the samples: what real samples would get."""
        against, others = self.halves
        features = self.reference.held_out_features
        return features[others], features[against]

    @cached_property
    def images(self) -> Pair:
        """A draw of samples, and as many held-out images, as they are stored."""
        real = self.reference.draw_indices(self.n)
        return self.values[self.order[: len(real)]], self.reference.held_out[real]

    @cached_property
    def manifolds(self) -> Mapping[str, statistics.Estimate]:
        """Precision, density and recall of `part`."""
        return metrics.manifolds(*self.part)

    @cached_property
    def real_manifolds(self) -> Mapping[str, statistics.Estimate]:
        """Precision, density and recall of `stand_in`."""
        return metrics.manifolds(*self.stand_in)

    @cached_property
    def paired_features(self) -> Pair:
        """The `drawn_features` in the order that samples were made, to compare two generators noise by noise."""
        real = self.reference.draw_indices(self.n)
        return self.features[self.order[: len(real)].sort().values], self.reference.held_out_features[real]

    @cached_property
    def manifold_jackknives(self) -> dict[str, statistics.Jackknife]:
        """Jackknives of precision, density, recall and coverage of `paired_features`."""
        return metrics.manifold_jackknife(*self.paired_features)

    @cached_property
    def order_of_train(self) -> Tensor:
        """A random order of the training images, of which the first stand in for samples."""
        return torch.randperm(len(self.reference.train), generator=torch.Generator().manual_seed(self.seed))

    @cached_property
    def train_manifolds(self) -> Mapping[str, statistics.Estimate]:
        """Precision, density, recall and coverage that as many training images get in place of `paired_features`.

        All held-out images are measured against there, so that none of them is left to stand in.
        """
        samples, real = self.paired_features
        return metrics.manifolds(self.reference.train_features[self.order_of_train[: len(samples)]], real)

    @property
    def mixture(self) -> Mixture:
        """The mixture that the data are drawn of; raises BadInput for other data."""
        name = self.reference.dataset.name
        if name not in MIXTURES:
            raise BadInput(f"{name} is no mixture whose modes are known")
        return MIXTURES[name]

    @cached_property
    def mixture_modes(self) -> Mapping[str, statistics.Estimate]:
        """The modes of the mixture that the samples reach."""
        means = self.mixture.means.reshape(len(self.mixture.means), -1)
        return metrics.mixture_modes(self.values, means, deviation=self.mixture.std)

    @cached_property
    def centres(self) -> Tensor:
        """Samples in [0, 1], at most as many as there are training images, for a Parzen score rises with them."""
        most = len(self.reference.train)
        return to_unit_interval(self.values if self.n <= most else self.values[self.order[:most]])

    @cached_property
    def parzen(self) -> statistics.Estimate:
        """The Parzen score of the centres."""
        selection, points = selection_and_points(self.reference.dataset, self.reference.split)
        return metrics.parzen(points, self.centres, selection, protocol=self.protocol)

    @cached_property
    def controls(self) -> dict[str, statistics.Estimate]:
        """The Parzen score of centres that no model made, as many as the samples' where there is more than one."""
        selection, points = selection_and_points(self.reference.dataset, self.reference.split)
        train = to_unit_interval(self.reference.train)
        n = len(self.centres)
        return metrics.parzen_controls(train, points, selection, n=n, seed=self.seed, protocol=self.protocol)

    def require_asked(self) -> AskedClasses:
        """Return the classes that were asked.

        Returns:
            The class of each sample, and the names of the classes.

        Raises:
            BadInput: If no classes were asked, or the data have others.
        """
        if self.asked is None:
            raise BadInput("no classes were asked: it takes a model that is given labels")
        self.asked.must_fit(self.reference.dataset)
        return self.asked

    def require_translations(self) -> Translations:
        """Return what the samples are translations of; if nothing, raise BadInput as `require_asked` does.

        Returns:
            The inputs, and what is known of them.
        """
        if self.translations is None:
            raise BadInput("no translations: it takes a model that is given images")
        return self.translations

    @cached_property
    def translation_sides(self) -> TranslationSides:
        """The translations beside what needs no generator; raises BadInput if the samples are none."""
        return TranslationSides(self.values, self.require_translations(), self.reference)

    @cached_property
    def discriminator_logits(self) -> Pair:
        """The discriminator's logits of training images, and of held-out ones; raises BadInput if there is none."""
        discriminator = self.load_discriminator()
        if discriminator is None:
            raise BadInput("no discriminator: it takes a run of a game, with its checkpoint")
        train, held_out = self.reference.train, self.reference.held_out
        some = torch.randperm(len(train), generator=torch.Generator().manual_seed(self.seed))[:JUDGED]
        return discriminator(train[some]), discriminator(held_out[self.reference.order[:JUDGED]])
