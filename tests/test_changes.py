"""One thing changed, in the same words by flags and by keywords: names and objects alike, wrong ones refused."""

from collections.abc import Mapping
from dataclasses import fields, replace
from os import PathLike
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
import pytest

import advnets
from advnets.assessment import EvaluationPlan, plan
from advnets.cli import train as command
from advnets.cli.flags.help import lines_of
from advnets.cli.flags.recipe_flags import choose_typed_rows, spell_out
from advnets.errors import BadInput
from advnets.experiment import Settings
from advnets.experiment.keywords import RecipeKeywords, SettingsKeywords, ShortKeywords, TrainKeywords
from advnets.experiment.model import Model
from advnets.experiment.sampling.plan import SampleKeywords
from advnets.games import AdversarialRow
from advnets.recipes import RECIPES, Recipe
from advnets.recipes.changes import ANSWERS, HABITS, SHORT, full_names, keyword_of, recipe_values, with_values

FLAGS = [word.removeprefix("--") for line in lines_of(command.TrainFlags).values() for word in line.spelling.split()]


def typed(*argv: str, recipe: str = "paper-adam") -> Recipe:
    """The recipe that a command would train."""
    chosen = choose_typed_rows(RECIPES[recipe], argv)
    _, given = command.parse_with_recipe(chosen, argv, verb="train")
    return with_values(chosen, given, typed=True)


@pytest.mark.parametrize(
    ("keywords", "argv"),
    [
        ({"objective": "minimax"}, ["--objective", "minimax"]),
        ({"objective": advnets.minimax, "k": 3}, ["--objective=minimax", "--k", "3"]),
        ({"generator_rate": 0.1}, ["--generator.rate", ".1"]),
        ({"generator_rate": advnets.LinearDecay(0.1)}, ["--generator.rate", "linear_decay:start=.1"]),
        ({"generator_rate": "linear_decay:start=.1"}, ["--generator.rate", "linear_decay:start=.1"]),
        ({"lr": np.float64(0.1)}, ["--lr", ".1"]),
        ({"lr": 0.1, "generator_rate": 0.2}, ["--generator.rate", ".2", "--lr=.1"]),
        ({"learning_rate": 0.1, "batch": 8, "nz": 5}, ["--learning-rate", ".1", "--batch", "8", "--nz", "5"]),
        ({"optimizer": advnets.RMSprop, "generator_optimizer_alpha": 0.5},
         ["--optimizer", "rmsprop", "--generator.optimizer.alpha", ".5"]),
        ({"optimizer": advnets.Adam(betas=(0.0, 0.9))}, ["--betas", "0,.9"]),
        ({"generator": "dcgan_generator", "generator_width": 8}, ["--generator", "dcgan_generator", "--width", "8"]),
        ({"latent": advnets.uniform, "latent_size": 7}, ["--latent", "uniform", "--latent-size", "7"]),
        ({"penalty": {advnets.r1: 10, "r2": advnets.Weight(3.0, every=16)}},
         ["--penalty", "r1=10", "--penalty", "r2=3,every=16"]),
        ({"penalty": "r1=10"}, ["--penalty", "r1=10"]),
        ({"constraint": {"generator": {advnets.max_column_norm: 1.9}}},
         ["--constraint", "generator:max_column_norm=1.9"]),
        ({"augment_parts": ["mirror", "cutout"]}, ["--augment.parts", "mirror,cutout"]),
        ({"algorithm": advnets.Simultaneous()}, ["--algorithm", "simultaneous"]),
    ],
)  # fmt: skip
def test_a_keyword_does_what_its_flag_does(keywords: dict[str, Any], argv: list[str]) -> None:
    changed = advnets.change_recipe("paper-adam", **keywords)
    assert changed == typed(*argv)
    assert changed != RECIPES["paper-adam"]


