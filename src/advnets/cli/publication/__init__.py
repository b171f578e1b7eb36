"""Verbs by which a generator is given to others and fetched from them. Each file stands alone."""
