"""Layers that networks of several papers are made of.

Inside of the room a file imports only from those before it: per_sample, dense, batch_norm, twice_differentiable,
convolution, upsampled_convolution, resample, residual, same_padding, starting_weights.
"""
