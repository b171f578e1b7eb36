"""The page of the playground: its games over a WebSocket, and replays of them as one file.

Inside of the room a file imports only from those before it: frames, replay, session, play_page.
"""

from advnets.web.play.play_page import play_page
from advnets.web.play.replay import replay_html

__all__ = ["play_page", "replay_html"]
