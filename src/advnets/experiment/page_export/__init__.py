"""A page of a generator: one file of HTML that draws its samples in a browser, and asks nobody for anything.

Inside of the room a file imports only from those before it: layers, tensors, directions, facts, page.
"""

from advnets.experiment.page_export.page import export_page, page_of

__all__ = ["export_page", "page_of"]
