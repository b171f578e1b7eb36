"""CONTRIBUTING's six extensions, each made in one scratch copy: these files and no others change, and it trains."""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LOSSES = '''
@per_sample
def scratch_discriminator(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """What D descends."""
    return softplus(-2 * real_logits) + softplus(2 * fake_logits)


@per_sample
def scratch_generator(real_logits: Tensor | None, fake_logits: Tensor) -> Tensor:
    """What G descends."""
    return softplus(-2 * fake_logits)


scratch = Objective(scratch_discriminator, scratch_generator)


OBJECTIVES: '''

ORDER = '''
@dataclass(frozen=True)
class Scratch(Simultaneous):
    """Players that move at once, by another name."""


ALGORITHMS: '''

MEASURE = '''"""How bright samples are."""

from advnets.statistics.arrays import Array, flatten
from advnets.statistics.estimate import Estimate


def scratch_light(samples: Array) -> Estimate:
    """The mean of all numbers."""
    means = flatten(samples, "samples").double().mean(1)
    return Estimate(float(means.mean()), float(means.std()) / len(means) ** 0.5, None)
'''

NETWORKS = '''"""Dense nets of one layer, which see what is given beside z and x."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from advnets.networks.rows import DiscriminatorRow, GeneratorRow, Sizes


class Scratch(nn.Module):
    """One layer over x and what is given."""

    def __init__(self, sizes: Sizes, inputs: int, outputs: nn.Module, size: int) -> None:
        super().__init__()
        self.classes, given = sizes.classes, sizes.classes or math.prod(sizes.given_shape or (0,))
        self.layers = nn.Sequential(nn.Linear(inputs + given, size), outputs)

    def forward(self, x: Tensor, given: Tensor | None = None) -> Tensor:
        """Noises or samples, and labels or images -> samples or logits."""
        parts = [x.flatten(1)]
        if given is not None:
            parts.append((one_hot(given, self.classes) if self.classes else given.flatten(1)).to(x.dtype))
        result: Tensor = self.layers(torch.cat(parts, 1))
        return result


@dataclass(frozen=True)
class ScratchGenerator(GeneratorRow):
    """z -> sigmoid pixels."""

    def build(self, sizes: Sizes) -> nn.Module:
        """Build it."""
        pixels = nn.Sequential(nn.Sigmoid(), nn.Unflatten(1, sizes.shape))
        return Scratch(sizes, sizes.latent_size, pixels, math.prod(sizes.shape))


@dataclass(frozen=True)
class ScratchDiscriminator(DiscriminatorRow):
    """x -> a logit."""

    def build(self, sizes: Sizes) -> nn.Module:
        """Build it."""
        return Scratch(sizes, math.prod(sizes.shape), nn.Flatten(0), 1)
'''

RECIPE = '''"""{name}: one layer against one layer."""

from advnets.algorithm import Algorithm1
from advnets.games import AdversarialRow
from advnets.networks import {network}Discriminator, {network}Generator
from advnets.optimizers import Adam
from advnets.recipes.recipe import PLAYERS, Budget, Descent, Recipe

{name} = Recipe(
    name="{name}",
    about="One layer against one layer",
    source="tests/test_extensions.py",
    learner=AdversarialRow({network}Generator(), {network}Discriminator(), {learner}),
    algorithm=Algorithm1(),
    descents=dict.fromkeys(PLAYERS, Descent(Adam(), 1e-3)),
    batch_size=8,
    budget=Budget(minutes=1.0),
)
'''

PLAY = """
import advnets
from advnets import theory
from advnets.algorithm import ALGORITHMS
from advnets.data import Dataset, Split
from advnets.objectives import OBJECTIVES

assert theory.FORCES.keys() == OBJECTIVES.keys() and theory.STEP_MAPS.keys() == ALGORITHMS.keys()

run = advnets.train("scratch_noise", data="digits", objective="scratch", algorithm="scratch", steps=2, out="noise")
assert "scratch" in run.evaluate(measures="scratch", n=50).measures
advnets.train("scratch_labels", data="digits", steps=2, out="labels").sample(4)
splits = [Split(255 - split.values, given=split.values) for split in advnets.load("digits").splits.values()]
advnets.train("scratch_images", data=Dataset("negatives", *splits, None, ""), steps=2, out="images")
"""


def put(path: Path, before: str, text: str) -> None:
    """Write the text before the first place where that stands."""
    content = path.read_text()
    assert before in content, (path, before)
    path.write_text(content.replace(before, text + before, 1))


def add_objective(house: Path) -> None:
    path = house / "objectives.py"
    content = path.read_text()
    path.write_text(content.replace("\nOBJECTIVES: ", LOSSES, 1))
    put(path, '    "relativistic": relativistic,', '    "scratch": scratch,\n')
    put(
        house / "theory" / "mescheder2018.py",
        '    "relativistic": Force(',
        '    "scratch": Force(sigmoid, lambda s: -sigmoid(-s)),\n',
    )
    put(path, '"wasserstein",\n]', '"scratch", "scratch_discriminator", "scratch_generator", ')


