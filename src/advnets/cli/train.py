"""advnets train RECIPE: a new run."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, fields, make_dataclass
from math import ceil
from pathlib import Path
from typing import Annotated, Any

import tyro

from advnets import distributed, experiment
from advnets.cli import console
from advnets.cli.flags.arguments import expect_flags, parse_words, print_result, split_words
from advnets.cli.flags.help import HelpLine, lines_of, render
from advnets.cli.flags.recipe_flags import (
    about_value,
    choose_typed_rows,
    metavar_of,
    spell_out,
    with_typed_values,
)
from advnets.cli.forecast import line_of_cost, notes_of_few_steps
from advnets.cli.live.beside import open_page_beside
from advnets.cli.output import write_error, write_output
from advnets.errors import AdvnetsError, BadInput
from advnets.experiment.own_networks import load_game
from advnets.experiment.settings import settings_from, settle_budget, with_budget
from advnets.process import announce_signals
from advnets.recipes import RECIPES, Recipe, own
from advnets.recipes.changes import RecipeValue, format_typed, recipe_values
from advnets.runs import expect_new_run, read_json
from advnets.text import escape, quote_word

ABOUT = """Train RECIPE, a name that `advnets recipes` lists or a recipe.json; without one, a recipe is chosen for the
images of --data. Numbers are those of {recipe}. A SCHEDULE is a number, or such as linear_decay:start=0.001,end=0. What
stands in brackets has flags too: --generator.hidden 16,16. Of both players: --lr, --optimizer, --betas, --weight-decay,
--width; --k is --algorithm.k."""
GROUPS = {
    "data and first weights": (
        "data", "other", "data_dir", "direction", "seed", "start_from", "game", "image_size", "image_fit",
        "image_alpha", "image_channels", "cache_memory", "verify",
    ),
    "length, device and doctor": ("steps", "minutes", "patience", "device", "capture", "doctor", "on_collapse"),
    "what is written": (
        "out", "journal_steps", "preview_minutes", "preview_steps", "checkpoint_minutes", "checkpoint_steps",
        "keep_best", "dry_run", "json", "watch",
    ),
}  # fmt: skip
LONGER = "(a larger --steps or --minutes trains it longer)"
MORE_MINUTES = 1.25
"""The limit that is proposed for training longer, over the one that the run has."""
GLANCE_SECONDS = 2.0
"""How long steps are timed before a training whose recipe was chosen."""
USUAL = "dcgan"
"""The recipe whose flags are read where one is chosen."""
SHOWN = "paper-adam"
"""The recipe whose numbers the help shows if none is named."""


@dataclass(frozen=True)
class TrainFlags(experiment.Settings):
    """How a run is started.

    Attributes:
        game: Your own game, or a function that returns it.
        dry_run: Write nothing; say what the training would take.
        json: Print the result as JSON.
        watch: Show the run in a browser while it trains.
    """

    direction: Annotated[str | None, tyro.conf.arg(metavar="AtoB|BtoA")] = None
    start_from: Annotated[str | None, tyro.conf.arg(name="from", metavar="FILE|RUN")] = None
    game: Annotated[str | None, tyro.conf.arg(metavar="MODULE:NAME")] = None
    dry_run: bool = False
    json: bool = False
    watch: bool = False


def main(argv: Sequence[str]) -> int:
    """Start a run and train it, or say what it would take.

    Args:
        argv: The words after the verb.

    Returns:
        The exit status.
    """
    names, flags = split_words(argv)
    if len(names) > 1:
        raise BadInput(f"found {' '.join(names)!r}; expected one RECIPE, then flags")
    wants_help = bool({"-h", "--help"} & set(flags))
    if not names and not wants_help and not flags:
        raise BadInput(
            "no recipe and no data are given; expected: advnets train --data FOLDER, for which a recipe is chosen, or "
            f"advnets train RECIPE. Recipes: {', '.join(RECIPES)}"
        )
    if wants_help:
        word = names[0] if names else "[RECIPE]"
        shown = choose_typed_rows(experiment.find_recipe(names[0] if names else SHOWN), flags)
        write_output(_help(word, shown).rstrip())
        return 0
    recipe = experiment.find_recipe(names[0]) if names else own if _has_game(flags) else _choose_recipe(flags)
    recipe = choose_typed_rows(recipe, flags)
    asked, given = parse_with_recipe(recipe, flags, verb=" ".join(["train", *names]))
    recipe = with_typed_values(recipe, given, flags)
    settings, game = settings_of(asked), load_game(asked.game, asked.seed)
    if asked.dry_run:
        if game is not None:
            raise BadInput("--dry-run estimates recipes; found --game. Train some steps: --steps 100")
        cost = experiment.dry_run(recipe, settings=settings)
        if distributed.is_rank0():
            _tell(cost.notes)
            if not names:
                _tell(notes_of_few_steps(cost, with_budget(settings, recipe)))
            print_result(cost.as_dict(), as_json=asked.json, text=str(cost))
        return 0
    run = experiment.start(recipe, game=game, settings=settings)
    with open_page_beside(run.path) if asked.watch and distributed.is_rank0() else nullcontext():
        return follow(run, as_json=asked.json, game=asked.game)


def _has_game(flags: Sequence[str]) -> bool:
    return any(word == "--game" or word.startswith("--game=") for word in flags)


def _choose_recipe(flags: Sequence[str]) -> Recipe:
    """The recipe that is chosen for the data of the flags; the first process says which it is, and why.

    It says too what the recipe will cost, unless a dry run does.
    """
    usual = choose_typed_rows(experiment.find_recipe(USUAL), flags)
    asked, given = parse_with_recipe(usual, flags, verb="train")
    settings = settings_of(asked)
    with_typed_values(usual, given, flags)  # what cannot be is told before the data are read
    if settings.out is not None and not asked.dry_run:
        place = Path(settings.out)
        distributed.on_rank0(lambda: expect_new_run(place))
    dataset = distributed.local_rank0_first(settings.dataset)
    choice = experiment.choose_recipe_for(dataset, settings)
    lines = [*choice.reasons]
    if not asked.dry_run:
        cost = experiment.dry_run(choice.recipe, settings=settings, dataset=dataset, seconds=GLANCE_SECONDS)
        lines += [line_of_cost(cost), *notes_of_few_steps(cost, with_budget(settings, choice.recipe))]
    if distributed.is_rank0():
        _tell(lines)
    return choice.recipe


def _tell(lines: Sequence[str]) -> None:
    for line in lines:
        write_error(escape(line))


def settings_of(asked: TrainFlags) -> experiment.Settings:
    """The settings that the flags ask for."""
    return settings_from({spec.name: getattr(asked, spec.name) for spec in fields(experiment.Settings)})


def parse_with_recipe(recipe: Recipe, argv: Sequence[str], *, verb: str) -> tuple[TrainFlags, dict[str, Any]]:
    """Parse the flags of `train` and those of a recipe.

    Args:
        recipe: The recipe; it decides which flags there are.
        argv: The words after RECIPE.
        verb: The verb and its words, for messages.

    Returns:
        The flags of `train`, and {recipe flag: its text or texts} for those that were typed.

    Raises:
        BadInput: For a flag that is none of them, and for a value that does not fit its flag.
    """
    flags = recipe_values(recipe)
    spellings = [line.spelling for line in lines_of(TrainFlags).values()]
    argv = spell_out(argv, recipe, [word for spelling in spellings for word in spelling.split()])
    expect_flags(argv, [*spellings, *(f"--{flag.name}" for flag in flags)], verb=verb)
    texts = [(f"flag_{place}", *_parser_field(flag)) for place, flag in enumerate(flags)]
    kind = make_dataclass("Flags", [("train", Annotated[TrainFlags, tyro.conf.arg(name="")]), *texts], frozen=True)
    parsed: Any = parse_words(kind, argv, verb=verb, default=kind(TrainFlags()))
    values = {flag.name: getattr(parsed, f"flag_{place}") for place, flag in enumerate(flags)}
    return parsed.train, {name: value for name, value in values.items() if value not in (None, ())}


def _parser_field(flag: RecipeValue) -> tuple[Any, Any]:
    """The type and default of a recipe's flag, as the parser takes it: a text, or several."""
    name = tyro.conf.arg(name=flag.name, metavar=metavar_of(flag))
    if flag.is_pair:
        return Annotated[tyro.conf.UseAppendAction[tuple[str, ...]], name], ()
    return Annotated[str | None, name], None


