"""The card of a shared generator: what it is, in JSON that carries its own SHA-256."""

import hashlib
import json
import reprlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from advnets.errors import Damaged, Unsupported
from advnets.records import parse_record
from advnets.runs.strict_json import parse_strict_json, refuse_extremes

SCHEMA = 2
FORMAT = "advnets-generator"


@dataclass(frozen=True)
class DataCard:
    """Which data something was trained on.

    Attributes:
        name: As in the table of data sets.
        digest: The data's digest.
        shape: Shape of a sample.
        classes: Number of classes, None without labels.
        frequencies: Share of each class in the training split, where labels are given to the networks.
        given_shape: Shape of the images that are given to the networks, where there are any.
    """

    name: str
    digest: str
    shape: tuple[int, ...]
    classes: int | None
    frequencies: tuple[float, ...] | None = None
    given_shape: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Card:
    """What a share file says of its generator.

    Attributes:
        generator: Its row and numbers.
        latent: The prior of z, a row of LATENTS.
        latent_size: Coordinates of z, 0 for no noise.
        transform: A row of TRANSFORMS.
        data: What it was trained on.
        recipe: The recipe that it was trained by.
        step: The step that it was trained to.
        advnets: The version that wrote it.
        below: Rows of layers put before it by later stages, in their order.
        given: What it is given beside z: "labels", "images" or None.
        way: Which of a cycle's generators it is, "" of a game with one.
        half: Whether it is kept in half precision.
        licence: The author's words.
        notes: The author's words.
        report: What `evaluate` measured of that step, if it did.
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


def card_text(card: Card, tensors_sha256: str) -> str:
    """A card in its one spelling, with its SHA-256 and that of the tensors; raises BadInput for what none may hold."""
    body = {"format": FORMAT, "schema": SCHEMA, "tensors_sha256": tensors_sha256, **asdict(card)}
    refuse_extremes(body, "the card")
    return canonical_json({**body, "sha256": hashlib.sha256(canonical_json(body).encode()).hexdigest()})


def card_from(text: str) -> tuple[Card, str]:
    """The card and the SHA-256 of the tensors that `card_text` was given.

    Raises Unsupported for another format or schema, Damaged for a hash that is not the text's, BadInput.
    """
    told = parse_strict_json(text, "the card")
    if told.get("format") != FORMAT:
        raise Unsupported(f"the card is of format {reprlib.repr(told.get('format'))}, expected {FORMAT!r}")
    if type(told.get("schema")) is not int or told["schema"] != SCHEMA:
        raise Unsupported(
            f"the card is of schema {reprlib.repr(told.get('schema'))}, and this advnets reads {SCHEMA}. "
            "Update advnets, or export the run again."
        )
    refuse_extremes(told, "the card")
    body = {name: value for name, value in told.items() if name not in ("format", "schema", "sha256", "tensors_sha256")}
    card, digest = parse_record(Card, body, what="the card"), told.get("tensors_sha256")
    if not isinstance(digest, str) or text != card_text(card, digest):
        raise Damaged("the card's SHA-256 is not its own; the bytes have changed. Fetch the file again.")
    return card, digest


def canonical_json(value: Mapping[str, Any]) -> str:
    """JSON in one spelling: ASCII, without blanks, keys in order."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
