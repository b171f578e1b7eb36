"""The lessons of the playground open as links, and each shows what its text says, at every step that it speaks of."""

import math
import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor

from advnets.errors import BadInput
from advnets.studies.playground import LESSONS, Link, Playground
from advnets.studies.playground.link import LANGUAGES


def test_lessons_are_links_in_both_languages() -> None:
    names = ["saturation", "helvetica", "small-k", "cycling", "r1-heals", "wgan", "extragradient", "mode-dropping"]
    assert list(LESSONS) == names
    for lesson in LESSONS.values():
        link = Link.of(lesson.fragment)
        assert link.lesson == lesson.name
        assert link.fragment() == Link.of(link.fragment()).fragment()
        assert set(lesson.title) == set(lesson.look) == set(LANGUAGES)
        assert any("가" <= letter <= "힣" for letter in lesson.look["ko"])


def test_a_lesson_alone_opens_its_game_and_another_name_is_refused() -> None:
    for name, lesson in LESSONS.items():
        assert Link.of(f"#lesson={name}&lang=ko") == Link.of(lesson.fragment).replace(language="ko")
    assert Link.of("lesson=cycling&k=3").first.values["k"] == 3
    with pytest.raises(BadInput, match="lesson"):
        Link.of("lesson=never")


@dataclass(frozen=True)
class Look:
    """What is seen of one game after a step.

    Attributes:
        numbers: The numbers under the picture.
        x: 4,096 samples of the generator, (n, d).
        slope: On the line, the mean slope of D's logit between 0 and the middle of p_g.
        lag: On the line, where there is a D*: the mean of |D - D*| over (p_data + p_g) / 2.
    """

    numbers: dict[str, Any]
    x: Tensor
    slope: float
    lag: float

    @property
    def middle(self) -> float:
        return float(self.x[:, 0].mean())

    @property
    def densest(self) -> float:
        """The share of samples that lie in the ten fullest of 200 cells of the line."""
        return float(torch.histc(self.x, 200, -5, 5).sort(descending=True).values[:10].sum() / len(self.x))


def look_at(game: Playground) -> Look:
    with torch.no_grad():
        x = game.maker(game.canvas.z)
        ends = torch.stack([torch.zeros(1), x[:, 0].mean()[None]]) if x.shape[1] == 1 else x[:2]
        low, high = game.game.critic(ends).flatten()
    numbers, arrays = game.picture()
    lag = math.nan
    if "best" in arrays:
        p_g, D, best = (torch.frombuffer(bytearray(arrays[name]), dtype=torch.float32) for name in ("p_g", "D", "best"))
        lag = float(((game.canvas.p_data + p_g) / 2 * (D - best).abs()).sum())
    return Look(numbers, x, float((high - low) / (ends[1, 0] - ends[0, 0])), lag)


def play_lesson(name: str, steps: int) -> list[tuple[Look, ...]]:
    """What is seen of both games, or of the one, after each step from the first on."""
    link = Link.of(LESSONS[name].fragment)
    games = [Playground(settings) for settings in (link.first, link.second) if settings is not None]
    seen = []
    for _ in range(steps):
        for game in games:
            game.play(1)
        seen.append(tuple(map(look_at, games)))
    return seen


def widest_of_each_turn(middles: list[float]) -> list[float]:
    """How far p_g comes from the data between two of its passages over them."""
    passes = [step for step in range(1, len(middles)) if middles[step] * middles[step - 1] < 0]
    return [max(map(abs, middles[a:b])) for a, b in pairwise(passes)]


@pytest.mark.slow
def test_saturation() -> None:
    seen = play_lesson("saturation", 150)
    for step, (flat, _) in enumerate(seen, 1):
        assert flat.numbers["score_fake"] < 0.2, step
        assert abs(flat.middle - 4.0) < 0.2, step
        assert flat.numbers["jsd"] > 0.65, step
    assert seen[-1][1].numbers["jsd"] < 0.1
    factors = [steep.numbers["gradient_g"] / flat.numbers["gradient_g"] for flat, steep in seen[:50]]
    assert sum(factor > 10 for factor in factors) >= 40
    assert 20 <= sum(factor > 100 for factor in factors) <= 35
    assert min(factors) < 10  # it leaps: nothing is said of every step


