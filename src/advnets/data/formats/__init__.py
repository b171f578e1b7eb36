"""Readers of file formats. Each checks what a file claims before it believes it.

Inside of the room a file imports only from those before it: idx, mat, mat_subprocess, pickle_reader, tarball,
zip_checks, npz_archive, npz.
"""
