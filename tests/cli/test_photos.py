"""A folder of pictures and nothing else: what is chosen, said, trained, kept and drawn."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from advnets.cli.forecast import line_of_cost, notes_of_few_steps
from advnets.cli.main import main
from advnets.experiment import Cost, Run, Settings
from advnets.games import AdversarialRow


def write_photos(folder: Path, n: int, side: int = 16, width: int | None = None) -> None:
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for number in range(n):
        Image.fromarray(rng.integers(0, 256, (side, width or side, 3), np.uint8)).save(folder / f"{number}.png")


def test_a_folder_of_photos_needs_no_recipe(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_photos(tmp_path / "photos", 60)
    words = ["train", "--data", "photos", "--steps", "3", "--generator.width", "4", "--out", "run", "--device", "cpu"]
    assert main(words) == 0
    said = capsys.readouterr().err.splitlines()
    assert [line.partition(":")[0] for line in said[:5]] == ["data", "recipe", "networks", "augmentation", "cost"]
    assert "48 training images of 16 x 16, in colour, no classes" in said[0]
    assert "; 3 steps in about " in said[4]
    assert " MiB on the disk for 2 checkpoints" in said[4]
    assert said[5].startswith("note: pictures are coarse below 1,000 steps: --steps 1000; about ")
    run = Run(tmp_path / "run")
    row = run.recipe.learner
    assert isinstance(row, AdversarialRow)
    assert (run.recipe.name, row.generator.width, row.discriminator.width) == ("dcgan", 4, 32)  # type: ignore[attr-defined]
    assert row.precision in ("float32", "bfloat16")
    assert run.sample(2).values.shape == (2, 16, 16, 3)
    assert sum("6 images are held out: " in line for line in said) == 1


def test_a_dry_run_estimates_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_photos(tmp_path / "photos", 60)
    words = "train --data photos --steps 3 --generator.width 4 --dry-run --device cpu"
    assert main(words.split()) == 0
    out, err = capsys.readouterr()
    named = [line.partition(":")[0] for line in err.splitlines() if ":" in line]
    assert ("recipe" in named, "cost" in named, "note" in named) == (True, False, True)
    assert out.count("ms a step") + out.count("ms/step") == 1


def test_what_stands_against_the_photos_is_told_before_a_training(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_photos(tmp_path / "photos", 60, side=16, width=32)
    few = "6 images are held out: whether samples look real, vary and are no copies can be told by 40 or more."
    assert main(["data", "photos"]) == 0
    described = capsys.readouterr().out
    words = "train --data photos --generator.width 4 --steps 3 --dry-run --device cpu"
    assert main(words.split()) == 0
    for said in (described, capsys.readouterr().err):
        assert said.count("all images are twice as wide as high") == 1
        assert said.count(few) == 1


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        ("--out taken", "taken exists already and is not an empty folder."),
        ("--lr -1", "--lr: rate is -1.0; expected a finite number 0 or more"),
        ("--lr 1e-3 --generator.rate=-2", "--generator.rate: rate is -2.0; expected a finite number 0 or more"),
        ("--batch-size 0", "--batch-size: batch_size is 0; expected a whole number of at least 1"),
        ("--steps 0", "steps is 0; expected a whole number above 0"),
    ],
)
def test_flags_that_cannot_be_are_told_before_the_photos_are_read(
    flags: str, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "taken/inside").mkdir(parents=True)
    for words in ("--data nowhere/", "dcgan --data nowhere/"):
        assert main(["train", *words.split(), *flags.split()]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith(f"advnets: {told}")


def cost_of(**changed: Any) -> Cost:
    values: dict[str, Any] = {"steps": 60, "minutes": 2.0, "steps_range": (30, 63), "minutes_range": (2.0, 2.0)}
    values |= {"shape": (3, 128, 128), "milliseconds_per_step": 2000.0}
    return Cost(
        recipe="dcgan", data="photos", images=48, stages=(), batch_size=64, device="cpu", processes=1,
        checkpoint_mebibytes=957.0, checkpoints=2, mebibytes=None, **{**values, **changed}
    )  # fmt: skip


def test_few_steps_are_answered_by_what_would_do() -> None:
    by_minutes, by_steps = Settings(minutes=2.0), Settings(steps=60)
    (told,) = notes_of_few_steps(cost_of(), by_minutes)
    assert told == (
        "note: pictures are coarse below 1,000 steps: about 34 minutes make 1,000 steps at this pace (--minutes 34); "
        "steps on smaller images are faster (--image-size 64)"
    )
    (told,) = notes_of_few_steps(cost_of(), by_steps)
    assert "1,000 steps: --steps 1000; about 34 minutes make" in told
    assert "--minutes" not in told
    (told,) = notes_of_few_steps(cost_of(milliseconds_per_step=40.0), by_minutes)
    assert "about 1 minute makes 1,000 steps at this pace (--minutes 1)" in told
    (told,) = notes_of_few_steps(cost_of(milliseconds_per_step=20_200.0), by_minutes)
    assert "about 340 minutes make 1,000 steps at this pace (--minutes 337)" in told
    assert notes_of_few_steps(cost_of(steps=1000), by_minutes) == []


def test_a_cost_is_a_range() -> None:
    assert "about 780 steps (390 to 810) in 2 minutes" in line_of_cost(cost_of(steps=775, steps_range=(388, 812)))
    assert line_of_cost(cost_of()) == (
        "cost: 2,000 ms a step, as busy as the machine is now; about 60 steps (30 to 63) in 2 minutes; 1,914 MiB "
        "on the disk for 2 checkpoints"
    )


def test_sub_folders_are_classes_that_are_trained_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("cats", "dogs"):
        write_photos(tmp_path / "pets" / name, 40)
    assert main(["train", "--data", "pets", "--steps", "2", "--out", "run", "--device", "cpu"]) == 0
    assert "2 classes, which it is given" in capsys.readouterr().err
    assert Run(tmp_path / "run").recipe.name == "dcgan-classes"
    assert main(["sample", "run", "--class", "dogs", "-n", "5", "--out", "dogs.npz", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["n"] == 5
    assert np.load(tmp_path / "dogs.npz")["images"].shape == (5, 16, 16, 3)


def test_photos_too_small_for_every_network_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_photos(tmp_path / "photos", 40, side=5)
    assert main(["train", "--data", "photos", "--out", "run"]) == 2
    assert "images of 5 x 5, and no recipe is named; one is chosen for a longer side from 8" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
