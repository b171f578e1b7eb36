"""Measures that look at the pixels of images, where the others look at features: scales, frequencies, tone."""
