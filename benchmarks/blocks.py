"""Milliseconds of candidate blocks of `modern`: by themselves, and a step of the whole recipe made of them.

    OMP_NUM_THREADS=1 python benchmarks/blocks.py [--rounds 10]

64 pixels, batch 32, width 32. Plain is the recipe's block: two dense convolutions of 3 x 3. The grouped bottleneck is
R3GAN's: 1 x 1 to twice the maps, 3 x 3 in groups of 16, 1 x 1 back, with torch's convolutions, as in `r3gan_generator`.
Strided ends are the recipe's: blocks lie at half of the image's sides and below, and one strided convolution leads to
and from the image. Full resolution has blocks at the image's own sides too, of as many maps, and a 1 x 1 convolution at
the image, as published. R1 + R2 are exact, by finite differences, or left out. All is taken in one interleaved run.
"""

import argparse
import itertools
import statistics
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path

import torch
from machine import describe
from photo_steps import Step, Taken, interleaved, ours, photos, with_row
from torch import Tensor, nn
from two_checkouts import median_interval

from advnets.games import Game
from advnets.networks import Sizes
from advnets.networks.layers.resample import ConvDownsample2d, ConvUpsample2d
from advnets.networks.layers.residual import (
    Basis,
    MaskedSums,
    ResidualBlock,
    grouped_bottleneck,
    head,
    normal_,
    plain_block,
)
from advnets.networks.layers.twice_differentiable import Conv2d
from advnets.recipes import RECIPES, Recipe

SIZE, BATCH, WIDTH = 64, 32, 32
MAPS = (32, 64, 128, 256)
"""Maps at 32, 16, 8 and 4 pixels a side."""
Block = Callable[[int, int], ResidualBlock]
BLOCKS: dict[str, Block] = {
    "plain": plain_block,
    "grouped bottleneck": partial(grouped_bottleneck, expansion=2, group=16),
}
PENALTIES: dict[str, dict[str, float]] = {
    "exact": {"r1": 1.0, "r2": 1.0},
    "finite differences": {"r1_finite": 1.0, "r2_finite": 1.0},
    "none": {},
}
PRECISIONS = {"bfloat16": torch.bfloat16, "float32": torch.float32}
PLAIN = "plain, strided ends"


def channels_last(*layers: nn.Module) -> nn.Sequential:
    """A network whose weights lie in memory as the recipe's do."""
    return nn.Sequential(*layers).to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


def generator(block: Block, full: bool, latent_size: int) -> nn.Sequential:
    """`modern`'s generator with other blocks, or with blocks at full resolution too."""
    maps = MAPS[::-1] + MAPS[:1] * full
    layers: list[nn.Module] = [Basis(latent_size, maps[0], (4, 4)), block(maps[0], len(maps))]
    for below, above in itertools.pairwise(maps):
        layers += [ConvUpsample2d(below, above), block(above, len(maps))]
    image = nn.Conv2d(maps[-1], 3, 1) if full else nn.ConvTranspose2d(maps[-1], 3, 4, 2, 1)
    return channels_last(*layers, normal_(image, 1.0))


def discriminator(block: Block, full: bool) -> nn.Sequential:
    """`modern`'s discriminator, alike."""
    maps = MAPS[:1] * full + MAPS
    layers: list[nn.Module] = [normal_(Conv2d(3, maps[0], 1) if full else Conv2d(3, maps[0], 4, 2, 1), 1.0)]
    layers.append(block(maps[0], len(maps)))
    for above, below in itertools.pairwise(maps):
        layers += [ConvDownsample2d(above, below), block(below, len(maps))]
    return channels_last(*layers, MaskedSums(maps[-1], (4, 4)), *head(maps[-1], None))


def recipe_step(recipe: Recipe, block: Block, full: bool) -> Step:
    """A step of the recipe, with nets of these blocks."""
    row = recipe.expect_game_row()
    game = row.build(Sizes((3, SIZE, SIZE), row.latent_size), torch.device("cpu"))
    assert isinstance(game, Game)
    nets = {"generator": generator(block, full, row.latent_size), "discriminator": discriminator(block, full)}
    if block is plain_block and not full:
        for name, network in nets.items():
            assert [theta.shape for theta in network.parameters()] == [
                theta.shape for theta in getattr(game, name).parameters()
            ]
    return ours(replace(recipe, learner=None), photos(SIZE), game=replace(game, **nets))


