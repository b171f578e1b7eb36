"""The command line: one file a verb.

Inside of the room a file imports only from those before it: streams, console, help, arguments, compare, data,
evaluate, export, figures, helvetica, page, canaries, recipe_flags, recipes, sample, table, train, resume, main. A file
that is not named stands alone.
"""
