"""The models that the 2014 table compares with.

Bengio et al. 2013, "Better mixing via deep representations": DBN, stacked CAE. Bengio et al. 2014, "Deep generative
stochastic networks trainable by backprop": DAE, Deep GSN.

Sizes and lengths behind their numbers are not public, but for the GSN's; ours are chosen on MNIST's validation split.
Lengths are steps, so that a faster machine trains the same model.
"""

from dataclasses import replace

from advnets.baselines import DeepBelief, DeepGsn, DenoisingAutoencoder, StackedContractive
from advnets.recipes.recipe import Budget, Recipe

dbn = Recipe(
    name="dbn",
    about="a deep belief net: two Boltzmann machines, trained in turn; drawn by Gibbs sampling in the upper",
    source="Bengio et al. 2013; sizes and training ours",
    algorithm=None,
    descents={},
    learner=DeepBelief(),
    budget=Budget(steps=5_400),
)

stacked_cae = Recipe(
    name="stacked-cae",
    about="two contractive auto-encoders, trained in turn; drawn by moves along the upper one's tangents",
    source="Rifai et al. 2012, Bengio et al. 2013; sizes and training ours",
    algorithm=None,
    descents={},
    learner=StackedContractive(),
    budget=Budget(steps=5_000),
)

dae_walkback = Recipe(
    name="dae-walkback",
    about="a denoising auto-encoder with walkback: corrupt, reconstruct, draw, and again",
    source="Bengio et al. 2013, Generalized denoising auto-encoders; yaoli/GSN run_dae_walkback.py",
    algorithm=None,
    descents={},
    learner=DenoisingAutoencoder(),
    budget=Budget(steps=4_200),
)

dae = replace(
    dae_walkback,
    name="dae",
    about="a denoising auto-encoder without walkback",
    source="Bengio et al. 2013, Generalized denoising auto-encoders; yaoli/GSN run_dae_no_walkback.py",
    learner=DenoisingAutoencoder(walkbacks=1),
    budget=Budget(steps=13_000),
)

deep_gsn = Recipe(
    name="deep-gsn",
    about="a deep generative stochastic network: walkback, noise inside, tied weights",
    source="Bengio et al. 2014; numbers ours, those of yaoli/GSN are baselines.deep_gsn.published",
    algorithm=None,
    descents={},
    learner=DeepGsn(),
    budget=Budget(steps=5_700),
)
