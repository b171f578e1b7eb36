"""The command line: one file a verb, some of them in rooms, and what they read flags by in `flags/`.

Inside of the room a file imports only from those before it: output, flags, console, forecast, publication, tools, live,
compare, data, evaluate, export, figures, helvetica, page, canaries, recipes, sample, translate, table, train, resume,
main. A file that is not named stands alone.
"""
