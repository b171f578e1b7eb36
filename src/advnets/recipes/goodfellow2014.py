"""Goodfellow et al. 2014, "Generative Adversarial Nets": the paper's text, its released code, and our tuned variant.

Numbers: `mnist.yaml` and `__init__.py` of github.com/goodfeli/adversarial at commit 1720041. The paper names no
training length and the code no end; ours is stated in minutes and steps of our own.
"""

from dataclasses import replace

from advnets.algorithm import Algorithm1, Simultaneous
from advnets.games import AdversarialRow
from advnets.networks import (
    ConvMaxoutDiscriminator,
    DeconvGenerator,
    DenseGenerator,
    LowerLayers,
    Maps,
    MaxoutDiscriminator,
)
from advnets.optimizers import Adam, Momentum, OptimizerRow
from advnets.recipes.recipe import PLAYERS, Average, Budget, Descent, Recipe, Stage
from advnets.schedules import EpochRamp, ExponentialDecay, LinearDecay, Schedule


def _descents(optimizer: OptimizerRow, rate: Schedule) -> dict[str, Descent]:
    """Both players descend alike in these recipes."""
    return dict.fromkeys(PLAYERS, Descent(optimizer, rate))


_momentum = Momentum(EpochRamp(start=0.5, end=0.7, first=1, last=250))

_released = AdversarialRow(
    generator=DenseGenerator(hidden=(1200, 1200), irange=0.05),
    discriminator=MaxoutDiscriminator(units=(240, 240), pieces=5, irange=0.005, dropout=(0.2, 0.5)),
    objective="non_saturating_halved",
)

paper_released = Recipe(
    name="paper-released",
    about="the 2014 code: both players at once, shared z, half D loss, momentum ramp, rate decay",
    source="goodfeli/adversarial @1720041, mnist.yaml",
    learner=_released,
    algorithm=Simultaneous(),
    descents=_descents(_momentum, ExponentialDecay(start=0.1, factor=1.000004, floor=1e-6)),
)

paper = replace(
    paper_released,
    name="paper",
    about="the 2014 text: Algorithm 1 on the minimax value function; --objective non_saturating is its other loss",
    source="arXiv 1406.2661, Algorithm 1; numbers the text leaves out are those of the released code",
    learner=replace(_released, objective="minimax"),
    algorithm=Algorithm1(),
)

_tuned = replace(
    _released,
    generator=DenseGenerator(hidden=(1200, 1200), irange=0.05, batch_norm=True),
    objective="non_saturating",
)

paper_adam = replace(
    paper_released,
    name="paper-adam",
    about="the same nets tuned for minutes, not days: the recipe of the demo and the README",
    source="ours; deviations from paper-released are listed in docs/paper.md",
    learner=_tuned,
    algorithm=Algorithm1(),
    descents=_descents(Adam(betas=(0.5, 0.99)), LinearDecay(start=1e-3)),
    average=Average(half_life=34_600.0),
)

paper_mnist = replace(
    paper_adam,
    name="paper-mnist",
    about="the same nets for MNIST: noise on what D sees, a lower rate, a long moving average of G",
    learner=replace(
        _tuned,
        discriminator=MaxoutDiscriminator(units=(240, 240), pieces=5, irange=0.005, dropout=(0.2, 0.5), noise=0.3),
    ),
    descents=_descents(Adam(betas=(0.5, 0.99)), LinearDecay(start=7e-4)),
    average=Average(half_life=350_000.0, ramp=2.0, averaged_from=0.02),
    budget=Budget(steps=10_000),
)

best_mnist = replace(
    paper_mnist,
    name="best-mnist",
    about="paper-mnist, twice as long, with an average twice as long",
    average=Average(half_life=620_000.0, ramp=2.0, averaged_from=0.02),
    budget=Budget(steps=20_000),
)

_tfd_discriminator = MaxoutDiscriminator(units=(1200, 1200), pieces=5, irange=0.005, dropout=(0.2, 0.5))

paper_tfd = replace(
    paper_released,
    name="paper-tfd",
    about="the 2014 code on TFD: a second stage trains two more layers below the whole generator, against a new D",
    source="goodfeli/adversarial @1720041, tfd_pretrain/pretrain.yaml (50 epochs) and train.yaml (22 epochs)",
    learner=replace(
        _released,
        generator=DenseGenerator(
            hidden=(8000, 8000), activations=("relu", "sigmoid"), irange=0.05, sigmoid_bias=-2.0, sparse=100
        ),
        discriminator=_tfd_discriminator,
        constraints={"generator": {"max_column_norm": 1.9365}, "discriminator": {"max_column_norm": 1.9365}},
    ),
    descents=_descents(_momentum, ExponentialDecay(start=0.05, factor=1.000004, floor=1e-6)),
    budget=Budget(minutes=30.0),
    stages=(
        Stage(
            begins=50 / 72,
            below=LowerLayers(hidden=(8000,), irange=0.05, sigmoid_bias=-2.0),
            discriminator=_tfd_discriminator,
        ),
    ),
)

paper_cifar10_fc = replace(
    paper_released,
    name="paper-cifar10-fc",
    about="the 2014 code on CIFAR-10, dense nets, contrast-normalised images: samples only, no number in the paper",
    source="goodfeli/adversarial @1720041, cifar10_fully_connected.yaml",
    learner=replace(
        _released,
        generator=DenseGenerator(
            hidden=(8000, 8000), activations=("relu", "sigmoid"), irange=0.05, output="linear", output_irange=0.5
        ),
        discriminator=MaxoutDiscriminator(units=(1600, 1600), pieces=5, irange=0.005, dropout=(0.2, 0.5)),
    ),
    descents=_descents(_momentum, ExponentialDecay(start=0.025, factor=1.000004, floor=1e-6)),
    transform="contrast",
    budget=Budget(minutes=30.0),
)

paper_cifar10_conv = replace(
    paper_cifar10_fc,
    name="paper-cifar10-conv",
    about="the 2014 code on CIFAR-10, a deconvolution against maxout convolutions: samples only",
    source="goodfeli/adversarial @1720041, cifar10_convolutional.yaml and deconv.py",
    learner=replace(
        _released,
        generator=DeconvGenerator(hidden=(8000,), maps=80, kernel=5, stride=3, irange=0.05),
        discriminator=ConvMaxoutDiscriminator(
            maps=(
                Maps(channels=32, kernel=8, padding=4, pool=4, stride=2, pieces=2),
                Maps(channels=32, kernel=8, padding=3, pool=4, stride=2, pieces=2),
                Maps(channels=192, kernel=5, padding=3, pool=2, stride=2, pieces=2),
            ),
            units=(500,),
            pieces=5,
            irange=0.005,
            dropout=(0.2, 0.5),
        ),
    ),
    batch_size=128,
    descents=_descents(_momentum, ExponentialDecay(start=0.004, factor=1.000004, floor=1e-6)),
)
