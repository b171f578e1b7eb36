"""What a report says first: three sentences that claim what a row finds, and no more."""

import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import ndimage
from torch import Tensor

from advnets import assessment, data
from advnets.assessment import (
    MEASURES,
    Report,
    Subject,
    Summary,
    exhaust,
    measure_samples,
    notes_of_few_held_out,
    summarise,
)
from advnets.assessment.plan import EvaluationPlan
from advnets.assessment.verdict import CLAIMED, Verdict, verdicts
from advnets.data import Dataset
from advnets.statistics import Estimate

SENTENCES = ("fidelity", "variety", "copies")


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return data.load("digits")


@pytest.fixture(scope="module")
def reference(digits: Dataset) -> assessment.Reference:
    return assessment.reference(digits)


def report_on(images: Tensor, reference: assessment.Reference) -> Report:
    return exhaust(measure_samples(Subject("samples", images), reference, EvaluationPlan()))


def blurred(images: Tensor) -> Tensor:
    soft = ndimage.gaussian_filter(images.numpy().astype(np.float32), (0, 0, 0.7, 0.7))
    return torch.from_numpy(soft).to(torch.uint8)


def alike(images: Tensor) -> Tensor:
    noise = 2 * torch.randn(images.shape, generator=torch.Generator().manual_seed(0))
    return (images[:1] + noise).clamp(0, 255).to(torch.uint8)


