"""CycleGAN: Zhu et al. 2017, "Unpaired image-to-image translation using cycle-consistent adversarial networks".

The maintained port, junyanz/pytorch-CycleGAN-and-pix2pix: least squares, a cycle of weight 10, an identity term of half
as much, pools of 50 fakes, batches of one image, rates that stay for one half of the run and go to 0 in the other. The
weights stand there beside (D(G(a)) - 1)^2. Our least squares are half of it, as Mao et al. have them, so that the same
game has the weights 5 and 2.5; Adam takes up the factor of 2, but for its eps. The discriminators' loss is the port's.
Deviations: in a step of ours the discriminators move first, in the port's the generators; images are read at one size,
where the port draws a crop of 256 of 286 pixels and mirrors it; rates go to 0 with each step, not with each epoch. The
authors' Lua code (junyanz/CycleGAN at 40b4498) has 6 blocks by default, gains in its instance normalisation, four
optimizers, and halves the discriminators' losses in what it prints alone.
"""

from advnets.algorithm import Algorithm1
from advnets.games import CycleRow
from advnets.networks import CycleganDiscriminator, CycleganGenerator
from advnets.optimizers import Adam
from advnets.recipes.recipe import PLAYERS, Average, Budget, Descent, Recipe
from advnets.schedules import LateLinearDecay

cyclegan = Recipe(
    name="cyclegan",
    about="CycleGAN as published: translates images without pairs, there and back; 8 to 256 pixels",
    source="junyanz/pytorch-CycleGAN-and-pix2pix",
    learner=CycleRow(
        generator=CycleganGenerator(),
        discriminator=CycleganDiscriminator(),
        objective="least_squares",
        cycle=5.0,
        identity=2.5,
        pool=50,
    ),
    algorithm=Algorithm1(share_fakes=True),
    descents=dict.fromkeys(PLAYERS, Descent(Adam(betas=(0.5, 0.999)), LateLinearDecay(2e-4))),
    batch_size=1,
    transform="symmetric",
    average=Average(half_life=0.0),
    budget=Budget(minutes=60.0),
)
