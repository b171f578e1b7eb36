"""Measures of the user's own: what a row must be, where it stands in a report, and what happens where it fails."""

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from advnets import data, extractors
from advnets.assessment import GROUPS, MEASURES, MeasureCard, MeasureRow, Reference, Report, assess, measures, verdicts
from advnets.assessment.context import Context
from advnets.data import Dataset
from advnets.errors import BadInput, CannotWrite, ProcessLost
from advnets.statistics import Estimate


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return data.load("digits")


@pytest.fixture(scope="module")
def held(digits: Dataset) -> Reference:
    """Digits in pixels, for which no classifier is trained."""
    return Reference(digits, "validation", extractors.Pixels(), None)


def brightness(context: Context) -> Estimate:
    return Estimate(100.0, 1.0, 50.0)


def own_row(**changes: Any) -> MeasureRow:
    row: dict[str, Any] = {"group": "diversity", "asks": "How bright?", "better": "floor", "find": brightness}
    return MeasureRow(**{**row, "on": "values", **changes})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"group": "variety"}, "unknown `group` of a MeasureRow 'variety'. Known: translation, fidelity, diversity"),
        ({"group": "fidelty"}, "unknown `group` of a MeasureRow 'fidelty'. Did you mean 'fidelity'?"),
        ({"group": None}, "unknown `group` of a MeasureRow 'None'."),
        ({"better": "sideways"}, "unknown `better` of a MeasureRow 'sideways'. Known: lower, higher, floor"),
        ({"on": "valu"}, "unknown `on` of a MeasureRow 'valu'. Did you mean 'values'?"),
        ({"of": "image"}, "unknown `of` of a MeasureRow 'image'. Did you mean 'images'? Known: images, points, any"),
        ({"needs": ("label",)}, "unknown name in `needs` of a MeasureRow 'label'. Did you mean 'labels'?"),
        ({"needs": "labels"}, "`needs` of a MeasureRow is the text 'labels', expected a tuple of names."),
        ({"find": Estimate(1.0)}, "`find` of a MeasureRow is Estimate, expected a function of a Context"),
        ({"least": 0}, "`least` of a MeasureRow is 0, expected a number of samples from 1."),
    ],
)
def test_a_row_says_what_it_cannot_be(changes: Mapping[str, Any], words: str) -> None:
    with pytest.raises(BadInput) as caught:
        own_row(**changes)
    assert words in str(caught.value)


