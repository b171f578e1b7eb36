"""The game of two networks: min over G, max over D of V(D, G), given nothing, labels or images."""

from collections.abc import Mapping, Sequence
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
    expect_same_in_two_passes,
)
from advnets.games.playable import (
    Draw,
    Terms,
    fakes_to_improve,
    fakes_to_judge,
    frozen_parameters,
    judged_of,
    logits_of,
    make,
    takes_given,
)
from advnets.games.sight import Augment, Seen, Sight, pack_samples
from advnets.games.ties import Tie, View
from advnets.games.weights import MoveCounter, Weight, WeightedTerms, as_weight, name_of
from advnets.latents import Latent
from advnets.networks import Judged
from advnets.networks.layers.per_sample import is_samplewise
from advnets.objectives import Objective
from advnets.penalties import FINITE, Pass, Penalty, r1, r2
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
        augment: What the discriminator sees real and fake samples through: an `Augmentation`, or a differentiable map
            of one's own. What has a method draw(n) -> parameters is drawn once a move and called with samples and
            parameters; images that the discriminator is given are then changed like the samples. If it is a module, it
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
    augment: Augment | None = field(default=None, kw_only=True)
    pack: int = field(default=1, kw_only=True)
    precision: torch.dtype = field(default=torch.float32, kw_only=True)
    players: Mapping[str, nn.Module] = field(init=False, repr=False)
    makers: Mapping[str, nn.Module] = field(init=False, repr=False)
    _paid: WeightedTerms = field(init=False, repr=False)
    _tied: Mapping[str, WeightedTerms] = field(init=False, repr=False)
    _counter: MoveCounter | None = field(init=False, repr=False)
    _one_pass: bool = field(init=False, repr=False)
    _sight: Sight = field(init=False, repr=False)
    _takes_slopes: bool = field(init=False, repr=False)
    _judge_takes_given: bool = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._check()
        set_ = object.__setattr__
        set_(self, "_paid", WeightedTerms.of(self.penalties))
        set_(self, "_tied", {player: WeightedTerms.of(self.ties.get(player, {})) for player in SIDES})
        set_(self, "_counter", MoveCounter() if self._paid.are_lazy else None)
        set_(self, "players", {"discriminator": self._judging_player(), "generator": self.generator})
        set_(self, "makers", {"": self.generator})
        set_(self, "_sight", Sight(self.augment, self.pack))
        set_(self, "_takes_slopes", not set(self.penalties) <= set(FINITE))
        set_(self, "_one_pass", is_samplewise(self.discriminator))
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
        """Return True for the discriminator, and for a generator that sees real samples.

        See `Playable.wants_fresh_batch`.
        """
        return player == "discriminator" or self.objective.generator_sees_real

    def constrain(self, player: str) -> None:
        """Project the player's parameters back into their bounds; see `Playable.constrain`."""
        for constraint, bound in self.constraints.get(player, {}).items():
            constraint(self.players[player], bound)

    def schedule(self, moment: Moment) -> None:
        """Set the weights and the augmentation's p that change with the run; see `Playable.schedule`."""
        for weighted in (self._paid, *self._tied.values()):
            weighted.schedule(moment, self.device)
        self._sight.schedule(moment)

    def make(self, draw: Draw) -> Tensor:
        """Make samples of a draw, in the game's precision.

        Args:
            draw: What they are made of.

        Returns:
            The samples as the generator emits them, (batch, ...).
        """
        if self.precision == torch.float32:
            return make(self.generator, draw.z, draw.given)
        with torch.autocast(self.device.type, self.precision):
            made = make(self.generator, draw.z, draw.given)
        return made.float()

    def judge(self, samples: Tensor, given: Tensor | None = None, parameters: Any = None) -> Judged:
        """Let the discriminator judge samples, through the augmentation.

        Args:
            samples: (batch, ...); where `pack` is more than 1, packs of them, see `pack_samples`.
            given: What belongs to them; not read where the discriminator does not see it.
            parameters: What the augmentation has drawn for them; None draws anew.

        Returns:
            Its logits, (batch,) or (batch, patches), and its heads.

        Raises:
            BadInput: If it does not return one row for each sample.
        """
        if parameters is None:
            parameters = self._sight.draw(self.pack * len(samples)).fake
        return self._judge_seen(*self._show(samples, given, parameters))

    def critic(self, samples: Tensor, given: Tensor | None = None, parameters: Any = None) -> Tensor:
        """Return the logits alone, as `judge` does, without the heads.

        Returns:
            The logits, (batch,) or (batch, patches).
        """
        return self.judge(samples, given, parameters).logits

    def judging_terms(self, batch: Batch, draw: Draw, fake: Tensor) -> Terms:
        """Return the discriminator's terms for fakes that are at hand, which may come from a pool.

        Args:
            batch: The real samples.
            draw: What the turn has drawn.
            fake: The fakes, (batch, ...); no gradient of theirs is taken.

        Returns:
            The objective, the penalties that are due, and the ties.
        """
        inputs, seen = self._judged_inputs(batch.real, fake), self._sight.draw(len(fake))
        with _eager_mode() if self._takes_slopes else nullcontext():
            judged = self._judge_both(inputs, (batch.given, draw.given), seen)
            return self._judging_terms(batch, draw, inputs, judged, seen)

    def making_terms(self, batch: Batch, draw: Draw, fake: Tensor) -> Terms:
        """Return the generator's terms for fakes that are a function of its parameters.

        Args:
            batch: The real samples, which the objective may compare with.
            draw: What the fakes were made of.
            fake: The fakes, (batch, ...).

        Returns:
            The objective, and the ties.
        """
        packed, seen = (
            pack_samples(fake, self.pack),
            self._sight.draw(len(fake), real=self.objective.generator_sees_real),
        )
        if not self.objective.generator_sees_real:
            return self._making_terms(batch, draw, fake, (None, self.judge(packed, draw.given, seen.fake)))
        inputs = pack_samples(batch.real, self.pack), packed
        return self._making_terms(batch, draw, fake, self._judge_both(inputs, (batch.given, draw.given), seen))

    def _discriminator_terms(self, batch: Batch, draw: Draw) -> Terms:
        return self.judging_terms(batch, draw, fakes_to_judge(draw, self.make))

    def _generator_terms(self, batch: Batch, draw: Draw) -> Terms:
        with frozen_parameters(self.discriminator):
            return self.making_terms(batch, draw, fakes_to_improve(draw, self.make))

    def _joint_terms(self, batch: Batch, draw: Draw) -> dict[str, Terms]:
        """Both players' terms from one graph: the same z, the same fakes, the same dropout masks on them."""
        with _eager_mode() if self._takes_slopes else nullcontext():
            fake = self.make(draw)
            inputs, seen = self._judged_inputs(batch.real, fake), self._sight.draw(len(fake))
            real = self.judge(inputs[0], batch.given, seen.real)
            judged = real, self.judge(inputs[1], draw.given, seen.fake)
            making = self._making_terms(batch, draw, fake, judged)
            judging = self._judging_terms(batch, draw, inputs, judged, seen)
            return {"discriminator": judging, "generator": making}

    def _judging_terms(
        self, batch: Batch, draw: Draw, inputs: tuple[Tensor, Tensor], judged: tuple[Judged, Judged], drawn: Seen
    ) -> Terms:
        (real, fake), (judged_real, judged_fake) = inputs, judged
        real_logits, fake_logits = judged_real.logits, judged_fake.logits
        losses = {"objective": self.objective.discriminator(real_logits, fake_logits).mean()}
        if self._paid.rows:
            critics = (
                lambda x: self.critic(x, batch.given, drawn.real),
                lambda x: self.critic(x, draw.given, drawn.fake),
            )
            losses |= self._paid.paid(
                Pass(real, fake, real_logits, fake_logits, *critics, joint=self._pays(r1, r2, due=draw.due)), draw.due
            )
        if self._tied["discriminator"].rows:
            view = View("discriminator", batch, draw, fake, judged_fake, judged_real)
            losses |= self._tied["discriminator"].paid(view, ())
        score = self.objective.score
        scores = {"D(x)": score(real_logits).mean().detach(), "D(G(z))": score(fake_logits).mean().detach()}
        return Terms(losses, scores | self._sight.observe(real_logits, fake_logits))

    def _pays(self, *penalties: Penalty, due: tuple[str, ...]) -> bool:
        """Whether a move pays all of these penalties."""
        weights = {penalty: as_weight(weight) for penalty, weight in self.penalties.items()}
        return all(one in weights and (weights[one].every == 1 or name_of(one) in due) for one in penalties)

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
        if self._takes_slopes:
            real = real.detach().requires_grad_()
            fake = fake if fake.requires_grad else fake.requires_grad_()
        return real, fake

    def _judge_both(
        self, inputs: tuple[Tensor, Tensor], given: tuple[Tensor | None, Tensor | None], seen: Seen
    ) -> tuple[Judged, Judged]:
        # One pass over both is faster, and the same as two where no sample's logit depends on its neighbours.
        real, fake = inputs
        if self._one_pass:
            shown = torch.cat([self._sight.show(real, seen.real), self._sight.show(fake, seen.fake)])
            real_logits, fake_logits = torch.split(self._judge_seen(shown, None).logits, [len(real), len(fake)])
            return Judged(real_logits), Judged(fake_logits)
        return self.judge(real, given[0], seen.real), self.judge(fake, given[1], seen.fake)

    def _show(self, samples: Tensor, given: Tensor | None, parameters: Any) -> tuple[Tensor, Tensor | None]:
        """Samples and what the discriminator sees beside them, changed alike where the augmentation was drawn."""
        if given is not None and given.ndim > 1 and parameters is not None and self._judge_takes_given:
            given = self._sight.show(given, parameters)
        return self._sight.show(samples, parameters), given

    def _judge_seen(self, samples: Tensor, given: Tensor | None) -> Judged:
        """Let the discriminator judge what it is shown."""
        inputs = (samples, given) if self._judge_takes_given else (samples,)
        if self.precision == torch.float32:
            found = self.discriminator(*inputs)
        else:
            with torch.autocast(samples.device.type, self.precision):
                found = self.discriminator(*inputs)
        judged = judged_of(found)
        heads = {name: head.to(samples.dtype) for name, head in judged.heads.items()}
        return Judged(logits_of(judged.logits, len(samples)).to(samples.dtype), heads)

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
        if not set(self.penalties).isdisjoint(FINITE):
            expect_same_in_two_passes(self.discriminator, Sight(self.augment, self.pack).draws_once)
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


def _eager_mode() -> AbstractContextManager[Any]:
    """Penalties differentiate twice, which compiled networks cannot be: there these play uncompiled."""
    stance: AbstractContextManager[Any] = torch.compiler.set_stance("force_eager")
    return stance
