"""The page itself: one file of HTML that holds its style, its programs and the generator, and loads nothing."""

import base64
import hashlib
import html
import json
import re
from pathlib import Path
from typing import Any

from advnets import runs
from advnets.errors import Unsupported
from advnets.experiment.model import Model
from advnets.experiment.page_export.directions import principal_directions
from advnets.experiment.page_export.facts import facts_of, measures_of, title_of
from advnets.experiment.page_export.layers import layers_of
from advnets.experiment.page_export.tensors import pack_layers
from advnets.text import escape, quote_word

ASSETS = Path(__file__).parent / "assets"
PROGRAMS = ("mersenne", "forward", "page")
TRANSFORMS = ("unit", "symmetric", "contrast")
"""Those that BACK in forward.js undoes."""


def write_page(path: Path, model: Model) -> tuple[str, ...]:
    """Write the page of a generator, which draws its samples in any browser without a server.

    Args:
        path: FILE.html, which must not be there.
        model: The model; its card says whether weights are rounded to half precision.

    Returns:
        No notes.

    Raises:
        BadInput: If the file is there.
        Unsupported: For generators of points, those that are given images, and those with layers that the page cannot
            run.
    """
    runs.expect_new(path, ".html")
    runs.write_new(path, page_of(model, half=model.card.half, source=model.source or "RUN").encode())
    return ()


def page_of(model: Model, *, half: bool = False, source: str = "RUN") -> str:
    """Return the page of a model.

    Args:
        model: The generator.
        half: Whether weights are rounded to half precision.
        source: How a command names the model: a page is given away, and who opens it may have the run elsewhere.

    Returns:
        The text of the page.

    Raises:
        Unsupported: As `write_page` does.
    """
    _expect_drawable(model)
    layers, tensors = pack_layers(layers_of(model.network), half=half)
    content = {**_content(model, source), "layers": layers}
    texts = {name: (ASSETS / f"{name}.js").read_text("utf-8") for name in PROGRAMS}
    style = (ASSETS / "page.css").read_text("utf-8")
    return _fill(
        (ASSETS / "page.html").read_text("utf-8"),
        {
            "policy": _policy(style, list(texts.values())),
            "title": html.escape(escape(title_of(model.card))),
            "style": style,
            **texts,
            "content": _json(content),
            "tensors": base64.b64encode(tensors).decode(),
        },
    )


def _expect_drawable(model: Model) -> None:
    card = model.card
    if len(card.data.shape) != 3:
        raise Unsupported(
            f"{model.name} draws points of {card.data.shape[0]} numbers, and a page shows images. Use `advnets sample "
            f"{quote_word(model.name)} --out points.png`."
        )
    if card.given == "images" or not card.latent_size:
        raise Unsupported(
            f"{model.name} makes images of given ones, and a page draws from noise alone. Use `advnets translate`."
        )
    if card.transform not in TRANSFORMS:
        raise Unsupported(
            f"{model.name} has the transform {card.transform!r}, expected one of {', '.join(TRANSFORMS)} for a page"
        )


def _content(model: Model, source: str) -> dict[str, Any]:
    """All that the page's programs read, but the layers."""
    card = model.card
    classes = [str(one) for one in card.data.class_names or range(card.data.classes or 0)]
    return {
        "latent": {
            "size": card.latent_size,
            "name": card.latent,
            "categories": card.code.categories,
            "continuous": card.code.continuous,
        },
        "transform": card.transform,
        "shape": list(card.data.shape),
        "classes": classes if card.given == "labels" else [],
        "directions": principal_directions(model).tolist(),
        "source": quote_word(source),
        "title": title_of(card),
        "facts": facts_of(model),
        "measures": measures_of(card),
    }


def _fill(template: str, parts: dict[str, str]) -> str:
    """The template with its parts, in one pass: what stands in a part is not looked into."""
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], template)


def _json(value: Any) -> str:
    r"""JSON within a script element of HTML: ASCII, in which no `<` stands, so that nothing in it ends the element."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text.replace("<", r"\u003c").replace(">", r"\u003e").replace("&", r"\u0026")


def _policy(style: str, scripts: list[str]) -> str:
    """The content security policy: nothing is loaded, and no text runs but the page's own."""
    own = " ".join(map(_digest, scripts))
    return (
        f"default-src 'none'; script-src {own}; style-src {_digest(style)}; worker-src blob:; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    assert "</" not in text.replace("</>", ""), "an end tag would end the element"
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