@pytest.mark.parametrize("group", GROUPS)
def test_a_measure_of_any_group_has_its_row_under_its_heading(
    group: str, digits: Dataset, held: Reference, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(MEASURES, "brightness", own_row(group=group))
    page = assess(digits.test.values, held, measures="tone,brightness").markdown()
    assert "adjusted for the 2 rows of this table" in page
    assert heading_above("brightness", page) == group


def heading_above(name: str, page: str) -> str:
    """The heading of a report's table under which a measure stands."""
    cells = [line.split("|")[1].strip() for line in page.splitlines() if line.startswith("| ")]
    above = cells[: cells.index(name)]
    return [cell.strip("*") for cell in above if cell.startswith("**")][-1]


def test_a_stored_report_shows_a_measure_that_is_not_loaded_as_it_did_before(
    digits: Dataset, held: Reference, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = own_row(asks="How bright are samples?", better="lower", unit="levels", of="images")
    with monkeypatch.context() as patch:
        patch.setitem(MEASURES, "brightness", row)
        report = assess(digits.test.values, held, measures="brightness,tone")
        page, cards = report.markdown(definitions=True), report.cards
    stored = json.loads(json.dumps(report.as_dict()))
    assert [measure.get("card") for measure in stored["measures"]] == [asdict(row.card), None]
    found = Report.from_dict(stored)
    assert found.cards == cards
    assert found.markdown(definitions=True) == page
    assert found == report
    assert heading_above("brightness", page) == "diversity"
    assert "2 times that of real images" in page
    assert "brightness" in found.summary.claims


@pytest.mark.parametrize("p_value", [1e-9, 0.9])
def test_a_stored_report_has_the_words_of_a_measure_that_is_not_loaded(p_value: float) -> None:
    card = MeasureCard("fidelity", differs="too *bright*", alike="as bright as real images")
    words = verdicts({"brightness": Estimate(1.0, p_value=p_value)}, {"brightness": card})["brightness"].words
    assert words.startswith("too *bright*" if p_value < 0.05 else "as bright as real images")


def test_what_a_stranger_wrote_of_a_measure_is_text_alone(digits: Dataset, held: Reference) -> None:
    stored = assess(digits.test.values, held, measures="tone").as_dict()
    marks = "<b>x</b> | **y**"
    card = {"group": "<i>", "asks": marks, "unit": marks, "differs": marks, "alike": marks}
    stored["measures"].append({**stored["measures"][0], "name": "theirs", "card": card})
    page = Report.from_dict(stored).markdown(definitions=True)
    assert "<b>" not in page
    assert "**y**" not in page
    assert heading_above("theirs", page) == "own"
    stored["measures"][1]["card"] = {"group": 3}
    with pytest.raises(BadInput, match="measure theirs: card: group"):
        Report.from_dict(stored)


def test_a_measure_whose_group_is_not_known_stands_last(
    digits: Dataset, held: Reference, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setitem(MEASURES, "brightness", own_row())
        stored = assess(digits.test.values, held, measures="brightness,tone").as_dict()
    for measure in stored["measures"]:
        measure.pop("card", None)  # as a file of before has it
    page = Report.from_dict(stored).markdown()
    assert "adjusted for the 2 rows of this table" in page
    assert heading_above("brightness", page) == "own"
    assert page.index("**own**") > page.index("**fidelity**")


def test_a_measure_that_raises_is_left_out_with_its_reason(
    digits: Dataset, held: Reference, monkeypatch: pytest.MonkeyPatch
) -> None:
    errors = {
        "division": (ZeroDivisionError("division by zero"), "it raised ZeroDivisionError: division by zero"),
        "key": (KeyError("pixel"), "it raised KeyError: 'pixel'"),
        "silent": (AssertionError(), "it raised AssertionError"),
        "reason": (BadInput("too dark"), "too dark"),
    }
    for name, (error, _) in errors.items():
        monkeypatch.setitem(MEASURES, name, own_row(find=partial(fail, error)))
    found = assess(digits.test.values, held, measures=["tone", *errors])
    assert found.measures.keys() == {"tone"}
    assert found.skipped == {name: reason for name, (_, reason) in errors.items()}
    assert "division: it raised ZeroDivisionError: division by zero" in found.markdown()


def fail(error: BaseException, *given: object, **settings: object) -> Any:
    raise error


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(), CannotWrite("full"), ProcessLost("gone")])
def test_what_is_to_end_an_evaluation_ends_it(
    error: BaseException, digits: Dataset, held: Reference, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(MEASURES, "stop", own_row(find=partial(fail, error)))
    with pytest.raises(type(error)):
        assess(digits.test.values, held, measures="stop")


def test_an_error_of_our_own_measure_is_not_hidden(
    digits: Dataset, held: Reference, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measures, "tone_distance", partial(fail, KeyError("tone")))
    with pytest.raises(KeyError, match="tone"):
        assess(digits.test.values, held, measures="tone")


def test_advnets_has_none_of_its_measures_from_elsewhere() -> None:
    assert not [name for name, row in MEASURES.items() if row.is_own]
    assert own_row().is_own
    assert own_row(find=partial(fail, KeyError())).is_own


@pytest.mark.parametrize(
    ("returned", "words"),
    [
        (0.5, "the measure wrong returned 0.5, of type float; expected an Estimate. End it by: return advnets."),
        (None, "the measure wrong returned None, of type NoneType; expected an Estimate."),
        (
            Estimate(torch.tensor(0.5)),
            "an Estimate whose value is of type Tensor; expected a number. Write float(value)",
        ),
        (Estimate(0.5, torch.tensor(0.5)), "an Estimate whose error is of type Tensor; expected a number."),
        (
            Estimate(0.5, interval=(0.0, torch.tensor(1))),
            "whose high is of type Tensor; expected a number.",
        ),
        (Estimate(True), "an Estimate whose value is of type bool; expected a number."),
        (
            Estimate(0.5, notes={"n": torch.tensor(3)}),
            "whose note 'n' is of type Tensor; expected a number",
        ),
    ],
)
def test_what_is_no_estimate_of_plain_numbers_is_named(
    returned: Any, words: str, digits: Dataset, held: Reference, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(MEASURES, "wrong", own_row(find=lambda context: returned))
    found = assess(digits.test.values, held, measures="wrong")
    assert words in found.skipped["wrong"]
    with pytest.raises(BadInput, match="nothing that was asked for can be measured"):
        found.must_have_measures()


def lookup(images: Tensor) -> Tensor:
    return {}["pixel"]  # type: ignore[no-any-return]


class Lookup(nn.Module):
    def forward(self, images: Tensor) -> Tensor:
        return lookup(images)


class LookupObject:
    id = "my lookup"

    def features(self, values: Tensor) -> Tensor:
        return lookup(values)

    logits = features


@pytest.mark.parametrize(
    ("extractor", "name"), [(lookup, "lookup; sha256"), (Lookup(), "Lookup"), (LookupObject(), "my lookup")]
)
def test_an_extractor_that_raises_is_named(extractor: Any, name: str, digits: Dataset, held: Reference) -> None:
    own = replace(held, extractor=extractors.as_extractor(extractor))
    found = assess(digits.test.values, own, measures="fid,inception-score,tone")
    assert found.measures.keys() == {"tone"}
    assert "the extractor " in found.skipped["fid"]
    assert name in found.skipped["fid"]
    assert "raised KeyError: 'pixel'. Call it with a few of these data" in found.skipped["fid"]
    with pytest.raises(BadInput, match="raised KeyError: 'pixel'"):
        assess(digits.test.values, own, measures="fid").must_have_measures()
    if isinstance(own.extractor, extractors.Judge):
        assert found.skipped["inception-score"] == found.skipped["fid"]
