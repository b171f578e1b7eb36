"""Two networks of your own: trained, saved, resumed, sampled. Resume takes the game again."""

import sys

from torch import nn

import advnets

steps = int(sys.argv[1]) if len(sys.argv) > 1 else 2000


def game() -> advnets.Game:
    """The game; the checkpoint brings the weights."""
    generator = nn.Sequential(
        nn.Linear(16, 128), nn.ReLU(), nn.Linear(128, 64), nn.Sigmoid(), nn.Unflatten(1, (1, 8, 8))
    )
    discriminator = nn.Sequential(nn.Flatten(), nn.Linear(64, 128), nn.LeakyReLU(0.2), nn.Linear(128, 1))
    return advnets.Game(
        generator, discriminator, advnets.non_saturating, latent=advnets.gaussian(16), penalties={advnets.r1: 10.0}
    )


run = advnets.train(game=game(), data="digits", steps=steps // 2, out="mine")
run = advnets.resume("mine", game=game(), steps=steps)
run.sample(64).save("mine.png")
print(run.step, "steps;", run.path)
