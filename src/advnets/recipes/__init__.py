"""Recipes: published experiments, one file a paper.

Inside of the room a file imports only from those before it: recipe, changes, bengio, goodfellow2014, cgan, dcgan,
pacgan, infogan, wgan, lsgan, wgan_gp, acgan, sngan, modern, pix2pix, cyclegan, choice.
"""

from advnets.errors import unknown
from advnets.markup import html_card, html_table
from advnets.recipes.acgan import acgan
from advnets.recipes.bengio import dae, dae_walkback, dbn, deep_gsn, stacked_cae
from advnets.recipes.cgan import cgan
from advnets.recipes.choice import COARSE_BELOW, Choice, DataFacts, choose_recipe, coarse_below
from advnets.recipes.cyclegan import cyclegan
from advnets.recipes.dcgan import dcgan, dcgan_classes
from advnets.recipes.goodfellow2014 import (
    best_mnist,
    paper,
    paper_adam,
    paper_cifar10_conv,
    paper_cifar10_fc,
    paper_mnist,
    paper_released,
    paper_tfd,
)
from advnets.recipes.infogan import infogan
from advnets.recipes.lsgan import lsgan
from advnets.recipes.modern import modern, modern_classes, r3gan_cifar10
from advnets.recipes.pacgan import packed
from advnets.recipes.pix2pix import pix2pix
from advnets.recipes.recipe import (
    PLAYERS,
    Average,
    Budget,
    Descent,
    Recipe,
    Stage,
    from_json,
    lower_from_json,
    maker_from_json,
    to_json,
)
from advnets.recipes.sngan import sngan, sngan_classes, sngan_small
from advnets.recipes.wgan import wgan
from advnets.recipes.wgan_gp import wgan_gp, wgan_gp_cifar10

own = Recipe()
"""What a game of your own is trained by, if no recipe is named."""


class RecipeTable(dict[str, Recipe]):
    """Recipes by name, which show themselves as a list."""

    def __repr__(self) -> str:
        return "\n".join(f"{name}: {recipe.about}" for name, recipe in self.items())

    def _repr_html_(self) -> str:
        return html_card("Recipes", html_table((name, recipe.about) for name, recipe in self.items()))


RECIPES: dict[str, Recipe] = RecipeTable(
    (recipe.name, recipe)
    for recipe in (
        paper,
        paper_released,
        paper_adam,
        paper_mnist,
        best_mnist,
        paper_tfd,
        paper_cifar10_fc,
        paper_cifar10_conv,
        dbn,
        stacked_cae,
        dae,
        dae_walkback,
        deep_gsn,
        cgan,
        dcgan,
        dcgan_classes,
        packed,
        infogan,
        wgan,
        lsgan,
        wgan_gp,
        wgan_gp_cifar10,
        acgan,
        sngan,
        sngan_classes,
        sngan_small,
        modern,
        modern_classes,
        r3gan_cifar10,
        pix2pix,
        cyclegan,
    )
)


def find(name: str) -> Recipe:
    """Return the recipe of that name.

    Args:
        name: A key of RECIPES.

    Returns:
        The recipe.

    Raises:
        BadInput: If there is none, with the nearest name.
    """
    if name not in RECIPES:
        raise unknown("recipe", name, RECIPES)
    return RECIPES[name]


__all__ = [
    "Average", "Budget", "COARSE_BELOW", "Choice", "DataFacts", "Descent", "PLAYERS", "RECIPES", "Recipe", "Stage",
    "acgan", "best_mnist", "cgan", "choose_recipe", "coarse_below", "cyclegan", "dae", "dae_walkback", "dbn",
    "dcgan", "dcgan_classes", "deep_gsn", "find", "from_json", "infogan", "lower_from_json", "lsgan",
    "maker_from_json", "modern", "modern_classes", "own", "packed", "paper", "paper_adam", "paper_cifar10_conv",
    "paper_cifar10_fc", "paper_mnist", "paper_released", "paper_tfd", "pix2pix", "r3gan_cifar10", "sngan",
    "sngan_classes", "sngan_small", "stacked_cae", "to_json", "wgan", "wgan_gp", "wgan_gp_cifar10",
]  # fmt: skip
