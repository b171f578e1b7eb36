"""The Inception network whose features define the Frechet Inception Distance: its layers as a table, and their code.

C. Szegedy et al., Rethinking the Inception architecture for computer vision, 2016, figures 4 to 7 and table 1, as in
the graph `inception-2015-12-05` of TensorFlow's authors. It is not to be confused with the Inception v3 of torchvision:
there averages count the zeros of the border, the last block averages, and there are 1000 classes. Here averages leave
the border out, the last block takes maxima (an oddity of that graph, which every published distance has), and there are
1008 logits. Names of weights are those of the published port, so that its file fits.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

FEATURES, CLASSES = 2048, 1008
"""Numbers of an image after the last average, and after the last layer; the last 7 or 8 classes were never used."""


@dataclass(frozen=True)
class Conv:
    """A convolution without bias, with batch normalisation and a rectifier.

    Attributes:
        name: Name of its weights.
        width: Channels of its output.
        kernel: (height, width).
        stride: Stride of both axes.
        border: Whether zeros are added around, so that stride 1 leaves the size as it is.
    """

    name: str
    width: int
    kernel: tuple[int, int]
    stride: int = 1
    border: bool = True


@dataclass(frozen=True)
class Fork:
    """Two convolutions of the same input, side by side.

    Attributes:
        left: The first, whose channels come first.
        right: The second.
    """

    left: Conv
    right: Conv


@dataclass(frozen=True)
class Pool:
    """A pooling of 3x3; with stride 1 the size stays, with stride 2 there is no border.

    Attributes:
        kind: "average" or "maximum".
        stride: Stride of both axes.
    """

    kind: str
    stride: int


Layer = Conv | Fork | Pool
Branches = tuple[tuple[Layer, ...], ...]
POINT, SMALL, LARGE, ROW, COLUMN = (1, 1), (3, 3), (5, 5), (1, 7), (7, 1)
AVERAGE, MAXIMUM, HALVE = Pool("average", 1), Pool("maximum", 1), Pool("maximum", 2)


def block_a(pooled: int) -> Branches:
    """Return the block of figure 5 of the paper: 35x35, with 5x5 and two 3x3.

    Args:
        pooled: Channels of the branch that pools.

    Returns:
        The branches.
    """
    return (
        (Conv("branch1x1", 64, POINT),),
        (Conv("branch5x5_1", 48, POINT), Conv("branch5x5_2", 64, LARGE)),
        (Conv("branch3x3dbl_1", 64, POINT), Conv("branch3x3dbl_2", 96, SMALL), Conv("branch3x3dbl_3", 96, SMALL)),
        (AVERAGE, Conv("branch_pool", pooled, POINT)),
    )


def block_b() -> Branches:
    """Return the block that leads from 35x35 to 17x17."""
    last = Conv("branch3x3dbl_3", 96, SMALL, stride=2, border=False)
    return (
        (Conv("branch3x3", 384, SMALL, stride=2, border=False),),
        (Conv("branch3x3dbl_1", 64, POINT), Conv("branch3x3dbl_2", 96, SMALL), last),
        (HALVE,),
    )


def block_c(inner: int) -> Branches:
    """Return the block of figure 6: 17x17, with 7x7 as a row and a column.

    Args:
        inner: Channels between row and column.

    Returns:
        The branches.
    """
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
    """Return the block that leads from 17x17 to 8x8."""
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
    """Return the block of figure 7: 8x8, with 3x3 as a row beside a column.

    Args:
        pool: Pooling of the last branch.

    Returns:
        The branches.
    """
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
"""From 299x299 to 35x35, one layer after another."""

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
    """The module of a `Conv`: relu(bn(conv(x))), with eps .001 in the normalisation.

    Args:
        channels: Channels of the input.
        layer: Its row in the table.
    """

    def __init__(self, channels: int, layer: Conv) -> None:
        super().__init__()
        height, width = layer.kernel
        border = (height // 2, width // 2) if layer.border else (0, 0)
        self.conv = nn.Conv2d(channels, layer.width, layer.kernel, stride=layer.stride, padding=border, bias=False)
        self.bn = nn.BatchNorm2d(layer.width, eps=0.001)

    def forward(self, x: Tensor) -> Tensor:
        """Apply the unit.

        Args:
            x: Images, (n, channels, h, w).

        Returns:
            Images, (n, width, h', w').
        """
        return functional.relu(self.bn(self.conv(x)), inplace=True)


def pool_3x3(x: Tensor, pool: Pool) -> Tensor:
    """Pool over 3x3; averages are of the pixels within the image alone, as in TensorFlow.

    Args:
        x: Images, (n, c, h, w).
        pool: Its row in the table.

    Returns:
        The pooled images, (n, c, h', w').
    """
    border = 1 if pool.stride == 1 else 0
    if pool.kind == "average":
        return functional.avg_pool2d(x, 3, pool.stride, border, count_include_pad=False)
    return functional.max_pool2d(x, 3, pool.stride, border)


def units_of(layer: Layer) -> tuple[Conv, ...]:
    """List the convolutions of a layer.

    Args:
        layer: A row of the table.

    Returns:
        Two for a fork, none for a pooling, else one.
    """
    if isinstance(layer, Pool):
        return ()
    return (layer.left, layer.right) if isinstance(layer, Fork) else (layer,)


class Branch(nn.Module):
    """Layers one after another, or several such branches side by side, each unit under its name in the table.

    After construction the attribute `channels` is that of the output.

    Args:
        channels: Channels of the input.
        branches: The branches.
    """

    def __init__(self, channels: int, branches: Branches) -> None:
        super().__init__()
        self.branches = branches
        self.channels = sum(self._build(channels, branch) for branch in branches)

    def _build(self, channels: int, branch: tuple[Layer, ...]) -> int:
        for layer in branch:
            units = units_of(layer)
            for unit in units:
                self.add_module(unit.name, ConvUnit(channels, unit))
            channels = sum(unit.width for unit in units) if units else channels
        return channels

    def _run(self, x: Tensor, layer: Layer) -> Tensor:
        if isinstance(layer, Pool):
            return pool_3x3(x, layer)
        if isinstance(layer, Fork):
            return torch.cat([self._run(x, layer.left), self._run(x, layer.right)], 1)
        y: Tensor = self.get_submodule(layer.name)(x)
        return y

    def forward(self, x: Tensor) -> Tensor:
        """Apply each branch to the input, and join the outputs along the channels.

        Args:
            x: Images, (n, c, h, w).

        Returns:
            Images, (n, channels, h', w').
        """
        lines = []
        for branch in self.branches:
            y = x
            for layer in branch:
                y = self._run(y, layer)
            lines.append(y)
        return torch.cat(lines, 1)


class InceptionNetwork(Branch):
    """The whole network: the stem's units under their own names, then the blocks, then `fc`."""

    def __init__(self) -> None:
        super().__init__(3, (STEM,))
        channels = self.channels
        for name, branches in BLOCKS.items():
            block = Branch(channels, branches)
            self.add_module(name, block)
            channels = block.channels
        self.fc = nn.Linear(channels, CLASSES)

    def features(self, x: Tensor) -> Tensor:
        """Compute the averages over the last 8x8, "pool3".

        Args:
            x: Images, (n, 3, 299, 299) in [-1, 1].

        Returns:
            Features, (n, 2048).
        """
        x = super().forward(x)
        for name in BLOCKS:
            x = self.get_submodule(name)(x)
        return x.mean((2, 3))

    def forward(self, x: Tensor) -> Tensor:
        """Compute the logits without their bias, as the Inception Score has them by convention.

        Args:
            x: Images, (n, 3, 299, 299) in [-1, 1].

        Returns:
            Logits, (n, 1008).
        """
        return functional.linear(self.features(x), self.fc.weight)
