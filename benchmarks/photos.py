"""Photos by `train --data FOLDER` against the framework's example, for the same minutes, over seeds.

    ADVNETS_DATA=... python benchmarks/photos.py WORK [--only fronts] [--seeds 0 1 2] [--minutes 30]
    python benchmarks/photos.py WORK --page

WORK gets three folders of images: 400 Olivetti faces and 330 fronts of houses of 64 pixels, and 5,000 horses of
CIFAR-10 of 32. Each is learnt by what `advnets train --data FOLDER` picks, and by `framework_dcgan.py`: one thread a
run, two runs at a time. At 5, 15, 30 minutes, 1,000 samples of each are measured against all images of the folder, in
random features that no training has seen; copying is told by the images that were trained on and those that were not.

Each reading is kept as a line of photos.jsonl beside this file; a later call makes what is missing, and goes on with
runs that were interrupted. --page writes photos.md, and the last samples of each as a picture.
"""

import argparse
import json
import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from machine import describe
from PIL import Image
from scipy.io import loadmat

from advnets import assessment, data
from advnets.assessment.context import Context
from advnets.assessment.run_measures import take_measure
from advnets.experiment import Samples
from advnets.extractors import build_extractor
from advnets.metrics import frechet, kernel_distance, manifolds
from advnets.statistics import unpaired_difference
from advnets.statistics.multiple_testing import holm

KEPT = Path(__file__).with_suffix(".jsonl")
FOLDERS, SIDES, MINUTES = ("fronts", "faces", "horses"), ("picked", "framework"), (5, 15, 30)
HORSE, SAMPLES = 7, 1000


@dataclass(frozen=True)
class Reading:
    """What the samples of one run are at one time."""

    data: str
    side: str
    seed: int
    minutes: float
    steps: int
    fd: float
    fd_error: float | None
    kid: float
    kid_error: float | None
    recall: float
    copies: bool


def readings() -> list[Reading]:
    """Those that were kept."""
    return [Reading(**json.loads(line)) for line in KEPT.read_text().splitlines()] if KEPT.exists() else []


def write_folders(work: Path, source: Path) -> None:
    """Write the three folders of images, but for those that are there."""
    makers = {"faces": faces, "fronts": fronts, "horses": horses}
    for name, images in makers.items():
        folder, part = work / "data" / name, work / "data" / f"{name}.part"
        if folder.exists():
            continue
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        for number, image in enumerate(images(source)):
            image.save(part / f"{number:04d}.png")
        part.rename(folder)


def faces(source: Path) -> Iterator[Image.Image]:
    """The Olivetti faces, 64 x 64, grey."""
    columns = loadmat(source / "olivetti" / "olivettifaces.mat")["faces"]
    return (Image.fromarray(column.reshape(64, 64, order="F")) for column in columns.T)


def fronts(source: Path) -> Iterator[Image.Image]:
    """Every photo of the facades, paired (its left half) and not, at 64 x 64."""
    unpaired = source / "facades_unpaired_128"
    files = sorted((source / "facades").glob("*/*"))
    for path in [*files, *sorted((unpaired / "trainA").iterdir()), *sorted((unpaired / "testA").iterdir())]:
        image = Image.open(path).convert("RGB")
        width, height = image.size
        photo = image.crop((0, 0, height, height)) if width == 2 * height else image
        yield photo.resize((64, 64), Image.Resampling.LANCZOS)


def horses(source: Path) -> Iterator[Image.Image]:
    """The 5,000 training horses of CIFAR-10, 32 x 32."""
    for number in range(1, 6):
        file = source / "cifar10" / "cifar-10-batches-py" / f"data_batch_{number}"
        batch = pickle.loads(file.read_bytes(), encoding="bytes")
        images = batch[b"data"].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
        yield from (Image.fromarray(images[at]) for at in np.flatnonzero(np.array(batch[b"labels"]) == HORSE))


def train(work: Path, name: str, side: str, seed: int, times: list[float]) -> None:
    """Train one run, and measure it at each time that has no reading yet.

    A picked run is carried on from where it stands, so that times behind it must not be read again.
    """
    read = {one.minutes for one in readings() if (one.data, one.side, one.seed) == (name, side, seed)}
    times = [minutes for minutes in times if minutes > max(read, default=0.0)]
    run = work / "runs" / f"{name}-{side}-{seed}"
    run.parent.mkdir(parents=True, exist_ok=True)
    make = train_picked if side == "picked" else train_framework
    for minutes, steps, samples in make(work / "data" / name, run, seed, times):
        found = measure(work / "data" / name, samples)
        line = Reading(name, side, seed, minutes, steps, **found)  # type: ignore[arg-type]
        with KEPT.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(line)) + "\n")
        print(line, flush=True)


