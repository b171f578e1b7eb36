"""Every detector: silent on a healthy past, a warning at its first sign, a finding when that stands."""

import json
import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from advnets.diagnosis import (
    DETECTORS,
    SEVERITIES,
    THRESHOLDS,
    UNKNOWN,
    Finding,
    Probe,
    Rate,
    Setup,
    diagnose,
    finding_of_failure,
    list_not_judged,
)

SOUND = Probe(
    500, share=0.4, count=128, spread=0.95, spread_average=0.93, twins=0.02, twins_held=0.01, reach=0.9, gap=0.05,
    gap_held=0.002, neighbours=0.7, auc=0.8, logits=1.0, auc_held=0.52, auc_held_error=0.03, copies=0.95, copies_p=0.3,
    gradients={"discriminator": 1.0, "generator": 1.0}, penalties={"r1": 0.1},
    strides={"discriminator": 1e-3, "generator": 1e-3}, dead={"generator": 0.1}, mode_gaps={"generator": 0.05},
    ends_in={"generator": "Tanh", "discriminator": "Addmm"}, bounds=(-1.0, 1.0), made=(-1.0, 1.0), real=(-1.0, 1.0),
    untrained=0.001,
)  # fmt: skip
BROKEN: dict[str, dict[str, Any]] = {
    "data-range": {"ends_in": {"generator": "Sigmoid"}},
    "bounded-logits": {"ends_in": {"generator": "Tanh", "discriminator": "Sigmoid"}},
    "standstill": {"strides": {"discriminator": 0.0, "generator": 1e-3}},
    "steps-too-large": {
        "strides": {"discriminator": 1e-3, "generator": 2.0},
        "throws": {"discriminator": 1e-4, "generator": 0.1},
    },
    "collapse": {"spread": 0.02},
    "discriminator-too-strong": {"auc": 1.0, "gap": 0.4},
    "discriminator-too-weak": {"auc": 0.5, "gap": 0.4, "neighbours": 0.99},
    "saturation": {"auc": 0.999, "gradients": {"discriminator": 1.0, "generator": 1e-4}},
    "vanishing-gradient": {"gap": 0.4, "gradients": {"discriminator": 1e-4, "generator": 1.0}},
    "exploding-gradient": {"gradients": {"discriminator": 1e4, "generator": 1.0}},
    "idle-penalty": {"penalties": {"r1": 0.0}},
    "dead-units": {"dead": {"generator": 0.95}},
    "memorisation": {"copies": 0.05, "copies_p": 1e-9},
    "discriminator-overfits": {"auc_held": 0.9},
    "batch-statistics": {"mode_gaps": {"generator": 0.9}},
    "batch-reading": {"mode_gaps": {"discriminator": 3.0}},
    "untrained-average": {"untrained": 0.6},
}


def healthy(n: int = 8) -> list[Probe]:
    return [replace(SOUND, step=100 * place) for place in range(n)]


def afterwards(n: int, **numbers: Any) -> list[Probe]:
    past = healthy()
    return [*past, *(replace(SOUND, step=past[-1].step + 100 * (place + 1), **numbers) for place in range(n))]


def circling(n: int = 24) -> list[Probe]:
    angles = np.linspace(0, 5 * math.pi, n)
    return [replace(SOUND, step=100 * (place + 1), track=(math.cos(a), math.sin(a))) for place, a in enumerate(angles)]


def test_a_healthy_run_has_no_findings() -> None:
    for n in range(1, 9):
        assert diagnose(healthy(n)) == []
    assert diagnose([]) == []


def moved(stride: float, throw: float, n: int = 3) -> list[Probe]:
    """Probes of a discriminator whose steps are so long beside its weights, and move a weight so far."""
    return [
        replace(
            SOUND, step=250 * (place + 1), strides={"discriminator": stride, "generator": 0.001},
            throws={"discriminator": throw, "generator": 0.0001},
        )
        for place in range(n)
    ]  # fmt: skip


def test_leaps_are_long_beside_the_weights_and_for_each_weight() -> None:
    """`paper-adam` on digits and `paper` on MNIST learn; small networks at rates times 100 do not: all as measured."""
    for learning in (moved(0.029, 0.0008), moved(0.065, 0.0003), moved(0.009, 0.0013)):
        assert all(diagnose(learning[: n + 1]) == [] for n in range(3))
    for thrown in (moved(0.02, 0.0108), moved(0.016, 0.0127), moved(0.05, 0.01)):
        assert [(one.name, one.severity) for one in diagnose(thrown)] == [("steps-too-large", "finding")]


