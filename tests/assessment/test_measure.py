"""An estimate says what is known of it and survives JSON; measures of unlike protocols refuse to be compared."""

import json
import math

import pytest

from advnets.assessment import Measure
from advnets.errors import BadInput
from advnets.statistics import Estimate

FULL = Estimate(1.5, 0.25, 0.5, {"n": 4, "k": "five", "edge": True}, interval=(1.0, 2.5), bias=0.1, p_value=0.03)


@pytest.mark.parametrize("estimate", [FULL, Estimate(2.0), Estimate(-1.0, 0.0)])
def test_an_estimate_goes_to_json_and_back(estimate: Estimate) -> None:
    assert Estimate.from_dict(json.loads(json.dumps(estimate.as_dict()))) == estimate


def test_an_estimate_prints_what_is_known() -> None:
    assert str(FULL) == "1.5, less bias 1.4 [1, 2.5] (real 0.5, p = 0.03)"
    assert str(Estimate(2.0)) == "2"
    assert str(Estimate(2.0, 0.5)) == "2 +- 0.5"


def test_bounds_are_the_interval_or_that_of_the_error() -> None:
    assert FULL.bounds == (1.0, 2.5)
    assert Estimate(2.0).bounds is None
    assert Estimate(2.0, 1.0).bounds == pytest.approx((0.04, 3.96), abs=1e-3)


@pytest.mark.parametrize(
    "told",
    [
        {},
        [],
        {"value": "1"},
        {"value": True},
        {"value": math.nan},
        {"value": None},
        {"value": 1, "interval": 3},
        {"value": 1, "interval": [1, math.inf]},
        {"value": 1, "notes": [1]},
        {"value": 1, "notes": {"n": [1]}},
        {"value": 1, "spread": 2},
        {"value": 1, "error": -0.1},
        {"value": 1, "p_value": 1.5},
        {"value": 1, "p_value": -0.1},
        {"value": 10**400},
    ],
)
def test_what_an_estimate_cannot_have_told_is_refused(told: dict[str, object]) -> None:
    with pytest.raises(BadInput, match="estimate: found"):
        Estimate.from_dict(told)


def test_measures_are_subtracted_only_under_one_protocol() -> None:
    first, second = Measure("FID", FULL, {"n": 10, "split": "test"}), Measure("FID", FULL, {"n": 10, "split": "test"})
    difference = first - second
    assert (difference.value, difference.error) == (0.0, pytest.approx(0.25 * math.sqrt(2)))
    other = Measure("FID", FULL, {"n": 20, "split": "test", "seed": 1})
    with pytest.raises(BadInput, match="n: 10 and 20; seed: None and 1"):
        first - other
    with pytest.raises(BadInput, match="name: 'FID' and 'KID'"):
        first - Measure("KID", FULL, {"n": 10, "split": "test"})


def test_a_measure_goes_to_json_and_back() -> None:
    measure = Measure("FID", FULL, {"n": 10, "extractor": "pixels"})
    assert Measure.from_dict(json.loads(json.dumps(measure.as_dict()))) == measure
    with pytest.raises(BadInput, match="expected an object with a name"):
        Measure.from_dict({"value": 1.0})
    with pytest.raises(BadInput, match="expected an object with a name"):
        Measure.from_dict(5)  # type: ignore[arg-type]
