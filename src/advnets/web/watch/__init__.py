"""The page of `advnets watch`: all runs of a folder, live, by reading their files alone.

Inside of the room a file imports only from those before it: worker, folder, judgement, answers, watch_page.
"""

from advnets.web.watch.folder import WatchedFolder
from advnets.web.watch.watch_page import watch_page

__all__ = ["WatchedFolder", "watch_page"]
