"""Data sets by name: one file a set, and where their published files lie.

Inside of the room a file imports only from those before it: download, published_files, cifar10, mnist, olivetti, tfd. A
file that is not named stands alone.
"""
