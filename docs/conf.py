"""Sphinx builds the site: `python -m sphinx -W -b html docs build/docs`. The pages read well unbuilt, too."""

from importlib.metadata import version

project = "advnets"
author = copyright = "The advnets authors"
release = version("advnets")

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
