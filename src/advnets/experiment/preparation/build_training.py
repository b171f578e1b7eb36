"""What a run of a recipe trains, built for a data set: a game under an algorithm, or a baseline."""

import torch

from advnets.data import TRANSFORMS, Batches, Dataset
from advnets.errors import BadInput
from advnets.experiment.preparation.game_training import GameTraining, explain_build_errors
from advnets.games import CycleGame, Game
from advnets.networks import NO_CODE, Sizes
from advnets.recipes import Recipe
from advnets.training import Training


def build_training(
    recipe: Recipe,
    dataset: Dataset,
    *,
    seed: int,
    device: torch.device,
    game: Game | CycleGame | None = None,
    capture: bool = False,
) -> Training:
    """Build what a run of the recipe trains; initial weights come from torch's default generator.

    Args:
        recipe: The recipe.
        dataset: The data, whose training split is learnt from.
        seed: Seed of the order of the data.
        device: Where the networks go.
        game: A game of your own, where the recipe leaves the learner to you.
        capture: Whether moves are recorded as CUDA graphs.

    Returns:
        The training, at its first step.

    Raises:
        BadInput: If it cannot be built, if both a learner and a game are given or none, or if a baseline is to be
            captured.
    """
    baseline = recipe.baseline
    if game is not None or baseline is None:
        return build_game_training(recipe, dataset, seed=seed, device=device, game=game, capture=capture)
    if capture:
        raise BadInput(f"--capture: {recipe.name} is a baseline, and only moves of games are recorded. Leave it out.")
    batches = batches_of(recipe, dataset, seed=seed, device=device)
    with explain_build_errors():
        return baseline.training(baseline.build(sizes_of(recipe, dataset)).to(device), batches)


def build_game_training(
    recipe: Recipe,
    dataset: Dataset,
    *,
    seed: int,
    device: torch.device,
    game: Game | CycleGame | None = None,
    capture: bool = False,
) -> GameTraining:
    """Build the training of a game, as `build_training` does; networks of your own are moved to the device.

    Args:
        recipe: The recipe; it trains no baseline.
        dataset: The data, whose training split is learnt from.
        seed: Seed of the order of the data.
        device: Where the networks go.
        game: A game of your own, where the recipe leaves the learner to you.
        capture: Whether moves are recorded as CUDA graphs.

    Returns:
        The training, at its first step.

    Raises:
        BadInput: As `build_training` does, and for a baseline.
    """
    given = getattr(recipe.learner if game is None else game, "given", None)
    sizes, batches = sizes_of(recipe, dataset), batches_of(recipe, dataset, seed=seed, device=device, given=given)
    if game is not None:
        expect_no_learner(recipe)
        for network in game.players.values():
            network.to(device)
        return GameTraining.of(game, batches, recipe, sizes, capture=capture)
    with explain_build_errors():
        built = recipe.expect_game_row().build(sizes, device)
    return GameTraining.of(built, batches, recipe, sizes, capture=capture)


def expect_no_learner(recipe: Recipe) -> None:
    """Raise BadInput for a recipe that names networks, where a game of your own is given beside it."""
    if recipe.learner is not None:
        raise BadInput(
            f"found game= beside the recipe {recipe.name!r}, which names its own networks, objective and latent. Give "
            "one of them: leave the recipe out, or give replace(recipe, learner=None), which keeps its algorithm, "
            "descents, batch size and transform."
        )


def check_stages(recipe: Recipe, dataset: Dataset) -> None:
    """Build the networks of the recipe's later stages on the meta device, where nothing is allocated.

    Args:
        recipe: The recipe.
        dataset: The data that they are sized to.

    Raises:
        BadInput: If one of them cannot be built.
    """
    sizes = sizes_of(recipe, dataset, with_mean=False)
    with explain_build_errors(), torch.device("meta"):
        for stage in recipe.stages:
            for row in (stage.below, stage.discriminator):
                if row is not None and (row is not stage.below or sizes.latent_size):
                    row.build(sizes)


def batches_of(
    recipe: Recipe, dataset: Dataset, *, seed: int, device: torch.device, given: str | None = None
) -> Batches:
    """Return the training samples in batches of the recipe's size, as its networks see them.

    Args:
        recipe: Batch size and transform are read.
        dataset: The data.
        seed: Seed of their order.
        device: Where the batches go.
        given: What the networks are given beside the samples, "labels" or "images"; None as `Batches` has it.

    Returns:
        The batches, at their beginning.

    Raises:
        BadInput: If the batch size is larger than the data, or the data have no labels or images to give or no labels
            to balance.
    """
    forward = TRANSFORMS[recipe.transform if dataset.is_image else "identity"].forward
    return Batches(
        dataset.train,
        batch_size=recipe.batch_size,
        seed=seed,
        transform=forward,
        device=device,
        given=given,
        balanced=recipe.balanced,
    )


def sizes_of(recipe: Recipe, dataset: Dataset, *, with_mean: bool = True) -> Sizes:
    """Return what the recipe's networks are built from.

    Args:
        recipe: Its learner says the latent size, and what is given.
        dataset: The data say the shapes, the classes and the mean.
        with_mean: Whether the mean is computed.

    Returns:
        The sizes.

    Raises:
        BadInput: If the learner is given labels or images, and the data have none, or one class alone.
    """
    given = getattr(recipe.learner, "given", None)
    if given == "labels":
        _expect_classes(recipe, dataset)
    return Sizes(
        shape=dataset.shape,
        latent_size=0 if recipe.learner is None else recipe.learner.latent_size,
        code=getattr(recipe.learner, "code", NO_CODE),
        classes=dataset.classes if given == "labels" else None,
        given_shape=given_shape_of(dataset) if given == "images" else None,
        mean=dataset.mean if with_mean else None,
    )


def _expect_classes(recipe: Recipe, dataset: Dataset) -> None:
    if dataset.classes is not None and dataset.classes > 1:
        return
    one = f"one class, {dataset.class_names[0]!r}" if dataset.class_names else "one class"
    found = "no labels" if dataset.classes is None else f"{one}, which is no class, for nothing else is told from it"
    read, advice = "", "Take labelled data"
    if dataset.survey is not None:
        read = f" ({'; '.join(dataset.survey.layout)})"
        advice = "Put the images of each class into a folder of its own, two folders or more, for one class is no class"
    plain = recipe.name.removesuffix("-classes")
    other = "" if plain == recipe.name else f", or take the recipe {plain}, which needs no labels"
    raise BadInput(
        f"{recipe.name} is given labels: found {found}, in {dataset.name}{read}, expected two classes or more. "
        f"{advice}{other}."
    )


def given_shape_of(dataset: Dataset) -> tuple[int, ...]:
    """Return the shape of the images that are given with a data set's samples. Raises BadInput if there are none."""
    given = dataset.train.given
    if given is None:
        raise BadInput(f"{dataset.name} has no images that are given with its samples; take data that have")
    return tuple(given.shape[1:])
