"""A page of a generator: one file of HTML that draws its samples in a browser, and asks nobody for anything.

Inside of the room a file imports only from those before it: layers, tensors, directions, facts, page.
"""

from advnets.experiment.page_export.page import page_of, write_page

__all__ = ["page_of", "write_page"]
