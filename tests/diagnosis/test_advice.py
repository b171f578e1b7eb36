"""What the doctor advises: the player and the number at fault, nothing that is there already, no contradiction."""

import itertools
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from advnets.diagnosis import THRESHOLDS, Probe, Rate, Setup, diagnose, list_not_judged
from diagnosis.test_detectors import BOUND, BROKEN, PLAYED, SOUND, afterwards, healthy

TOO_HIGH = Rate("0.1", "0.01", "1")
RUNAWAY = Setup(
    "non_saturating", {"discriminator": TOO_HIGH, "generator": TOO_HIGH}, algorithm="algorithm1", k=1, batch_size=100,
    pack=1, precision="float32",
)  # fmt: skip
HEALTHY = json.loads((Path(__file__).parent / "healthy_starts.json").read_text())


def runaway(step: int) -> Probe:
    """What `train paper-adam --data digits --lr 0.1` measures from step 15 on: both players are flat."""
    return Probe(
        step, count=128, spread=0.0, twins=1.0, twins_held=0.01, gap=2.49, neighbours=1.0, auc=1.0, logits=1863.0,
        gradients={"discriminator": 0.0, "generator": 0.0 if step else 1.0}, penalties={},
        strides={"discriminator": 0.0, "generator": 3e-12} if step else {},
    )  # fmt: skip


def test_a_rate_far_too_high_is_named_within_a_hundred_steps_and_nothing_else() -> None:
    history = [replace(runaway(0), logits=0.001), runaway(30)]
    (warned,) = diagnose(history, setup=RUNAWAY)
    assert (warned.name, warned.severity) == ("steps-too-large", "warning")
    (found,) = diagnose([*history, runaway(92)], setup=RUNAWAY)
    assert (found.name, found.severity) == ("steps-too-large", "finding")
    assert found.remedy.startswith("Lower --discriminator.rate from 0.1 to 0.01, and --generator.rate with it")
    assert "too high" in found.cause
    (standing,) = diagnose([*history, runaway(92), runaway(150)], setup=RUNAWAY)
    assert standing.since == 30, "it is the step at which it was first seen"
    for step in (150, 369, 900):
        names = [one.name for one in diagnose([*history, runaway(92), runaway(step)], setup=RUNAWAY)]
        assert names[0] == "steps-too-large"
        assert not {"saturation", "standstill", "vanishing-gradient", "discriminator-too-weak"} & set(names)


def test_the_rate_of_the_recipe_is_advised_where_that_is_lower() -> None:
    rate = replace(TOO_HIGH, published="the recipe's own, 0.0002")
    setup = replace(RUNAWAY, rates={"discriminator": rate, "generator": rate})
    (found,) = diagnose([replace(runaway(0), logits=0.001), runaway(30), runaway(92)], setup=setup)
    assert found.remedy == (
        "Lower --discriminator.rate from 0.1 to the recipe's own, 0.0002, and --generator.rate with it: leave out --lr."
    )


def test_logits_that_grow_late_have_another_cause() -> None:
    assert diagnose([*healthy(), *(replace(SOUND, step=5000 + n, logits=80.0) for n in range(3))]) == []


@pytest.mark.parametrize("name", HEALTHY)
def test_the_first_steps_of_published_recipes_are_not_accused(name: str) -> None:
    """Probes of the recipes at their full size; measured as LOG.md says."""
    history = [Probe.from_json(one) for one in HEALTHY[name]]
    for n in range(1, len(history) + 1):
        assert "steps-too-large" not in [one.name for one in diagnose(history[:n])]


def test_the_player_and_its_rate_are_named() -> None:
    """Where only one of both rates is too high."""
    rates = {"discriminator": Rate("0.0002", "0.00002", "0.002"), "generator": TOO_HIGH}
    numbers = {
        "strides": {"discriminator": 1e-3, "generator": 0.2},
        "throws": {"discriminator": 1e-4, "generator": 0.1},
    }
    (found,) = diagnose(afterwards(2, **numbers), setup=replace(RUNAWAY, rates=rates))
    assert found.remedy == "Lower --generator.rate from 0.1 to 0.01."
    (dead,) = diagnose(afterwards(2, dead={"discriminator": 0.95}), setup=replace(RUNAWAY, rates=rates))
    assert "--discriminator.rate from 0.0002 to 0.00002" in dead.remedy
    assert "--generator.rate" not in dead.remedy


