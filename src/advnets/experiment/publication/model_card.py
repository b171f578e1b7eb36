"""The model card of a generator: a README.md that says what it is, how it was made, how good it is, and what it is not.

Mitchell et al., "Model cards for model reporting" (2019), ask for these parts. Whatever a user or a stranger named is
shown as text: it is neither a mark of Markdown nor a part of the head.
"""

import io
import json
import math
from pathlib import Path

from advnets import runs
from advnets.assessment import Report
from advnets.baselines import BASELINES
from advnets.errors import Damaged
from advnets.experiment.model import Model
from advnets.experiment.opening import SHIPPED
from advnets.experiment.publication.card_head import format_card_head, protocol_text
from advnets.experiment.publication.card_subject import CardSubject, open_subject
from advnets.experiment.run import Run
from advnets.text import escape_lines, escape_markdown, format_code, format_code_block, quote_word, shorten_digests

SHARE_FILE = "model.safetensors"
"""How the share file is called on a hub, and in the commands of a card."""
CARD, PICTURE = "README.md", "samples.png"
SAMPLES = 64
"""Samples in the picture."""
ADVERSARIAL = "The generator of a generative adversarial network (GAN)"
LONGEST = 80
"""Letters of a version."""
FEW_IMAGES = 1000
"""Training images below which a card says that they are few."""


def write_card(source: str | Path | Run | Model, out: str | Path, *, licence: str = "", notes: str = "") -> Path:
    """Write a model card, and the picture of its samples beside it; nothing is overwritten.

    Args:
        source: A run or its folder, a model or its share file, or the name of one that ships.
        out: The card, FILE.md. Samples are drawn into samples.png in the same folder, unless it translates images.
        licence: The licence under which others may use the generator; a share file has its own.
        notes: What else others should know; a share file has its own.

    Returns:
        The path of the card.

    Raises:
        BadInput: If something is at one of the two paths, for another ending, and as `open_subject` does.
        Missing: If nothing is there.
        Damaged: If the report is not as it was written, or cannot be shown.
        CannotWrite: If the disk fails or is full.
    """
    card, picture = Path(out), Path(out).parent / PICTURE
    runs.expect_new(card, ".md", flag="--out")
    subject = open_subject(source, licence=licence, notes=notes)
    content = draw_picture(subject)
    if content is not None:
        runs.expect_new(picture)
    page = format_card(subject).encode()
    if content is not None:
        runs.write_new(picture, content)
    return runs.write_new(card, page)


def draw_picture(subject: CardSubject) -> bytes | None:
    """Return 64 samples of seed 0 as a PNG.

    None for a generator that translates images: its picture would show images of the data, which are perhaps not to be
    published.

    Args:
        subject: What the card tells of.
    """
    if subject.translates:
        return None
    picture = io.BytesIO()
    subject.model.sample(SAMPLES, seed=0).picture().save(picture, "png")
    return picture.getvalue()