def _help(word: str, recipe: Recipe) -> str:
    """The help of `train`; a row's numbers stand beside it in brackets, so that all of it fits a screen or two."""
    lines, flags = lines_of(TrainFlags), recipe_values(recipe)
    numbers = {
        row.name: [flag for flag in flags if flag.path[:-1] == row.path and not flag.is_row]
        for row in flags
        if row.is_row
    }
    numbers |= {
        row.name: [flag for flag in flags if flag.path[: len(row.path) - 1] == row.path[:-1] and flag is not row]
        for row in flags
        if row.path[-1] == "parts"
    }
    within = {flag.name for found in numbers.values() for flag in found}
    own = {title: [lines[name] for name in names] for title, names in GROUPS.items()}
    others = [_line(flag, numbers.get(flag.name, [])) for flag in flags if flag.name not in within]
    about = ABOUT.format(recipe=recipe.name)
    return render(f"advnets train {word} [flags]", about, {**own, f"the recipe {recipe.name}": others})


def _line(flag: RecipeValue, numbers: Sequence[RecipeValue]) -> HelpLine:
    """A flag, what the recipe has, and the numbers that belong to it."""
    within = ", ".join(f"{one.name.rpartition('.')[2]} {format_typed(one)}" for one in numbers)
    usual = f"Default: {format_typed(flag)}{f' [{within}]' if within else ''}."
    return HelpLine(f"--{flag.name} {metavar_of(flag)}", f"{about_value(flag)} {usual}")