def train_picked(folder: Path, run: Path, seed: int, times: list[float]) -> Iterator[tuple[float, int, np.ndarray]]:
    """What `advnets train --data FOLDER` picks, resumed from one time to the next."""
    for minutes in times:
        drawn = run.with_name(f"{run.name}-{minutes:g}.npz")
        until = ["--minutes", str(minutes)]
        if run.exists():
            call("-m", "advnets", "resume", str(run), *until, log=run)
        else:
            call(
                "-m", "advnets", "train", "--data", str(folder), *until, "--seed", str(seed), "--out", str(run), log=run
            )
        drawn.unlink(missing_ok=True)
        call("-m", "advnets", "sample", str(run), "-n", str(SAMPLES), "--seed", str(seed), "--out", str(drawn), log=run)
        yield minutes, json.loads((run / "status.json").read_text())["step"], np.load(drawn)["images"]


def train_framework(folder: Path, run: Path, seed: int, times: list[float]) -> Iterator[tuple[float, int, np.ndarray]]:
    """The framework's example, which stops at the times by itself."""
    shutil.rmtree(run, ignore_errors=True)
    with Image.open(next(folder.iterdir())) as first:
        size = first.width
    program = str(Path(__file__).with_name("framework_dcgan.py"))
    call(program, str(folder), "--minutes", str(times[-1]), "--size", str(size), "--seed", str(seed), "--out", str(run),
         log=run)  # fmt: skip
    for minutes in times:
        state = torch.load(run / f"minutes-{minutes:g}.pt", weights_only=True)
        yield minutes, state["step"], np.load(run / f"minutes-{minutes:g}.npz")["images"]


