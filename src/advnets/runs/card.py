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

SCHEMA = 1
FORMAT = "advnets-generator"


@dataclass(frozen=True)
class DataCard:
    """Which data something was trained on.

    name: as in the table of data sets. digest: Dataset.digest. shape: of one sample. classes: None without labels.
    """

    name: str
    digest: str
    shape: tuple[int, ...]
    classes: int | None


@dataclass(frozen=True)
class Card:
    """What a share file says of its generator.

    generator: its row and numbers. below: rows of layers put before it by later stages, in their order.
    latent, latent_size: where z comes from. transform: row of TRANSFORMS.
    data: what it was trained on. recipe, step: by what, and how far. advnets: the version that wrote it.
    half: whether it is kept in half precision. licence, notes: the author's words.
    report: what `evaluate` measured of that step, if it did.
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