def _notes_of(run: experiment.Run) -> list[str]:
    """What a training begins by telling; of another game than it was started on nothing, for that is refused."""
    run.record.expect_game(run.game, str(run.path), code=True)
    return run.notes()


def _where_it_stopped(run: experiment.Run, game: str | None) -> str:
    """Where a run is that a signal has ended, and how it goes on."""
    try:
        kept = f"is saved at step {run.step:,}"
    except AdvnetsError:
        kept = "has no checkpoint yet"
    command = f"advnets resume {quote_word(run.path)}{_game_flag(game)}"
    spent, longer = _minutes_of(run)
    return f"run {escape(str(run.path))} {kept}{spent}; go on with: {command} {longer}"


def _minutes_of(run: experiment.Run) -> tuple[str, str]:
    """How many of a run's minutes are spent, if these are its limit, and how it is trained longer."""
    try:
        asked = {**run.settings.as_json(), **settle_budget(run.directory, None, None)}
        limit = with_budget(settings_from(asked), run.recipe).minutes
        spent = float(read_json(run.directory.status_json).get("seconds", 0.0)) / 60
    except (AdvnetsError, TypeError, ValueError):  # a damaged file, of which the next command tells
        return "", LONGER
    if not limit:
        return "", LONGER
    more = max(ceil(MORE_MINUTES * limit), ceil(spent) + 1)
    longer = f"(or train it longer: --minutes {more} counts from the beginning)"
    return f", after {round(spent, 1):g} of {limit:g} minutes", longer


def _game_flag(game: str | None) -> str:
    return "" if game is None else f" --game {quote_word(game)}"


def follow(run: experiment.Run, *, as_json: bool, game: str | None = None, **budget: Any) -> int:
    """Train a run; the first process prints its progress on standard error and its place on standard output.

    Args:
        run: The run.
        as_json: Whether the place is printed as JSON.
        game: The MODULE:NAME of the game of one's own that it plays.
        **budget: A new limit: steps or minutes.

    Returns:
        The exit status.
    """
    distributed.init_process_group()
    notes = distributed.on_rank0(lambda: _notes_of(run))
    if not distributed.is_rank0():
        for _ in run.carry_on(**budget):
            pass
        return 0
    if len(run.record.data.shape) == 3:
        notes = [f"pictures as it learns: {run.path / 'previews'}", *notes]
    try:
        with announce_signals(console.StopNotice()):
            last = console.follow(run, run.carry_on(**budget), notes)
    except (KeyboardInterrupt, SystemExit):
        write_error(_where_it_stopped(run, game))
        raise
    result: dict[str, Any] = {"run": str(run.path), "step": last.step if last else run.step}
    if last is None:  # it was at its limit before
        again = f"advnets resume {quote_word(run.path)}{_game_flag(game)}"
        more = f"{again} --minutes N (or --steps N), all that it has had included"
        write_error(f"run {escape(str(run.path))} is at its limit already, at step {run.step:,}; train on by {more}")
    standing = _standing_findings(run)
    text = "\n".join([escape(str(run.path)), *_next_commands(run, game, standing)])
    if standing:
        result["findings"] = standing
    if run.best is not None:
        result["best"] = run.best.step
    print_result(result, as_json=as_json, text=text, kept=run.path)
    return 0


def _next_commands(run: experiment.Run, game: str | None, standing: Sequence[str]) -> list[str]:
    """What to do with a run that has ended, a command a line, and what stands against it before."""
    is_translation = run.model.card.given == "images"
    path = f"{quote_word(run.path)}{_game_flag(game)}"
    shown = f"translate {path} IMAGE" if is_translation else f"sample {path}"
    lines = []
    if standing:
        lines = [f"The doctor's findings at the end: {', '.join(map(escape, standing))}.", f"  advnets diagnose {path}"]
    lines.append(f"  advnets {shown} --out samples.png")
    if not is_translation:
        lines.append(f"  advnets evaluate {path}")
    if (best := run.best) is not None:
        lines.append(f"The best checkpoint by {best.measure} is that of step {best.step:,}, with {best}:")
        lines.append(f"  advnets {shown} --checkpoint best --out best.png")
    return lines


def _standing_findings(run: experiment.Run) -> list[str]:
    """The names of what the doctor still finds; none where it cannot be read, which the diagnosis tells."""
    try:
        return list(experiment.read_standing_findings(run.directory))
    except AdvnetsError:
        return []