def test_saturation_reads_the_objective() -> None:
    numbers = BROKEN["saturation"]
    (minimax,) = diagnose(afterwards(2, **numbers), setup=PLAYED)
    assert "minimax game" in minimax.cause
    assert "--objective non_saturating" in minimax.remedy
    for objective in ("non_saturating", "non_saturating_halved", "hinge"):
        (other,) = diagnose(afterwards(2, **numbers), setup=replace(PLAYED, objective=objective))
        assert "minimax" not in other.cause
        assert "--objective" not in other.remedy
        assert other.remedy.startswith("Lower --discriminator.rate from 0.002 to 0.0002")


def test_a_player_at_rest_is_told_to_raise_its_rate_only_if_that_is_zero() -> None:
    numbers = BROKEN["standstill"]
    (moving,) = diagnose(afterwards(2, **numbers), setup=PLAYED)
    assert "raise" not in moving.remedy.lower()
    assert "its rate is 0.002" in moving.cause
    rates = {**PLAYED.rates, "discriminator": Rate("0", "0", "0", is_zero=True)}
    (frozen,) = diagnose(afterwards(2, **numbers), setup=replace(PLAYED, rates=rates))
    assert frozen.remedy == "Set --discriminator.rate above 0."


@pytest.mark.parametrize("name", BROKEN)
def test_no_remedy_is_in_force_already(name: str) -> None:
    remedy = diagnose(afterwards(3, **BROKEN[name]), setup=BOUND)[0].remedy
    for there in ("add --penalty", "--pack 2", "--augment.parts", "--objective non_saturating", "--precision float32",
                  "lower --algorithm.k", "--algorithm extragradient", "--ramp 0.2", "betas"):  # fmt: skip
        assert there not in remedy, name


def test_no_remedy_names_a_flag_that_the_recipe_has_not() -> None:
    """Extragradient has no k, a cycle no objective, pack or penalty; points are no images."""
    bare = replace(PLAYED, k=None, names=frozenset({"generator.rate", "discriminator.rate"}), is_image=False)
    for name, numbers in BROKEN.items():
        remedy = diagnose(afterwards(3, **numbers), setup=bare)[0].remedy
        for flag in ("--algorithm.k", "--objective", "--pack", "--augment.parts", "--constraint", "add --penalty"):
            assert flag not in remedy, name


def moves_of(remedy: str) -> set[tuple[str, str]]:
    """{(flag, raise or lower)} that a remedy names."""
    found = re.findall(r"(lower|raise) (--[\w.-]*\w)", remedy.lower())
    return {(flag, word) for word, flag in found}


@pytest.mark.parametrize("pair", list(itertools.combinations(BROKEN, 2)), ids="+".join)
def test_findings_that_appear_together_do_not_contradict_each_other(pair: tuple[str, str]) -> None:
    numbers: dict[str, Any] = {}
    for name in pair:
        for field, one in BROKEN[name].items():
            numbers[field] = {**numbers[field], **one} if isinstance(numbers.get(field), dict) else one
    found = diagnose(afterwards(3, **numbers), setup=PLAYED)
    moves = set().union(*(moves_of(one.remedy) for one in found))
    assert not {flag for flag, word in moves if word == "lower"} & {flag for flag, word in moves if word == "raise"}
    assert all(one.remedy for one in found)


def test_beside_a_rate_far_too_high_no_other_remedy_is_told() -> None:
    thrown = replace(runaway(92), dead={"generator": 0.99}, mode_gaps={"generator": 3.0})
    found = diagnose([replace(runaway(0), logits=0.001), runaway(30), thrown, replace(thrown, step=150)], setup=RUNAWAY)
    assert [one.name for one in found] == ["steps-too-large", "dead-units", "batch-statistics"]
    for one in found[1:]:
        assert one.remedy == "Lower the rate first, as steps-too-large says: this may follow from it."


