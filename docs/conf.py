"""Sphinx builds the site: `python -m sphinx -W -b html docs build/docs`. All pages but api.md read well unbuilt."""

import importlib.metadata
import re

project = "advnets"
author = copyright = "The advnets authors"
release = version = importlib.metadata.version("advnets")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.napoleon"]
exclude_patterns = ["help"]
html_theme = "furo"
html_title = "advnets"

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
suppress_warnings = ["myst.xref_missing", "misc.highlighting_failure"]

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True


SECTIONS = ("Args:", "Returns:", "Raises:", "Yields:", "Attributes:", "Example:")


def show_formulas(app: object, what: str, name: str, found: object, options: object, lines: list[str]) -> None:
    """Let indented formulas of a docstring's text stand as they are written, and bars be bars."""
    shown: list[str] = []
    in_text, before = True, ""
    for line in lines:
        in_text = in_text and line.strip() not in SECTIONS
        begins = in_text and line.startswith("    ") and not before.strip()
        if begins and not any(one.startswith("    ") for one in shown[-2:]):
            shown += ["::", ""]
        is_formula = in_text and line.startswith("    ")
        shown.append(line if is_formula else re.sub(r"\|(?=[^`]*(?:`[^`]*`[^`]*)*$)", r"\\|", line))
        before = line
    lines[:] = shown


def setup(app: object) -> None:
    """Show formulas before napoleon reads the sections."""
    app.connect("autodoc-process-docstring", show_formulas, priority=100)  # type: ignore[attr-defined]
