"""The constraints are projections: inside the set nothing moves, outside they reach its boundary, twice is once."""

import pytest
import torch
from torch import Tensor, nn

from advnets.constraints import CONSTRAINTS, clip_weights, max_column_norm
from advnets.errors import BadInput

every_constraint = pytest.mark.parametrize("name", CONSTRAINTS)


def critic() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 3, 2), nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(27, 5), nn.Linear(5, 1))


def copies(module: nn.Module) -> list[Tensor]:
    return [parameter.detach().clone() for parameter in module.parameters()]


@every_constraint
def test_projection_twice_is_once(name: str) -> None:
    module = critic()
    CONSTRAINTS[name](module, 0.1)
    once = copies(module)
    CONSTRAINTS[name](module, 0.1)
    for now, before in zip(module.parameters(), once, strict=True):
        torch.testing.assert_close(now.detach(), before, rtol=1e-6, atol=0)


@every_constraint
def test_inside_the_set_nothing_moves(name: str) -> None:
    module = critic()
    before = copies(module)
    CONSTRAINTS[name](module, 100.0)
    assert all(torch.equal(now, then) for now, then in zip(module.parameters(), before, strict=True))


@every_constraint
def test_in_place_and_not_differentiated(name: str) -> None:
    """The optimizer's tensors are the ones that move, also in channels_last memory; autograd sees nothing."""
    module = critic().to(memory_format=torch.channels_last)
    addresses, before = [w.data_ptr() for w in module.parameters()], copies(module)
    CONSTRAINTS[name](module, 1e-3)
    assert [w.data_ptr() for w in module.parameters()] == addresses
    assert not torch.equal(module[0].weight, before[0])
    assert all(w.requires_grad and w.is_leaf and w.grad_fn is None for w in module.parameters())


@every_constraint
@pytest.mark.parametrize("bound", [0.0, -1.0, float("nan"), float("inf")])
def test_bad_bounds_are_refused(name: str, bound: float) -> None:
    with pytest.raises(BadInput, match="expected a positive finite number"):
        CONSTRAINTS[name](critic(), bound)


def test_clip_weights() -> None:
    module = critic()
    before = copies(module)
    clip_weights(module, 0.01)
    for now, then in zip(module.parameters(), before, strict=True):
        assert torch.equal(now, then.clip(-0.01, 0.01))


def test_max_column_norm_is_of_the_incoming_weights() -> None:
    """Rows of torch's (out, in), by hand: norm 5 is brought to 1, norm 1/2 stays, a dead unit stays 0."""
    layer = nn.Linear(2, 3)
    layer.weight.data = torch.tensor([[3.0, 4.0], [0.3, 0.4], [0.0, 0.0]])
    layer.bias.data.fill_(9.0)
    max_column_norm(layer, 1.0)
    torch.testing.assert_close(layer.weight.data, torch.tensor([[0.6, 0.8], [0.3, 0.4], [0.0, 0.0]]))
    assert (layer.bias == 9).all()


def test_max_column_norm_agrees_with_pylearn2() -> None:
    """pylearn2, on W of (in, out): W * clip(norm, 0, c) / (1e-7 + norm), norms over axis 0; to its 1e-7."""
    layer = nn.Linear(40, 12)  # 4 maxout units of 3 pieces: each filter has its own norm
    W = layer.weight.detach().clone().T * 5
    layer.weight.data = W.T.clone(memory_format=torch.contiguous_format)
    norms = (W**2).sum(0).sqrt()
    max_column_norm(layer, 2.0)
    torch.testing.assert_close(layer.weight.detach().T, W * norms.clip(0, 2.0) / (1e-7 + norms), rtol=1e-6, atol=1e-6)


def test_max_column_norm_of_a_convolution_is_of_a_whole_kernel() -> None:
    module = critic()
    norms = module[0].weight.flatten(1).norm(dim=1).detach()
    max_column_norm(module, 0.3)
    torch.testing.assert_close(module[0].weight.flatten(1).norm(dim=1).detach(), norms.clip(max=0.3))
    assert (module[1].weight == 1).all()


def test_max_column_norm_of_nothing_is_refused() -> None:
    with pytest.raises(BadInput, match="would do nothing"):
        max_column_norm(nn.BatchNorm1d(3), 1.0)
