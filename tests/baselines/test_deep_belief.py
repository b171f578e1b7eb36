"""Boltzmann machines and deep belief nets against exact enumeration: every state of a few bits, by brute force."""

import copy
import itertools
import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from advnets import runs
from advnets.baselines import boltzmann
from advnets.baselines.boltzmann import Boltzmann, Law
from advnets.baselines.deep_belief import BeliefNet, DeepBelief, DeepBeliefTraining, contrast
from advnets.data import TRANSFORMS, Batches, Dataset, Split
from advnets.errors import BadInput, NonFinite, Unsupported
from advnets.metrics import parzen
from advnets.networks import Sizes
from advnets.schedules import Constant, LinearDecay
from advnets.training import Moment


def all_bits(width: int) -> Tensor:
    """Every state of that many bits, (2^width, width)."""
    return torch.tensor(list(itertools.product((0.0, 1.0), repeat=width)), dtype=torch.float64)


def a_machine(visible: int, hidden: int, *, spread: float = 1.0, seed: int = 0) -> Boltzmann:
    rng = torch.Generator().manual_seed(seed)
    machine = Boltzmann(torch.rand(visible, generator=rng), hidden, deviation=0.0).double()
    with torch.no_grad():
        for theta in machine.parameters():
            theta += spread * torch.randn(theta.shape, generator=rng)
    return machine


def joint_log_weights(machine: Boltzmann) -> Tensor:
    """-E(v, h) of every pair of states by loops, as the docstring's centred energy has it, (2^visible, 2^hidden)."""
    w, a, b, mu = (theta.tolist() for theta in (machine.weight, machine.visible_bias, machine.hidden_bias, machine.mu))
    rows = []
    for v in itertools.product((0, 1), repeat=len(a)):
        row = []
        for h in itertools.product((0, 1), repeat=len(b)):
            total = sum(a[i] * (v[i] - mu[i]) for i in range(len(a))) + sum(b[j] * (h[j] - 0.5) for j in range(len(b)))
            total += sum((h[j] - 0.5) * w[j][i] * (v[i] - mu[i]) for i in range(len(a)) for j in range(len(b)))
            row.append(total)
        rows.append(row)
    return torch.tensor(rows, dtype=torch.float64)


def joint(machine: Boltzmann) -> Tensor:
    """p(v, h) of every pair of states."""
    weights = joint_log_weights(machine)
    return (weights - weights.flatten().logsumexp(0)).exp()


def nats(machine: Boltzmann, data: Tensor) -> float:
    """-mean log p(v) of grey data, in float64."""
    double = copy.deepcopy(machine).double().requires_grad_(False)
    return float(negative_log_likelihood(double, data.double() / 255))


def negative_log_likelihood(machine: Boltzmann, data: Tensor) -> Tensor:
    """-mean log p(v) with log Z by enumeration."""
    law = machine.law()
    log_z = torch.logsumexp(-boltzmann.free_energy(law, all_bits(len(law.alpha))), 0)
    return (boltzmann.free_energy(law, data) + log_z).mean()


def test_free_energies_and_conditionals_are_those_of_the_joint_law() -> None:
    machine = a_machine(4, 3)
    p, law, v, h = joint(machine), machine.law(), all_bits(4), all_bits(3)
    by_energy = (-boltzmann.free_energy(law, v)).softmax(0)
    torch.testing.assert_close(by_energy, p.sum(1), rtol=0, atol=1e-12)
    given_v = p @ h / p.sum(1, keepdim=True)
    torch.testing.assert_close(boltzmann.hidden_mean(law, v), given_v, rtol=0, atol=1e-12)
    given_h = p.T @ v / p.sum(0)[:, None]
    torch.testing.assert_close(boltzmann.visible_mean(law, h), given_h, rtol=0, atol=1e-12)