def test_a_generator_that_has_not_moved_has_neither_collapsed_nor_lost() -> None:
    """`paper` on MNIST stays for 1,400 steps where it begins, with a discriminator that is always right, and learns."""
    begins = [
        replace(
            SOUND, step=140 * place, spread=0.028, twins=1.0, auc=1.0, gap=0.4,
            strides={"discriminator": 0.003, "generator": 2e-5},
        )
        for place in range(10)
    ]  # fmt: skip
    assert diagnose(begins) == []
    moves = [replace(one, strides={"discriminator": 0.003, "generator": 2e-3}) for one in begins]
    assert {one.name for one in diagnose(moves)} == {"collapse", "discriminator-too-strong"}
    unknown = [replace(one, strides={}) for one in begins]
    assert {one.name for one in diagnose(unknown)} == {"collapse", "discriminator-too-strong"}


def test_a_generator_that_leapt_between_two_probes_has_moved() -> None:
    """`paper-adam` on digits at a rate of .1: after the leap, which no probe saw, both players stand still."""
    first = replace(SOUND, step=0, spread=0.3, gap=0.2, strides={})
    stands = {"discriminator": 0.0, "generator": 3e-12}
    after = [
        replace(SOUND, step=step, spread=0.0, twins=1.0, gap=2.49, auc=1.0, logits=1863.0, strides=stands)
        for step in (34, 300, 600, 700)
    ]
    names = [one.name for one in diagnose([first, *after])]
    assert names[0] == "steps-too-large"
    assert "collapse" in names
    assert not any(one.why for one in list_not_judged([first, *after]))


def test_a_critic_without_logits_does_not_saturate() -> None:
    """The first gradient of `wgan` is that of a random critic, 30 times as large as any later one."""
    assert diagnose(afterwards(3, **{**BROKEN["saturation"], "logits": None})) == []


def test_every_detector_is_tried() -> None:
    assert {*BROKEN, "cycling"} == set(DETECTORS)


@pytest.mark.parametrize("name", BROKEN)
def test_a_sign_is_a_warning_and_a_finding_when_it_stands(name: str) -> None:
    detector = DETECTORS[name]
    for n in range(1, detector.needed + 2):
        found = diagnose(afterwards(n, **BROKEN[name]))
        assert [one.name for one in found] == [name], "another detector has the same sign"
        usual = detector.severity if n >= detector.needed else "warning"
        assert found[0].severity == ("note" if detector.severity == "note" else usual)
        assert found[0].severity in SEVERITIES
    assert found[0].since < found[0].step or detector.needed == 1
    assert diagnose([*afterwards(3, **BROKEN[name]), replace(SOUND, step=2000)]) == [], "it is gone"


@pytest.mark.parametrize("name", [name for name, detector in DETECTORS.items() if detector.waits and name in BROKEN])
def test_nothing_is_judged_in_the_warm_up(name: str) -> None:
    early = [replace(SOUND, step=10 * n, **BROKEN[name]) for n in range(9)]
    assert early[-1].step < THRESHOLDS.warm_up
    assert diagnose(early) == []


@pytest.mark.parametrize("name", ["data-range", "bounded-logits"])
def test_the_layout_is_judged_at_once(name: str) -> None:
    (found,) = diagnose([replace(SOUND, step=0, **BROKEN[name])])
    assert (found.name, found.severity) == (name, "finding")


def test_circles_are_cycling_and_noise_is_not() -> None:
    found = diagnose(circling())
    assert [(one.name, one.severity) for one in found] == [("cycling", "finding")]
    rng = np.random.default_rng(0)
    for _ in range(20):
        noisy = [replace(one, track=tuple(rng.standard_normal(8))) for one in circling()]
        assert diagnose(noisy) == []


def test_an_untrained_generator_has_not_collapsed() -> None:
    """Who never drew different samples is given time; who did, and draws none, has collapsed."""
    alike = [replace(SOUND, step=step, spread=0.05) for step in range(0, THRESHOLDS.settled, 100)]
    assert diagnose(alike) == []
    later = [*alike, *(replace(alike[0], step=THRESHOLDS.settled + step) for step in (0, 100))]
    assert [one.name for one in diagnose(later)] == ["collapse"]
    fallen = [replace(SOUND, step=100), *(replace(SOUND, step=step, spread=0.05) for step in (200, 300))]
    (found,) = diagnose(fallen)
    assert (found.name, "lie 0.05 times as far apart" in found.what) == ("collapse", True)
    (found,) = diagnose([*fallen, *(replace(SOUND, step=step, spread=0.0) for step in (400, 500))])
    assert found.what == "Samples of 128 noises are all the same."


def test_a_rate_that_ends_at_zero_is_no_standstill() -> None:
    assert diagnose(afterwards(2, share=0.99, **BROKEN["standstill"])) == []


def test_a_discriminator_that_is_always_right_is_no_failure_while_samples_improve() -> None:
    gaps = [0.9, 0.8, 0.7, 0.5, 0.4, 0.3, 0.2]
    assert diagnose([replace(SOUND, step=100 * n + 100, auc=1.0, gap=gap) for n, gap in enumerate(gaps)]) == []


