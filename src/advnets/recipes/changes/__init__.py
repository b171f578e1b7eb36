"""Other values in a recipe, by a flag of the command or a keyword of Python, in the same words.

Inside of the room a file imports only from those before it: values, value_text, value_objects, names, with_values.
"""

from advnets.recipes.changes.names import ANSWERS, HABITS, SHORT, answer_habit, full_names, keyword_of
from advnets.recipes.changes.value_text import format_typed, format_value
from advnets.recipes.changes.values import NAMES, RecipeValue, recipe_values
from advnets.recipes.changes.with_values import choose_rows, with_values

__all__ = [
    "ANSWERS", "HABITS", "NAMES", "RecipeValue", "SHORT", "answer_habit", "with_values", "choose_rows",
    "format_typed", "format_value", "full_names", "keyword_of", "recipe_values",
]  # fmt: skip