def test_the_contrast_with_exact_samples_descends_the_exact_likelihood() -> None:
    machine, states = a_machine(5, 4, seed=1), all_bits(5)
    data = states[[3, 17, 17, 30]]
    parameters = list(machine.parameters())
    expected = torch.autograd.grad(negative_log_likelihood(machine, data), parameters)
    found = [torch.zeros_like(theta) for theta in parameters]
    for probability, state in zip(joint(machine).sum(1), states, strict=True):
        parts = torch.autograd.grad(contrast(machine.law(), data, state[None]), parameters)
        for total, part in zip(found, parts, strict=True):
            total += probability * part
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-12)


def test_the_gradient_is_that_of_finite_differences_of_the_enumerated_joint() -> None:
    machine, h = a_machine(3, 2, seed=2), 1e-5
    rows = torch.tensor([1, 6, 6])

    def by_loops() -> float:
        return -float(joint(machine).sum(1)[rows].log().mean())

    gradients = torch.autograd.grad(negative_log_likelihood(machine, all_bits(3)[rows]), list(machine.parameters()))
    for theta, gradient in zip(machine.parameters(), gradients, strict=True):
        for index in itertools.product(*map(range, theta.shape)):
            ends = []
            for sign in (1, -1):
                with torch.no_grad():
                    theta[index] += sign * h
                ends.append(by_loops())
                with torch.no_grad():
                    theta[index] -= sign * h
            # central differences are off by h^2 / 6 times a third derivative of order 1, and by 1e-16 / h
            assert (ends[0] - ends[1]) / (2 * h) == pytest.approx(float(gradient[index]), abs=1e-9)


def exact_log_z(law: Law) -> float:
    return float(torch.logsumexp(-boltzmann.free_energy(law, all_bits(len(law.alpha))), 0).detach())


@pytest.mark.parametrize("seed", range(3))
def test_annealed_importance_sampling_finds_log_z(seed: int) -> None:
    torch.manual_seed(seed)
    law = a_machine(8, 6, spread=1.5, seed=seed).law()
    found = boltzmann.log_partition(law, chains=500, betas=torch.linspace(0, 1, 150).tolist(), base=torch.zeros(8))
    assert found.error < 0.06
    assert abs(found.value - exact_log_z(law)) < 4 * found.error
    leap = boltzmann.log_partition(law, chains=500, betas=[0.0, 1.0], base=torch.zeros(8))
    assert leap.error > 3 * found.error
    assert found.notes == {"chains": 500, "temperatures": 150}


def test_annealing_is_exact_where_there_is_nothing_to_anneal() -> None:
    law = Law(torch.zeros(3, 5), torch.randn(5), torch.zeros(3))
    found = boltzmann.log_partition(law, chains=4, betas=[0.0, 0.3, 1.0], base=law.alpha)
    expected = float(torch.nn.functional.softplus(law.alpha.double()).sum()) + 3 * math.log(2)
    assert found.value == pytest.approx(expected, abs=1e-12)
    assert found.error < 1e-12


@pytest.mark.parametrize(("chains", "betas"), [(1, [0.0, 1.0]), (2, [0.0]), (2, [0.0, 0.9]), (2, [0.0, 0.5, 0.5, 1.0])])
def test_other_ways_of_annealing_are_refused(chains: int, betas: list[float]) -> None:
    with pytest.raises(BadInput, match="annealing: found"):
        boltzmann.log_partition(a_machine(3, 2).law(), chains=chains, betas=betas, base=torch.zeros(3))


def chi_squared(draws: Tensor, probabilities: Tensor) -> float:
    """Of how often each state of bits was drawn against how often it should be; its mean is 2^width - 1."""
    places = 2 ** torch.arange(draws.shape[1] - 1, -1, -1, dtype=draws.dtype)
    counts = (draws @ places).long().bincount(minlength=len(probabilities))
    expected = len(draws) * probabilities
    return float(((counts - expected).square() / expected).sum())


