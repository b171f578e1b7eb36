"""Data that stay in memory: digits, MNIST, toy mixtures, a user's own .npz, and the batches drawn from them."""

from advnets.data.dataset import Dataset, Split
from advnets.data.digits import load_digits
from advnets.data.mnist import load_mnist


def load(name, data_dir=None):
    return load_digits() if name == "digits" else load_mnist(data_dir)
