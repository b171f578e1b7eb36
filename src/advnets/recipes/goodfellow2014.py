"""Goodfellow et al. 2014, "Generative Adversarial Nets": the paper's text, its released code, and our tuned variant.

Numbers: `mnist.yaml` and `__init__.py` of github.com/goodfeli/adversarial at commit 1720041. The paper names no
training length and the code no end; ours is stated in minutes and steps of our own.
"""

from dataclasses import replace

from advnets.networks import MaxoutDiscriminator, ReluGenerator
from advnets.recipes.recipe import Recipe
from advnets.schedules import EpochRamp, ExponentialDecay, LinearDecay

paper_released = Recipe(
    name="paper-released",
    about="the 2014 code: both players at once, shared z, half D loss, momentum ramp, rate decay",
    source="goodfeli/adversarial @1720041, mnist.yaml",
    generator=ReluGenerator(hidden=(1200, 1200), irange=0.05),
    discriminator=MaxoutDiscriminator(units=(240, 240), pieces=5, irange=0.005, dropout=(0.2, 0.5)),
    objective="non_saturating_halved",
    algorithm="simultaneous",
    optimizer="momentum",
    generator_rate=ExponentialDecay(start=0.1, factor=1.000004, floor=1e-6),
    discriminator_rate=ExponentialDecay(start=0.1, factor=1.000004, floor=1e-6),
    momentum=EpochRamp(start=0.5, end=0.7, first=1, last=250),
)

paper = replace(
    paper_released,
    name="paper",
    about="the 2014 text: Algorithm 1 on the minimax value function; --objective non_saturating is its other loss",
    source="arXiv 1406.2661, Algorithm 1; numbers the text leaves out are those of the released code",
    objective="minimax",
    algorithm="algorithm1",
)

paper_adam = replace(
    paper_released,
    name="paper-adam",
    about="the same nets tuned for minutes, not days: the recipe of the demo and the README",
    source="ours; deviations from paper-released are listed in docs/paper.md",
    generator=ReluGenerator(hidden=(1200, 1200), irange=0.05, batch_norm=True),
    objective="non_saturating",
    algorithm="algorithm1",
    optimizer="adam",
    betas=(0.5, 0.99),
    generator_rate=LinearDecay(start=1e-3),
    discriminator_rate=LinearDecay(start=1e-3),
    momentum=None,
    ema_half_life=34_600.0,
)