def test_gibbs_chains_end_in_the_machines_own_law() -> None:
    torch.manual_seed(0)
    machine = a_machine(3, 4, seed=4)
    law, v = Law(*(number.detach() for number in machine.law())), torch.zeros(100_000, 3, dtype=torch.float64)
    for _ in range(40):
        v = boltzmann.gibbs_step(law, v)
    p = joint(machine).sum(1)
    # of 7 degrees of freedom: above 29.9 once in 10,000 times
    assert chi_squared(v, p) < 29.9
    shifted = Law(law.weight, law.alpha + 0.05, law.beta)
    assert chi_squared(boltzmann.gibbs_step(shifted, v), p) > 29.9


def a_net(hidden: tuple[int, ...], *, burn_in: int) -> BeliefNet:
    """A net of 1x2x2 images with weights of order 1, in float64."""
    torch.manual_seed(5)
    row = DeepBelief(hidden=hidden, burn_in=burn_in, deviation=1.0)
    net = row.build(Sizes((1, 2, 2), row.latent_size, mean=torch.tensor([0.2, 0.4, 0.6, 0.8]).view(1, 2, 2)))
    return net.double().requires_grad_(False)


def law_of_the_state(net: BeliefNet) -> Tensor:
    """The probabilities of every state of the layer that the net's chain lives in."""
    top = net.machines[-1]
    assert isinstance(top, Boltzmann)
    return joint(top).sum(0 if len(net.machines) == 1 else 1)


@pytest.mark.parametrize("hidden", [(3,), (3, 4), (4, 3, 3)])
def test_a_net_emits_the_means_of_its_own_law(hidden: tuple[int, ...]) -> None:
    net, n = a_net(hidden, burn_in=30), 40_000
    p = law_of_the_state(net)
    state = all_bits(int(math.log2(len(p))))
    if len(hidden) == 3:
        below = boltzmann.visible_mean(net.laws()[1], state)
        lower = all_bits(4)
        p = p @ torch.where(lower[None] == 1, below[:, None], 1 - below[:, None]).prod(2)
        state = lower
    pixels = boltzmann.visible_mean(net.laws()[0], state)
    mean = p @ pixels
    deviation = (p @ (pixels - mean).square()).sqrt() / math.sqrt(n)
    emitted = net(torch.randn(n, DeepBelief(hidden=hidden).latent_size, dtype=torch.float64))
    assert emitted.shape == (n, 1, 2, 2)
    z_scores = (emitted.flatten(1).mean(0) - mean) / deviation
    assert float(z_scores.abs().max()) < 4
    # expectations: no more values than states of the layer above, and none of them a bit
    values = emitted.flatten(1).unique(dim=0)
    assert len(values) == len(state)
    assert 0 < float(values.min()) < float(values.max()) < 1
    torch.testing.assert_close(values.sort(0).values, pixels.sort(0).values, rtol=0, atol=1e-12)


@pytest.mark.parametrize("hidden", [(3,), (3, 4)])
def test_chains_begin_where_z_says(hidden: tuple[int, ...]) -> None:
    net, z = a_net(hidden, burn_in=0), torch.randn(6, 3, dtype=torch.float64)
    expected = boltzmann.visible_mean(net.laws()[0], (z > 0).double())
    torch.testing.assert_close(net(z).flatten(1), expected, rtol=0, atol=0)


def test_a_walk_is_the_chain_that_samples_end() -> None:
    net, z = a_net((3, 4), burn_in=3), torch.randn(6, 3, dtype=torch.float64)
    torch.manual_seed(1)
    expected = net(z)
    torch.manual_seed(1)
    walked = list(itertools.islice(net.walk(z), 3))
    assert torch.equal(walked[-1], expected)
    assert not torch.equal(walked[0], walked[1])
    assert net.passes_per_step == 2


BARS = torch.tensor([[255, 255, 0, 0], [0, 0, 255, 255], [255, 0, 255, 0], [0, 255, 0, 255]], dtype=torch.uint8)


