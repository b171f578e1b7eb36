"""The game of two translators: there and back again, each against a discriminator of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from advnets.errors import BadInput
from advnets.games.game import Game
from advnets.games.playable import Draw, Terms, fakes_to_improve, fakes_to_judge, frozen_parameters
from advnets.games.pool import Pool
from advnets.training import Batch, Moment

WAYS = ("there", "back")


@dataclass(frozen=True)
class CycleGame:
    """Two games between two kinds of images, tied by the way there and back.

        L_there + L_back + cycle (|F(G(a)) - a|_1 + |G(F(b)) - b|_1) + identity (|G(b) - b|_1 + |F(a) - a|_1)

    Zhu, Park, Isola, Efros, Unpaired image-to-image translation using cycle-consistent adversarial networks, 2017,
    equations 1 to 3 and section 5.2. G makes b of a, F makes a of b. Real samples of a batch are b, its given images
    are a; nothing pairs them. Absolute differences are means over pixels.

    Attributes:
        there: The game of G, given images a, against the discriminator of b.
        back: The game of F, given images b, against the discriminator of a.
        cycle: Weight of the way there and back, 0 or more.
        identity: Weight of leaving images of the right kind as they are, 0 or more.
        pool: Earlier fakes that each discriminator is shown, 0 or more.
        players: Both discriminators with their pools, and both generators.
        makers: {"there": G, "back": F}.
    """

    there: Game
    back: Game
    cycle: float = field(default=10.0, kw_only=True)
    identity: float = field(default=5.0, kw_only=True)
    pool: int = field(default=50, kw_only=True)
    players: Mapping[str, nn.Module] = field(init=False, repr=False)
    makers: Mapping[str, nn.Module] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._check()
        makers = {"there": self.there.generator, "back": self.back.generator}
        judges = {way: getattr(self, way).players["discriminator"] for way in WAYS}
        pools = {f"pool_{way}": Pool(self.pool) for way in WAYS}
        device = self.there.device
        held = {"discriminator": nn.ModuleDict(judges | pools).to(device), "generator": nn.ModuleDict(makers)}
        object.__setattr__(self, "makers", makers)
        object.__setattr__(self, "players", held)

    @property
    def device(self) -> torch.device:
        """The device that the generators live on."""
        return self.there.device

    def draw(self, batch: Batch, movers: Sequence[str]) -> Draw:
        """Return the batch's given images, and as `there/r1` what each way pays; see `Playable.draw`.

        Raises:
            BadInput: If the batch has no images as `given`.
        """
        if batch.given is None or batch.given.ndim != 4:
            raise BadInput("a cycle translates between two kinds of images: expected data with images as `given`")
        draw = Draw(None, batch.given)
        drawn = {way: getattr(self, way).draw(one, movers) for way, (one, _) in self.ways(batch, draw).items()}
        return draw._replace(due=tuple(f"{way}/{name}" for way, one in drawn.items() for name in one.due))

    def terms(self, movers: Sequence[str], batch: Batch, draw: Draw, step: int) -> dict[str, Terms]:
        """Return the terms of each mover, both ways together; see `Playable.terms`."""
        ways = self.ways(batch, draw)
        if "generator" not in movers:
            fakes = {way: fakes_to_judge(drawn, getattr(self, way).make, way) for way, (_, drawn) in ways.items()}
            return {"discriminator": self._judging_terms(ways, fakes)}
        if "discriminator" in movers:
            fakes = {way: getattr(self, way).make(drawn) for way, (_, drawn) in ways.items()}
            return {
                "discriminator": self._judging_terms(ways, {way: fake.detach() for way, fake in fakes.items()}),
                "generator": self._making_terms(ways, fakes),
            }
        fakes = {way: fakes_to_improve(drawn, getattr(self, way).make, way) for way, (_, drawn) in ways.items()}
        return {"generator": self._making_terms(ways, fakes)}

    def wants_fresh_batch(self, player: str) -> bool:
        """Return True for the discriminators; the generators go on with their images, as the released code does.

        Generators of an objective that sees real samples take a fresh batch too. See `Playable.wants_fresh_batch`.
        """
        return player == "discriminator" or any(game.objective.generator_sees_real for game in (self.there, self.back))

    def constrain(self, player: str) -> None:
        """Project the player's networks back into their bounds; see `Playable.constrain`."""
        for game in (self.there, self.back):
            game.constrain(player)

    def schedule(self, moment: Moment) -> None:
        """Set the weights of both games that change with the run; see `Playable.schedule`."""
        for game in (self.there, self.back):
            game.schedule(moment)

    def ways(self, batch: Batch, draw: Draw) -> dict[str, tuple[Batch, Draw]]:
        """Return what is real and what fakes are made of, each way.

        Args:
            batch: Real b, and the images a that they are given with.
            draw: What `draw` returned for them.

        Returns:
            For {"there": ..., "back": ...} the batch and the draw of that way's game.
        """
        a, b = draw.given, batch.real
        assert a is not None
        due = {way: _due_of(way, draw) for way in WAYS}
        return {
            "there": (Batch(b, a), Draw(None, a, due["there"], draw.kept)),
            "back": (Batch(a, b), Draw(None, b, due["back"], draw.kept)),
        }

    def _judging_terms(self, ways: Mapping[str, tuple[Batch, Draw]], fakes: Mapping[str, Tensor]) -> Terms:
        losses: dict[str, Tensor] = {}
        scores: dict[str, Tensor] = {}
        for way, (batch, drawn) in ways.items():
            pool = self.players["discriminator"].get_submodule(f"pool_{way}")
            assert isinstance(pool, Pool)
            found = getattr(self, way).judging_terms(batch, drawn, pool.exchange(fakes[way]))
            losses |= {f"{way}/{name}": loss for name, loss in found.losses.items()}
            scores |= {f"{way}/{name}": score for name, score in found.scores.items()}
        return Terms(losses, scores)

    def _making_terms(self, ways: Mapping[str, tuple[Batch, Draw]], fakes: Mapping[str, Tensor]) -> Terms:
        losses: dict[str, Tensor] = {}
        with frozen_parameters(self.there.discriminator, self.back.discriminator):
            for way, (batch, drawn) in ways.items():
                found = getattr(self, way).making_terms(batch, drawn, fakes[way])
                losses |= {f"{way}/{name}": loss for name, loss in found.losses.items()}
        for way, other in zip(WAYS, reversed(WAYS), strict=True):
            _, drawn = ways[way]
            losses[f"{way}/cycle"] = self.cycle * _difference(self._make(other, fakes[way]), drawn.given)
            if self.identity:
                real = ways[way][0].real
                losses[f"{way}/identity"] = self.identity * _difference(self._make(way, real), real)
        return Terms(losses, {})

    def _make(self, way: str, images: Tensor) -> Tensor:
        made: Tensor = getattr(self, way).make(Draw(None, images))
        return made

    def _check(self) -> None:
        for way in WAYS:
            game = getattr(self, way)
            if not isinstance(game, Game) or game.latent is not None or game.given != "images":
                raise BadInput(f"{way}: expected a Game with given='images' and no latent, for it translates images")
        for name in ("cycle", "identity"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise BadInput(f"{name} is {getattr(self, name)!r}; expected a weight of 0 or more")
        if type(self.pool) is not int or self.pool < 0:
            raise BadInput(f"pool is {self.pool!r}; expected a whole number of fakes, 0 or more")


def _due_of(way: str, draw: Draw) -> tuple[str, ...]:
    return tuple(name.removeprefix(f"{way}/") for name in draw.due if name.startswith(f"{way}/"))


def _difference(made: Tensor, target: Tensor | None) -> Tensor:
    assert target is not None
    return (made - target).abs().mean()
