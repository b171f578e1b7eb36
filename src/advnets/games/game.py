"""The game of two networks: min over G, max over D of V(D, G), given nothing, labels or images."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor, nn

from advnets.constraints import Constraint
from advnets.errors import BadInput, unknown
from advnets.games.field_checks import (
    expect_arguments,
    expect_by_function,
    expect_by_player,
    expect_callable,
    expect_latent,
    expect_network,
    expect_objective,
    expect_precision,
)
from advnets.games.playable import Draw, Judged, Terms, frozen_parameters, judged_of, logits_of, make, takes_given
from advnets.games.ties import Tie, View
from advnets.games.weights import MoveCounter, Weight, WeightedTerms, as_weight, name_of
from advnets.latents import Latent
from advnets.networks.layers import is_samplewise
from advnets.objectives import Objective
from advnets.penalties import Pass, Penalty
from advnets.schedules import Number
from advnets.training import Batch, Moment

Given = Literal["labels", "images"]
Weights = Mapping[Penalty, Weight | Number]
TieWeights = Mapping[str, Mapping[Tie, Weight | Number]]
SIDES = ("discriminator", "generator")


@dataclass(frozen=True)
class Game:
    """Two networks, an objective, and what binds each player besides.

    A network sees what is given if its forward takes a second argument: G(z, given), D(x, given). So a conditional GAN
    is a Game with given="labels"; pix2pix is one with given="images", no latent, and a tie to the target.

    Attributes:
        generator: z (batch, latent.size), with what is given -> samples like the data. Without a latent it makes them
            of what is given alone.
        discriminator: Samples, with what is given -> logits (batch,), patches (batch, ...), or `Judged` with heads.
        objective: What each player wants.
        latent: What draws z; None where the generator makes samples of what it is given alone.
        given: What the networks see beside z or x: nothing, the batch's labels, or its images.
        penalties: {penalty: weight}, added to the discriminator's loss; a `Weight` may be lazy.
        ties: {player: {tie: weight}}, added to that player's loss at each of its moves.
        constraints: {player: {constraint: bound}}, projections of a player's parameters after its move.
        augment: A differentiable map that the discriminator sees real and fake samples through. If it is a module, it
            belongs to the discriminator's player, and its buffers are kept in checkpoints.
        pack: Samples that the discriminator judges as one, along their channels (Lin et al. 2018, "PacGAN").
        precision: Type of the networks' products while they play. With bfloat16, weights, gradients, logits, losses and
            samples that are drawn to be kept stay in float32 (torch's autocast).
        players: The discriminator and the generator, by name.
        makers: {"": generator}.
    """

    generator: nn.Module
    discriminator: nn.Module
    objective: Objective
    latent: Latent | None = field(default=None, kw_only=True)
    given: Given | None = field(default=None, kw_only=True)
    penalties: Weights = field(default_factory=dict, kw_only=True)
    ties: TieWeights = field(default_factory=dict, kw_only=True)
    constraints: Mapping[str, Mapping[Constraint, float]] = field(default_factory=dict, kw_only=True)
    augment: Callable[[Tensor], Tensor] | None = field(default=None, kw_only=True)
    pack: int = field(default=1, kw_only=True)
    precision: torch.dtype = field(default=torch.float32, kw_only=True)
    players: Mapping[str, nn.Module] = field(init=False, repr=False)
    makers: Mapping[str, nn.Module] = field(init=False, repr=False)
    _paid: WeightedTerms = field(init=False, repr=False)
    _tied: Mapping[str, WeightedTerms] = field(init=False, repr=False)
    _counter: MoveCounter | None = field(init=False, repr=False)
    _prepares_inputs: bool = field(init=False, repr=False)
    _one_pass: bool = field(init=False, repr=False)
    _judge_takes_given: bool = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._check()
        set_ = object.__setattr__
        set_(self, "_paid", WeightedTerms.of(self.penalties))
        set_(self, "_tied", {player: WeightedTerms.of(self.ties.get(player, {})) for player in SIDES})
        set_(self, "_counter", MoveCounter() if self._paid.are_lazy else None)
        set_(self, "players", {"discriminator": self._judging_player(), "generator": self.generator})
        set_(self, "makers", {"": self.generator})
        set_(self, "_prepares_inputs", self.pack > 1 or bool(self._paid.rows))
        set_(self, "_one_pass", self.augment is None and is_samplewise(self.discriminator))
        set_(self, "_judge_takes_given", self.given is not None and takes_given(self.discriminator))

    @property
    def device(self) -> torch.device:
        """The device that the generator lives on."""
        return next(self.generator.parameters()).device

    def draw(self, batch: Batch, movers: Sequence[str]) -> Draw:
        """Draw the noises of a turn, and say which lazy penalties it pays; see `Playable.draw`."""
        given = None if self.given is None else self._given_of(batch)
        z = None if self.latent is None else self.latent(len(batch.real), None, batch.real.device)
        if self._counter is None or "discriminator" not in movers:
            return Draw(z, given)
        return Draw(z, given, self._paid.due(self._counter.count_move()))

    def terms(self, movers: Sequence[str], batch: Batch, draw: Draw, step: int) -> dict[str, Terms]:
        """Return each mover's terms: G is not differentiated in D's, D is frozen in G's; see `Playable.terms`."""
        if len(movers) > 1:
            return self._joint_terms(batch, draw)
        if "discriminator" in movers:
            return {"discriminator": self._discriminator_terms(batch, draw)}
        return {"generator": self._generator_terms(batch, draw)}

    def wants_fresh_batch(self, player: str) -> bool:
        """Return True for the discriminator, and for a generator whose objective sees real samples."""
        return player == "discriminator" or self.objective.generator_sees_real

    def constrain(self, player: str) -> None:
        """Project the player's parameters back into their bounds."""
        for constraint, bound in self.constraints.get(player, {}).items():
            constraint(self.players[player], bound)

    def schedule(self, moment: Moment) -> None:
        """Set the weights of penalties and ties that change with the run."""
        for weighted in (self._paid, *self._tied.values()):
            weighted.schedule(moment, self.device)

    def make(self, draw: Draw) -> Tensor:
        """Make samples of a draw, in the game's precision, as the generator emits them."""
        if self.precision == torch.float32:
            return make(self.generator, draw.z, draw.given)
        with torch.autocast(self.device.type, self.precision):
            made = make(self.generator, draw.z, draw.given)
        return made.float()

    def judge(self, samples: Tensor, given: Tensor | None = None) -> Judged:
        """Let the discriminator judge samples, through the augmentation.

        Args:
            samples: (batch, ...); where `pack` is more than 1, packs of them, see `pack_samples`.
            given: What belongs to them; not read where the discriminator does not see it.

        Returns:
            Its logits, (batch,) or (batch, patches), and its heads.

        Raises:
            BadInput: If it does not return one row for each sample.
        """
        seen = samples if self.augment is None else self._augmented_samples(samples)
        inputs = (seen, given) if self._judge_takes_given else (seen,)
        if self.precision == torch.float32:
            found = self.discriminator(*inputs)
        else:
            with torch.autocast(samples.device.type, self.precision):
                found = self.discriminator(*inputs)
        judged = judged_of(found)
        return Judged(logits_of(judged.logits, len(samples)).to(samples.dtype), judged.heads)

    def critic(self, samples: Tensor, given: Tensor | None = None) -> Tensor:
        """Return the logits alone, as `judge` has them."""
        return self.judge(samples, given).logits

    def judging_terms(self, batch: Batch, draw: Draw, fake: Tensor) -> Terms:
        """Return the discriminator's terms for fakes that are at hand, which may come from a pool.

        Args:
            batch: The real samples.
            draw: What the turn has drawn.
            fake: The fakes, (batch, ...); no gradient of theirs is taken.

        Returns:
            The objective, the penalties that are due, and the ties.
        """
        inputs = self._judged_inputs(batch.real, fake) if self._prepares_inputs else (batch.real, fake)
        with _eager_mode() if self._paid.rows else nullcontext():
            return self._judging_terms(batch, draw, inputs, self._judge_both(inputs, batch.given, draw.given))

    def making_terms(self, batch: Batch, draw: Draw, fake: Tensor) -> Terms:
        """Return the generator's terms for fakes that are a function of its parameters.

        Args:
            batch: The real samples, which the objective may compare with.
            draw: What the fakes were made of.
            fake: The fakes, (batch, ...).

        Returns:
            The objective, and the ties.
        """
        packed = pack_samples(fake, self.pack)
        if not self.objective.generator_sees_real:
            return self._making_terms(batch, draw, fake, (None, self.judge(packed, draw.given)))
        inputs = pack_samples(batch.real, self.pack), packed
        return self._making_terms(batch, draw, fake, self._judge_both(inputs, batch.given, draw.given))

    def _discriminator_terms(self, batch: Batch, draw: Draw) -> Terms:
        with torch.no_grad():
            fake = self.make(draw)
        return self.judging_terms(batch, draw, fake)

    def _generator_terms(self, batch: Batch, draw: Draw) -> Terms:
        with frozen_parameters(self.discriminator):
            return self.making_terms(batch, draw, self.make(draw))

    def _joint_terms(self, batch: Batch, draw: Draw) -> dict[str, Terms]:
        """Both players' terms from one graph: the same z, the same fakes, the same dropout masks on them."""
        with _eager_mode() if self._paid.rows else nullcontext():
            fake = self.make(draw)
            inputs = self._judged_inputs(batch.real, fake)
            judged = self.judge(inputs[0], batch.given), self.judge(inputs[1], draw.given)
            making = self._making_terms(batch, draw, fake, judged)
            return {"discriminator": self._judging_terms(batch, draw, inputs, judged), "generator": making}

    def _judging_terms(
        self, batch: Batch, draw: Draw, inputs: tuple[Tensor, Tensor], judged: tuple[Judged, Judged]
    ) -> Terms:
        (real, fake), (judged_real, judged_fake) = inputs, judged
        real_logits, fake_logits = judged_real.logits, judged_fake.logits
        losses = {"objective": self.objective.discriminator(real_logits, fake_logits).mean()}
        if self._paid.rows:
            seen = Pass(real, fake, real_logits, fake_logits, lambda x: self.critic(x, draw.given))
            losses |= self._paid.paid(seen, draw.due)
        if self._tied["discriminator"].rows:
            view = View("discriminator", batch, draw, fake, judged_fake, judged_real)
            losses |= self._tied["discriminator"].paid(view, ())
        score = self.objective.score
        return Terms(
            losses, {"D(x)": score(real_logits).mean().detach(), "D(G(z))": score(fake_logits).mean().detach()}
        )

    def _making_terms(self, batch: Batch, draw: Draw, fake: Tensor, judged: tuple[Judged | None, Judged]) -> Terms:
        judged_real, judged_fake = judged
        real_logits = None if judged_real is None else judged_real.logits
        losses = {"objective": self.objective.generator(real_logits, judged_fake.logits).mean()}
        if self._tied["generator"].rows:
            view = View("generator", batch, draw, fake, judged_fake, judged_real)
            losses |= self._tied["generator"].paid(view, ())
        return Terms(losses, {})

    def _judged_inputs(self, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        """Packs of both; where penalties read the slope at them, both require a gradient."""
        real, fake = pack_samples(real, self.pack), pack_samples(fake, self.pack)
        if self._paid.rows:
            real = real.detach().requires_grad_()
            fake = fake if fake.requires_grad else fake.requires_grad_()
        return real, fake

    def _judge_both(
        self, inputs: tuple[Tensor, Tensor], given_real: Tensor | None, given_fake: Tensor | None
    ) -> tuple[Judged, Judged]:
        # One pass over both is faster, and the same as two where no sample's logit depends on its neighbours.
        real, fake = inputs
        if self._one_pass:
            logits = self.judge(torch.cat([real, fake])).logits
            real_logits, fake_logits = torch.split(logits, [len(real), len(fake)])
            return Judged(real_logits), Judged(fake_logits)
        return self.judge(real, given_real), self.judge(fake, given_fake)

    def _augmented_samples(self, samples: Tensor) -> Tensor:
        """Samples, or packs of them, through the augmentation, which sees each sample by itself."""
        assert self.augment is not None
        return pack_samples(self.augment(unpack_samples(samples, self.pack)), self.pack)

    def _given_of(self, batch: Batch) -> Tensor:
        if batch.given is None or (batch.given.ndim == 1) != (self.given == "labels"):
            found = "nothing" if batch.given is None else f"a tensor of shape {tuple(batch.given.shape)}"
            raise BadInput(f"the game is given {self.given}: found {found} in the batch. Take data with {self.given}.")
        return batch.given

    def _judging_player(self) -> nn.Module:
        """The discriminator, or with it in one module what its player remembers."""
        memory = {"augment": self.augment, "moves": self._counter}
        held = {name: module for name, module in memory.items() if isinstance(module, nn.Module)}
        return nn.ModuleDict({"network": self.discriminator, **held}) if held else self.discriminator

    def _check(self) -> None:
        for name, network in zip(SIDES, (self.discriminator, self.generator), strict=True):
            expect_network(name, network)
        expect_objective(self.objective)
        expect_latent(self.latent)
        if self.given not in (None, "labels", "images"):
            raise unknown("given", str(self.given), ("labels", "images"))
        if self.latent is None and self.given is None:
            raise BadInput("found no latent and nothing given; expected one of them, for the generator needs an input")
        expect_by_function("penalties", self.penalties, what="penalty", example="r1: 10.0")
        rows = {"ties": ("tie", "l1: 100.0", "weight"), "constraints": ("constraint", "clip_weights: 0.01", "bound")}
        for name, (what, example, number) in rows.items():
            expect_by_player(name, getattr(self, name), players=SIDES, what=what, example=example, number=number)
        self._refuse_lazy_ties()
        expect_callable("augment", self.augment)
        expect_precision(self.precision)
        if self.given is not None and self.latent is not None and not any(map(takes_given, self._networks())):
            raise BadInput(
                f"the game is given {self.given}, and neither network takes them: expected forward(z, given) of the "
                "generator, forward(x, given) of the discriminator, or both"
            )
        if type(self.pack) is not int or self.pack < 1 or (self.pack > 1 and self.given is not None):
            raise BadInput(f"pack is {self.pack!r} with given {self.given!r}; expected 1, or more with nothing given")
        beside = () if self.given is None else (self.given,)
        expect_arguments("discriminator", self.discriminator, ("x", *beside))
        expect_arguments("generator", self.generator, beside if self.latent is None else ("z", *beside))

    def _refuse_lazy_ties(self) -> None:
        for player, ties in self.ties.items():
            for tie, weight in ties.items():
                if (every := as_weight(weight).every) > 1:
                    raise BadInput(
                        f"ties of the {player}: {name_of(tie)} is paid every {every} moves; expected a tie that is "
                        "paid at each move, for only penalties may be lazy. Leave `every` out."
                    )

    def _networks(self) -> tuple[nn.Module, nn.Module]:
        return self.generator, self.discriminator


def pack_samples(samples: Tensor, pack: int) -> Tensor:
    """Join consecutive samples along their channels, so that a discriminator judges them as one.

    Lin, Khetan, Fanti, Oh, PacGAN: The power of two samples in generative adversarial networks, 2018, section 2.

    Args:
        samples: (batch, c, ...).
        pack: m, samples in a pack; the batch is a multiple of it.

    Returns:
        (batch / m, m c, ...); the samples themselves for m = 1.

    Raises:
        BadInput: If the batch is no multiple of m.
    """
    if pack == 1:
        return samples
    if len(samples) % pack:
        raise BadInput(f"found a batch of {len(samples)}, expected a multiple of {pack}, the size of a pack")
    return samples.reshape(len(samples) // pack, pack * samples.shape[1], *samples.shape[2:])


def unpack_samples(packs: Tensor, pack: int) -> Tensor:
    """Undo `pack_samples`.

    Args:
        packs: (batch / m, m c, ...).
        pack: m, samples in a pack.

    Returns:
        (batch, c, ...).
    """
    if pack == 1:
        return packs
    return packs.reshape(len(packs) * pack, packs.shape[1] // pack, *packs.shape[2:])


def _eager_mode() -> AbstractContextManager[Any]:
    """Penalties differentiate twice, which compiled networks cannot be: there these play uncompiled."""
    stance: AbstractContextManager[Any] = torch.compiler.set_stance("force_eager")
    return stance