def format_card(subject: CardSubject, repository: str | None = None) -> str:
    """Return a model card.

    Args:
        subject: What it tells of.
        repository: Where on a hub the share file will be, as user/name; None if that is not known.

    Returns:
        A page of Markdown with a YAML head.

    Raises:
        Damaged: If the report is not of a form that can be shown.
    """
    parts = [format_card_head(subject), f"# {escape_markdown(_title(subject, repository))}", _what_it_is(subject)]
    parts += [
        _picture(subject),
        _verdict(subject),
        "## Use",
        *_use(subject, repository),
        "## Training",
        _training(subject),
    ]
    parts += ["## Measures", *_measures(subject), "## Limits", _limits(subject), "## Licence", _licence(subject)]
    parts += ["## Every number", *_numbers(subject)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _title(subject: CardSubject, repository: str | None) -> str:
    return (repository or subject.model.name).rsplit("/", 1)[-1].removesuffix(".safetensors")


def _what_it_is(subject: CardSubject) -> str:
    card, data = subject.model.card, subject.model.card.data
    size = "x".join(map(str, data.shape[1:]))
    kind = f"images of {size} pixels and {data.shape[0]} channel{'s' * (data.shape[0] != 1)}"
    kind = kind if len(data.shape) == 3 else f"points of {data.shape[0]} coordinates"
    by = {"labels": " of a class that is asked for", "images": " out of images"}.get(card.given or "", "")
    numbers = sum(parameter.numel() for parameter in subject.model.network.parameters())
    way = f" It is the generator that goes {escape_markdown(card.way)} in its cycle." if card.way else ""
    notes = f"\n\nIts author says:\n\n{format_code_block(card.notes)}" if card.notes else ""
    is_rival = card.generator.get("row") in BASELINES
    what = "A generative model that learnt without a discriminator" if is_rival else ADVERSARIAL
    return (
        f"{what}, with {numbers:,} parameters. It draws {kind}{by}, as they are in the data set "
        f"{escape_markdown(data.name)}.{way} It was trained with advnets {escape_markdown(card.advnets)}.{notes}"
    )


def _picture(subject: CardSubject) -> str:
    if subject.translates:
        return "No picture is shown here, for a translation shows an image of the data."
    return f"![{SAMPLES} samples of seed 0]({PICTURE})\n\nThe first {SAMPLES} samples of seed 0, none of them chosen."


def _verdict(subject: CardSubject) -> str:
    """The sentences that a report begins with; its numbers stand further down, under Measures."""
    return "" if subject.report is None else escape_lines(_sections(subject, subject.report)[0])


def _use(subject: CardSubject, repository: str | None) -> list[str]:
    if subject.record is not None and subject.record.game is not None:
        return [
            "Its networks are its author's own, and no share file holds them. It is used with their code: "
            "`advnets.Run(path, game=game)`."
        ]
    return [
        _what_it_takes(subject, repository),
        format_code_block(_commands(subject, repository)),
        "In Python:",
        format_code_block(_program(subject, repository), "python"),
        "The same seed draws the same samples." if not subject.translates else "",
    ]


def _what_it_takes(subject: CardSubject, repository: str | None) -> str:
    """What is needed to use it: a repository's file, a file that is given by hand, or one that ships."""
    if repository is not None:
        return "With `advnets`, which executes nothing in the file and checks every bit of it:"
    source = subject.model.source
    if source in SHIPPED:
        return "With `advnets`, which brings it along:"
    file = format_code(source) if source else f"of `advnets export RUN --out {SHARE_FILE}`"
    return f"With `advnets` and the file {file}, of which every bit is checked:"


def _commands(subject: CardSubject, repository: str | None) -> str:
    pull, place = _place(subject, repository)
    file = quote_word(place)
    if subject.translates:
        return f"{pull}advnets translate {file} photo.jpg --out translated.png"
    name = _class_name(subject)
    chosen = "" if name is None else f" --class {quote_word(name)}"
    return f"{pull}advnets sample {file} --seed 3{chosen} --out samples.png"


def _place(subject: CardSubject, repository: str | None) -> tuple[str, str]:
    """The command that fetches a repository's share file, and where it is then; without one it is given by hand."""
    if repository is None:
        return "", subject.model.source or SHARE_FILE
    return f"advnets pull {repository} --out generator\n", f"generator/{SHARE_FILE}"


def _program(subject: CardSubject, repository: str | None) -> str:
    file = json.dumps(_place(subject, repository)[1], ensure_ascii=False)
    opened = f"import advnets\n\nmodel = advnets.open_model({file})\n"
    if subject.translates:
        return opened + 'model.translate_files(["photo.jpg"], "translated.png")'
    name = _class_name(subject)
    chosen = "" if name is None else f", given={name!r}"
    return f'{opened}model.sample(16, seed=3{chosen}).save("samples.png")'


def _class_name(subject: CardSubject) -> str | None:
    """A class that can be asked for, by the name that a user gave it; None without classes."""
    card = subject.model.card
    if card.given != "labels":
        return None
    return card.data.class_names[0] if card.data.class_names else "0"


def _training(subject: CardSubject) -> str:
    card, data, source = subject.model.card, subject.model.card.data, subject.recipe_source()
    whence = f" Its numbers come from: {escape_markdown(source)}." if source else ""
    changed = subject.changed_parts()
    other = f" Changed from the recipe of that name: {escape_markdown(', '.join(changed))}." if changed else ""
    classes = "" if data.classes is None else f", in {data.classes:,} classes"
    lines = [
        f"- Recipe: {format_code(card.recipe)}, to step {card.step:,}.{whence}{other}",
        f"- Data: {escape_markdown(data.name)}{classes}. SHA-256 digest of the data: {format_code(data.digest)}.",
        f"- Noise: {card.latent_size:,} coordinates, {escape_markdown(card.latent)}." if card.latent_size else "",
        f"- Pixels: transform {format_code(card.transform)}.",
        *_run_lines(subject),
    ]
    return "\n".join(filter(None, lines))


def _numbers(subject: CardSubject) -> list[str]:
    """The recipe as its file has it; of a share file, which does not hold it, the generator's row."""
    recipe = subject.recipe_json()
    shown, what = (
        (recipe, "The recipe, and the limit of this run")
        if recipe is not None
        else (subject.model.card.generator, "The generator's row")
    )
    return [f"{what}:", format_code_block(json.dumps(shown, indent=1), "json")]


def _run_lines(subject: CardSubject) -> list[str]:
    """What its run was asked, and with what it was computed; nothing of a share file, which does not hold it."""
    if subject.record is None:
        return []
    settings, found = subject.record.settings, subject.environment
    units = {"steps": "up to step {:,}", "minutes": "for {:g} minutes"}
    limits = [words.format(subject.limit[name]) for name, words in units.items() if subject.limit.get(name)]
    threads = [f"{found['threads']} threads"] if "threads" in found else []
    asked = [f"seed {settings.seed}", *limits, f"device {settings.device}", *threads]
    names = {
        "advnets": "advnets",
        "torch": "torch",
        "python": "Python",
        "platform": "operating system",
        "processor": "processor",
        "commit": "commit of advnets",
    }
    versions = [f"{words} {str(found[name])[:LONGEST]}" for name, words in names.items() if found.get(name)]
    lines = [f"- Run: {', '.join(asked)}."] + [f"- Versions: {', '.join(versions)}."] * bool(versions)
    return [escape_markdown(line) for line in lines]


def _measures(subject: CardSubject) -> list[str]:
    report = subject.report
    if report is None:
        return ["Nothing was measured of this step."]
    against = report.against
    right = against.accuracy
    seen = f" The classifier is right on {100 * right:.1f} % of validation images." if right else ""
    head = (
        f"`advnets evaluate` drew {against.samples:,} samples and measured them against {against.held_out:,} "
        f"{escape_markdown(against.split)} and {against.train:,} training images of {escape_markdown(against.data)}. "
        f"Features: {escape_markdown(shorten_digests(against.extractor))}.{seen}"
    )
    told: dict[str, list[str]] = {}
    for name, one in report.measures.items():
        told.setdefault(protocol_text(one.protocol), []).append(name)
    lines = [f"- {escape_markdown(text)}: {escape_markdown(', '.join(names))}." for text, names in told.items()]
    protocols = "\n".join(lines)
    return [head, *map(escape_lines, _sections(subject, report)[1:]), f"What each was measured on:\n\n{protocols}"]


def _sections(subject: CardSubject, report: Report) -> list[str]:
    """The paragraphs of a report, its three sentences first; raises Damaged if they cannot be made."""
    try:
        return report.sections()
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise Damaged(
            f"{subject.model.name}: its report cannot be shown ({type(error).__name__}), expected one that `advnets "
            "evaluate` wrote. Measure again, and export again."
        ) from error


def _say_how_it_was_chosen(subject: CardSubject, report: Report) -> str:
    """What to think of numbers on validation images, by who chose the checkpoint and whether test images were read."""
    by, among = report.against.chosen_by, report.against.chosen_among
    chosen = (
        f"by whose {by} `--keep-best` chose it among {among:,} checkpoints"
        if by
        else "on which it may have been chosen"
    )
    times = "once" if subject.test_readings == 1 else f"{subject.test_readings:,} times"
    read = f"the test split was read {times}" if subject.test_readings else "not on test images"
    if subject.record is None:
        read = "whether test images were read is not told by its file"
    return f"It was measured on validation images, {chosen}; {read}."


def _limits(subject: CardSubject) -> str:
    card, report = subject.model.card, subject.report
    measures = {} if report is None else report.measures
    lines = [
        f"It is one training, stopped at step {card.step:,}. Another seed gives other samples and other numbers.",
        "It draws what its data show, with all that is missing or wrong in them, and nothing else.",
    ]
    if report is None:
        lines += ["How many images it was trained on is not told by its files.", "How good its samples are is unknown."]
    else:
        few = ", which are few: details may be learnt by heart" if report.against.train < FEW_IMAGES else ""
        lines.append(f"It was trained on {report.against.train:,} images{few}.")
    if "copying" not in measures:
        lines.append("Whether samples repeat training images was not tested.")
    if not ({"recall", "coverage"} & set(measures)):
        lines.append("Whether it draws all kinds of its data was not measured.")
    if report is not None and report.against.split == "validation":
        lines.append(_say_how_it_was_chosen(subject, report))
    if any(not math.isfinite(measure.estimate.value) for measure in measures.values()):
        lines.append("Some measures have no finite value.")
    if card.half:
        lines.append("Its numbers are stored in half precision: a pixel may differ by a level or two.")
    return "\n".join(f"- {line}" for line in lines)


def _licence(subject: CardSubject) -> str:
    licence = subject.model.card.licence.strip()
    if licence:
        return (
            f"Its author gives it under this licence: {escape_markdown(licence)}. The data have a licence of their own."
        )
    return "No licence was given. Ask its author before you use it. The data have a licence of their own."
