"""The nets that translate images: pix2pix by pairs, CycleGAN without them.

Inside of the room a file imports only from those before it: pix2pix, cyclegan.
"""