def test_normalisation_is_not_advised_for_and_against_nor_where_it_is() -> None:
    both = afterwards(3, dead={"generator": 0.99}, mode_gaps={"generator": 3.0})
    said = {one.name: one.remedy for one in diagnose(both, setup=PLAYED)}
    assert "with batch normalisation" not in said["dead-units"]
    assert "leaky units" in said["dead-units"]
    bare = {
        one.name: one.remedy for one in diagnose(afterwards(3, dead={"generator": 0.99}, mode_gaps={}), setup=PLAYED)
    }
    assert "with batch normalisation or leaky units" in bare["dead-units"]


def test_of_networks_of_ones_own_the_game_is_named_in_place_of_flags() -> None:
    own = replace(PLAYED, is_own=True)
    for name, numbers in BROKEN.items():
        for flag in ("--objective", "--penalty", "--pack", "--augment.parts", "--constraint"):
            assert flag not in diagnose(afterwards(3, **numbers), setup=own)[0].remedy, name
    (found,) = diagnose(afterwards(2, **BROKEN["saturation"]), setup=own)
    assert "objective=advnets.non_saturating in your Game" in found.remedy


def test_what_is_not_judged_yet_is_named_with_its_step() -> None:
    blob = [replace(SOUND, step=step, spread=0.01) for step in (0, 134, 268)]
    said = {one.name: str(one) for one in list_not_judged(blob)}
    assert said["collapse"].startswith("collapse (from step 500 on; until now the samples were all alike")
    assert said["discriminator-too-strong"] == "discriminator-too-strong (from step 500 on)"
    assert said["cycling"] == "cycling (after 10 more probes)"
    assert "dead-units" not in said
    early = {one.name: str(one) for one in list_not_judged([replace(SOUND, step=20)])}
    assert early["dead-units"] == "dead-units (from step 100 on)"
    assert early["exploding-gradient"] == "exploding-gradient (from step 100 on; after 3 more probes)"
    assert not {"data-range", "bounded-logits", "saturation"} & set(early)
    circling = [replace(SOUND, step=100 * n, track=(float(n),)) for n in range(1, 12)]
    assert list_not_judged(circling) == []


@pytest.mark.parametrize(("step", "is_judged"), [(300, False), (600, True)])
def test_collapse_is_named_as_not_judged_exactly_where_it_is_not(step: int, is_judged: bool) -> None:
    history = [replace(SOUND, step=step - n, spread=0.01) for n in (20, 10, 0)]
    assert ("collapse" in {one.name for one in diagnose(history)}) is is_judged
    assert ("collapse" in {one.name for one in list_not_judged(history)}) is not is_judged


def test_the_page_has_the_thresholds_of_the_code() -> None:
    page = (Path(__file__).parent.parent.parent / "docs" / "doctor.md").read_text()
    signs = {line.split("|")[1].strip(): line.split("|")[3] for line in page.splitlines() if line.startswith("| `")}
    limits = THRESHOLDS
    for name, numbers in {
        "`collapse`": (limits.spread, 100 * limits.twins, 100 * limits.reach),
        "`discriminator-too-strong`": (limits.strong,),
        "`discriminator-too-weak`": (limits.weak, 100 * limits.neighbours),
        "`saturation`": (1 / limits.saturated,),
        "`cycling`": (limits.rhythm,),
        "`vanishing-gradient`, `exploding-gradient`": (1 / limits.vanished, limits.exploded),
        "`standstill`": (limits.still,),
        "`steps-too-large`": (limits.leap, limits.throw, limits.logits),
        "`idle-penalty`": (1 / limits.idle,),
        "`dead-units`": (100 * limits.dead,),
        "`memorisation`": (limits.copies,),
        "`discriminator-overfits`": (limits.overfit,),
        "`batch-statistics`": (limits.generator_mode,),
        "`batch-reading` (a note)": (limits.discriminator_mode,),
        "`untrained-average`": (100 * limits.untrained,),
    }.items():
        told = [float(one.replace(",", "")) for one in re.findall(r"\d[\d,]*(?:\.\d+)?|\.\d+", signs[name])]
        for number in numbers:
            assert any(abs(number - one) < 1e-9 * max(1, one) for one in told), (name, number, told)
    judged = f"The first {limits.warm_up} steps are not judged"
    assert judged in " ".join(page.split())
    assert f"before step {limits.settled}" in " ".join(page.split())
