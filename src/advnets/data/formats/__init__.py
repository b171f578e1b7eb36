"""Readers of file formats. Each checks what a file claims before it believes it.

Inside of the room a file imports only from those before it: zip_checks, npz_archive, npz. A file that is not named
stands alone.
"""