def bars(copies: int) -> Split:
    """The four bars of a 2x2 image, each as often."""
    return Split(BARS.repeat(copies, 1).view(-1, 1, 2, 2))


def start_training(row: DeepBelief, split: Split, *, batch_size: int = 20) -> DeepBeliefTraining:
    torch.manual_seed(0)
    mean = split.values.float().mean(0) / 255
    batches = Batches(split, batch_size=batch_size, seed=0, transform=lambda stored: stored.float() / 255)
    return row.training(row.build(Sizes(mean.shape, row.latent_size, mean=mean)), batches)


def teach(training: DeepBeliefTraining, first: int, last: int, *, of: int) -> list[str]:
    """Make the steps from first to last of a run of `of` steps; whose moves they were."""
    players, steps = [], training.steps(first)
    for step in range(first, last):
        training.schedule(Moment(step, training.batches.epoch + 1, step / of))
        players.append(next(steps).moves[0].player)
    return players


def noisy_bars() -> Split:
    """The bars a thousand times, each bit flipped with probability .1, so that no two states are far apart."""
    rng = torch.Generator().manual_seed(0)
    stored = BARS.repeat(500, 1)
    flipped = torch.rand(stored.shape, generator=rng) < 0.1
    return Split(torch.where(flipped, 255 - stored, stored).view(-1, 1, 2, 2))


def entropy(split: Split) -> float:
    """Of the distribution of the images, nats: no machine has a smaller negative log-likelihood."""
    counts = split.values.flatten(1).unique(dim=0, return_counts=True)[1]
    return float(torch.special.entr(counts.double() / len(split)).sum())


@pytest.mark.parametrize("gibbs_steps", [1, 3])
def test_persistent_chains_teach_a_machine_all_there_is_to_know(gibbs_steps: int) -> None:
    split = noisy_bars()
    row = DeepBelief(hidden=(8,), rate=LinearDecay(0.4), deviation=0.3, gibbs_steps=gibbs_steps)
    training, images = start_training(row, split), split.values.flatten(1)
    assert nats(training.machine, images) > entropy(split) + 0.4
    teach(training, 0, 600, of=600)
    assert entropy(split) < nats(training.machine, images) < entropy(split) + 0.015


def test_a_second_layer_learns_what_the_first_makes_of_the_data() -> None:
    split = noisy_bars()
    row = DeepBelief(hidden=(8, 8), rate=LinearDecay(0.4), deviation=0.3, feed_bits=True, burn_in=50)
    training = start_training(row, split)
    players = teach(training, 0, 1200, of=1200)
    assert players == ["layer 1"] * 600 + ["layer 2"] * 600
    torch.manual_seed(0)
    drawn = boltzmann.draw_bits(training.sample(20_000).flatten(1)).double()
    real = split.values.flatten(1).double() / 255
    states = all_bits(4)
    shares = [(torch.cdist(images, states).argmin(1)).bincount(minlength=16) / len(images) for images in (drawn, real)]
    # total variation; of independent bits with the same means it is 0.42
    assert float((shares[0] - shares[1]).abs().sum() / 2) < 0.06


def start_copying(row: DeepBelief) -> DeepBeliefTraining:
    """A training on a machine that copies its bits: its Gibbs steps leave them as they are."""
    training = start_training(row, bars(25))
    with torch.no_grad():
        training.machine.weight.copy_(80 * torch.eye(4))
        training.machine.visible_bias.zero_()
        training.machine.hidden_bias.zero_()
    return training


