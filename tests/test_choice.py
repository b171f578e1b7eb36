"""The recipe that is chosen for images where none is named, and what is said of it."""

from pathlib import Path

import pytest

import advnets
from advnets.errors import Unsupported
from advnets.games import AdversarialRow
from advnets.recipes import (
    COARSE_BELOW,
    RECIPES,
    Choice,
    DataFacts,
    choose_recipe,
    coarse_below,
    from_json,
    to_json,
)


def choose(images: int, *shape: int, classes: int | None = None, minutes: float | None = None) -> Choice:
    return choose_recipe(DataFacts("photos", images, shape, classes), minutes=minutes)


def row_of(choice: Choice) -> AdversarialRow:
    row = choice.recipe.expect_game_row()
    assert isinstance(row, AdversarialRow)
    return row


def test_few_images_are_moved_and_drawn_in_smaller_batches() -> None:
    few, many = choose(264, 3, 64, 64), choose(4_000, 3, 64, 64)
    assert few.recipe.batch_size < many.recipe.batch_size
    assert row_of(few).augment.parts == ("mirror", "translation")
    assert row_of(many).augment.parts == ("mirror",)


def test_small_grey_images_may_be_letters_and_are_not_mirrored() -> None:
    assert "mirror" not in row_of(choose(60_000, 1, 28, 28)).augment.parts
    assert "mirror" in row_of(choose(60_000, 1, 64, 64)).augment.parts
    assert "mirror" in row_of(choose(60_000, 3, 28, 28)).augment.parts


def test_classes_are_trained_on() -> None:
    assert row_of(choose(900, 3, 32, 32, classes=3)).given == "labels"
    assert row_of(choose(900, 3, 32, 32)).given is None
    assert row_of(choose(900, 3, 32, 32, classes=1)).given is None


def test_larger_images_have_narrower_nets() -> None:
    widths = [row_of(choose(900, 3, side, side)).generator.width for side in (32, 64, 128, 256)]  # type: ignore[attr-defined]
    assert widths == sorted(widths, reverse=True)
    assert widths[0] == 2 * widths[2]
    gpu = choose_recipe(DataFacts("photos", 900, (3, 256, 256), None), on_gpu=True)
    assert row_of(gpu).generator.width > widths[0]  # type: ignore[attr-defined]


def test_the_length_is_that_which_is_asked_for() -> None:
    assert choose(900, 3, 32, 32, minutes=5).recipe.budget.minutes == 5
    assert choose(900, 3, 32, 32).recipe.budget.minutes == 30


def test_four_lines_say_what_was_taken_and_why() -> None:
    choice = choose(264, 3, 64, 48)
    assert [line.partition(":")[0] for line in choice.reasons] == ["data", "recipe", "networks", "augmentation"]
    assert "264 training images of 48 x 64, in colour, no classes" in choice.reasons[0]
    assert choice.reasons[3].startswith("augmentation: mirror, translation, for 264 images are few")
    assert from_json(to_json(choice.recipe)) == choice.recipe


@pytest.mark.parametrize("shape", [(3, 300, 300), (3, 7, 7), (2,)])
def test_data_that_no_recipe_is_chosen_for_are_told(shape: tuple[int, ...]) -> None:
    with pytest.raises(Unsupported, match=r"no recipe is named; one is chosen for"):
        choose(100, *shape)


@pytest.mark.parametrize(("images", "expected"), [(1, 2), (2, 2), (24, 24), (32, 32), (999, 32), (1000, 64)])
def test_a_batch_is_no_larger_than_the_folder(images: int, expected: int) -> None:
    chosen = choose_recipe(DataFacts("photos", images, (3, 64, 64), None)).recipe
    assert chosen.batch_size == expected


def test_the_report_of_a_young_run_of_photos_says_how_far_to_train(tmp_path: Path) -> None:
    told = "pictures of photos are coarse below 1,000 steps"
    reports = {}
    for recipe, more in {"dcgan": {"generator.width": 4, "discriminator.width": 4}, "paper-adam": {}}.items():
        run = advnets.train(recipe, data="digits", steps=2, out=str(tmp_path / recipe), **more)
        reports[recipe] = run.evaluate(n=50, measures=("tone",)).markdown()
    assert told in reports["dcgan"]
    assert told not in reports["paper-adam"]
    assert coarse_below(RECIPES["dcgan-classes"]) == COARSE_BELOW
