"""The nets of Goodfellow et al. 2014, "Generative Adversarial Nets", as in the released yaml files.

MNIST: `DenseGenerator`, `MaxoutDiscriminator`. TFD: the same, and `LowerLayers` for its second stage. CIFAR-10: the
same, or `DeconvGenerator` and `ConvMaxoutDiscriminator`. Inputs and outputs take the size of the data, so the same rows
serve 28x28 digits, 48x48 faces and points of a plane; what cannot take it says so.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from advnets.errors import BadInput, Unsupported, unknown
from advnets.networks.layers.batch_norm import BatchNorm
from advnets.networks.layers.convolution import MaxoutConv, UntiedBias
from advnets.networks.layers.dense import Dropout, Maxout, Noise, sparse_, uniform_
from advnets.networks.rows import DiscriminatorRow, GeneratorRow, NetworkRow, Sizes

ACTIVATIONS: dict[str, type[nn.Module]] = {"relu": nn.ReLU, "sigmoid": nn.Sigmoid}
OUTPUTS = ("sigmoid", "linear")


def _at_least(least: int, **sizes: int | tuple[int, ...]) -> None:
    for name, found in sizes.items():
        if min(found if isinstance(found, tuple) else (found,), default=least) < least:
            raise BadInput(f"{name} is {found}; expected at least {least}. Change it.")


@dataclass(frozen=True)
class DenseGenerator(GeneratorRow):
    """z -> dense hidden layers -> pixels; linear coordinates where the data are points.

    Attributes:
        hidden: Units of each hidden layer.
        activations: Of each hidden layer, relu or sigmoid; a single one serves them all.
        irange: Weights start in U(-irange, irange).
        sigmoid_bias: Where the biases of hidden sigmoid layers start; all others start at 0.
        output: Sigmoid (in [0, 1], its biases from the marginals of the pixels) or linear.
        output_irange: Irange of the output layer; None for that of the others.
        sparse: Weights into each output unit that start in N(0, 1), the others at 0; 0 for uniform ones.
        batch_norm: Normalise each hidden layer before its activation (not in the paper; Ioffe & Szegedy 2015).

    Raises:
        BadInput: If a number is out of its range, or there is no such activation or output.
    """

    hidden: tuple[int, ...] = (1200, 1200)
    activations: tuple[str, ...] = ("relu",)
    irange: float = 0.05
    sigmoid_bias: float = 0.0
    output: str = "sigmoid"
    output_irange: float | None = None
    sparse: int = 0
    batch_norm: bool = False

    def __post_init__(self) -> None:
        if min(self.hidden, default=1) < 1:
            raise BadInput(f"hidden is {self.hidden}; expected at least 1 unit in each layer")
        _at_least(0, sparse=self.sparse)
        if len(self.activations) not in (1, len(self.hidden)):
            raise BadInput(
                f"activations: found {len(self.activations)} for {len(self.hidden)} hidden layers, expected one for "
                "each, or a single one for all. Give as many as `hidden` has."
            )
        for name in self.activations:
            if name not in ACTIVATIONS:
                raise unknown("activation", name, ACTIVATIONS)
        if self.output not in OUTPUTS:
            raise unknown("output", self.output, OUTPUTS)

    def build(self, sizes: Sizes) -> nn.Module:
        """Build the generator; the mean of the data sets the output bias (the marginals of the pixels).

        Args:
            sizes: Shape of a sample, latent size and mean are read.

        Returns:
            z (batch, latent_size) -> samples (batch, *shape).

        Raises:
            BadInput: If there is no noise, or fewer inputs than `sparse` asks for.
        """
        layers: list[nn.Module] = []
        width = sizes.expect_latent("dense_generator")
        activations = self.activations * (1 if len(self.activations) > 1 else len(self.hidden))
        for units, activation in zip(self.hidden, activations, strict=True):
            bias = self.sigmoid_bias if activation == "sigmoid" else 0.0
            linear, act = _dense(width, units, activation, irange=self.irange, bias=bias)
            layers += [linear, BatchNorm(units), act] if self.batch_norm else [linear, act]
            width = units
        output = self._output(width, math.prod(sizes.shape))
        squashed = self.output == "sigmoid" and len(sizes.shape) == 3
        squash = _sigmoid_from_marginals(output, sizes.marginals) if squashed else nn.Identity()
        return nn.Sequential(*layers, output, squash, nn.Unflatten(1, sizes.shape))

    def _output(self, width: int, units: int) -> nn.Linear:
        if self.sparse:
            return sparse_(nn.Linear(width, units), self.sparse)
        return uniform_(nn.Linear(width, units), self.irange if self.output_irange is None else self.output_irange)


@dataclass(frozen=True)
class DeconvGenerator(GeneratorRow):
    """z -> ReLU layers -> a sigmoid layer of maps -> one transposed convolution, linear, with a bias for each pixel.

    Attributes:
        hidden: Units of each ReLU layer.
        maps: Maps of the sigmoid layer, whose side is (side of the images - kernel) / stride + 1: 10 for CIFAR-10's 32.
        kernel: Side of the kernel of the transposed convolution, in pixels; it has no padding.
        stride: Pixels between two places of the kernel.
        irange: Weights start in U(-irange, irange); biases start at 0.
    """

    hidden: tuple[int, ...] = (8000,)
    maps: int = 80
    kernel: int = 5
    stride: int = 3
    irange: float = 0.05

    def __post_init__(self) -> None:
        _at_least(1, hidden=self.hidden, maps=self.maps, kernel=self.kernel, stride=self.stride)

    def build(self, sizes: Sizes) -> nn.Module:
        """Build the generator.

        Args:
            sizes: Shape of a sample and latent size are read.

        Returns:
            z (batch, latent_size) -> images (batch, *shape).

        Raises:
            Unsupported: For points, and for sides that it cannot make.
            BadInput: If there is no noise.
        """
        channels, *sides = sizes.expect_image("deconv_generator")
        rows, columns = (self._side_below(side) for side in sides)
        maps = (self.maps, rows, columns)
        lower = LowerLayers(hidden=self.hidden, irange=self.irange, sigmoid_bias=0.0)
        deconvolution = nn.ConvTranspose2d(self.maps, channels, self.kernel, stride=self.stride, bias=False)
        return nn.Sequential(
            *lower.layers(sizes.expect_latent("deconv_generator"), math.prod(maps)),
            nn.Unflatten(1, maps),
            uniform_(deconvolution, self.irange),
            UntiedBias(sizes.shape),
        )

    def _side_below(self, side: int) -> int:
        steps, rest = divmod(side - self.kernel, self.stride)
        if steps < 0 or rest:
            sides = ", ".join(str(self.kernel + self.stride * n) for n in range(max(steps, 0), max(steps, 0) + 2))
            raise Unsupported(
                f"deconv_generator: found images of side {side}, expected {self.kernel} + {self.stride} n, such as "
                f"{sides}. Change `kernel` or `stride`, pad or crop the images, or take a dense_generator."
            )
        return steps + 1


@dataclass(frozen=True)
class LowerLayers(NetworkRow):
    """z -> ReLU layers -> sigmoid units: what is put before a generator that has been trained, to take its z's place.

    Attributes:
        hidden: Units of each ReLU layer.
        irange: Weights start in U(-irange, irange).
        sigmoid_bias: Where the biases of the sigmoid layer start; those of the others start at 0.
    """

    hidden: tuple[int, ...] = (8000,)
    irange: float = 0.05
    sigmoid_bias: float = -2.0

    def __post_init__(self) -> None:
        _at_least(1, hidden=self.hidden)

    def build(self, sizes: Sizes) -> nn.Module:
        """Build the layers: z (batch, latent_size) -> as many sigmoid units, each in (0, 1).

        Args:
            sizes: The latent size is read.

        Returns:
            The layers, to be put before a generator.

        Raises:
            BadInput: If there is no noise.
        """
        size = sizes.expect_latent("lower_layers")
        return self.layers(size, size)

    def layers(self, latent_size: int, units: int) -> nn.Sequential:
        """Build the layers between z and so many sigmoid units.

        Args:
            latent_size: Coordinates of z, 1 or more.
            units: Sigmoid units, 1 or more.

        Returns:
            (batch, latent_size) -> (batch, units), each in (0, 1).
        """
        layers: list[nn.Module] = []
        width = latent_size
        for below in self.hidden:
            layers += _dense(width, below, "relu", irange=self.irange)
            width = below
        return nn.Sequential(*layers, *_dense(width, units, "sigmoid", irange=self.irange, bias=self.sigmoid_bias))


@dataclass(frozen=True)
class MaxoutDiscriminator(DiscriminatorRow):
    """x -> maxout layers -> one logit, with dropout on the input of every layer.

    Attributes:
        units: Maxout units of each hidden layer.
        pieces: Affine maps a maxout unit.
        irange: Weights start in U(-irange, irange).
        dropout: Probability of dropping an input of the first layer, and of each later one.
        noise: Standard deviation of Gaussian noise added to its input in training (not in the paper; see `Noise`).

    Raises:
        BadInput: If a number is out of its range.
    """

    units: tuple[int, ...] = (240, 240)
    pieces: int = 5
    irange: float = 0.005
    dropout: tuple[float, float] = (0.2, 0.5)
    noise: float = 0.0

    def __post_init__(self) -> None:
        _at_least(1, units=self.units, pieces=self.pieces)
        if not 0 <= self.noise < math.inf:
            raise BadInput(f"noise is {self.noise}; expected a standard deviation of 0 or more. Change it.")

    def build(self, sizes: Sizes) -> nn.Module:
        """Build the discriminator.

        Args:
            sizes: The shape of a sample is read.

        Returns:
            Samples (batch, *shape) -> one logit a sample, (batch,).
        """
        first, later = self.dropout
        head = _maxout_head(math.prod(sizes.shape), self.units, self.pieces, irange=self.irange, dropout=later)
        noise = [Noise(self.noise)] if self.noise else []
        return nn.Sequential(nn.Flatten(1), *noise, Dropout(first), *head)


@dataclass(frozen=True)
class Maps:
    """One maxout convolution and the pooling of its maps; windows that reach over the edge are pooled too.

    Attributes:
        channels: Number of maps.
        kernel: Side of the convolution's kernel, in pixels.
        padding: Width of the zeros around its input, in pixels.
        pool: Side of the window that is pooled, in pixels; at most the shorter side of a map is taken.
        stride: Pixels from one window to the next.
        pieces: Convolutions a map.
    """

    channels: int = 32
    kernel: int = 8
    padding: int = 4
    pool: int = 4
    stride: int = 2
    pieces: int = 2

    def __post_init__(self) -> None:
        sizes = {"channels": self.channels, "kernel": self.kernel, "pool": self.pool, "stride": self.stride}
        _at_least(1, **sizes, pieces=self.pieces)
        _at_least(0, padding=self.padding)


@dataclass(frozen=True)
class ConvMaxoutDiscriminator(DiscriminatorRow):
    """x -> maxout convolutions, pooled -> maxout layers -> one logit, with dropout on the input of every layer.

    Attributes:
        maps: The convolutional layers.
        units: Maxout units of each dense layer.
        pieces: Affine maps a maxout unit.
        irange: Weights start in U(-irange, irange); biases, one a map, start at 0.
        dropout: Probability of dropping an input of the first layer, and of each later one.
    """

    maps: tuple[Maps, ...] = (Maps(), Maps(padding=3), Maps(channels=192, kernel=5, padding=3, pool=2))
    units: tuple[int, ...] = (500,)
    pieces: int = 5
    irange: float = 0.005
    dropout: tuple[float, float] = (0.2, 0.5)

    def __post_init__(self) -> None:
        _at_least(1, units=self.units, pieces=self.pieces)

    def build(self, sizes: Sizes) -> nn.Module:
        """Build the discriminator.

        Args:
            sizes: The shape of a sample is read.

        Returns:
            Images (batch, *shape) -> one logit an image, (batch,).

        Raises:
            Unsupported: For points, and for images too small for it.
        """
        first, later = self.dropout
        layers: list[nn.Module] = [Dropout(first)]
        shape: tuple[int, ...] = sizes.expect_image("conv_maxout_discriminator")
        for maps in self.maps:
            convolution, pooling, shape = self._maps(maps, shape)
            layers += [convolution, pooling, Dropout(later)]
        head = _maxout_head(math.prod(shape), self.units, self.pieces, irange=self.irange, dropout=later)
        return nn.Sequential(*layers, nn.Flatten(1), *head)

    def _maps(self, maps: Maps, shape: tuple[int, ...]) -> tuple[MaxoutConv, nn.MaxPool2d, tuple[int, ...]]:
        channels, *sides = shape
        sides = [side + 2 * maps.padding - maps.kernel + 1 for side in sides]
        if min(sides) < 1:
            raise Unsupported(
                f"conv_maxout_discriminator: found maps of {shape[1]} x {shape[2]} under a kernel of {maps.kernel} "
                f"with padding {maps.padding}, expected at least {maps.kernel - 2 * maps.padding} a side. Give larger "
                "images, fewer `maps`, or take a maxout_discriminator."
            )
        convolution = MaxoutConv(channels, maps.channels, maps.pieces, kernel=maps.kernel, padding=maps.padding)
        uniform_(convolution.convolution, self.irange)
        pool = min(maps.pool, *sides)
        pooled = (math.ceil((side - pool) / maps.stride) + 1 for side in sides)
        return convolution, nn.MaxPool2d(pool, maps.stride, ceil_mode=True), (maps.channels, *pooled)


def _dense(width: int, units: int, activation: str, *, irange: float, bias: float = 0.0) -> tuple[nn.Linear, nn.Module]:
    linear = uniform_(nn.Linear(width, units), irange)
    nn.init.constant_(linear.bias, bias)
    return linear, ACTIVATIONS[activation]()


def _maxout_head(width: int, units: tuple[int, ...], pieces: int, *, irange: float, dropout: float) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for count in units:
        maxout = Maxout(width, count, pieces)
        uniform_(maxout.linear, irange)
        layers += [maxout, Dropout(dropout)]
        width = count
    return [*layers, uniform_(nn.Linear(width, 1), irange), nn.Flatten(0)]


@torch.no_grad()
def _sigmoid_from_marginals(output: nn.Linear, mean: Tensor) -> nn.Sigmoid:
    # init_sigmoid_bias_from_marginals: pixels that are always dark start at logit(1e-7) = -16.1
    # (on the meta device there are no numbers, and the first clamp there loads eight hundred modules)
    if not output.bias.is_meta:
        output.bias.copy_(mean.flatten().clamp(1e-7, 1 - 1e-7).logit())
    return nn.Sigmoid()
