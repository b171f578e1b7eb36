"""advnets train RECIPE: a new run."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import tyro

from advnets import distributed, experiment
from advnets.cli import console
from advnets.cli.arguments import parse, print_result, split_words
from advnets.errors import BadInput
from advnets.recipes import RECIPES, Recipe

ABOUT = """Train a recipe on a data set: advnets train RECIPE [--data NAME|PATH] [flags].

RECIPE is a name or the path of a recipe.json; the defaults below are its own. Recipes: {names}."""


@dataclass(frozen=True)
class TrainFlags:
    """What to train, and how."""

    settings: Annotated[experiment.Settings, tyro.conf.arg(name="")]
    recipe: Annotated[Recipe, tyro.conf.arg(name="")]
    dry_run: bool = False
    """Write nothing: tell sizes, parameters, estimated minutes and memory."""
    json: bool = False
    """Print the result as JSON."""


def main(argv: Sequence[str]) -> int:
    """Start a run and train it, or tell what it would take."""
    names, flags = split_words(argv)
    if len(names) > 1:
        raise BadInput(f"found {' '.join(names)!r}; expected one RECIPE, then flags")
    if not names and not {"-h", "--help"} & set(flags):
        raise BadInput(f"no recipe is given; expected: advnets train RECIPE. Recipes: {', '.join(RECIPES)}")
    recipe = experiment.find_recipe(names[0] if names else "paper-adam")
    default = TrainFlags(settings=experiment.Settings(), recipe=recipe)
    about = ABOUT.format(names=", ".join(RECIPES))
    asked = parse(TrainFlags, flags, verb=f"train {names[0] if names else 'RECIPE'}", about=about, default=default)
    if asked.dry_run:
        cost = experiment.dry_run(asked.recipe, settings=asked.settings)
        if distributed.is_rank0():
            print_result(cost.as_dict(), as_json=asked.json, text=str(cost))
        return 0
    run = experiment.start(asked.recipe, settings=asked.settings)
    return follow(run, as_json=asked.json)


def follow(run: experiment.Run, *, as_json: bool, **budget: Any) -> int:
    """Train a run, telling how it goes on standard error, and where it is on standard output; by the first process."""
    distributed.init_process_group()
    notes = distributed.on_rank0(run.notes)
    if not distributed.is_rank0():
        for _ in run.carry_on(**budget):
            pass
        return 0
    told = console.follow(run, run.carry_on(**budget), notes)
    result = {"run": str(run.path), "step": told.step if told else run.step}
    text = f"{run.path}\n  advnets sample {run.path} --out samples.png\n  advnets evaluate {run.path}"
    print_result(result, as_json=as_json, text=text)
    return 0
