"""Whole investigations made of games and runs; each is one function, or a frozen dataclass that the command line fills.

Inside of the room every file may import results_file. A study of several files is a folder.

Inside of the room a file imports only from those before it: results_file, canaries, table, dirac, laws. A file
that is not named stands alone.
"""
