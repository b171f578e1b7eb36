"""Algorithm 1 of Goodfellow et al. 2014 in plain torch: a generator learns two humps on a line, at -1.5 and 1.5.

Comments quote the paper's lines; a test compares `advnets.algorithm1` with `step`. Measured: two humps after 800
iterations; mean .02 and deviation 1.52 after 2,000, where the data have 0 and 1.55.
"""

import sys

import torch
from torch import Tensor, nn


def step(g: nn.Module, d: nn.Module, batches: list[Tensor], *, width: int, rate: float) -> None:
    """One training iteration: d moves once for each of the k batches, then g moves once."""
    for x in batches:  # "for k steps do": x is a minibatch of m examples from the data
        z = torch.randn(len(x), width)  # "Sample minibatch of m noise samples"
        value = (d(x).sigmoid().log() + (1 - d(g(z)).sigmoid()).log()).mean()
        ascend(d, value, rate)  # "Update the discriminator by ascending its stochastic gradient"
    z = torch.randn(len(batches[-1]), width)  # "Sample minibatch of m noise samples"
    ascend(g, (1 - d(g(z)).sigmoid()).log().mean(), -rate)  # "Update the generator by descending its [...] gradient"


def ascend(network: nn.Module, value: Tensor, rate: float) -> None:
    """Move the network's parameters along the gradient of the value; a negative rate moves them down."""
    theta = list(network.parameters())
    with torch.no_grad():
        for p, gradient in zip(theta, torch.autograd.grad(value, theta), strict=True):
            p += rate * gradient


if __name__ == "__main__":
    torch.manual_seed(0)
    g, d = (nn.Sequential(nn.Linear(n, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 1)) for n in (4, 1))
    iterations = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    for number in range(1, iterations + 1):  # "for number of training iterations do"
        step(g, d, [1.5 * torch.randn(256, 1).sign() + 0.4 * torch.randn(256, 1)], width=4, rate=0.1)
        if number % 200 == 0:
            fake = g(torch.randn(5000, 4)).detach()
            bars = "".join(" ▁▂▃▄▅▆▇█"[int(min(n / 50, 8))] for n in fake.histc(40, -4, 4))
            print(f"{number:4} |{bars}| mean {fake.mean():.2f}, deviation {fake.std():.2f}")
