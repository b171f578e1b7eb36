"""Games: who plays, and what each player wants."""

from advnets.games.game import PRECISIONS, Game, Terms, frozen, judges_one_by_one

__all__ = ["Game", "PRECISIONS", "Terms", "frozen", "judges_one_by_one"]