def test_contrastive_divergence_begins_at_the_data_and_persistent_chains_do_not() -> None:
    row = DeepBelief(hidden=(4,), persistent=False, rate=Constant(1.0), gibbs_steps=2)
    training = start_copying(row)
    teach(training, 0, 5, of=5)
    torch.testing.assert_close(training.machine.weight.detach(), 80 * torch.eye(4), rtol=0, atol=1e-5)
    assert training.chains is None
    training = start_copying(replace(row, persistent=True))
    teach(training, 0, 1, of=5)
    chains = training.chains
    assert chains is not None
    assert float((training.machine.weight.detach() - 80 * torch.eye(4)).abs().max()) > 0.01
    with torch.no_grad():
        training.machine.weight.copy_(80 * torch.eye(4))
        training.machine.visible_bias.zero_()
        training.machine.hidden_bias.zero_()
    teach(training, 1, 2, of=5)
    assert training.chains is not None
    assert torch.equal(training.chains, chains)


@pytest.mark.parametrize("feed_bits", [False, True])
def test_layers_are_fed_means_or_draws(feed_bits: bool) -> None:
    training = start_training(DeepBelief(hidden=(4, 3), feed_bits=feed_bits), bars(25))
    training.layer_progress.layer = 1
    fed = training._encode_below(torch.rand(9, 4))
    assert fed.shape == (9, 4)
    assert bool(((fed == 0) | (fed == 1)).all()) == feed_bits


def test_layers_take_their_shares_one_after_the_other() -> None:
    row = DeepBelief(hidden=(4, 3, 2), shares=(1, 2, 1), rate=LinearDecay(0.1, 0.0), momentum=LinearDecay(0.5, 0.9))
    training = start_training(row, bars(25))
    rates = []
    for step in range(8):
        training.schedule(Moment(step, 1, step / 8))
        group = training.optimizer.param_groups[0]
        rates.append((training.layer_progress.layer, round(group["lr"], 6), round(group["momentum"], 6)))
    assert rates == [
        (0, 0.1, 0.5), (0, 0.05, 0.7),
        (1, 0.1, 0.5), (1, 0.075, 0.6), (1, 0.05, 0.7), (1, 0.025, 0.8),
        (2, 0.1, 0.5), (2, 0.05, 0.7),
    ]  # fmt: skip
    assert training.layer_progress.began == (6, 0)


def test_a_budget_of_few_steps_may_skip_a_layer() -> None:
    training = start_training(DeepBelief(hidden=(4, 3, 2)), bars(25))
    training.schedule(Moment(1, 1, 0.9))
    assert training.layer_progress.layer == 2


def test_layers_below_the_one_that_learns_stay_as_they_are() -> None:
    training = start_training(DeepBelief(hidden=(4, 3), weight_decay=0.1), bars(25))
    teach(training, 0, 5, of=10)
    lower = {name: value.clone() for name, value in training.network.machines[0].state_dict().items()}
    upper = {name: value.clone() for name, value in training.network.machines[1].state_dict().items()}
    teach(training, 5, 10, of=10)
    assert all(torch.equal(value, lower[name]) for name, value in training.network.machines[0].state_dict().items())
    after = training.network.machines[1].state_dict().items()
    changed = {name for name, value in after if not value.equal(upper[name])}
    assert changed == {"weight", "visible_bias", "hidden_bias", "mu"}
    torch.testing.assert_close(training.machine.mu, lower["hidden_bias"].sigmoid())


def test_weight_decay_is_a_loss_of_its_own() -> None:
    training = start_training(DeepBelief(hidden=(4,), weight_decay=0.5, deviation=1.0), bars(25))
    weight = training.machine.weight.detach().clone()
    training.schedule(Moment(0, 1, 0.0))
    readings = next(training.steps(0)).readings()
    assert set(readings) == {"layer 1/contrast", "layer 1/weight decay"}
    assert readings["layer 1/weight decay"] == pytest.approx(0.25 * float(weight.square().sum()), rel=1e-6)


