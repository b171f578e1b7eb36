"""The Inception network whose features define the Frechet Inception Distance: its layers as a table, and how they run.

C. Szegedy et al., Rethinking the Inception architecture for computer vision, 2016, figures 4 to 7 and table 1, as in
the graph `inception-2015-12-05` of TensorFlow's authors. Not to be confused with the Inception v3 of torchvision:
there averages count the zeros of the border, the last block averages, and there are 1000 classes. Here averages leave
the border out, the last block takes maxima (an oddity of that graph, kept since every published distance has it), and
there are 1008 logits. Names of weights are those of the published port, so that its file fits.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

FEATURES, CLASSES = 2048, 1008
"""Numbers an image after the last average, and after the last layer; the last 7 or 8 classes were never used."""


@dataclass(frozen=True)
class Conv:
    """A convolution without bias, batch normalisation and a rectifier.

    kernel: (height, width). stride: of both axes. border: zeros are laid around so that stride 1 keeps the size.
    """

    name: str
    width: int
    kernel: tuple[int, int]
    stride: int = 1
    border: bool = True


@dataclass(frozen=True)
class Fork:
    """Two convolutions of the same input, one beside the other."""

    left: Conv
    right: Conv


@dataclass(frozen=True)
class Pool:
    """A pooling of 3x3; with stride 1 it keeps the size, with stride 2 it has no border."""

    kind: str
    stride: int


Layer = Conv | Fork | Pool
Branches = tuple[tuple[Layer, ...], ...]
POINT, SMALL, LARGE, ROW, COLUMN = (1, 1), (3, 3), (5, 5), (1, 7), (7, 1)
AVERAGE, MAXIMUM, HALVE = Pool("average", 1), Pool("maximum", 1), Pool("maximum", 2)


def block_a(pooled: int) -> Branches:
    """Figure 5 of the paper: 35x35, 5x5 and two 3x3; pooled: channels of the branch that pools."""
    return (
        (Conv("branch1x1", 64, POINT),),
        (Conv("branch5x5_1", 48, POINT), Conv("branch5x5_2", 64, LARGE)),
        (Conv("branch3x3dbl_1", 64, POINT), Conv("branch3x3dbl_2", 96, SMALL), Conv("branch3x3dbl_3", 96, SMALL)),
        (AVERAGE, Conv("branch_pool", pooled, POINT)),
    )


def block_b() -> Branches:
    """From 35x35 to 17x17."""
    last = Conv("branch3x3dbl_3", 96, SMALL, stride=2, border=False)
    return (
        (Conv("branch3x3", 384, SMALL, stride=2, border=False),),
        (Conv("branch3x3dbl_1", 64, POINT), Conv("branch3x3dbl_2", 96, SMALL), last),
        (HALVE,),
    )


def block_c(inner: int) -> Branches:
    """Figure 6: 17x17, 7x7 as a row and a column; inner: channels between them."""
    return (
        (Conv("branch1x1", 192, POINT),),
        (Conv("branch7x7_1", inner, POINT), Conv("branch7x7_2", inner, ROW), Conv("branch7x7_3", 192, COLUMN)),
        (
            Conv("branch7x7dbl_1", inner, POINT),
            Conv("branch7x7dbl_2", inner, COLUMN),
            Conv("branch7x7dbl_3", inner, ROW),
            Conv("branch7x7dbl_4", inner, COLUMN),
            Conv("branch7x7dbl_5", 192, ROW),
        ),
        (AVERAGE, Conv("branch_pool", 192, POINT)),
    )


def block_d() -> Branches:
    """From 17x17 to 8x8."""
    return (
        (Conv("branch3x3_1", 192, POINT), Conv("branch3x3_2", 320, SMALL, stride=2, border=False)),
        (
            Conv("branch7x7x3_1", 192, POINT),
            Conv("branch7x7x3_2", 192, ROW),
            Conv("branch7x7x3_3", 192, COLUMN),
            Conv("branch7x7x3_4", 192, SMALL, stride=2, border=False),
        ),
        (HALVE,),
    )


def block_e(pool: Pool) -> Branches:
    """Figure 7: 8x8, 3x3 as a row beside a column; pool: of the last branch."""
    return (
        (Conv("branch1x1", 320, POINT),),
        (Conv("branch3x3_1", 384, POINT), _fork("branch3x3_2")),
        (Conv("branch3x3dbl_1", 448, POINT), Conv("branch3x3dbl_2", 384, SMALL), _fork("branch3x3dbl_3")),
        (pool, Conv("branch_pool", 192, POINT)),
    )


def _fork(name: str) -> Fork:
    return Fork(Conv(f"{name}a", 384, (1, 3)), Conv(f"{name}b", 384, (3, 1)))


STEM: tuple[Layer, ...] = (
    Conv("Conv2d_1a_3x3", 32, SMALL, stride=2, border=False),
    Conv("Conv2d_2a_3x3", 32, SMALL, border=False),
    Conv("Conv2d_2b_3x3", 64, SMALL),
    HALVE,
    Conv("Conv2d_3b_1x1", 80, POINT),
    Conv("Conv2d_4a_3x3", 192, SMALL, border=False),
    HALVE,
)
"""From 299x299 to 35x35, one step after another."""

BLOCKS: Mapping[str, Branches] = {
    "Mixed_5b": block_a(32),
    "Mixed_5c": block_a(64),
    "Mixed_5d": block_a(64),
    "Mixed_6a": block_b(),
    "Mixed_6b": block_c(128),
    "Mixed_6c": block_c(160),
    "Mixed_6d": block_c(160),
    "Mixed_6e": block_c(192),
    "Mixed_7a": block_d(),
    "Mixed_7b": block_e(AVERAGE),
    "Mixed_7c": block_e(MAXIMUM),
}
"""From 35x35 to 8x8, one block after another; the branches of a block stand side by side."""


class ConvUnit(nn.Module):
    """What a Conv of the table is: relu(bn(conv(x))), the normalisation with eps .001."""

    def __init__(self, channels: int, told: Conv) -> None:
        super().__init__()
        height, width = told.kernel
        border = (height // 2, width // 2) if told.border else (0, 0)
        self.conv = nn.Conv2d(channels, told.width, told.kernel, stride=told.stride, padding=border, bias=False)
        self.bn = nn.BatchNorm2d(told.width, eps=0.001)

    def forward(self, x: Tensor) -> Tensor:
        """(n, c, h, w) -> (n, width, h', w')."""
        return functional.relu(self.bn(self.conv(x)), inplace=True)


def pool_3x3(x: Tensor, pool: Pool) -> Tensor:
    """x, pooled over 3x3; averages are of the pixels within the image alone, as in TensorFlow."""
    border = 1 if pool.stride == 1 else 0
    if pool.kind == "average":
        return functional.avg_pool2d(x, 3, pool.stride, border, count_include_pad=False)
    return functional.max_pool2d(x, 3, pool.stride, border)


def units_of(step: Layer) -> tuple[Conv, ...]:
    """The convolutions of a step of the table."""
    if isinstance(step, Pool):
        return ()
    return (step.left, step.right) if isinstance(step, Fork) else (step,)


class Branch(nn.Module):
    """Steps one after another, or several such lines side by side, each unit under its name in the table.

    channels: of the input. branches: the lines. `channels` afterwards is that of the output.
    """

    def __init__(self, channels: int, branches: Branches) -> None:
        super().__init__()
        self.branches = branches
        self.channels = sum(self._build(channels, branch) for branch in branches)

    def _build(self, channels: int, branch: tuple[Layer, ...]) -> int:
        for step in branch:
            units = units_of(step)
            for unit in units:
                self.add_module(unit.name, ConvUnit(channels, unit))
            channels = sum(unit.width for unit in units) if units else channels
        return channels

    def _run(self, x: Tensor, step: Layer) -> Tensor:
        if isinstance(step, Pool):
            return pool_3x3(x, step)
        if isinstance(step, Fork):
            return torch.cat([self._run(x, step.left), self._run(x, step.right)], 1)
        y: Tensor = self.get_submodule(step.name)(x)
        return y

    def forward(self, x: Tensor) -> Tensor:
        """(n, c, h, w) -> (n, channels, h', w')."""
        lines = []
        for branch in self.branches:
            y = x
            for step in branch:
                y = self._run(y, step)
            lines.append(y)
        return torch.cat(lines, 1)


class InceptionNetwork(Branch):
    """The network: the stem's units under their own names, then the blocks, then `fc`."""

    def __init__(self) -> None:
        super().__init__(3, (STEM,))
        channels = self.channels
        for name, branches in BLOCKS.items():
            block = Branch(channels, branches)
            self.add_module(name, block)
            channels = block.channels
        self.fc = nn.Linear(channels, CLASSES)

    def features(self, x: Tensor) -> Tensor:
        """(n, 3, 299, 299) in [-1, 1] -> (n, 2048): averages over the last 8x8, "pool3"."""
        x = super().forward(x)
        for name in BLOCKS:
            x = self.get_submodule(name)(x)
        return x.mean((2, 3))

    def forward(self, x: Tensor) -> Tensor:
        """(n, 3, 299, 299) -> (n, 1008): logits without their bias, as the Inception Score has them by convention."""
        return functional.linear(self.features(x), self.fc.weight)
