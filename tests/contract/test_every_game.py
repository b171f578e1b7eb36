"""The battery of every kind of game: it trains all its parameters, resumes bit for bit, and is captured."""

from pathlib import Path

import pytest
import torch

from advnets import runs
from advnets.errors import BadInput
from advnets.games import describe_game
from toy_games import TOYS, make_split, make_training, play_steps

every_game = pytest.mark.parametrize("name", TOYS)
STEPS, HALF = 16, 7
DRAWS_WITHIN = {"cycle", "augmented", "augmentation", "norm"}
"""Games that draw random numbers while a part is differentiated, or that look at the batch as a whole."""


@every_game
def test_it_moves_every_parameter_of_every_player(name: str) -> None:
    training = make_training(name)
    before = {player: [theta.clone() for theta in net.parameters()] for player, net in training.players.items()}
    play_steps(training, 0, 4)
    for player, network in training.players.items():
        for (key, theta), old in zip(network.named_parameters(), before[player], strict=True):
            assert not torch.equal(theta, old), f"{player}.{key}"


@every_game
def test_it_resumes_bit_for_bit_from_a_checkpoint(name: str, tmp_path: Path) -> None:
    whole = play_steps(make_training(name), 0, STEPS)
    half = play_steps(make_training(name), 0, HALF)
    runs.save_checkpoint(tmp_path, HALF, half.state())
    again = make_training(name)
    again.load(runs.load_latest(tmp_path)[1])
    assert runs.state_fingerprint(again.state()) == runs.state_fingerprint(half.state())
    play_steps(again, HALF, STEPS)
    assert runs.state_fingerprint(again.state()) == runs.state_fingerprint(whole.state())


@every_game
def test_a_batch_in_parts_learns_what_the_whole_does(name: str) -> None:
    """But for pools of earlier fakes and augmentations, which draw once a part, and so other numbers; and for norms.

    The moments of batch normalisation are a part's, and the power iteration takes a step a part.
    """
    whole, parted = (play_steps(make_training(name, parts=parts), 0, STEPS) for parts in (1, 2))
    moved = make_training(name)
    for player, network in whole.players.items():
        pairs = zip(network.parameters(), parted.players[player].parameters(), strict=True)
        apart = max(float((one - other).abs().max().detach()) for one, other in pairs)
        first = zip(network.parameters(), moved.players[player].parameters(), strict=True)
        assert max(float((one - other).abs().max().detach()) for one, other in first) > 1e-3
        assert apart < 1e-6 or DRAWS_WITHIN & set(name.split()), f"{player}: {apart}"


@every_game
def test_a_batch_in_parts_resumes_bit_for_bit_and_is_recorded(name: str, tmp_path: Path) -> None:
    whole, recorded = (play_steps(make_training(name, parts=2, capture=way), 0, STEPS) for way in (False, True))
    assert runs.state_fingerprint(recorded.state()) == runs.state_fingerprint(whole.state())
    half = play_steps(make_training(name, parts=2), 0, HALF)
    again = make_training(name, parts=2)
    again.load(half.state())
    play_steps(again, HALF, STEPS)
    assert runs.state_fingerprint(again.state()) == runs.state_fingerprint(whole.state())


def test_a_discriminator_never_sees_more_than_a_part() -> None:
    training = make_training("patches", parts=3)
    seen = []
    training.game.discriminator.register_forward_pre_hook(lambda module, inputs: seen.append(len(inputs[0])))
    play_steps(training, 0, 2)
    assert max(seen) <= 2 * 12 // 3


def test_balanced_batches_resume_bit_for_bit() -> None:
    whole = play_steps(make_training("labels", balanced=True), 0, STEPS)
    half = play_steps(make_training("labels", balanced=True), 0, HALF)
    again = make_training("labels", balanced=True)
    again.load(half.state())
    play_steps(again, HALF, STEPS)
    assert runs.state_fingerprint(again.state()) == runs.state_fingerprint(whole.state())
    assert runs.state_fingerprint(whole.state()) != runs.state_fingerprint(
        play_steps(make_training("labels"), 0, STEPS).state()
    )


@every_game
def test_recorded_moves_learn_what_plain_ones_do(name: str) -> None:
    plain, recorded = (play_steps(make_training(name, capture=way), 0, STEPS) for way in (False, True))
    assert runs.state_fingerprint(recorded.state()) == runs.state_fingerprint(plain.state())


@pytest.mark.parametrize(
    "forgotten",
    [
        "discriminator.moves.moves",
        "discriminator.pool_there.images",
        "discriminator.augment.p",
        "discriminator.augment.signs",
    ],
)
def test_a_checkpoint_that_forgets_a_buffer_does_not_resume(forgotten: str) -> None:
    """The battery bites: what a player remembers is needed for the rest of the run."""
    kept = {"moves": "lazy penalty", "pool_there": "cycle", "augment": "augmented"}
    name = "controlled augmentation" if forgotten.endswith("signs") else kept[forgotten.split(".")[1]]
    half = play_steps(make_training(name), 0, HALF)
    state = half.state()
    player, key = forgotten.split(".", 1)
    tensor = state["players"][player][key]
    state["players"][player][key] = torch.zeros_like(tensor) if tensor.is_floating_point() else tensor + 1
    again = make_training(name)
    again.load(state)
    play_steps(again, HALF, STEPS)
    assert runs.state_fingerprint(again.state()) != runs.state_fingerprint(play_steps(half, HALF, STEPS).state())


@every_game
def test_it_is_described_in_words_that_json_can_hold_and_that_tell_games_apart(name: str) -> None:
    told = {other: describe_game(make_training(other).game) for other in TOYS}
    assert told[name] == describe_game(make_training(name).game)
    # What differs in the algorithm alone is the same game.
    alike = [{"cycle", "cycle at once"}, {"extragradient", "shared fakes"}]
    same = {other for other, words in told.items() if words == told[name]}
    assert same in ([{name}, *alike])
    assert told[name]["networks"]["generator"]["parameters"] > 0


@pytest.mark.parametrize(
    ("name", "given"), [("labels", None), ("labels", "images"), ("cycle", "labels"), ("cycle", None)]
)
def test_data_that_lack_what_the_game_is_given_are_refused(name: str, given: str | None) -> None:
    training = make_training(name)
    batches = training.batches
    lacking = make_split(given)
    training.batches = type(batches)(lacking, batch_size=12, seed=0, transform=lambda x: x.double() / 255)
    with pytest.raises(BadInput, match="given"):
        play_steps(training, 0, 1)
