"""Runs on tensors and arrays: their data are recognised by the digest, and must be given again."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

import tiny
from advnets import Run, experiment
from advnets.cli.main import main
from advnets.data import STORED_NAME, Dataset, load
from advnets.errors import BadInput, Missing, Unsupported

DIGITS = load("digits").train
IMAGES, LABELS = DIGITS.values, DIGITS.labels
assert LABELS is not None
OFTEN: dict[str, Any] = {
    "steps": 12, "device": "cpu", "journal_steps": 5, "preview_steps": 12, "checkpoint_steps": 4,
}  # fmt: skip


def trained(out: str, **more: Any) -> Run:
    return experiment.train(tiny.RECIPE, out=out, **(OFTEN | more))


def test_a_run_on_a_tensor_is_the_run_on_the_same_file(tmp_path: Path) -> None:
    np.savez("mine.npz", images=IMAGES[:, 0].numpy(), labels=LABELS.numpy())
    file = trained("file", data=Path("mine.npz"))
    runs = {
        "tensor": trained("tensor", data=IMAGES, labels=LABELS),
        "array": trained("array", data=IMAGES.numpy()[:, 0], labels=LABELS.numpy()),
        "floats": trained("floats", data=TensorDataset(IMAGES / 255, LABELS)),
        "dataset": trained("dataset", data=Dataset.of(IMAGES, labels=LABELS, name="mine")),
    }
    assert {name: tiny.state_hash(run) for name, run in runs.items()} == dict.fromkeys(runs, tiny.state_hash(file))
    record = json.loads((runs["tensor"].path / "recipe.json").read_text())
    assert record["settings"]["data"] == STORED_NAME
    assert record["data"]["digest"] == file.record.data.digest
    assert (record["data"]["name"], record["source"]) == ("tensor", "given in memory")
    assert runs["dataset"].record.data.name == "mine"


def test_resumed_with_the_same_tensor_it_ends_bit_for_bit(tmp_path: Path) -> None:
    whole = trained("whole", data=IMAGES, labels=LABELS)
    going = experiment.start(
        tiny.RECIPE, settings=experiment.Settings(out="parts", **OFTEN), data=IMAGES, labels=LABELS
    )
    next(going.carry_on())
    assert 0 < going.step < 12
    resumed = experiment.resume("parts", data=IMAGES.clone(), labels=LABELS.numpy())
    assert (resumed.step, tiny.state_hash(resumed)) == (12, tiny.state_hash(whole))
    report = Run("parts", data=IMAGES, labels=LABELS).evaluate(n=20)
    assert "class-shares" in report.measures


def test_without_the_data_or_with_others_a_run_does_not_go_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = trained("run", data=IMAGES, labels=LABELS)
    before = tiny.state_hash(run)
    with pytest.raises(Missing, match="Give the data again, as data="):
        experiment.resume("run", steps=13)
    assert main(["resume", "run", "--steps", "13"]) == 2
    assert "Give the data again" in capsys.readouterr().err
    other = IMAGES.clone()
    other[7, 0, 3, 3] ^= 1
    for data, more in ((other, {"labels": LABELS}), (IMAGES, {}), (IMAGES, {"labels": LABELS, "given": IMAGES})):
        with pytest.raises(BadInput, match=r"data=: found other data than those that run was started on"):
            experiment.resume("run", data=data, steps=13, **more)
    with pytest.raises(BadInput, match="digits is not the data that run was started on"):
        experiment.resume("run", data="digits", steps=13)
    with pytest.raises(BadInput, match="labels= without data="):
        experiment.resume("run", labels=LABELS, steps=13)
    assert tiny.state_hash(run) == before
    assert len(Run("run").sample(3).values) == 3


def test_data_that_were_moved_are_given_by_their_new_path(tmp_path: Path) -> None:
    np.savez("mine.npz", images=IMAGES[:, 0].numpy())
    trained("run", data="mine.npz")
    Path("mine.npz").rename("moved.npz")
    assert experiment.resume("run", data="moved.npz", steps=13).step == 13


def test_labels_and_images_reach_the_batches_as_given(tmp_path: Path) -> None:
    run = experiment.start(tiny.RECIPE, settings=tiny.settings("labels"), data=IMAGES, labels=LABELS)
    seen = run._prepared.training.batches  # type: ignore[union-attr]
    batch = next(seen)  # type: ignore[call-overload]
    labels = {tuple(image.flatten().tolist()): int(label) for image, label in zip(IMAGES / 255, LABELS, strict=True)}
    assert batch.given.tolist() == [labels[tuple(image.flatten().tolist())] for image in batch.real]
    paired = experiment.start(tiny.RECIPE, settings=tiny.settings("images"), data=IMAGES, given=255 - IMAGES)
    batch = next(paired._prepared.training.batches)  # type: ignore[union-attr, call-overload]
    assert torch.allclose(batch.given, 1 - batch.real)
    assert paired.dataset.given_shape == (1, 8, 8)


def test_points_in_memory_are_trained_on(tmp_path: Path) -> None:
    points = torch.randn(400, 2, generator=torch.Generator().manual_seed(0))
    run = trained("run", data=points)
    assert run.record.data.shape == (2,)
    assert run.sample(5).values.shape == (5, 2)


@pytest.mark.parametrize(
    ("data", "more", "says"),
    [
        (DataLoader(TensorDataset(IMAGES, LABELS)), {}, "DataLoader.*draws the batches itself"),
        ([IMAGES], {}, "Stack the samples"),
        (IMAGES.float(), {}, "uint8"),
        (IMAGES, {"image_size": 4}, "--image-size: found data in memory"),
        (IMAGES, {"data_dir": "folder"}, "--data-dir: found data in memory"),
        (None, {"labels": LABELS}, "labels= without data="),
        ("digits", {"labels": LABELS}, "found the name 'digits' with labels= beside it"),
        (3, {}, "type int"),
    ],
)
def test_what_cannot_be_trained_on_is_refused_before_anything_is_written(
    tmp_path: Path, data: Any, more: dict[str, Any], says: str
) -> None:
    with pytest.raises(BadInput, match=says):
        trained("run", data=data, **more)
    assert not Path("run").exists()


def test_data_beside_settings_that_name_others_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="beside settings that name the data 'ring-8'"):
        experiment.start(tiny.RECIPE, settings=tiny.settings("run", data="ring-8"), data=IMAGES)
    assert issubclass(Unsupported, BadInput)