def steps(precision: str) -> dict[str, Step]:
    """A step for each block, place and penalty."""
    recipe, ways = RECIPES["modern"], {}
    for (name, block), full, penalty in itertools.product(BLOCKS.items(), (False, True), PENALTIES):
        place = "full resolution" if full else "strided ends"
        row = with_row(recipe, precision=precision, penalties=PENALTIES[penalty])
        ways[f"{name}, {place}: {penalty}"] = recipe_step(row, block, full)
    return ways


def blocks_alone(precision: str) -> dict[str, Step]:
    """The recipe's four blocks of a net by themselves: slopes of a sum, and of the slopes' squares (second)."""
    return {
        f"{name}: {kind}": partial(_differentiate, [block(maps, 4).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
                                                    for maps in MAPS], PRECISIONS[precision], kind == "second")
        for (name, block), kind in itertools.product(BLOCKS.items(), ("first", "second"))
    }  # fmt: skip


def _differentiate(blocks: list[ResidualBlock], kind: torch.dtype, second: bool) -> None:
    for block, maps, side in zip(blocks, MAPS, (32, 16, 8, 4), strict=True):
        x = torch.randn(BATCH, maps, side, side).to(memory_format=torch.channels_last).requires_grad_()
        theta = list(block.parameters())
        with torch.autocast("cpu", kind, enabled=kind != torch.float32):
            y: Tensor = block(x).float().square().sum()
        if second:
            (slope,) = torch.autograd.grad(y, x, create_graph=True)
            torch.autograd.grad(slope.square().sum() + y, theta, allow_unused=True)
        else:
            torch.autograd.grad(y, [x, *theta])


def ratio(these: Taken, those: Taken) -> str:
    """The median over rounds of a ratio in seconds of the processor, with its interval."""
    ratios = [a / b for a, b in zip(these.processor, those.processor, strict=True)]
    low, high = median_interval(ratios)
    return f"{statistics.median(ratios):.2f} ({low:.2f} to {high:.2f})"


def tables(taken: dict[str, Taken]) -> str:
    """A row a net, with a column a penalty; then a row a block by itself."""
    cell = "{:.0f}; {}"
    rows = [
        f"| blocks | {' | '.join(PENALTIES)} |",
        f"| --- |{' --- |' * len(PENALTIES)}",
    ]
    names = dict.fromkeys(name.split(": ")[0] for name in taken if "," in name)
    for name in names:
        cells = (
            cell.format(
                1e3 * statistics.median(taken[f"{name}: {penalty}"].processor),
                ratio(taken[f"{name}: {penalty}"], taken[f"{PLAIN}: {penalty}"]),
            )
            for penalty in PENALTIES
        )
        rows.append(f"| {name} | {' | '.join(cells)} |")
    rows += ["", "| the four blocks of a net alone | first derivatives | second derivatives |", "| --- | --- | --- |"]
    for name in BLOCKS:
        cells = (
            cell.format(
                1e3 * statistics.median(taken[f"{name}: {kind}"].processor),
                ratio(taken[f"{name}: {kind}"], taken[f"plain: {kind}"]),
            )
            for kind in ("first", "second")
        )
        rows.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(rows)


def sizes() -> str:
    """Parameters of each net."""
    told = []
    for (name, block), full in itertools.product(BLOCKS.items(), (False, True)):
        nets = generator(block, full, 64), discriminator(block, full)
        counts = " + ".join(f"{sum(map(Tensor.numel, net.parameters())) / 1e6:.2f}" for net in nets)
        told.append(f"{name}, {'full resolution' if full else 'strided ends'}: {counts}")
    return f"Millions of parameters, G + D: {'; '.join(told)}."


def main() -> None:
    """Measure, print and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--page", type=Path, default=Path(__file__).with_suffix(".md"))
    asked = parser.parse_args()
    torch.manual_seed(0)
    parts = [
        "# Blocks of `modern`\n",
        f"`OMP_NUM_THREADS=1 python benchmarks/blocks.py --rounds {asked.rounds}`: {SIZE} pixels, batch {BATCH}, width "
        f"{WIDTH}, {asked.rounds} interleaved rounds, {date.today()}. {describe()}\n",
        "Milliseconds of the processor, medians; then the ratio to the recipe's blocks under the same penalty, with a "
        f"95 % interval of its median by bootstrap. {sizes()}\n",
    ]
    for precision in PRECISIONS:
        taken = interleaved({**steps(precision), **blocks_alone(precision)}, asked.rounds)
        parts.append(f"## Products in {precision}\n\n{tables(taken)}\n")
        print(parts[-1], flush=True)
    asked.page.write_text("\n".join([*parts, "What each row is stands in the file.\n"]), encoding="utf-8")


if __name__ == "__main__":
    main()
