"""The flags that change a recipe, and the help that shows them."""

import pytest

from advnets.cli import train
from advnets.cli.flags.recipe_flags import choose_typed_rows
from advnets.errors import BadInput
from advnets.games import AdversarialRow, Weight
from advnets.networks import NETWORKS, GeneratorRow
from advnets.recipes import RECIPES, Recipe
from advnets.recipes.changes import NAMES, format_typed, recipe_values, with_values
from advnets.schedules import LinearDecay

NAMED = [pytest.param(recipe, id=name) for name, recipe in RECIPES.items()]


def help_of(name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    monkeypatch.setenv("COLUMNS", "100")
    assert train.main([name, "--help"]) == 0
    return capsys.readouterr().out


def changed(**texts: str | list[str]) -> Recipe:
    asked = {name.replace("__", "."): text for name, text in texts.items()}
    return with_values(RECIPES["paper-adam"], asked, typed=True)


def learner(recipe: Recipe) -> AdversarialRow:
    assert isinstance(recipe.learner, AdversarialRow)
    return recipe.learner


@pytest.mark.parametrize("name", RECIPES)
def test_the_help_fits_90_lines(name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    text = help_of(name, monkeypatch, capsys)
    assert len(text.splitlines()) <= 90
    assert max(map(len, text.splitlines())) <= 100
    assert not {"--name", "--about", "--source"} & set(text.split())


def test_the_help_lists_the_rows_that_a_flag_takes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = " ".join(help_of("paper-adam", monkeypatch, capsys).split())
    assert f"--objective {{{', '.join(NAMES['objective'])}}}" in text
    assert f"--penalty {{{', '.join(NAMES['penalties'])}}}=NUMBER" in text
    assert "--algorithm {algorithm1, simultaneous, extragradient}" in text
    rows = [name.removesuffix("_generator") for name, row in NETWORKS.items() if issubclass(row, GeneratorRow)]
    assert f"--generator {{{', '.join(rows)}}}_generator" in text


@pytest.mark.parametrize("recipe", NAMED)
def test_what_the_help_shows_can_be_typed(recipe: Recipe) -> None:
    flags = recipe_values(recipe)
    assert len({flag.name for flag in flags}) == len(flags)
    for flag in flags:
        text = format_typed(flag)
        texts = [] if text == "none" and flag.is_pair else text.split(", ") if flag.is_pair else text
        assert with_values(recipe, {flag.name: texts}, typed=True) == recipe, flag.name


def test_values_are_typed_as_a_person_would() -> None:
    assert learner(changed(generator__hidden="16,32")).generator.hidden == (16, 32)  # type: ignore[attr-defined]
    assert changed(generator__rate="linear_decay:start=.1").descents["generator"].rate == LinearDecay(0.1)
    assert changed(generator__rate=".1").descents["discriminator"] == changed().descents["discriminator"]
    assert learner(changed(penalty=["r1=10", "r2=3,every=16"])).penalties == {"r1": 10.0, "r2": Weight(3.0, 16)}
    assert changed(penalty=["r1=10", "r1=none"]) == changed()
    bound = learner(changed(constraint=["generator:max_column_norm=1.9"])).constraints
    assert bound == {"generator": {"max_column_norm": 1.9}}


def test_a_row_brings_its_own_numbers() -> None:
    argv = ["--generator.optimizer=rmsprop", "--batch-size", "3"]
    chosen = choose_typed_rows(RECIPES["paper-adam"], argv)
    assert "generator.optimizer.alpha" in {flag.name for flag in recipe_values(chosen)}
    assert chosen.batch_size == 100
    kept = with_values(chosen, {"generator.optimizer": "rmsprop", "generator.optimizer.alpha": ".5"}, typed=True)
    assert kept.descents["generator"].optimizer.alpha == 0.5  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("flag", "text", "message"),
    [
        ("objective", "minmax", "Did you mean 'minimax'?"),
        ("objective", "", "unknown objective ''"),
        ("batch-size", "1e3", "--batch-size is 1000.0; expected a whole number"),
        ("batch-size", "0", "batch_size is 0"),
        ("algorithm", "algoritm1", "Did you mean 'algorithm1'?"),
        ("generator.batch-norm", "yes", "expected true or false"),
        ("generator.hidden", "16,x", "--generator.hidden, item 1 is 'x'; expected a whole number"),
        ("generator.rate", "linear:start=1", "row of --generator.rate"),
        ("generator.rate", "linear_decay:begin=1", "begin"),
        ("penalty", "r1", "--penalty is 'r1'; expected"),
        ("penalty", "r1=strong", "--penalty r1"),
        ("penalty", "r3=1", "unknown penalty 'r3'"),
        ("constraint", "max_column_norm=1", "as in discriminator:clip_weights=0.01"),
        ("constraint", "critic:clip_weights=1", "unknown player 'critic'"),
    ],
)
def test_what_is_no_value_is_refused_by_the_flags_name(flag: str, text: str, message: str) -> None:
    with pytest.raises(BadInput, match=message.replace("?", r"\?").replace("(", r"\(")):
        with_values(RECIPES["paper-adam"], {flag: [text] if flag in ("penalty", "constraint") else text}, typed=True)
