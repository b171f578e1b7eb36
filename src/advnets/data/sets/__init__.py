"""Data sets by name: one file a set, and where their published files lie."""
