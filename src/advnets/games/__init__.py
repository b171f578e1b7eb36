"""Games: who plays, and what each player wants.

Inside of the room a file imports only from those before it: field_checks, playable, pool, ties, weights, sight,
game, cycle, own_code, description, precision, rows.
"""

from advnets.games.cycle import CycleGame
from advnets.games.description import describe_game
from advnets.games.game import Game
from advnets.games.own_code import code_digest, is_own, python_version
from advnets.games.playable import PRECISIONS, Draw, Playable, Terms, frozen_parameters, make, takes_given
from advnets.games.pool import Pool
from advnets.games.precision import AUTO, bfloat16_speedup, describe_speedup, settle_precision
from advnets.games.rows import AdversarialRow, CycleRow, Learner
from advnets.games.sight import pack_samples
from advnets.games.ties import TIES, Tie, View, class_heads, information, l1
from advnets.games.weights import Weight

__all__ = [
    "AUTO",
    "AdversarialRow",
    "CycleGame",
    "CycleRow",
    "Draw",
    "Game",
    "Learner",
    "PRECISIONS",
    "Playable",
    "Pool",
    "TIES",
    "Terms",
    "Tie",
    "View",
    "Weight",
    "bfloat16_speedup",
    "class_heads",
    "code_digest",
    "describe_game",
    "describe_speedup",
    "frozen_parameters",
    "information",
    "is_own",
    "l1",
    "make",
    "pack_samples",
    "python_version",
    "settle_precision",
    "takes_given",
]
