"""Verbs of the live page, and what opens it beside a training. Each file stands alone."""
