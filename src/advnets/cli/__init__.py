"""The command line: one file a verb.

Inside of the room a file imports only from those before it: arguments, console, compare, data, evaluate, export,
figures, helvetica, main, page, canaries, recipes, sample, table, train, resume.
"""