@pytest.mark.parametrize("name", RECIPES)
def test_every_value_is_a_keyword_that_editors_know(name: str) -> None:
    recipe = RECIPES[name]
    rows = [(value.name, row) for value in recipe_values(recipe) if "optimizer" in value.name for row in value.names]
    hints = get_type_hints(RecipeKeywords)
    for changed in (recipe, *(with_values(recipe, {flag: row}) for flag, row in rows if flag.endswith("optimizer"))):
        values = recipe_values(changed)
        assert {keyword_of(value.name) for value in values} - {"given"} <= set(hints)
        assert len({keyword_of(value.name) for value in values}) == len(values)
        for value in values:
            assert full_names(keyword_of(value.name), values) == full_names(value.name, values) == (value.name,)
            assert with_values(changed, {keyword_of(value.name): value.value}) == changed, value.name


def test_keywords_are_no_others_than_values_and_settings() -> None:
    all_values = [recipe_values(recipe) for recipe in RECIPES.values()]
    controlled = with_values(RECIPES["paper-adam"], {"augment_controller": "real_signs", "optimizer": "rmsprop"})
    all_values.append(recipe_values(controlled))
    all_values += [
        recipe_values(with_values(RECIPES["deep-gsn"], {"optimizer": row})) for row in ("rmsprop", "momentum")
    ]
    for name in get_type_hints(RecipeKeywords):
        assert any(full_names(name, values) for values in all_values), name
    assert set(get_type_hints(ShortKeywords)) == {keyword_of(name) for name in SHORT}
    assert set(get_type_hints(TrainKeywords)) == {*get_type_hints(SettingsKeywords), *get_type_hints(RecipeKeywords)}
    assert not set(get_type_hints(SettingsKeywords)) & set(get_type_hints(RecipeKeywords))


@pytest.mark.parametrize(
    ("keywords", "kind"),
    [(SettingsKeywords, Settings), (plan.EvaluationKeywords, EvaluationPlan)],
)
def test_typed_keywords_are_the_fields_of_their_dataclass(keywords: type, kind: type) -> None:
    hints = get_type_hints(keywords)
    expected = get_type_hints(kind)
    assert set(hints) == {spec.name for spec in fields(kind)} - {"data"}  # type: ignore[arg-type]
    paths = dict.fromkeys(("data_dir", "other", "start_from", "out"), str | PathLike[str] | None)
    wider = {**paths, "measures": tuple[str, ...] | str | list[str] | None, "weights": Path | str | None}
    assert {name: hint for name, hint in hints.items() if hint != expected[name]} == {
        name: hint for name, hint in wider.items() if name in hints
    }


def test_typed_keywords_of_samples_are_those_of_the_model() -> None:
    hints = get_type_hints(Model.sample)
    assert get_type_hints(SampleKeywords) == {name: hints[name] for name in hints if name not in ("n", "return")}


def test_habits_lead_to_what_there_is() -> None:
    known = {value.name for value in recipe_values(RECIPES["paper-adam"])} | {*FLAGS, *SHORT}
    assert {name: meant for name, meant in HABITS.items() if meant not in known} == {}
    assert not {*HABITS, *ANSWERS} & known
    assert not {*HABITS} & {*ANSWERS}


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--epochs", "3"], "--epochs: a length is counted in steps or minutes.*--steps N"),
        (["--gpus=2"], "torchrun --nproc-per-node N"),
        (["--amp"], "--precision bfloat16"),
        (["--objectiv", "minimax"], "Did you mean '--objective'"),
        (["--lr", ".1", "--rate", ".2"], "both set --discriminator.rate"),
        (["--lr", "fast"], "discriminator.rate"),
        (["--k", "x"], "algorithm.k"),
    ],
)
def test_what_a_flag_of_habit_cannot_do_is_answered_in_one_line(argv: list[str], message: str) -> None:
    with pytest.raises(BadInput, match=message) as found:
        typed(*argv)
    assert "\n" not in str(found.value)


