"""The playground: Figure 1 of the paper, and its plane, as games that one plays step by step.

Inside of the room a file imports only from those before it: settings, lessons, link, shapes, players, picture,
history, playground, slow_motion.
"""

from advnets.studies.playground.lessons import LESSONS, Lesson
from advnets.studies.playground.link import Link
from advnets.studies.playground.playground import Playground
from advnets.studies.playground.settings import CONTROLS, Control, Settings

__all__ = ["CONTROLS", "Control", "LESSONS", "Lesson", "Link", "Playground", "Settings"]
