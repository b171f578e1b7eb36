"""The two networks of a game of the playground, and the game that they play."""

import math
from dataclasses import dataclass

from torch import nn
from torch.optim import Optimizer

from advnets.algorithm import ALGORITHMS, Algorithm1, AlgorithmRow
from advnets.constraints import Constraint, clip_weights
from advnets.games import Game
from advnets.latents import LATENTS
from advnets.networks import Noise
from advnets.objectives import OBJECTIVES
from advnets.optimizers import OPTIMIZERS
from advnets.penalties import PENALTIES, Penalty
from advnets.studies.playground.settings import Settings

LAYERS = {"tanh": (nn.Tanh, 5 / 3), "relu": (nn.ReLU, math.sqrt(2)), "leaky_relu": (nn.LeakyReLU, math.sqrt(2))}
"""Each activation, and the gain of the weights before it."""
FLAT = 0.4
"""How much smaller the weights into G's first layer begin than the others, so that no unit is saturated."""
SIDES = {"discriminator": "d", "generator": "g"}


@dataclass(frozen=True)
class Players:
    """The networks of a game, which stay while the rest of the game may change.

    Attributes:
        generator: z -> x.
        discriminator: x, or a pack of them -> logit.
        instance_noise: What the discriminator sees samples through.
    """

    generator: nn.Module
    discriminator: nn.Module
    instance_noise: Noise

    @staticmethod
    def of(settings: Settings) -> "Players":
        """Build the networks; their weights come from torch's default generator.

        Args:
            settings: The settings.

        Returns:
            The networks.
        """
        d, kind = settings.dimension, settings.activation
        generator = _dense(settings.latent_size, d, settings.g_layers, settings.g_width, kind)
        if settings.g_layers:
            first = generator[0]
            assert isinstance(first, nn.Linear)
            first.weight.data *= FLAT  # so that p_g begins as one hill
        _place(generator, settings)
        noise = Noise(settings.instance_noise)
        judge = _dense(settings.pack * d, 1, settings.d_layers, settings.d_width, kind)
        return Players(generator, nn.Sequential(noise, *judge), noise)

    def game(self, settings: Settings) -> Game:
        """Return the game of these networks under settings.

        Args:
            settings: The settings, of the sizes that the networks were built in.

        Returns:
            The game.

        Raises:
            BadInput: If the settings make no game, as finite differences with instance noise do not.
        """
        self.instance_noise.deviation = settings.instance_noise
        penalties: dict[Penalty, float] = {
            penalty: settings.values[name] for name, penalty in PENALTIES.items() if settings.values[name]
        }
        bound: dict[Constraint, float] = {clip_weights: settings.clip} if settings.clip else {}
        return Game(
            self.generator,
            self.discriminator,
            OBJECTIVES[settings.objective],
            latent=LATENTS[settings.latent](settings.latent_size),
            penalties=penalties,
            constraints={"discriminator": bound},
            pack=settings.pack,
        )


def algorithm_of(settings: Settings) -> AlgorithmRow:
    """Return who moves when; k is a number of Algorithm 1 alone."""
    row = ALGORITHMS[settings.algorithm]
    return Algorithm1(settings.k) if row is Algorithm1 else row()


def optimizers_of(game: Game, settings: Settings) -> dict[str, Optimizer]:
    """Build each player's optimizer, at rate 0."""
    return {
        who: OPTIMIZERS[settings.values[f"{SIDES[who]}_optimizer"]]().build(list(network.parameters()))
        for who, network in game.players.items()
    }


def _dense(inputs: int, outputs: int, layers: int, width: int, kind: str) -> nn.Sequential:
    layer, gain = LAYERS[kind]
    parts: list[nn.Module] = []
    for _ in range(layers):
        parts += [_linear(inputs, width, gain), layer()]
        inputs = width
    return nn.Sequential(*parts, _linear(inputs, outputs, 1.0))


def _linear(inputs: int, outputs: int, gain: float) -> nn.Linear:
    linear = nn.Linear(inputs, outputs)
    nn.init.normal_(linear.weight, std=gain / math.sqrt(inputs))
    nn.init.zeros_(linear.bias)
    return linear


def _place(generator: nn.Sequential, settings: Settings) -> None:
    """Let p_g begin at `start` along the first axis, `spread` as wide as its weights make it."""
    last = generator[-1]
    assert isinstance(last, nn.Linear)
    if settings.g_layers == 0:  # G(z) = z at first
        nn.init.eye_(last.weight)
    last.weight.data *= settings.spread
    last.bias.data[0] = settings.start
