"""Folders and archives of image files, decoded once into a memory-mapped cache."""
