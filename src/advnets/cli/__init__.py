"""The command line: one file a verb.

Inside of the room a file imports only from those before it: console, help, arguments, compare, data, evaluate, export,
figures, helvetica, main, page, canaries, recipe_flags, recipes, sample, table, train, resume.
"""