@pytest.mark.parametrize("stop", [3, 6, 8])
@pytest.mark.parametrize("persistent", [True, False])
def test_a_training_resumes_bit_for_bit(stop: int, persistent: bool) -> None:
    row = DeepBelief(hidden=(5, 4), persistent=persistent, feed_bits=True)
    whole = start_training(row, bars(11), batch_size=7)
    torch.manual_seed(9)
    teach(whole, 0, stop, of=12)
    state, random = runs.unpack_state(runs.pack_state(whole.state())), torch.get_rng_state()
    teach(whole, stop, 12, of=12)
    resumed = start_training(row, bars(11), batch_size=7)
    resumed.load(state)
    torch.set_rng_state(random)
    teach(resumed, stop, 12, of=12)
    assert runs.pack_state(resumed.state()) == runs.pack_state(whole.state())


def test_a_state_of_another_net_is_refused() -> None:
    state = start_training(DeepBelief(hidden=(4, 3)), bars(11)).state()
    with pytest.raises(BadInput, match="another net"):
        start_training(DeepBelief(hidden=(4, 5)), bars(11)).load(state)


def test_what_is_not_finite_stops_before_anything_moves() -> None:
    training = start_training(DeepBelief(hidden=(4,)), bars(25))
    with torch.no_grad():
        training.machine.weight[0, 0] = math.nan
    with pytest.raises(NonFinite, match="layer 1 at step 7"):
        next(training.steps(7))


def test_points_and_wrong_widths_are_refused() -> None:
    with pytest.raises(Unsupported, match="points of 2 numbers, expected images"):
        DeepBelief().build(Sizes((2,), 1000))
    with pytest.raises(BadInput, match=r"latent_size of 7, expected 12"):
        DeepBelief(hidden=(12, 5)).build(Sizes((1, 2, 2), 7))
    with pytest.raises(BadInput, match=r"latent_size of 7, expected 5"):
        DeepBelief(hidden=(5,)).build(Sizes((1, 2, 2), 7))
    with pytest.raises(BadInput, match="found Identity, expected the BeliefNet"):
        DeepBelief().training(torch.nn.Identity(), Batches(bars(25), batch_size=5, seed=0))


@pytest.mark.parametrize(
    "numbers",
    [
        {"hidden": ()},
        {"hidden": (0,)},
        {"hidden": (3, 0)},
        {"shares": (1.0,)},
        {"shares": (1.0, 0.0)},
        {"shares": (1.0, math.inf)},
        {"gibbs_steps": 0},
        {"burn_in": -1},
        {"weight_decay": -1.0},
        {"weight_decay": math.nan},
        {"deviation": -0.1},
    ],
)
def test_bad_numbers_are_refused(numbers: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match=next(iter(numbers))):
        DeepBelief(**numbers)


@pytest.mark.parametrize("shape", [(1, 8, 8), (1, 28, 28), (3, 5, 7)])
def test_sizes_adapt_to_the_data(shape: tuple[int, ...]) -> None:
    net = DeepBelief(hidden=(6, 5), burn_in=2).build(Sizes(shape, 6, mean=torch.full(shape, 0.13)))
    assert net(torch.randn(4, 6)).shape == (4, *shape)


def test_a_net_can_be_built_where_there_are_no_numbers() -> None:
    with torch.device("meta"):
        net = DeepBelief(hidden=(6, 5)).build(Sizes((1, 8, 8), 6))
    assert {value.device.type for value in net.state_dict().values()} == {"meta"}


@pytest.mark.slow
def test_the_papers_row_of_the_table_is_met_in_1200_steps(mnist: Dataset) -> None:
    torch.manual_seed(0)
    row = DeepBelief(burn_in=20)
    batches = Batches(mnist.train, batch_size=100, seed=0, transform=TRANSFORMS["unit"].forward)
    training = row.training(row.build(Sizes(mnist.shape, row.latent_size, mean=mnist.mean)), batches)
    teach(training, 0, 1200, of=1200)
    samples = training.sample(10_000).mul(255).round() / 255
    held_out = mnist.validation.values.float() / 255
    score = parzen(held_out[1000:3000], samples, held_out[:1000])
    # the paper has 138; what scores above 10,000 real images, 249 here, is blurred
    assert 138 < score.value < 240
