"""ACGAN: Odena, Olah, Shlens 2017, "Conditional image synthesis with auxiliary classifier GANs".

The paper's appendix A for CIFAR-10, as its followers have it; no code was released. Deviations: no noise is added to
activations, which the paper lists as tried at 0, .1 and .2; z is N(0, 1).
"""

from advnets.algorithm import Algorithm1
from advnets.games import AdversarialRow
from advnets.networks import AcganDiscriminator, AcganGenerator
from advnets.optimizers import Adam
from advnets.recipes.recipe import PLAYERS, Average, Budget, Descent, Recipe

acgan = Recipe(
    name="acgan",
    about="ACGAN as published for CIFAR-10: the discriminator tells the class, and both players are paid for it",
    source="Odena, Olah, Shlens 2017, appendix A",
    learner=AdversarialRow(
        generator=AcganGenerator(),
        discriminator=AcganDiscriminator(),
        objective="non_saturating",
        latent_size=100,
        given="labels",
        ties={player: {"class_heads": 1.0} for player in PLAYERS},
        precision="auto",
    ),
    algorithm=Algorithm1(),
    descents=dict.fromkeys(PLAYERS, Descent(Adam(betas=(0.5, 0.999)), 2e-4)),
    batch_size=100,
    transform="symmetric",
    average=Average(half_life=0.0),
    budget=Budget(minutes=10.0),
)
