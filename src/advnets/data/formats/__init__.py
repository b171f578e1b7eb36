"""Readers of file formats, each of which trusts nothing that a file says of itself."""
