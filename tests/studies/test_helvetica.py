"""The Helvetica scenario: alone, G collapses; Algorithm 1 brings it back; and what is measured of it is right."""

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image

from advnets import figures, metrics, statistics
from advnets.cli.main import main
from advnets.errors import BadInput
from advnets.studies import helvetica as study
from advnets.studies.helvetica import IMAGES, POINTS, helvetica

BRIEF = {"first": 6, "alone": 4, "again": 4, "every": 2}


def test_mean_distance_of_two_normals_is_two_sigma_over_root_pi() -> None:
    x = 3 * torch.randn(1500, 1, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found = statistics.pairwise_distance(x)
    assert abs(found.value - 2 * 3 / math.sqrt(math.pi)) < 3 * found.error
    assert statistics.pairwise_distance(torch.ones(5, 2, 2)).value == 0


def test_the_error_of_the_mean_distance_is_what_it_varies_by() -> None:
    rng = torch.Generator().manual_seed(1)
    found = [statistics.pairwise_distance(torch.randn(60, 3, generator=rng)) for _ in range(200)]
    deviation = float(torch.tensor([one.value for one in found]).std())
    assert sum(one.error for one in found) / len(found) == pytest.approx(deviation, rel=0.15)


def test_a_single_sample_has_no_distance() -> None:
    with pytest.raises(BadInput, match="found 1, expected 2"):
        statistics.pairwise_distance(torch.ones(1, 2))


def test_entropy_of_classes() -> None:
    even = metrics.class_entropy(torch.arange(8).repeat(50), 8)
    assert (even.value, even.notes) == (pytest.approx(math.log(8)), {"modes": 8, "n": 400})
    assert even.error == pytest.approx(0, abs=1e-8)
    one = metrics.class_entropy(torch.zeros(400, dtype=torch.int64), 8)
    assert (one.value, one.error, one.notes["modes"]) == (0, 0, 1)
    rare = metrics.class_entropy(torch.tensor([0] * 398 + [1] * 2), 2)
    assert rare.notes["modes"] == 1, "fewer than one in a hundred is no mode that is hit"


def test_the_error_of_the_entropy_is_what_it_varies_by() -> None:
    rng = torch.Generator().manual_seed(2)
    p = torch.tensor([0.5, 0.3, 0.15, 0.05])
    found = [metrics.class_entropy(p.multinomial(300, True, generator=rng), 4) for _ in range(300)]
    deviation = float(torch.tensor([one.value for one in found]).std())
    assert sum(one.error for one in found) / len(found) == pytest.approx(deviation, rel=0.15)


def test_every_k_sets_out_from_the_same_collapsed_state() -> None:
    acts = replace(POINTS, **BRIEF)
    both, alone = helvetica(acts=acts, ks=(1, 3), seed=2), helvetica(acts=acts, ks=(3,), seed=2)
    assert [one.as_dict() for one in both.alone] == [one.as_dict() for one in alone.alone]
    assert [one.as_dict() for one in both.again[3]] == [one.as_dict() for one in alone.again[3]]
    assert both.real == alone.real
    assert both.real.stray.value < 0.02
    assert both.real.modes == 8


def test_the_same_seed_gives_the_same_play() -> None:
    acts = replace(POINTS, **BRIEF)
    first, again, other = (helvetica(acts=acts, ks=(2,), seed=seed) for seed in (0, 0, 1))
    assert first.as_dict() == again.as_dict()
    assert first.as_dict() != other.as_dict()
    assert "k = 2: " in str(first)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 2])
def test_alone_g_collapses_and_five_moves_of_d_a_step_bring_it_back(seed: int) -> None:
    """Measured: 2.07 to .00 nats and back to 1.99 (seed 0), 2.07 to .00 and 1.92 (seed 2); seed 1 starts at .98."""
    torch.set_num_threads(1)
    acts = replace(POINTS, every=100)
    played = helvetica(acts=acts, ks=(5,), seed=seed)
    before, low, after = (one.entropy.value for one in (played.first, played.alone[-1], played.again[5][-1]))
    assert before > 1.8
    assert low < before - 1
    assert after > low + 1.2
    assert played.alone[-1].spread.value < played.first.spread.value / 2
    assert played.again[5][-1].modes >= 7


def test_k_0_moves_g_and_leaves_d_as_it_is() -> None:
    game = study.HelveticaGame(study.data.load("ring-8"), POINTS, 0)
    before = [theta.clone() for theta in game.training.game.discriminator.parameters()]
    drawn = game.draw_samples(5).values.copy()
    game.play_steps(3, k=0)
    assert all(torch.equal(*pair) for pair in zip(before, game.training.game.discriminator.parameters(), strict=True))
    assert not (game.draw_samples(5).values == drawn).any()


def test_the_command_tells_and_draws(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(study, "IMAGES", replace(IMAGES, **BRIEF))
    words = ["helvetica", "--data", "digits", "--k", "1", "2", "--out", "h.png"]
    assert main([*words, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert list(told["again"]) == list(told["share_back"]) == ["1", "2"]
    assert [reading["moves"] for reading in told["alone"]] == [2, 4]
    with Image.open("h.png") as drawn:
        assert drawn.width > 1000
    assert main(words) == 2
    assert "is there already and is not overwritten" in capsys.readouterr().err


@pytest.mark.parametrize(("words", "message"), [
    (["--k", "0"], "k: found [0]"),
    (["--k", "2", "2"], "k: found [2, 2]"),
    (["--seed", "-1"], "seed is -1"),
    (["--data", "ring-9"], "ring-8"),
    (["--out", "h.webp"], ".png"),
])  # fmt: skip
def test_bad_input_is_refused(
    words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["helvetica", *words]) == 2
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_the_drawing_refuses_what_does_not_fit() -> None:
    with pytest.raises(BadInput, match="0 courses"):
        figures.draw_helvetica({}, [1.0] * 4, {})
