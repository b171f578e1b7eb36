"""Algorithm 1 in slow motion: one step of the library's own algorithm, told line by line as it was made."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from advnets.games import Draw, Playable
from advnets.studies.playground.picture import SHOWN, as_numbers
from advnets.studies.playground.playground import Playground
from advnets.training import Batch, Move
from advnets.turns import Optimizers, Origin, play_turn

LISTINGS: dict[str, tuple[tuple[str, int, str, str], ...]] = {
    "algorithm1": (
        ("step", 0, "for number of training iterations do", "학습 반복 횟수만큼 되풀이한다"),
        ("k", 1, "for k steps do", "k번 되풀이한다"),
        (
            "d_noise", 2,
            "Sample minibatch of m noise samples {z⁽¹⁾, …, z⁽ᵐ⁾} from noise prior p_g(z).",
            "잡음의 사전 분포 p_g(z)에서 잡음 표본 m개의 미니배치 {z⁽¹⁾, …, z⁽ᵐ⁾}를 뽑는다.",
        ),
        (
            "d_examples", 2,
            "Sample minibatch of m examples {x⁽¹⁾, …, x⁽ᵐ⁾} from data generating distribution p_data(x).",
            "데이터 생성 분포 p_data(x)에서 예시 m개의 미니배치 {x⁽¹⁾, …, x⁽ᵐ⁾}를 뽑는다.",
        ),
        (
            "d_update", 2,
            "Update the discriminator by ascending its stochastic gradient.",
            "확률적 기울기를 따라 올라가도록 판별자를 갱신한다.",
        ),
        ("end_k", 1, "end for", "k번 반복 끝"),
        (
            "g_noise", 1,
            "Sample minibatch of m noise samples {z⁽¹⁾, …, z⁽ᵐ⁾} from noise prior p_g(z).",
            "잡음의 사전 분포 p_g(z)에서 잡음 표본 m개의 미니배치 {z⁽¹⁾, …, z⁽ᵐ⁾}를 뽑는다.",
        ),
        (
            "g_update", 1,
            "Update the generator by descending its stochastic gradient.",
            "확률적 기울기를 따라 내려가도록 생성자를 갱신한다.",
        ),
        ("end_step", 0, "end for", "반복 끝"),
    ),
    "simultaneous": (
        ("step", 0, "for number of training iterations do", "학습 반복 횟수만큼 되풀이한다"),
        ("both_noise", 1, "Sample m noise samples, which both players share.", "둘이 함께 쓸 잡음 표본 m개를 뽑는다."),
        ("both_examples", 1, "Sample m examples from p_data(x).", "p_data(x)에서 예시 m개를 뽑는다."),
        (
            "both_update", 1,
            "Take both gradients at the same parameters; then update D and G at once.",
            "같은 매개변수에서 두 기울기를 구한 뒤, D와 G를 동시에 갱신한다.",
        ),
        ("end_step", 0, "end for", "반복 끝"),
    ),
    "extragradient": (
        ("step", 0, "for number of training iterations do", "학습 반복 횟수만큼 되풀이한다"),
        ("look_noise", 1, "Sample m noise samples.", "잡음 표본 m개를 뽑는다."),
        ("look_examples", 1, "Sample m examples from p_data(x).", "p_data(x)에서 예시 m개를 뽑는다."),
        ("look_update", 1, "Both players move, to look one move ahead.", "한 수 앞을 보려고 D와 G를 움직여 본다."),
        ("both_noise", 1, "Sample m fresh noise samples.", "새 잡음 표본 m개를 뽑는다."),
        ("both_examples", 1, "Sample m fresh examples.", "새 예시 m개를 뽑는다."),
        (
            "both_update", 1,
            "From where they were, both move by the gradients that they saw ahead.",
            "원래 자리로 돌아가, 한 수 앞에서 구한 기울기로 D와 G를 갱신한다.",
        ),
        ("end_step", 0, "end for", "반복 끝"),
    ),
}  # fmt: skip
"""The lines of each algorithm: key, depth, English, Korean. Those of Algorithm 1 are the paper's."""


@dataclass(frozen=True)
class Phase:
    """One line of the algorithm, as it was carried out.

    Attributes:
        line: Key of the line in `LISTINGS`.
        turn: Number of the turn within the step, from 0.
        numbers: Those of the picture after the line.
        arrays: Those of the picture after the line, and what was drawn in it: "drawn_fake" G(z) or "drawn_real" x.
    """

    line: str
    turn: int
    numbers: dict[str, Any]
    arrays: dict[str, bytes]


def play_slowly(playground: Playground) -> list[Phase]:
    """Play one step, by the very algorithm that plays fast, and tell what happened at each line.

    Args:
        playground: The game, which is one step further afterwards.

    Returns:
        The phases in their order.

    Raises:
        NonFinite: As `Playground.play` does.
    """
    observed = _ObservedTurn(playground)
    playground.play(1, observed)
    if observed.phases:  # the average moves after the last line
        last, (numbers, arrays) = observed.phases[-1], playground.picture()
        observed.phases[-1] = Phase(last.line, last.turn, numbers, arrays)
    return observed.phases


@dataclass
class _ObservedTurn:
    """`play_turn`, and a picture of each of its parts."""

    playground: Playground
    phases: list[Phase] = field(default_factory=list)
    turns: int = 0

    def __call__(
        self,
        game: Playable,
        movers: Sequence[str],
        optimizers: Optimizers,
        batch: Batch,
        step: int,
        *,
        draw: Draw | None = None,
        origin: Origin | None = None,
    ) -> tuple[Move, ...]:
        draw = game.draw(batch, movers) if draw is None else draw
        side = self._side(movers, origin)
        assert draw.z is not None
        with torch.no_grad():
            fakes = game.makers[""](draw.z[:SHOWN])
        self._tell(f"{side}_noise", drawn_fake=as_numbers(fakes))
        if side != "g" or game.wants_fresh_batch("generator"):
            self._tell(f"{side}_examples" if side != "g" else "g_noise", drawn_real=as_numbers(batch.real[:SHOWN]))
        moves = play_turn(game, movers, optimizers, batch, step, draw=draw, origin=origin)
        self._tell(f"{side}_update")
        self.turns += 1
        return moves

    def _side(self, movers: Sequence[str], origin: Origin | None) -> str:
        if len(movers) == 1:
            return movers[0][0]
        looks = self.playground.settings.algorithm == "extragradient" and origin is None
        return "look" if looks else "both"

    def _tell(self, line: str, **drawn: bytes) -> None:
        numbers, arrays = self.playground.picture()
        self.phases.append(Phase(line, self.turns, numbers, {**arrays, **drawn}))