DAMAGE: dict[str, tuple[Callable[[Dataset], Tensor], str, str]] = {
    "blurred": (lambda d: blurred(d.test.values), "fidelity", "do not look like real images"),
    "a class lost": (lambda d: d.test.values[d.test.labels != 3], "variety", "class 3 is"),
    "collapsed": (lambda d: alike(d.test.values), "variety", "nearly all alike"),
    "duplicates": (lambda d: torch.cat([d.test.values[:150], d.test.values[:40]]), "variety", "near-duplicates"),
    "copies": (lambda d: torch.cat([d.test.values[:150], d.train.values[:60]]), "copies", "are copies of one"),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_said_in_the_sentence_that_it_belongs_to(
    name: str, digits: Dataset, reference: assessment.Reference
) -> None:
    damage, part, words = DAMAGE[name]
    report = report_on(damage(digits), reference)
    assert words in getattr(report.summary, part)
    assert str(report.summary) in report.markdown()
    assert "of the way" not in report.markdown()  # no praise beside damage
    for claimed in report.summary.claims:  # what any row finds is in one of the sentences, in words or by its name
        assert (report.verdicts[claimed].adjusted or 0.0) < CLAIMED


def test_of_real_images_nothing_is_claimed(digits: Dataset, reference: assessment.Reference) -> None:
    report = report_on(digits.test.values, reference)
    assert report.summary.claims == ()
    assert "only large differences would be seen" in report.summary.fidelity
    for sentence in SENTENCES:
        assert "can be shown" in getattr(report.summary, sentence)
        assert "looked" not in getattr(report.summary, sentence)  # all rows did


def summary_of(name: str, value: float, floor: float, p: float) -> Summary:
    """The sentences on one row with such a p-value."""
    found = {name: Estimate(value, 0.1, floor=floor, p_value=p)}
    return summarise(found, verdicts(found), 10_000)


@pytest.mark.parametrize("name", [name for name, row in MEASURES.items() if row.group != "translation"])
def test_every_row_that_finds_something_is_told_in_the_sentence_of_its_group(name: str) -> None:
    told, silent = summary_of(name, 0.5, 0.9, 1e-5), summary_of(name, 0.5, 0.9, 0.5)
    assert told.claims == (name,)
    assert silent.claims == ()
    changed = [part for part in SENTENCES if getattr(told, part) != getattr(silent, part)]
    assert len(changed) == 1
    cautious = ("can be shown", "cannot be shown", "Nothing was measured", "was not measured")
    assert all(any(words in getattr(silent, part) for words in cautious) for part in SENTENCES)


@pytest.mark.parametrize(("value", "words"), [(0.2, "not as varied"), (1.4, "not spread as")])
def test_more_variety_than_real_is_not_called_a_lack(value: float, words: str) -> None:
    assert words in summary_of("vendi", value, 1.0, 1e-5).variety


def test_a_distance_alone_does_not_say_that_each_sample_looks_unreal() -> None:
    assert "as a whole" in summary_of("fid", 9.0, 3.0, 1e-5).fidelity
    assert "3 times" in summary_of("fid", 9.0, 3.0, 1e-5).fidelity


def test_what_a_headline_says_is_shown_first() -> None:
    rows = {"precision": (0.5, 0.9), "pairwise-distance": (0.9, 1.0), "coverage": (0.6, 0.95), "recall": (0.5, 0.9)}
    found = {name: Estimate(value, 0.01, floor=floor, p_value=1e-6) for name, (value, floor) in rows.items()}
    told = summarise(found, verdicts(found), 10_000).variety
    assert told.startswith("**Variety.** Fewer real images have a sample near them: they cover 60 % of the real images")
    assert "they are all the same" in summary_of("pairwise-distance", 0.0, 1.0, 1e-5).variety
    nearer = {name: one for name, one in found.items() if name in ("precision", "pairwise-distance")}
    told = summarise(nearer, verdicts(nearer), 10_000).variety
    assert told.startswith(
        "**Variety.** The samples are not spread as real images are: two samples lie 0.9 times as far"
    )


def test_fewer_near_duplicates_than_real_images_have_are_no_copies() -> None:
    assert "keep away" in summary_of("near-duplicates", 1.0, 9.0, 1e-5).copies
    overfitted = summary_of("logits-gap", 0.6, 0.5, 1e-5).copies
    assert "has begun to recognise its training images, a sign of overfitting, by logits-gap. Copying was" in overfitted


def alike_rows(names: str, skipped: tuple[str, ...] = ()) -> Summary:
    """The sentences on rows that show no difference."""
    found = {name: Estimate(0.5, 0.1, floor=0.5) for name in names.split()}
    return summarise(found, verdicts(found), 10_000, skipped)


def test_a_sentence_names_the_rows_that_looked_where_others_did_not() -> None:
    found = alike_rows("fid precision class-shares class-distance tone authenticity")
    assert found.fidelity.endswith(
        "By fid, precision and tone, the only rows that looked, no difference from real images can be shown in how the "
        "samples look."
    )
    assert found.variety == (
        "**Variety.** By class-shares and class-distance, the only rows that looked, no lack of variety can be shown."
    )
    assert found.copies == (
        "**Copies.** Copying was not measured: only the row copying names copies. By authenticity samples cannot be "
        "shown to lie nearer to training images than held-out images do."
    )
    whole = "By fid, the only row that looked, no difference from real images can be shown in the samples as a whole."
    assert alike_rows("fid").fidelity == f"**Fidelity.** {whole}"
    assert "Nothing was measured" in alike_rows("fid").variety


@pytest.mark.parametrize("group", ["diversity", "memorisation"])
def test_a_sentence_on_all_rows_that_the_data_allow_names_none(group: str) -> None:
    rows = {name: row for name, row in MEASURES.items() if row.group == group}
    general = [name for name, row in rows.items() if row.of == "any" and not row.needs]
    needy = tuple(name for name, row in rows.items() if row.needs)
    images = "spectrum"  # which says what the data are
    assert "that looked" not in str(alike_rows(" ".join([images, *general]), needy)).split("Variety")[1]
    fewer = alike_rows(" ".join([images, *general[1:]]), (general[0], *needy))
    assert "that looked" in str(fewer) or "was not measured" in fewer.copies


def test_a_row_without_a_p_value_did_not_look() -> None:
    found = {"vendi": Estimate(3.0, None, 2.0)}
    assert "Nothing was measured" in summarise(found, verdicts(found), 10_000).variety


def test_a_claim_of_nearness_does_not_hide_that_copying_was_not_measured() -> None:
    near = summary_of("nearest-training", 0.7, 0.5, 1e-5).copies
    assert near.endswith("Copying was not measured: only the row copying names copies.")
    assert "not measured" not in summary_of("copying", 0.2, 0.0, 1e-5).copies
    both = {"copying": Estimate(0.0, floor=0.0, p_value=0.9), "logits-gap": Estimate(0.6, 0.1, 0.5, p_value=1e-5)}
    assert summarise(both, verdicts(both), 10_000).copies.endswith("by logits-gap. No copying can be shown.")


def test_a_sentence_names_three_further_rows_and_counts_the_others() -> None:
    names = [name for name, row in MEASURES.items() if row.group == "fidelity"]
    found = {name: Estimate(0.2, 0.01, floor=0.9, p_value=1e-9) for name in names}
    told = summarise(found, verdicts(found), 10_000)
    assert set(told.claims) == set(names)
    (listed,) = re.findall(r"\(also by ([^)]*)\)", told.fidelity)
    *_, more = listed.split(" and ")
    assert len(listed.split(", ")) == 3
    assert more == f"{len(names) - 5} more"


def test_between_one_and_five_in_a_hundred_is_a_hint() -> None:
    found = summary_of("kid", 0.5, 0.0, 0.03)
    assert found.claims == ()
    assert "A hint at one is kid (p = 0.03)" in found.fidelity


@pytest.mark.parametrize(
    ("name", "value", "floor", "part", "words"),
    [
        ("near-duplicates", 13.0, 100.0, "copies", "A hint that samples keep away from training images is near-dup"),
        ("near-duplicates", 100.0, 13.0, "copies", "A hint at one is near-duplicates"),
        ("vendi", 9.0, 5.0, "variety", "A hint at more variety than that of real images is vendi"),
        ("vendi", 5.0, 9.0, "variety", "A hint at one is vendi"),
    ],
)
def test_a_hint_has_its_direction(name: str, value: float, floor: float, part: str, words: str) -> None:
    assert words in getattr(summary_of(name, value, floor, 0.03), part)


@pytest.mark.parametrize(
    ("worst", "log_ratio", "words"),
    [
        (7, -0.5, "their fine detail is weaker, as by a blur"),
        (7, 0.5, "their fine detail is stronger, as by noise"),
        (8, 0.5, "their finest detail is stronger, as by a checkerboard or by noise"),
        (2, -0.5, "their coarse detail is weaker"),
    ],
)
def test_the_spectrum_says_which_detail_and_a_blur_comes_before_the_tone(
    worst: int, log_ratio: float, words: str
) -> None:
    spectrum, tone = Estimate(0.5, None, 0.1, p_value=1e-5), Estimate(0.5, None, 0.1, p_value=1e-5)
    spectrum.notes.update(worst=worst, frequencies=8, log_ratio=log_ratio)
    tone.notes.update(worst="mean, channel 0", apart=2.0)
    found = {"tone": tone, "spectrum": spectrum}
    said = summarise(found, verdicts(found), 10_000).fidelity
    assert words in said
    assert (said.index("detail") < said.index("brightness")) == (worst >= 7)


def test_copies_are_counted_beyond_what_held_out_images_seem_to_be() -> None:
    found = {"copying": Estimate(0.062, 0.0054, floor=0.012, p_value=1e-9)}
    assert "some 5 % +- 0.5 % of the samples are copies of one" in summarise(found, verdicts(found), 10_000).copies


def test_classes_of_samples_that_are_off_may_be_mistaken() -> None:
    found = {"class-distance": Estimate(0.3, 0.01, floor=0.1, p_value=1e-9)}
    found["class-distance"].notes.update({"oddest": "1", "oddest share": 0.15, "oddest real share": 0.11})
    assert "other classes" not in summarise(found, verdicts(found), 10_000).variety
    found["precision"] = Estimate(0.4, 0.01, floor=0.9, p_value=1e-9)
    assert summarise(found, verdicts(found), 10_000).variety.endswith("may take some of them for other classes.")


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ({"precision": (0.3, 0.9), "coverage": (0.9, 0.97)}, "this need not be a lack of variety"),
        ({"coverage": (0.5, 0.97)}, "not as varied"),
        ({"tone": (0.5, 0.1), "spectrum": (0.5, 0.1), "coverage": (0.5, 0.97)}, "not as varied"),
        ({"precision": (0.3, 0.9), "coverage": (0.5, 0.97), "duplicates": (9.0, 0.0)}, "not as varied"),
        ({"precision": (0.3, 0.9), "coverage": (0.5, 0.97), "pairwise-distance": (0.1, 1.0)}, "not as varied"),
    ],
)
def test_samples_that_are_off_from_real_images_need_not_lack_variety(
    rows: dict[str, tuple[float, float]], words: str
) -> None:
    found = {name: Estimate(value, 0.01, floor, p_value=1e-9) for name, (value, floor) in rows.items()}
    assert words in summarise(found, verdicts(found), 10_000).variety