def call(*arguments: str, log: Path) -> None:
    """Run a Python program on one thread, its output in a log beside the run."""
    alone = {**os.environ, "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
    with log.with_name(f"{log.name}.log").open("a", encoding="utf-8") as output:
        subprocess.run([sys.executable, *arguments], env=alone, stdout=output, stderr=output, check=True)


def measure(folder: Path, images: np.ndarray) -> dict[str, float | bool | None]:
    """The distances of samples to all images of a folder, and whether they are called copies."""
    dataset = data.load(str(folder))
    samples = torch.from_numpy(images)
    samples = (samples[..., None] if samples.ndim == 3 else samples).permute(0, 3, 1, 2)
    samples = samples[:, : dataset.shape[0]].contiguous()  # the example paints grey faces in three colours
    extractor = build_extractor("random", dataset)
    real = extractor.features(torch.cat([split.values for split in dataset.splits.values()]))
    drawn = extractor.features(samples)
    distance, kernel = frechet(drawn, real), kernel_distance(drawn, real)
    copying = take_measure("copying", Context(samples, assessment.reference(dataset)))
    return {
        "fd": distance.value, "fd_error": distance.error, "kid": kernel.value, "kid_error": kernel.error,
        "recall": manifolds(drawn[: len(real)], real)["recall"].value,
        "copies": "copying" in told(copying),
    }  # fmt: skip


def told(copying: assessment.Measure) -> list[str]:
    """The names of the rows that tell a difference."""
    verdicts = assessment.verdicts({"copying": copying.estimate})
    return [name for name, verdict in verdicts.items() if verdict.differs]


def page(kept: list[Reading], work: Path) -> str:
    """The tables, of what was kept; pictures of the first seed's last samples are written beside this file."""
    rows = [
        "| data | minutes | trained by | seeds | steps | FD | KID x 1,000 | recall | called copies |",
        "| --- | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for (name, minutes, side), runs in sorted(groups(kept).items()):
        fd, kid, recall, steps = ([getattr(one, what) for one in runs] for what in ("fd", "kid", "recall", "steps"))
        own_fd, own_kid = [one.fd_error for one in runs], [one.kid_error for one in runs]
        rows.append(
            f"| {name} | {minutes:g} | {side} | {len(runs)} | {extent(steps)} | {spread(fd, own_fd)} | "
            f"{spread(kid, own_kid, 1000)} | {spread(recall)} | {sum(one.copies for one in runs)} |"
        )
    pictures = [f"![{name}: {side}](photos-{name}-{side}.png)" for name, side in write_pictures(kept, work)]
    table, tests, shown = ("\n".join(part) for part in (rows, difference_rows(kept), pictures))
    return (
        "# Photos: what `train --data FOLDER` picks against the framework's example\n\n"
        "`ADVNETS_DATA=... python benchmarks/photos.py WORK`, then `--page`; one thread a run, two runs at a time. "
        f"{describe()}\n\nEach number is the mean over seeds and, after the sign, its standard error over them; one "
        "seed has the measure's own error. FD and KID are of 1,000 samples to all images, in random features; smaller "
        f"is better.\n\n{table}\n\n## Differences of FD\n\nWelch's test over seeds, p-values adjusted by Holm over the "
        f"rows.\n\n{tests}\n\n## Samples\n\nThe first 36 of one seed, after the longest time; none was "
        f"chosen.\n\n{shown}\n"
    )


def groups(kept: list[Reading]) -> dict[tuple[str, float, str], list[Reading]]:
    """The readings of each data set, time and side, one a seed."""
    found: dict[tuple[str, float, str], list[Reading]] = {}
    for one in sorted(kept, key=lambda each: each.seed):
        found.setdefault((one.data, one.minutes, one.side), []).append(one)
    return found


def spread(values: list[float], own: list[float | None] | None = None, scale: float = 1.0) -> str:
    """A mean and its standard error over seeds; of one seed the measure's own, where it has one."""
    many = len(values) > 1
    error = np.std(values, ddof=1) / np.sqrt(len(values)) if many else (own or [None])[0]
    return f"{scale * np.mean(values):.2f}" + ("" if error is None else f" +- {scale * error:.2f}")


def extent(steps: list[int]) -> str:
    """The fewest and the most steps, which tell how busy the machine was beside a run."""
    least, most = min(steps), max(steps)
    return f"{least:,}" if least == most else f"{least:,} to {most:,}"


def difference_rows(kept: list[Reading]) -> list[str]:
    """Picked minus framework, where both have two seeds at least."""
    by = groups(kept)
    pairs = {
        (name, minutes): (by[name, minutes, "picked"], by[name, minutes, "framework"])
        for name, minutes, side in sorted(by)
        if side == "picked" and len(by.get((name, minutes, "framework"), [])) > 1 < len(by[name, minutes, "picked"])
    }
    if not pairs:
        return ["None yet: a test needs two seeds a side."]
    found = {
        pair: unpaired_difference(*(np.array([one.fd for one in runs]) for runs in sides))
        for pair, sides in pairs.items()
    }
    adjusted = holm([one.p_value if one.p_value is not None else 1.0 for one in found.values()])
    rows = ["| data | minutes | picked - framework | adjusted p |", "| --- | ---: | ---: | ---: |"]
    for ((name, minutes), one), p in zip(found.items(), adjusted, strict=True):
        rows.append(f"| {name} | {minutes:g} | {one.value:.2f} +- {one.error or 0:.2f} | {p:.2g} |")
    return rows


def write_pictures(kept: list[Reading], work: Path) -> Iterator[tuple[str, str]]:
    """Write the samples of each data set and side, at the last time of the first seed whose samples lie in WORK."""
    for name, side in sorted({(one.data, one.side) for one in kept}):
        picture = Path(__file__).with_name(f"photos-{name}-{side}.png")
        runs = sorted(
            (one for one in kept if (one.data, one.side) == (name, side)), key=lambda one: (one.seed, -one.minutes)
        )
        drawn = [path for path in (samples_of(work, one) for one in runs) if path.exists()]
        if drawn:
            Samples(np.load(drawn[0])["images"][:36]).picture().save(picture)
        if picture.exists():
            yield name, side


def samples_of(work: Path, one: Reading) -> Path:
    """Where the samples of a reading lie."""
    run = work / "runs" / f"{one.data}-{one.side}-{one.seed}"
    return (
        run.with_name(f"{run.name}-{one.minutes:g}.npz")
        if one.side == "picked"
        else run / f"minutes-{one.minutes:g}.npz"
    )


def main() -> None:
    """Read the command line; train what is missing, or write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("--only", choices=FOLDERS, nargs="*", default=FOLDERS)
    parser.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2])
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--page", action="store_true")
    asked = parser.parse_args()
    if asked.page:
        KEPT.with_suffix(".md").write_text(page(readings(), asked.work))
        return
    torch.set_num_threads(1)
    write_folders(asked.work, Path(os.environ["ADVNETS_DATA"]))
    times = sorted({*(float(each) for each in MINUTES if each < asked.minutes), asked.minutes})
    made = {(one.data, one.side, one.seed) for one in readings() if one.minutes == times[-1]}
    with ThreadPoolExecutor(2) as pool:
        waiting = [
            pool.submit(train, asked.work, name, side, seed, times)
            for seed in asked.seeds
            for name in asked.only
            for side in SIDES
            if (name, side, seed) not in made
        ]
        for one in waiting:
            one.result()


if __name__ == "__main__":
    main()