def test_a_short_name_that_a_recipe_lacks_is_refused() -> None:
    with pytest.raises(BadInput, match="--k: the recipe has no value of that name"):
        typed("--k", "3", recipe="dae")
    assert typed("--lr", ".1", recipe="deep-gsn") != RECIPES["deep-gsn"]


def test_settings_of_habit_are_spelled_out() -> None:
    flags = [f"--{name}" for name in FLAGS]
    assert spell_out(["--iterations", "5", "--dataset=digits"], RECIPES["paper-adam"], flags) == [
        "--steps=5", "--data=digits"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"objectiv": "minimax"}, "unknown keyword 'objectiv'. Did you mean 'objective'"),
        ({"objective": "minmax"}, "unknown objective 'minmax'. Did you mean 'minimax'"),
        ({"objective": advnets.r1}, "objective is r1; expected minimax, non_saturating"),
        ({"objective": lambda a, b: a}, "a game of your own"),
        ({"epochs": 3}, "steps=N"),
        ({"gpus": 2}, "torchrun"),
        ({"k": 0}, "k is 0; expected a whole number"),
        ({"generator": 3}, "generator is 3; expected one of dense_generator"),
        ({"optimizer": 3}, "or a function: parameters -> optimizer"),
        ({"betas": 0.5}, "betas is 0.5; expected a list"),
        ({"lr": 0.1, "rate": 0.2}, "Leave one out"),
        ({"penalty": advnets.r1}, "expected a dict {row: number}"),
        ({"penalty": {"r9": 1}}, "unknown penalty 'r9'"),
        ({"constraint": {"generator": 1.9}}, "for a player"),
        ({"batch_size": 2.5}, "expected a whole number"),
        ({"latent": 64}, "latent is 64; expected gaussian, uniform"),
    ],
)
def test_wrong_keywords_are_refused_before_anything_is_written(
    keywords: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(BadInput, match=message.replace("{", r"\{").replace(")", r"\)")):
        advnets.start("paper-adam", out=str(tmp_path / "run"), steps=1, **keywords)
    assert list(tmp_path.iterdir()) == []


def test_a_run_is_started_with_what_is_asked(tmp_path: Path) -> None:
    narrow: dict[str, Any] = {"generator_hidden": (8,), "discriminator_units": (8,), "batch_size": 8}
    run = advnets.train(
        "paper-adam", objective=advnets.minimax, k=3, generator_rate=0.1, steps=1, out=str(tmp_path / "a"), **narrow
    )
    learner = advnets.Run(run.path).recipe.learner
    assert isinstance(learner, AdversarialRow)
    assert learner.objective == "minimax"
    assert advnets.Run(run.path).recipe.algorithm == advnets.Algorithm1(k=3)
    assert advnets.Run(run.path).recipe.descents["generator"].rate == 0.1
    base = Settings(seed=5, steps=7)
    again = advnets.start(run.recipe, settings=base, iterations=2, out=str(tmp_path / "b"))
    assert (again.settings.seed, again.settings.steps) == (5, 2)


def test_a_recipe_of_a_game_of_ones_own_takes_what_is_no_games(tmp_path: Path) -> None:
    own = advnets.change_recipe(replace(RECIPES["paper-adam"], learner=None), lr=0.5, batch_size=8)
    assert {descent.rate for descent in own.descents.values()} == {0.5}
    with pytest.raises(BadInput, match="Give it to the game"):
        advnets.change_recipe(own, objective="minimax")


def test_the_help_names_the_short_flags(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--help"]) == 0
    text = capsys.readouterr().out
    assert [name for name in SHORT if f"--{name}" not in text] == ["rate"]  # --lr is the same


def test_lr_is_the_rate_of_both_players() -> None:
    both: Mapping[str, Any] = typed("--lr", ".1").descents
    assert {descent.rate for descent in both.values()} == {0.1}