@pytest.mark.parametrize(
    ("worst", "apart", "words"),
    [
        ("mean, channel 0", 0.85, "their brightness is higher, by 0.85 of 255 levels"),
        ("deviation, red", -123.4, "their contrast in red is lower, by 123 of 255 levels"),
        ("share of highest level, red", 0.1, "their share of the brightest pixels in red differs"),
        ("share of red", 0.1, "their share of a colour differs"),
        ("side 3", 0.1, "their balance of left and right differs"),
    ],
)
def test_the_tone_says_what_differs_and_does_not_say_that_images_look_unreal(
    worst: str, apart: float, words: str
) -> None:
    found = {"tone": replace(Estimate(0.5, None, 0.1, p_value=1e-5), notes={"worst": worst, "apart": apart})}
    said = summarise(found, verdicts(found), 10_000).fidelity
    assert f"The samples as a whole have another tone than real images: {words}." in said
    found["tone"].notes.update(p_sides=1e-4, p_levels=0.5)
    assert "their balance of left and right differs." in summarise(found, verdicts(found), 10_000).fidelity


def test_names_of_classes_cannot_break_the_page() -> None:
    notes = {"oddest": "<script>|x", "oddest share": 0.0, "oddest real share": 0.5}
    found = {"class-distance": replace(Estimate(0.5, 0.1, floor=0.1, p_value=1e-9), notes=notes)}
    said = summarise(found, {"class-distance": Verdict("", True, 1e-9)}, 10_000).variety
    assert "<script>" not in said
    assert "0 % of them and 50 % of real images" in said


