"""Canaries: damage is what it says, re-splits are fair, a measure that sees nothing detects nothing."""

import json
import math
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor

from advnets import data, metrics, statistics
from advnets.cli.main import main
from advnets.errors import BadInput, Damaged, Unsupported
from advnets.statistics import Estimate
from advnets.studies import canaries
from advnets.studies.canaries import damage as doing, study as studying
from advnets.studies.canaries.detection import MeasureReading

N = 60
SAID = Mapping[str, Estimate | str]


@pytest.fixture(scope="module")
def digits() -> data.Dataset:
    return data.load("digits")


@pytest.fixture(scope="module")
def drawn(digits: data.Dataset) -> canaries.Resplit:
    return canaries.draw_resplit(digits, 200, seed=0, number=0)


def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def keys(images: Tensor) -> list[bytes]:
    return [image.numpy().tobytes() for image in images]


def pixels(dataset: data.Dataset, seen: list[int] | None = None) -> canaries.Battery:
    """Distances in pixels, a blind measure, and one that refuses; `seen` counts the sets that were measured."""

    def prepare(drawn: canaries.Resplit) -> canaries.MeasureSamples:
        train, held = (part.values.flatten(1).float() / 255 for part in (drawn.dataset.train, drawn.dataset.test))

        def look(samples: Tensor) -> SAID:
            if seen is not None:
                seen.append(len(samples))
            given = samples.flatten(1).float() / 255
            brightness = stats.mannwhitneyu(given.mean(1), held.mean(1)).pvalue
            return {
                "nearness": metrics.nearness(given, held, train),
                "brightness": Estimate(float(given.mean()), p_value=float(brightness)),
                "blind": Estimate(1.0, 0.1),
                "blind test": Estimate(0.0, p_value=0.5),
                "shy": "too few samples",
            }

        return look

    return canaries.Battery("pixels", prepare)


