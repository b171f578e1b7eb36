"""Networks of 2014: sizes, starting values, maxout and dropout against what they are defined to be."""

import pytest
import torch

from advnets.errors import BadInput
from advnets.games import AdversarialRow
from advnets.networks import DenseGenerator, Dropout, Maxout, MaxoutDiscriminator, Noise, Sizes
from advnets.recipes import paper
from network_sizes import count


def test_the_papers_nets_have_the_papers_sizes() -> None:
    assert isinstance(paper.learner, AdversarialRow)
    sizes = Sizes((1, 28, 28), 100, mean=torch.full((1, 28, 28), 0.13))
    generator, discriminator = paper.learner.generator.build(sizes), paper.learner.discriminator.build(sizes)
    assert (count(generator), count(discriminator)) == (2_503_984, 1_231_441)
    assert generator(torch.randn(3, 100)).shape == (3, 1, 28, 28)
    assert discriminator(torch.rand(3, 1, 28, 28)).shape == (3,)


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 5, 7), (2,), (1,)])
def test_sizes_adapt_to_the_data(shape: tuple[int, ...]) -> None:
    generator = DenseGenerator(hidden=(6,)).build(Sizes(shape, 4))
    samples = generator(torch.randn(5, 4))
    assert samples.shape == (5, *shape)
    assert MaxoutDiscriminator(units=(3,), pieces=2).build(Sizes(shape))(samples).shape == (5,)


def test_starting_values() -> None:
    mean = torch.tensor([[[0.0, 0.5], [0.25, 1.0]]])
    output = DenseGenerator().build(Sizes((1, 2, 2), 100, mean=mean))[-3]  # type: ignore[index]
    torch.testing.assert_close(output.bias.sigmoid(), mean.flatten().clamp(1e-7, 1 - 1e-7), atol=1e-6, rtol=0)
    assert output.bias[0].item() == pytest.approx(-16.1, abs=0.1)
    assert 0.04 < output.weight.abs().max().item() <= 0.05
    for layer in MaxoutDiscriminator().build(Sizes((1, 28, 28))).modules():
        if isinstance(layer, torch.nn.Linear):
            assert 0.004 < layer.weight.abs().max().item() <= 0.005
            assert layer.bias.abs().max().item() == 0


def test_maxout_is_the_maximum_over_its_pieces() -> None:
    layer, x = Maxout(4, 3, 2), torch.randn(5, 4)
    expected = torch.stack(
        [
            torch.stack([x @ layer.linear.weight[3 * p + u] + layer.linear.bias[3 * p + u] for p in range(2)]).amax(0)
            for u in range(3)
        ],
        dim=1,
    )
    torch.testing.assert_close(layer(x), expected)


@pytest.mark.parametrize("p", [0.2, 0.5, 0.9])
def test_dropout_keeps_the_mean_and_drops_its_share(p: float) -> None:
    torch.manual_seed(0)
    n = 400_000
    y = Dropout(p)(torch.ones(n))
    dropped = float((y == 0).float().mean())
    assert dropped == pytest.approx(p, abs=4 * (p * (1 - p) / n) ** 0.5 + 2**-16)
    assert float(y.max()) == pytest.approx(1 / (1 - p), rel=1e-4)
    pairs = (y.view(-1, 4)[:, :1] == 0) & (y.view(-1, 4)[:, 1:] == 0)
    assert pairs.float().mean(0).tolist() == pytest.approx([p * p] * 3, abs=0.006)


def test_dropout_is_random_by_the_default_generator_and_off_in_evaluation() -> None:
    layer, x = Dropout(0.5), torch.ones(37)
    torch.manual_seed(1)
    first = layer(x)
    torch.manual_seed(1)
    assert torch.equal(layer(x), first)
    assert not torch.equal(layer(x), first)
    assert torch.equal(layer.eval()(x), x)


def test_dropout_differentiates_by_its_mask() -> None:
    x = torch.ones(50, requires_grad=True)
    y = Dropout(0.5)(x)
    y.sum().backward()
    assert torch.equal(x.grad, y.detach())  # type: ignore[arg-type]


def test_maxout_differentiates_once_and_twice() -> None:
    torch.manual_seed(0)
    layer, x = Maxout(4, 3, 5).double(), torch.randn(6, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(layer, x)
    assert torch.autograd.gradgradcheck(layer, x)
    pieces = layer.linear(x).view(6, 5, 3)
    ours, torchs = (
        torch.autograd.grad(h.square().sum(), x, retain_graph=True)[0] for h in (layer(x), pieces.max(1)[0])
    )
    torch.testing.assert_close(ours, torchs)


def test_noise_widens_what_a_discriminator_sees_in_training_only() -> None:
    torch.manual_seed(0)
    layer, x = Noise(0.5), torch.full((200_000,), 0.3)
    seen = layer(x)
    n = len(x)
    assert abs(float(seen.mean()) - 0.3) < 4 * 0.5 / n**0.5
    assert abs(float(seen.var()) / 0.25 - 1) < 4 * (2 / n) ** 0.5
    assert torch.equal(layer.eval()(x), x)
    assert any(isinstance(part, Noise) for part in MaxoutDiscriminator(noise=0.5).build(Sizes((1, 4, 4))).modules())
    assert not any(isinstance(part, Noise) for part in MaxoutDiscriminator().build(Sizes((1, 4, 4))).modules())
    with pytest.raises(BadInput, match="noise is -1"):
        MaxoutDiscriminator(noise=-1.0)
