"""Saturation, on real MNIST: after 200 of D's moves the minimax loss teaches G almost nothing."""

import torch

from advnets import data
from advnets.studies.saturation import saturation


def test_the_minimax_gradient_vanishes_where_the_non_saturating_does_not(mnist: data.Dataset) -> None:
    torch.set_num_threads(1)
    course = saturation("mnist", last=200, every=100)
    assert course.moves == (0, 100, 200)
    assert 0.9 < course.ratios[0] < 1.1, "at D = 1/2 the two gradients are equal in norm"
    assert course.ratios[-1] <= 0.1
    assert course.non_saturating[-1] > course.minimax[-1]