def noise(images: Tensor) -> Tensor:
    return torch.randint(0, 256, images.shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def test_noise_is_not_accused_of_copying(digits: Dataset, reference: assessment.Reference) -> None:
    assert "copies of one" not in (said := report_on(noise(digits.test.values), reference).summary.copies)
    assert "repeats" not in said
    rows = {
        "nearest-training": Estimate(0.9, 0.01, floor=0.5, p_value=1e-9),
        "copying": Estimate(0.0, 0.01, floor=0.01, p_value=1.0),
        "precision": Estimate(0.0, 0.01, floor=0.7),
    }
    assert "cannot be told: most samples lie far" in summarise(rows, verdicts(rows), 10_000).copies
    near = summarise(rows | {"precision": Estimate(0.7, 0.01, floor=0.7)}, verdicts(rows), 10_000).copies
    assert "stand out beside samples" in near
    assert near.endswith("No copying can be shown.")


def test_few_real_images_are_said_to_be_too_few_and_not_to_be_alike() -> None:
    found = {name: Estimate(0.5, 0.1, floor=0.5) for name in ("fid", "coverage", "copying")}
    for sentence in str(summarise(found, verdicts(found), 6)).splitlines():
        assert "This cannot be told by 6 held-out images; it takes 40 or more." in sentence
    said = str(summarise(found, verdicts(found), 6))
    assert said.count("Put 40 or more into a folder val, and the rest into a folder train beside it, and train") == 1
    assert not notes_of_few_held_out(40)
    (line,) = notes_of_few_held_out(39)
    assert line.startswith("39 images are held out: ")


def test_a_row_above_real_images_is_no_proof_of_little_variety() -> None:
    found = {
        "recall": Estimate(0.1, 0.01, floor=0.8, p_value=1e-9),
        "vendi": Estimate(1.5, 0.01, floor=1.1, p_value=1e-9),
    }
    said = summarise(found, verdicts(found), 10_000).variety
    assert "not as varied as real images" in said
    assert said.endswith("; vendi above that of real images.")