@pytest.mark.parametrize("name", canaries.DAMAGES)
def test_every_damage_is_pure_repeatable_and_keeps_shape_and_bytes(name: str, drawn: canaries.Resplit) -> None:
    row, before = canaries.DAMAGES[name], drawn.clean.images.clone()
    for strength in row.strengths:
        made = row.act(drawn.clean, strength, rng())
        assert (made.dtype, made.shape) == (torch.uint8, before.shape)
        assert torch.equal(made, row.act(drawn.clean, strength, rng()))
        assert torch.equal(drawn.clean.images, before), "what is damaged is a copy"
        assert not torch.equal(made, before)
    colour = torch.randint(0, 256, (20, 3, 12, 10), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    three = canaries.CleanImages(colour, colour, torch.arange(20) % 4)
    assert row.act(three, row.strengths[0], rng()).shape[1:] == (3, 12, 10)


@pytest.mark.parametrize("name", [name for name in canaries.DAMAGES if name != "few originals"])
def test_a_stronger_damage_moves_samples_further(name: str, drawn: canaries.Resplit) -> None:
    row = canaries.DAMAGES[name]
    moved = [
        float((row.act(drawn.clean, strength, rng()).float() - drawn.clean.images.float()).square().mean())
        for strength in (row.strengths[0], row.strengths[-1])
    ]
    assert moved[0] < moved[1]


def test_blur_has_the_deviation_that_it_says() -> None:
    block = torch.zeros(1, 1, 31, 31, dtype=torch.uint8)
    block[0, 0, 11:20, 11:20] = 255
    spread = doing.blur(block, 1.5)[0, 0].double()
    offsets = torch.arange(31).double() - 15
    variance = float((spread.sum(0) * offsets**2).sum() / spread.sum())
    assert variance == pytest.approx((9**2 - 1) / 12 + 1.5**2, rel=0.01), "variances add"
    assert torch.equal(
        doing.blur(torch.full((1, 1, 5, 5), 77, dtype=torch.uint8), 1.0).unique(), torch.tensor([77]).byte()
    )


def test_noise_has_the_deviation_that_it_says() -> None:
    grey = torch.full((50, 1, 20, 20), 128, dtype=torch.uint8)
    noise = doing.add_noise(grey, 0.05, rng()).double() - 128
    assert float(noise.std()) == pytest.approx(255 * 0.05, rel=0.02)
    assert abs(float(noise.mean())) < 0.3


def test_shift_moves_to_the_right() -> None:
    image = torch.arange(4, dtype=torch.uint8).repeat(1, 1, 2, 1)
    assert doing.shift_right(image, 1)[0, 0, 0].tolist() == [0, 0, 1, 2]
    assert doing.shift_right(image, 3)[0, 0, 1].tolist() == [0, 0, 0, 0]


def test_copies_duplicates_and_originals_are_as_many_as_they_say(drawn: canaries.Resplit) -> None:
    clean, train = drawn.clean, set(keys(drawn.clean.train))
    assert len(set(keys(clean.images)) & train) == 0
    assert sum(key in train for key in keys(doing.copy_training_images(clean, 0.1, rng()))) == 20
    assert len(set(keys(doing.repeat_samples(clean.images, 0.1, rng())))) == 180
    assert len(set(keys(doing.repeat_samples(clean.images, 0.9, rng())))) == 100
    few = doing.repeat_few_originals(clean.images, 0.02, rng())
    nearest = statistics.find_nearest(few.float(), clean.images.float())[0]
    assert len(nearest.unique()) == 4
    assert len(set(keys(few))) == 200
    assert (
        sum(
            not torch.equal(*pair)
            for pair in zip(doing.invert_share(clean.images, 0.05, rng()), clean.images, strict=True)
        )
        == 10
    )


def test_a_class_is_left_out_and_others_take_its_place(drawn: canaries.Resplit) -> None:
    clean = drawn.clean
    assert clean.labels is not None
    whole = doing.leave_class_out(clean, 1.0, rng())
    labels = {key: int(label) for key, label in zip(keys(clean.images), clean.labels, strict=True)}
    spare = {key: int(label) for key, label in zip(keys(clean.spare), clean.spare_labels, strict=True)}
    found = [(labels | spare)[key] for key in keys(whole)]
    assert len(set(found)) == 9
    assert len(set(keys(whole))) == len(whole) == 200
    (lost,) = set(range(10)) - set(found)
    half = [(labels | spare)[key] for key in keys(doing.leave_class_out(clean, 0.5, rng()))]
    before = clean.labels.tolist().count(lost)
    assert half.count(lost) == before - round(0.5 * before), "of both strengths the class is the same"
    without = canaries.CleanImages(clean.images, clean.train, clean.labels)
    assert len(doing.leave_class_out(without, 1.0, rng())) == 200 - before


def test_a_class_cannot_be_left_out_without_labels_or_spare_images(drawn: canaries.Resplit) -> None:
    clean = drawn.clean
    with pytest.raises(BadInput, match="without labels"):
        doing.leave_class_out(canaries.CleanImages(clean.images, clean.train), 1.0, rng())
    poor = canaries.CleanImages(clean.images, clean.train, clean.labels, clean.images[:2], clean.labels[:2])
    with pytest.raises(BadInput, match="spare images"):
        doing.leave_class_out(poor, 1.0, rng())


def test_a_resplit_is_a_partition_of_training_and_validation_images(digits: data.Dataset) -> None:
    drawn = canaries.draw_resplit(digits, 200, seed=3, number=1)
    parts = (drawn.clean.images, drawn.dataset.train.values, drawn.dataset.test.values, drawn.clean.spare)
    found = sorted(key for part in parts if part is not None for key in keys(part))
    assert found == sorted(keys(digits.train.values) + keys(digits.validation.values)), "the test split is not read"
    again, other = (canaries.draw_resplit(digits, 200, seed=3, number=number) for number in (1, 2))
    assert torch.equal(again.clean.images, drawn.clean.images)
    assert not torch.equal(other.clean.images, drawn.clean.images)
    assert drawn.dataset.digest != digits.digest
    known = {
        key: int(label) for key, label in zip(keys(digits.train.values), digits.train.labels.tolist(), strict=True)
    }
    assert all(
        known.get(key, label) == label
        for key, label in zip(keys(drawn.clean.images), drawn.clean.labels.tolist(), strict=True)
    )


def test_spare_images_are_enough_for_any_class_that_is_lost(digits: data.Dataset) -> None:
    for number in range(40):
        drawn = canaries.draw_resplit(digits, 50, seed=0, number=number)
        for label in drawn.clean.labels.unique():
            assert (drawn.clean.spare_labels != label).sum() >= (drawn.clean.labels == label).sum()
    usual = canaries.draw_resplit(digits, 309, seed=0, number=0)
    assert len(usual.clean.spare) == 68, "where they are enough draws are as they were"


def test_a_class_that_nothing_can_replace_is_refused_and_the_rest_goes_on(
    tmp_path: Path, digits: data.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    most = [replace(part, labels=(part.labels == 0).long()) for part in digits.splits.values()]
    skewed = replace(digits, train=most[0], validation=most[1], test=most[2], classes=2, class_names=None)
    monkeypatch.setattr(studying.data, "load", lambda *given: skewed)
    study = canaries.CanaryStudy("digits", n=300, clean=3, repeats=4, damages="class lost,shift")
    list(study.run(pixels))
    results = study.results_file.read()
    assert len(results.units) == len(study.sample_sets)
    refused = [unit for unit in results.units if "class lost" in unit.refused]
    assert refused
    assert all(not unit.readings for unit in refused)
    assert "- class lost: a class left out: found" in canaries.as_markdown(results)
    unlabelled = replace(skewed, train=replace(most[0], labels=None), validation=replace(most[1], labels=None),
                         test=replace(digits.test, labels=None), classes=None)  # fmt: skip
    monkeypatch.setattr(studying.data, "load", lambda *given: unlabelled)
    with pytest.raises(BadInput, match="class lost: found digits without labels"):
        list(canaries.CanaryStudy("digits", n=300, damages="class lost", results="b.json").run(pixels))


def test_a_resplit_of_too_few_or_of_points_is_refused(digits: data.Dataset) -> None:
    for n in (10, 600):
        with pytest.raises(BadInput, match=f"n is {n}; expected 50 or more"):
            canaries.draw_resplit(digits, n, seed=0, number=0)
    with pytest.raises(Unsupported, match="points"):
        canaries.draw_resplit(data.load("ring-8"), 100, seed=0, number=0)


def test_the_prediction_interval_holds_what_it_says() -> None:
    draws = rng().normal(3, 2, (2000, 11))
    p_values = np.array([canaries.prediction_test(row[0], row[1:].tolist())[1] for row in draws])
    assert stats.kstest(p_values, "uniform").pvalue > 0.01
    assert canaries.prediction_test(1.0, [1.0, 1.0, 1.0]) == (0.0, 1.0)
    assert canaries.prediction_test(2.0, [1.0, 1.0, 1.0]) == (math.inf, 0.5)
    assert canaries.judge_reading(MeasureReading(1.0), [MeasureReading(1.0)]) is None


def test_clean_values_that_happen_to_be_equal_condemn_no_other() -> None:
    assert canaries.count_false_alarms([MeasureReading(value) for value in (1.0, 0.987, 1.0)]) == 0
    counts = [1.0] * 19 + [0.99]
    assert canaries.prediction_test(0.98, counts)[1] > 0.05, "one step more than the one that varied"
    assert canaries.prediction_test(0.9, counts)[1] < 0.01
    shares = rng().binomial(100, 0.995, (2000, 21)) / 100
    alarms = [canaries.prediction_test(row[0], row[1:].tolist())[1] < 0.01 for row in shares]
    assert np.mean(alarms) < 0.02
    odd = rng().binomial(1, 0.2, (2000, 4)) / 300
    assert not any(canaries.prediction_test(row[0], row[1:].tolist())[1] < 0.01 for row in odd)


def test_a_p_value_of_its_own_counts_before_the_interval() -> None:
    clean = [MeasureReading(value) for value in (0.0, 0.1, -0.1, 0.05)]
    assert canaries.judge_reading(MeasureReading(9.0), clean).is_detected
    assert not canaries.judge_reading(MeasureReading(9.0, p_value=0.5), clean).is_detected
    assert canaries.judge_reading(MeasureReading(0.0, p_value=0.001), clean).is_detected


def test_the_weakest_strength_is_the_last_before_a_gap() -> None:
    yes, no = canaries.Detection(0.0, 9.0, True), canaries.Detection(0.5, 0.0, True)
    assert canaries.weakest_detected([(1, yes), (2, no), (3, yes), (4, yes)]) == 3
    assert canaries.weakest_detected([(1, yes), (2, yes)]) == 1
    assert canaries.weakest_detected([(1, yes), (2, no)]) is None
    assert canaries.weakest_detected([(1, yes), (2, None)]) is None


def test_a_study_detects_is_seldom_wrong_and_a_blind_measure_detects_nothing(tmp_path: Path) -> None:
    study = canaries.CanaryStudy("digits", n=N, clean=12)
    events = list(study.run(pixels))
    results = study.results_file.read()
    assert (events[0].done, events[-1].done, events[-1].of) == (0, len(study.sample_sets), len(study.sample_sets))
    assert len(results.units) == 12 + 2 * sum(len(row.strengths) for row in canaries.DAMAGES.values())
    for blind in ("blind", "blind test"):
        assert all(canaries.weakest_detected(results.detections(blind, damage)) is None for damage in results.damages)
        assert canaries.count_false_alarms(results.clean_readings(blind)) == 0
    assert canaries.weakest_detected(results.detections("nearness", "blur")) is not None
    assert canaries.weakest_detected(results.detections("brightness", "dimmed")) is not None
    assert all(canaries.count_false_alarms(results.clean_readings(measure)) <= 1 for measure in results.measures)
    page = canaries.as_markdown(results)
    assert "| nearness | z | " in page
    assert "| brightness | p | " in page
    assert "- shy: too few samples" in page
    assert (
        json.loads(json.dumps(canaries.as_json(results)))["table"]["blind"]["damages"]["blur"][0]["detected"] is False
    )


def test_what_is_measured_is_not_measured_again(tmp_path: Path, digits: data.Dataset) -> None:
    seen: list[int] = []

    def count_sets(dataset: data.Dataset) -> canaries.Battery:
        return pixels(dataset, seen)

    study = canaries.CanaryStudy("digits", n=N, clean=3, repeats=1, damages="blur")
    events = study.run(count_sets)
    for _ in range(3):
        next(events)
    del events
    assert len(study.results_file.read().units) == 2
    list(study.run(count_sets))
    assert len(seen) == 7
    whole = study.results_file.read()
    more = canaries.CanaryStudy("digits", n=N, clean=4, repeats=1, damages="shift, blur")
    list(more.run(count_sets))
    assert len(seen) == 7 + 1 + 3
    assert more.results_file.read().units[:7] == whole.units
    again = canaries.CanaryStudy("digits", n=N, clean=3, repeats=2, damages="blur")
    list(again.run(count_sets))
    assert len(seen) == 11 + 4
    other = canaries.CanaryStudy("digits", n=N + 1, clean=3, results=str(study.results_file.path))
    with pytest.raises(BadInput, match="n is 60, expected 61"):
        list(other.run(pixels))
    study.results_file.path.write_text('{"data": 3}')
    with pytest.raises(Damaged, match="does not hold results of this study"):
        list(study.run(count_sets))
    assert study.results_file.path.read_text() == '{"data": 3}'


def test_what_one_of_two_re_splits_hides_is_not_detected() -> None:
    def unit(damage: str, split: int, value: float) -> canaries.MeasuredSamples:
        return canaries.MeasuredSamples(damage, 0.3, split, 0.0, {"it": MeasureReading(value)}, {})

    clean = tuple(unit("clean", 1000 + split, value) for split, value in enumerate((0.0, 1.0, -1.0, 0.5, -0.5)))
    for other, detected in ((0.0, False), (90.0, True)):
        units = (*clean, unit("blur", 0, 99.0), unit("blur", 1, other))
        results = canaries.CanaryResults("digits", "d", 60, 0, "pixels", units)
        assert "without damage in 5 re-splits, with each damage in 2. Each cell" in canaries.as_markdown(results)
        assert (canaries.weakest_detected(results.detections("it", "blur")) == 0.3) is detected


def test_re_splits_are_counted_for_each_damage() -> None:
    asked = [("blur", 0), ("blur", 1), ("noise", 0), ("shift", 0)]
    units = tuple(
        canaries.MeasuredSamples(damage, 1.0, split, 0.0, {"it": MeasureReading(1.0)}, {}) for damage, split in asked
    )
    page = canaries.as_markdown(canaries.CanaryResults("digits", "d", 60, 0, "pixels", units))
    assert "without damage in 0 re-splits, with noise and shift in 1, with blur in 2. Each cell" in page


def test_results_are_the_same_in_any_order(tmp_path: Path) -> None:
    first = canaries.CanaryStudy("digits", n=N, clean=3, repeats=1, damages="noise,few originals", results="a.json")
    other = canaries.CanaryStudy("digits", n=N, clean=3, repeats=1, damages="few originals", results="b.json")
    list(first.run(pixels))
    list(other.run(pixels))
    strengths = canaries.DAMAGES["few originals"].strengths
    for strength in strengths:
        one, two = (study.results_file.read().find_unit("few originals", strength, 0) for study in (first, other))
        assert one.readings == two.readings


def test_the_command_writes_a_page_and_prints(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(studying, "default_battery", pixels)
    words = [
        "canaries",
        "--data",
        "digits",
        "--n",
        str(N),
        "--clean",
        "3",
        "--repeats",
        "1",
        "--damages",
        "noise,shift",
    ]
    assert main([*words, "--out", "page.md"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("Which measures detect which damage: digits, 60 samples")
    assert "3/10  noise 0.01, re-split 0" in err
    assert Path("page.md").read_text().startswith("# Which measures detect which damage: digits")
    assert main([*words, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert list(told["table"]["nearness"]["damages"]) == ["noise", "shift"]
    assert main([*words, "--out", "page.md"]) == 2


@pytest.mark.parametrize(("words", "message"), [
    (["--damages", "blurr"], "Did you mean 'blur'?"),
    (["--damages", ""], "unknown damage ''"),
    (["--damages", "blur,"], "unknown damage ''"),
    (["--clean", "2"], "clean is 2"),
    (["--repeats", "0"], "repeats is 0"),
    (["--seed", "-1"], "seed is -1"),
    (["--n", "7"], "n is 7"),
    (["--data", "ring-8"], "points"),
    (["--out", "page.txt"], ".md"),
])  # fmt: skip
def test_bad_input_is_refused(
    words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(studying, "default_battery", pixels)
    assert main(["canaries", *words]) == 2
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_the_name_of_the_results_fits_any_disk() -> None:
    for name in ("x" * 300, "\u00e9" * 200, "photos/\udc80" * 40):
        path = canaries.CanaryStudy(data=name).results_file.path
        assert path.name.startswith("canaries-")
        assert len(os.fsencode(path.name)) <= 143


def test_other_results_under_the_default_name_are_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    first = canaries.CanaryStudy("digits", n=N, clean=3, repeats=1, damages="noise")
    assert list(first.run(pixels))[-1].results == Path("results/canaries-digits.json")
    before = first.results_file.path.read_bytes()
    other = replace(first, seed=1)
    assert list(other.run(pixels))[-1].results == Path("results/canaries-digits-2.json")
    assert next(iter(other.run(pixels))).what == "done"  # it finds its own again
    assert first.results_file.path.read_bytes() == before
    with pytest.raises(BadInput, match="measured otherwise: seed is 0, expected 1"):
        list(replace(other, results="results/canaries-digits.json").run(pixels))
