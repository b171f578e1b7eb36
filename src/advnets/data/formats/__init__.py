"""Readers of file formats. Each checks what a file claims before it believes it."""