@pytest.mark.slow
def test_helvetica() -> None:
    seen = play_lesson("helvetica", 900)
    for step, (heap, spread) in enumerate(seen[400:], 401):
        assert heap.numbers["jsd"] > 0.3 > 0.15 > spread.numbers["jsd"], step
        assert heap.densest > 0.6 > 0.45 > spread.densest, step
    for step, (heap, spread) in enumerate(seen[299:], 300):
        assert heap.numbers["modes"] == spread.numbers["modes"] == 2, step
        assert (heap.numbers["d_moves"], spread.numbers["d_moves"]) == (600, 2 * step), step
    link = Link.of(LESSONS["helvetica"].fragment)
    again = Playground(link.first)
    again.play(900)
    again.change(again.settings.replace(d_until=0))
    again.play(200)
    for _ in range(50):
        again.play(1)
        assert look_at(again).densest < 0.45
        assert again.picture()[0]["jsd"] < 0.15


@pytest.mark.slow
def test_small_k() -> None:
    seen = play_lesson("small-k", 1000)
    for step, (behind, near) in enumerate(seen[200:], 201):
        assert behind.lag > max(0.2, near.lag), step
        assert near.numbers["jsd"] < 0.15, step
    jsd = [behind.numbers["jsd"] for behind, _ in seen]
    assert min(jsd[:200]) < 0.15 < 0.25 < min(jsd[700:])
    assert sum(near.numbers["jsd"] for _, near in seen[700:]) / 300 < 0.05


@pytest.mark.slow
def test_cycling() -> None:
    widest = widest_of_each_turn([game.middle for (game,) in play_lesson("cycling", 700)])
    assert len(widest) >= 9
    assert 2 < min(widest) <= max(widest) < 3


@pytest.mark.slow
def test_r1_heals() -> None:
    seen = play_lesson("r1-heals", 700)
    assert min(widest_of_each_turn([turning.middle for turning, _ in seen])) > 2
    for step, (_, healed) in enumerate(seen[400:], 401):
        assert abs(healed.middle) < 0.2, step
        assert healed.numbers["jsd"] < 0.02, step
        assert healed.numbers["gradient_g"] < 0.25, step  # psi, where D(x) = psi x + c


@pytest.mark.slow
def test_wgan() -> None:
    seen = play_lesson("wgan", 300)
    assert all(game.numbers["jsd"] > 0.95 * math.log(2) for game in seen[0])
    for step, (sure, critic) in enumerate(seen[4:200], 5):
        assert sure.numbers["jsd"] > 0.9 * math.log(2), step
        assert sure.numbers["score_fake"] < 0.1, step
        assert 1 < -critic.slope < 3, step
    for step, (sure, critic) in enumerate(seen[250:], 251):
        assert abs(critic.middle) < 0.3 < 3 < sure.middle, step


@pytest.mark.slow
def test_extragradient() -> None:
    seen = play_lesson("extragradient", 400)
    out, home = (widest_of_each_turn([game.middle for game in games]) for games in zip(*seen, strict=True))
    assert all(later > earlier for earlier, later in pairwise(out))
    assert all(later < earlier for earlier, later in pairwise(home[:9]))
    assert max(home[9:]) < 0.5 < 10 < out[-1]


@pytest.mark.slow
def test_mode_dropping() -> None:
    seen = play_lesson("mode-dropping", 700)
    for step, (few, every) in enumerate(seen, 1):
        assert few.numbers["modes"] < few.numbers["modes_of"] == 8, step
        assert step <= 300 or every.numbers["modes"] == 8, step


def test_every_lesson_is_held_to_what_it_says() -> None:
    assert [name for name in LESSONS if f"test_{name.replace('-', '_')}" not in globals()] == []


STEPS = {"saturation": {50, 150}, "helvetica": {300}}
"""The steps that a text names, which its test looks at."""


@pytest.mark.parametrize("name", LESSONS)
def test_a_text_names_the_steps_that_its_test_looks_at(name: str) -> None:
    english, korean = (LESSONS[name].look[language] for language in ("en", "ko"))
    for found in (re.findall(r"\bstep (\d+)|(\d+) steps", english), re.findall(r"(\d+)()단계", korean)):
        assert {int(one or other) for one, other in found} == STEPS.get(name, set())
