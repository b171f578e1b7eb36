"""What a measure sees of samples and their reference: each thing that measures share is computed once."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from advnets import metrics, statistics
from advnets.assessment.reference import Reference, selection_and_points, to_unit_interval
from advnets.assessment.subject import Discriminator
from advnets.data import MIXTURES, Mixture
from advnets.errors import BadInput

Pair = tuple[Tensor, Tensor]
"""Samples and what they are held against, (n, ...) and (m, ...)."""

CRITICISED = 10_000
"""Training images, and held-out ones, that the discriminator is asked about at most."""


@dataclass(frozen=True, eq=False)
class Context:
    """Samples held against a reference.

    values: of the samples, as a Split has them. protocol: of the Parzen score. seed: of draws. critic: as in Subject.
    """

    values: Tensor
    reference: Reference
    protocol: str = "goodfellow2014"
    seed: int = 0
    critic: Discriminator | None = None

    @property
    def n(self) -> int:
        """How many samples there are."""
        return len(self.values)

    @cached_property
    def features(self) -> Tensor:
        """Of the samples, (n, d)."""
        return self.reference.extractor.features(self.values)

    @cached_property
    def logits(self) -> Tensor:
        """The classifier's of the samples, (n, classes)."""
        return self.reference.seen.logits(self.values)

    @cached_property
    def order(self) -> Tensor:
        """Samples in an order of their own: a file may hold them sorted, and a draw must not be its beginning."""
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
        return scorer.logits(self.values), scorer.logits(held_out)

    def as_many(self, sides: Pair) -> Pair:
        """Of what all samples and all held-out images have, a draw of as many of each."""
        samples, held_out = sides
        n = min(len(samples), len(held_out))
        return samples[self.order[:n]], held_out[self.reference.order[:n]]

    @cached_property
    def drawn_features(self) -> Pair:
        """Features of as many samples as held-out images, at most HALF."""
        real = self.reference.draw_indices(self.n)
        return self.features[self.order[: len(real)]], self.reference.held_out_features[real]

    @cached_property
    def part(self) -> Pair:
        """Features of a draw of samples, and of as many held-out images; others are left to stand in for samples."""
        against, _ = self.reference.halves(self.n)
        return self.features[self.order[: len(against)]], self.reference.held_out_features[against]

    @cached_property
    def stand_in(self) -> Pair:
        """As `part`, with held-out images in place of the samples: what real samples of the same sizes would get."""
        against, others = self.reference.halves(self.n)
        features = self.reference.held_out_features
        return features[others], features[against]

    @cached_property
    def images(self) -> Pair:
        """A draw of samples, and as many held-out images, as they are stored."""
        real = self.reference.draw_indices(self.n)
        return self.values[self.order[: len(real)]], self.reference.held_out[real]

    @cached_property
    def manifolds(self) -> Mapping[str, statistics.Estimate]:
        """Precision and recall of the part."""
        return metrics.manifolds(*self.part)

    @cached_property
    def real_manifolds(self) -> Mapping[str, statistics.Estimate]:
        """Of the stand-in."""
        return metrics.manifolds(*self.stand_in)

    @property
    def mixture(self) -> Mixture:
        """Of which the data are drawn. Raises BadInput for other data."""
        name = self.reference.dataset.name
        if name not in MIXTURES:
            raise BadInput(f"{name} is no mixture whose modes are known")
        return MIXTURES[name]

    @cached_property
    def mixture_modes(self) -> Mapping[str, statistics.Estimate]:
        """Which of them the samples reach."""
        means = self.mixture.means.reshape(len(self.mixture.means), -1)
        return metrics.mixture_modes(self.values, means, deviation=self.mixture.std)

    @cached_property
    def centres(self) -> Tensor:
        """Samples in [0, 1], at most as many as there are training images, for a Parzen score rises with them."""
        most = len(self.reference.train)
        return to_unit_interval(self.values if self.n <= most else self.values[self.order[:most]])

    @cached_property
    def parzen(self) -> statistics.Estimate:
        """The score of the centres; its floor is that of as many training images."""
        selection, points = selection_and_points(self.reference.dataset, self.reference.split)
        return metrics.parzen(points, self.centres, selection, protocol=self.protocol)

    @cached_property
    def controls(self) -> dict[str, statistics.Estimate]:
        """The Parzen score of centres that no model made, as many as the samples' where there is more than one."""
        selection, points = selection_and_points(self.reference.dataset, self.reference.split)
        train = to_unit_interval(self.reference.train)
        n = len(self.centres)
        return metrics.parzen_controls(train, points, selection, n=n, seed=self.seed, protocol=self.protocol)

    @cached_property
    def discriminator_logits(self) -> Pair:
        """The discriminator's logits of training images, and of held-out ones. Raises BadInput where there is none."""
        if self.critic is None:
            raise BadInput("no discriminator: it takes a run of a game, with its checkpoint")
        train, held_out = self.reference.train, self.reference.held_out
        some = torch.randperm(len(train), generator=torch.Generator().manual_seed(self.seed))[:CRITICISED]
        return self.critic(train[some]), self.critic(held_out[self.reference.order[:CRITICISED]])
