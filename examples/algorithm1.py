"""Algorithm 1 bare, yours to watch: a generator learns eight Gaussians on a ring."""

import sys

import torch

import advnets

steps = int(sys.argv[1]) if len(sys.argv) > 1 else 3000
torch.manual_seed(0)
ring = advnets.load("ring-8")
nn = torch.nn
generator = nn.Sequential(nn.Linear(2, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 2))
discriminator = nn.Sequential(nn.Linear(2, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 1))
game = advnets.Game(
    generator, discriminator, advnets.non_saturating, latent=advnets.gaussian(2), penalties={advnets.r1: 0.1}
)
batches = advnets.Batches(ring.train, batch_size=256, seed=0)
optimizers = {
    name: torch.optim.Adam(net.parameters(), lr=1e-3, betas=(0.5, 0.99)) for name, net in game.players.items()
}

for step in advnets.algorithm1(game, batches, optimizers, k=1):
    if step.number % 500 == 0:
        print(step.number, {name: round(value, 3) for name, value in step.readings().items()})
    if step.number == steps:
        break

angles = torch.arange(8) * torch.pi / 4
modes = 2 * torch.stack([angles.cos(), angles.sin()], dim=1)
distances = torch.cdist(generator(torch.randn(2500, 2)), modes)
print("modes that samples fall on, within .2:", int((distances < 0.2).any(0).sum()), "of 8")
