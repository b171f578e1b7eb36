"""Convolutions, their transposes and batch normalisation in plain numpy, as oracles of networks."""

import math

import numpy as np
from numpy.typing import NDArray
from torch import nn

Array = NDArray[np.float64]


def transposed_convolution(x: Array, weight: Array, *, stride: int, padding: int | tuple[int, int]) -> Array:
    """Each input pixel adds its kernel, `stride` apart; the borders are cut off, alike or (before, behind)."""
    n, _, h, w = x.shape
    side = weight.shape[2]
    full = np.zeros((n, weight.shape[1], stride * (h - 1) + side, stride * (w - 1) + side))
    for i in range(h):
        for j in range(w):
            patch = np.einsum("nc,cokl->nokl", x[:, :, i, j], weight)
            full[:, :, stride * i : stride * i + side, stride * j : stride * j + side] += patch
    before, behind = (padding, padding) if isinstance(padding, int) else padding
    return full[:, :, before : full.shape[2] - behind, before : full.shape[3] - behind]


def convolution(x: Array, weight: Array, *, stride: int, padding: int | tuple[int, int]) -> Array:
    before, behind = (padding, padding) if isinstance(padding, int) else padding
    x = np.pad(x, ((0, 0), (0, 0), (before, behind), (before, behind)))
    side = weight.shape[2]
    rows, columns = ((length - side) // stride + 1 for length in x.shape[2:])
    y = np.zeros((len(x), len(weight), rows, columns))
    for i in range(rows):
        for j in range(columns):
            patch = x[:, :, stride * i : stride * i + side, stride * j : stride * j + side]
            y[:, :, i, j] = np.einsum("nckl,ockl->no", patch, weight)
    return y


def same(side: int, kernel: int = 5, stride: int = 2) -> tuple[int, int]:
    """Zeros before and behind, of TensorFlow's SAME (its documentation of tf.nn.convolution)."""
    zeros = max((math.ceil(side / stride) - 1) * stride + kernel - side, 0)
    return zeros // 2, zeros - zeros // 2


def normalise(x: Array, gain: Array, bias: Array, eps: float = 1e-5) -> Array:
    """Batch normalisation of maps (n, c, h, w) or of units (n, d)."""
    axes = (0, 2, 3) if x.ndim == 4 else (0,)
    mean, variance = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
    shape = (-1, 1, 1) if x.ndim == 4 else (-1,)
    return (x - mean) / np.sqrt(variance + eps) * gain.reshape(shape) + bias.reshape(shape)


def normalise_images(x: Array, gain: Array | None = None, bias: Array | None = None, eps: float = 1e-5) -> Array:
    """Instance normalisation of maps (n, c, h, w): each map of each image by its own moments."""
    y = (x - x.mean((2, 3), keepdims=True)) / np.sqrt(x.var((2, 3), keepdims=True) + eps)
    return y if gain is None or bias is None else y * gain[:, None, None] + bias[:, None, None]


def reflect(x: Array, margin: int) -> Array:
    """Padding by reflection at the border pixels, which are not repeated."""
    return np.pad(x, ((0, 0), (0, 0), (margin, margin), (margin, margin)), mode="reflect")


def numbers(network: nn.Module) -> list[Array]:
    return [theta.detach().double().numpy() for theta in network.parameters()]


def relu(x: Array) -> Array:
    return np.maximum(x, 0)


def leaky(x: Array, slope: float = 0.2) -> Array:
    return np.where(x > 0, x, slope * x)


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def add_bias(x: Array, bias: Array) -> Array:
    return x + bias[:, None, None]
