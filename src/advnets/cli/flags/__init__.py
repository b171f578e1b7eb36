"""How a verb's words and flags are read and told.

Inside of the room a file imports only from those before it: help, arguments, recipe_flags.
"""