def add_algorithm(house: Path) -> None:
    path = house / "algorithm.py"
    path.write_text(path.read_text().replace("\nALGORITHMS: ", ORDER, 1))
    put(path, '    "extragradient": Extragradient', '    "scratch": Scratch,\n')
    put(house / "theory" / "mescheder2018.py", '    "extragradient": _extra', '    "scratch": _simultaneous_map,\n')
    put(path, '"Simultaneous", "alg', '"Scratch", ')


def add_measure(house: Path) -> None:
    (house / "metrics" / "scratch.py").write_text(MEASURE)
    path = house / "assessment" / "measures.py"
    put(path, "from advnets.metrics.two_sample import", "from advnets.metrics.scratch import scratch_light\n")
    row = '"fidelity", "How bright are samples?", "lower", lambda context: scratch_light(context.values), on="values"'
    put(path, '    "class-distance": MeasureRow(', f'    "scratch": MeasureRow({row}),\n')


def add_recipe(house: Path, kind: str, learner: str) -> None:
    """Both networks in a file, the recipe in another, and their rows."""
    name, network = f"scratch_{kind}", f"Scratch{kind.title()}"
    (house / "networks" / f"{name}.py").write_text(NETWORKS.replace("Scratch", network))
    path = house / "networks" / "__init__.py"
    put(path, "from advnets.networks.wgan import", f"from advnets.networks.{name} import {network}Discriminator, "
        f"{network}Generator\n")  # fmt: skip
    for side in ("generator", "discriminator"):
        put(path, '    "cyclegan_generator":', f'    "{name}_{side}": {network}{side.title()},\n')
    put(path, '"is_samplewise", "samplewise",', f'"{network}Discriminator", "{network}Generator", ')
    path.write_text(path.read_text().replace("infogan, pacgan, ", f"infogan, pacgan, {name}, ", 1))
    (house / "recipes" / f"{name}.py").write_text(RECIPE.format(name=name, network=network, learner=learner))
    path = house / "recipes" / "__init__.py"
    put(path, "from advnets.recipes.sngan import", f"from advnets.recipes.{name} import {name}\n")
    put(path, "        pix2pix,\n", f"        {name},\n")
    put(path, '"stacked_cae", "to_json"', f'"{name}", ')
    path.write_text(path.read_text().replace("modern, pix2pix, cyclegan, ", f"modern, pix2pix, cyclegan, {name}, "))


EXTENSIONS: dict[str, Callable[[Path], None]] = {
    "an objective": add_objective,
    "an algorithm": add_algorithm,
    "a measure": add_measure,
    "a network and its recipe": lambda house: add_recipe(house, "noise", 'latent="gaussian", latent_size=4'),
    "a conditional recipe": lambda house: add_recipe(house, "labels", 'latent_size=4, given="labels"'),
    "a paired recipe": lambda house: add_recipe(house, "images", 'latent_size=0, given="images"'),
}


def listed_files() -> dict[str, set[str]]:
    """{what is added: files of src/advnets}, by CONTRIBUTING's table; NAME stands for the new file's name."""
    rows = re.findall(r"^\| (an? [^|]*) \| (`[^|]*) \|", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE)
    return {what: set(re.findall(r"`([\w/]+\.py)`", files)) for what, files in rows}


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, set[str]]]:
    """A copy of the package with all six, and the files that each changed."""
    house = tmp_path_factory.mktemp("scratch") / "src" / "advnets"
    shutil.copytree(ROOT / "src" / "advnets", house, ignore=shutil.ignore_patterns("__pycache__"))
    changed = {}
    for what, add in EXTENSIONS.items():
        before = {path: path.read_bytes() for path in house.rglob("*.py")}
        add(house)
        files = {path for path in house.rglob("*.py") if before.get(path) != path.read_bytes()}
        changed[what] = {re.sub(r"/scratch\w*\.py", "/NAME.py", str(path.relative_to(house))) for path in files}
    return house.parent, changed


def test_each_extension_changes_the_files_that_are_listed(scratch: tuple[Path, dict[str, set[str]]]) -> None:
    assert scratch[1] == listed_files()


@pytest.mark.slow
def test_the_house_still_stands_and_all_six_train(scratch: tuple[Path, dict[str, set[str]]]) -> None:
    (scratch[0].parent / "tests").mkdir()
    shutil.copy(ROOT / "tests" / "test_layering.py", scratch[0].parent / "tests")
    environment = {"PYTHONPATH": str(scratch[0]), "ADVNETS_CACHE": str(scratch[0].parent / "cache"), "PATH": ""}
    laws = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "lower or inside or twenty", "tests/test_layering.py"]
    for words in (laws, ["-c", PLAY]):
        made = subprocess.run(
            [sys.executable, *words],
            cwd=scratch[0].parent,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert made.returncode == 0, made.stdout[-3000:] + made.stderr[-3000:]
