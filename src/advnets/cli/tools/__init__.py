"""Verbs about the installation, and for other programs. Each file stands alone."""