def test_a_small_gradient_at_an_optimum_is_no_failure() -> None:
    assert diagnose(afterwards(2, gap=0.01, gradients={"discriminator": 1e-4, "generator": 1e-5})) == []


def test_what_was_not_measured_is_not_judged() -> None:
    assert diagnose([Probe(step) for step in range(0, 2000, 100)]) == []


def test_false_alarms_on_noisy_healthy_runs() -> None:
    """Numbers of healthy runs, with noise of the size that 128 samples have: no finding in 100 runs of 12 probes."""
    rng = np.random.default_rng(1)

    def noisy(step: int) -> Probe:
        factor = np.exp(0.5 * rng.standard_normal(4))
        return replace(
            SOUND, step=step, spread=0.9 + 0.1 * rng.standard_normal(), auc=min(0.85 + 0.08 * rng.standard_normal(), 1),
            auc_held=0.53 + 0.036 * rng.standard_normal(), auc_held_error=0.036,
            gap=abs(0.06 + 0.03 * rng.standard_normal()), reach=0.8 + 0.15 * rng.standard_normal(),
            neighbours=0.75 + 0.06 * rng.standard_normal(),
            gradients={"discriminator": factor[0], "generator": factor[1]},
            strides={"discriminator": 1e-3 * factor[2], "generator": 1e-3 * factor[3]},
            track=tuple(rng.standard_normal(8)),
        )  # fmt: skip

    flagged: list[str] = []
    for _ in range(100):
        history = [noisy(100 * n) for n in range(12)]
        found = [one for n in range(1, 13) for one in diagnose(history[:n])]
        flagged += sorted({one.name for one in found if one.severity == "finding"})
    assert flagged == []


def test_the_end_by_a_nan_is_a_finding() -> None:
    said = (
        "NaN in the loss 'objective' of the generator at step 1,234. The run stops here; its last checkpoint is finite."
    )
    found = finding_of_failure(said, 1200)
    assert found is not None
    assert (found.name, found.since) == ("non-finite", 1234)
    assert "the loss 'objective' of the generator" in found.what
    assert finding_of_failure("the loop was left", 3) is None


def test_probes_and_findings_travel_as_json() -> None:
    probe = replace(SOUND, track=(0.5, 1.0), copies=math.inf, gradients={"generator": math.nan, "discriminator": 2.0})
    back = Probe.from_json({**json.loads(json.dumps(probe.as_json(), allow_nan=False)), "took": 0.1})
    assert back == replace(probe, copies=None, gradients={"discriminator": 2.0})
    (found,) = diagnose(afterwards(2, spread=0.01))
    assert Finding.from_json(json.loads(json.dumps(found.as_json()))) == found


RATES = {"discriminator": Rate("0.002", "0.0002", "0.02"), "generator": Rate("0.001", "0.0001", "0.01")}
PLAYED = Setup(
    "minimax", RATES, {"generator": 0.5}, "algorithm1", k=2, batch_size=2, half_life="1000", ramp=1.0, pack=1,
    precision="bfloat16",
)  # fmt: skip
"""A run that has none of what remedies propose."""
BOUND = Setup(
    "non_saturating", RATES, {"generator": 0.0}, "extragradient", k=1, batch_size=2, penalties={"r1": "0.1"},
    augment=("mirror",), half_life="1000", ramp=0.2, pack=2, precision="float32",
)  # fmt: skip
"""A run that has much of it."""


@pytest.mark.parametrize("setup", [UNKNOWN, PLAYED, BOUND], ids=["unknown", "played", "bound"])
def test_every_remedy_names_flags_that_train_has(setup: Setup) -> None:
    shown = (Path(__file__).parent.parent.parent / "docs" / "help" / "train.txt").read_text()
    remedies = [diagnose(afterwards(3, **numbers), setup=setup)[0].remedy for numbers in BROKEN.values()]
    remedies += [one.remedy for one in diagnose(circling(), setup=setup)]
    failure = finding_of_failure("NaN in x at step 3. The run stops here", 3, setup)
    assert failure is not None
    flags = [flag for remedy in [*remedies, failure.remedy] for flag in re.findall(r"--[\w.-]*\w", remedy)]
    assert len(set(flags)) > 9
    for flag in flags:
        row, _, number = flag.rpartition(".")
        known = re.search(rf"{flag}(?![\w.])", shown)
        within = row and re.search(rf"{row} .*?\[[^\]]*\b{number} ", shown, re.DOTALL)
        assert known or within or flag == "--lr", f"{flag} is no flag of `advnets train`"


def test_sentences_are_whole() -> None:
    for name, numbers in BROKEN.items():
        found = diagnose(afterwards(3, **numbers))[0]
        for text in (found.what, found.cause, found.remedy):
            assert text[0].isupper() or text[0].isdigit(), (name, text)
            assert text.endswith("."), (name, text)
        assert found.name in found.line()
        assert "Evidence" in str(found)
