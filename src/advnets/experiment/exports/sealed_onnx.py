"""ONNX files that hold a generator's card, by which a change of any bit is noticed.

    model   all fields of an ONNX model but the last; the card holds their SHA-256
    card    one more entry of `metadata_props`: "advnets", and the JSON of a Card with its own SHA-256

Protocol Buffers let fields stand one behind the other, so both together are an ONNX model that any program reads. The
last entry has one spelling only. A SHA-256 tells damage and edits; it is no signature, and says nothing of who wrote
the file. So the graph is looked at too: it has no loops, no branches, no functions and no operators of other domains.
"""

import hashlib
from collections.abc import Iterator

from advnets.errors import BadInput, Damaged, TooBig, Unsupported
from advnets.extractors import external_names, message_fields
from advnets.runs import Card, card_text, parse_card
from advnets.runs.share import LARGEST_HEADER

KEY = b"advnets"
PROPERTIES = 14
"""Number of the field `metadata_props` of a model, in onnx.proto."""
GRAPH, TRAINING, FUNCTIONS = 7, 20, 25
"""Numbers of fields of a model."""
NODE, ATTRIBUTE, DOMAIN = 1, 5, 7
"""Numbers of fields of a graph and of a node."""
SUBGRAPHS = (6, 11)
"""Numbers of the fields of an attribute that hold graphs."""
HINT = "Export the generator again."


def seal(body: bytes, card: Card) -> bytes:
    """Return a model with the card of the generator that it computes.

    Args:
        body: The model without the card.
        card: What the generator is.

    Returns:
        The bytes of the file.

    Raises:
        TooBig: If the card is longer than LARGEST_HEADER bytes.
        BadInput: If it holds what no card may hold.
    """
    text = card_text(card, hashlib.sha256(body).hexdigest())
    if len(text) > LARGEST_HEADER:
        raise TooBig(
            f"found a card of {len(text):,} bytes, expected at most {LARGEST_HEADER:,}. Shorten the licence and the "
            "notes, or move the run's report.json away."
        )
    return body + _entry(text.encode())


def unseal(content: bytes) -> Card:
    """Return the card of a model, after every check of its bytes.

    Args:
        content: The bytes of the file.

    Returns:
        The card.

    Raises:
        Unsupported: If they are no ONNX model, one without a card, one that needs other files, or one with operators
            that no exported generator has.
        TooBig: If the card is too long.
        Damaged: If a byte is not the one that was written.
        BadInput: If the card is none.
    """
    try:
        fields = list(message_fields(memoryview(content)))
        external = external_names(content)
    except ValueError as error:
        raise Unsupported(f"found no whole ONNX model ({error}), expected one that `advnets export` wrote") from error
    text = _card_bytes(fields[-1][1] if fields and fields[-1][0] == PROPERTIES else None)
    entry = _entry(text)
    card, digest = parse_card(_decode(text))
    if not content.endswith(entry):
        raise Damaged(f"the card is not spelled as advnets spells it; the bytes have changed. {HINT}")
    body = memoryview(content)[: len(content) - len(entry)]
    if hashlib.sha256(body).hexdigest() != digest:
        raise Damaged(
            "the SHA-256 of the model is not the card's: another program has changed the file, or it is damaged. "
            f"Other programs may still run it. {HINT}"
        )
    if external:
        raise Unsupported(f"found tensors in the other file {external[0]!r}, expected one file. {HINT}")
    try:
        _expect_straight_line(body)
    except ValueError as error:
        raise Unsupported(f"found an ONNX model whose graph cannot be read ({error}). {HINT}") from error
    return card


def _entry(text: bytes) -> bytes:
    """A field `metadata_props` of a model: the key and a text, each behind its tag and its length."""
    inner = b"\x0a" + _varint(len(KEY)) + KEY + b"\x12" + _varint(len(text)) + text
    return _varint(PROPERTIES << 3 | 2) + _varint(len(inner)) + inner


def _varint(number: int) -> bytes:
    """A whole number as Protocol Buffers spell it: seven bits a byte, the least first."""
    spelled = bytearray()
    while number > 127:
        spelled.append(number & 127 | 128)
        number >>= 7
    return bytes([*spelled, number])


def _card_bytes(entry: memoryview | None) -> bytes:
    """The card's text out of the last field of a model."""
    pair = {} if entry is None else dict(_fields_or_none(entry))
    text = pair.get(2)
    if text is None or bytes(pair.get(1) or b"") != KEY:
        raise Unsupported(
            "found an ONNX model without an advnets card at its end, expected one that `advnets export` wrote. As a "
            "network of features, `advnets evaluate --extractor onnx --weights FILE.onnx` reads any."
        )
    if len(text) > LARGEST_HEADER:
        raise TooBig(f"found a card of {len(text):,} bytes, expected at most {LARGEST_HEADER:,}. {HINT}")
    return bytes(text)


def _fields_or_none(entry: memoryview) -> list[tuple[int, memoryview | None]]:
    try:
        return list(message_fields(entry))
    except ValueError:
        return []


def _decode(text: bytes) -> str:
    try:
        return text.decode("ascii")
    except UnicodeDecodeError as error:
        raise Damaged(f"the card is not ASCII: {error}. {HINT}") from error


def _expect_straight_line(body: memoryview) -> None:
    """Expect a graph that runs each of its operators once, all of them ONNX's own."""
    graphs = 0
    for number, value in message_fields(body):
        if number in (TRAINING, FUNCTIONS):
            raise Unsupported(f"found an ONNX model with functions of its own, expected operators alone. {HINT}")
        if number != GRAPH:
            continue
        graphs += 1
        if value is None or graphs > 1:
            raise BadInput(f"found more than one graph, expected one. {HINT}")
        for node in _messages(value, NODE):
            _expect_plain_node(node)


def _expect_plain_node(node: memoryview) -> None:
    domains = {bytes(domain).decode(errors="replace") for domain in _messages(node, DOMAIN)} - {"", "ai.onnx"}
    if domains:
        raise Unsupported(f"found an operator of the domain {domains.pop()!r}, expected those of ONNX alone. {HINT}")
    if any(list(_messages(attribute, number)) for attribute in _messages(node, ATTRIBUTE) for number in SUBGRAPHS):
        raise Unsupported(f"found a loop or a branch in the graph, expected neither. {HINT}")


def _messages(message: memoryview, wanted: int) -> Iterator[memoryview]:
    """The values of all fields with a number."""
    for number, value in message_fields(message):
        if number == wanted and value is not None:
            yield value
