"""The card of a shared generator: it says what the generator is, in JSON that carries its own SHA-256."""

import difflib
import hashlib
import json
import reprlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from advnets.errors import BadInput, Damaged, Unsupported
from advnets.networks import NO_CODE, Code
from advnets.records import parse_record
from advnets.runs.strict_json import parse_strict_json, refuse_extremes

SCHEMA = 4
FORMAT = "advnets-generator"
LISTED = 20
"""Names of classes that an error lists."""
LONGEST_NUMBER = 20


@dataclass(frozen=True)
class DataCard:
    """Which data a generator was trained on.

    Attributes:
        name: Name of the data set.
        digest: Its `Dataset.digest`.
        shape: Shape of one sample.
        classes: Number of its classes, None for data without labels.
        frequencies: Share of each class in the training split, where labels are given to the networks.
        given_shape: Shape of the images that are given to the networks, where there are any.
        class_names: Names of the classes, where labels are given to the networks and the classes have names.
    """

    name: str
    digest: str
    shape: tuple[int, ...]
    classes: int | None
    frequencies: tuple[float, ...] | None = None
    given_shape: tuple[int, ...] | None = None
    class_names: tuple[str, ...] | None = None

    def label_of(self, name: str) -> int:
        """Return the number of a class.

        Args:
            name: Its name; or its number in digits, where no class has that name.

        Returns:
            The number, 0 .. classes - 1.

        Raises:
            BadInput: If there is no such class; with the nearest name.
        """
        names, classes = self.class_names or (), self.classes or 0
        if name in names:
            return names.index(name)
        if name.isascii() and name.isdigit() and len(name) < LONGEST_NUMBER and int(name) < classes:
            return int(name)
        found, numbers = reprlib.repr(name), f"the numbers 0 to {classes - 1}"
        if not names:
            raise BadInput(
                f"found class {found}, expected one of {numbers}, for the classes of {self.name} are unnamed"
            )
        near = difflib.get_close_matches(name, names, n=1)
        shown = ", ".join([*names[:LISTED], *([f"{len(names) - LISTED:,} more"] if len(names) > LISTED else [])])
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise BadInput(f"found class {found}, expected one of {shown}, or of {numbers}.{hint}")


@dataclass(frozen=True)
class Card:
    """What a share file says of its generator.

    Attributes:
        generator: Name of its row, and the row's numbers.
        latent: Distribution of z, a row of LATENTS.
        latent_size: Width of z.
        code: What the last coordinates of z are.
        transform: How samples become pixels, a row of TRANSFORMS.
        data: The data that it was trained on.
        recipe: Name of the recipe that it was trained by.
        step: Step of the training that it is of.
        advnets: Version of advnets that wrote the file.
        below: Rows of the layers that later stages put before it, in their order.
        given: What it is given beside z: "labels", "images" or None.
        way: Which of a cycle's generators it is, "" of a game with one.
        half: Whether the tensors are stored in half precision.
        licence: The author's licence.
        notes: The author's notes.
        report: What `evaluate` measured of that step, None if it did not.
    """

    generator: Mapping[str, Any]
    latent: str
    latent_size: int
    transform: str
    data: DataCard
    recipe: str
    step: int
    advnets: str
    below: tuple[Mapping[str, Any], ...] = ()
    given: str | None = None
    way: str = ""
    half: bool = False
    licence: str = ""
    notes: str = ""
    report: Mapping[str, Any] | None = None
    code: Code = NO_CODE


def card_text(card: Card, tensors_sha256: str) -> str:
    """Return a card in its one spelling, with its own SHA-256 and that of the tensors.

    Args:
        card: The card.
        tensors_sha256: SHA-256 of the bytes of the tensors.

    Returns:
        The JSON text.

    Raises:
        BadInput: If the card holds texts or numbers that no card may hold.
    """
    body = {"format": FORMAT, "schema": SCHEMA, "tensors_sha256": tensors_sha256, **asdict(card)}
    refuse_extremes(body, "the card")
    return canonical_json({**body, "sha256": hashlib.sha256(canonical_json(body).encode()).hexdigest()})


def parse_card(text: str) -> tuple[Card, str]:
    """Return what `card_text` was given.

    Args:
        text: The JSON text of a card.

    Returns:
        The card, and the SHA-256 of the tensors.

    Raises:
        Unsupported: If the text is of another format or schema.
        Damaged: If it is not JSON, or its SHA-256 is not its own.
        BadInput: If it holds other fields than a card, or values that no card may hold.
    """
    found = parse_strict_json(text, "the card")
    if found.get("format") != FORMAT:
        raise Unsupported(f"the card is of format {reprlib.repr(found.get('format'))}, expected {FORMAT!r}")
    if type(found.get("schema")) is not int or found["schema"] != SCHEMA:
        raise Unsupported(
            f"the card is of schema {reprlib.repr(found.get('schema'))}, and this advnets reads {SCHEMA}. "
            "Update advnets, or export the run again."
        )
    refuse_extremes(found, "the card")
    body = {
        name: value for name, value in found.items() if name not in ("format", "schema", "sha256", "tensors_sha256")
    }
    card, digest = parse_record(Card, body, what="the card"), found.get("tensors_sha256")
    if not isinstance(digest, str) or text != card_text(card, digest):
        raise Damaged("the card's SHA-256 is not its own; the bytes have changed. Fetch the file again.")
    return card, digest


def canonical_json(value: Mapping[str, Any]) -> str:
    """Return JSON in its one spelling: ASCII, without blanks, and with the keys in order.

    Args:
        value: The object.

    Returns:
        The text.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
