"""What a release is made of: one version everywhere, archives that an index takes, a wheel that works elsewhere."""

import importlib.util
import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest
import yaml

import advnets

ROOT = Path(__file__).parents[1]


def test_the_version_is_one() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert project["version"] == advnets.__version__ == str(citation["version"])
    assert project["license"] == citation["license"]


def test_the_citation_has_what_its_format_asks_for() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert {"cff-version", "message", "title", "authors"} <= set(citation)
    assert citation["cff-version"] == "1.2.0"
    for reference in (citation, *citation["references"]):
        assert all(
            "name" in author or {"family-names", "given-names"} <= set(author) for author in reference["authors"]
        )


def run(*words: str | Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command outside of the checkout, whose own code it does not see."""
    known = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        list(map(str, words)), cwd=cwd, env={**known, **environment}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.mark.slow
def test_the_wheel_installs_and_works_outside_of_the_checkout(tmp_path: Path) -> None:
    for tool in ("build", "twine", "hatchling"):
        if importlib.util.find_spec(tool) is None:
            pytest.skip(f"{tool} is not installed")
    dist = tmp_path / "dist"
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", dist, ROOT, cwd=tmp_path)
    (wheel,), (archive,) = dist.glob("*.whl"), dist.glob("*.tar.gz")
    assert "PASSED" in run(sys.executable, "-m", "twine", "check", "--strict", wheel, archive, cwd=tmp_path).stdout
    names = zipfile.ZipFile(wheel).namelist()
    assert "advnets/models/paper-mnist.safetensors" in names
    assert "advnets/py.typed" in names
    assert all(re.match(r"advnets(-[\d.]+\.dist-info)?/", name) for name in names)
    with tarfile.open(archive) as held:
        assert {"pyproject.toml", "README.md", "LICENSE"} <= {name.split("/", 1)[-1] for name in held.getnames()}

    place = tmp_path / "released"
    venv.create(place, with_pip=False)
    scripts = place / ("Scripts" if os.name == "nt" else "bin")
    python = next(scripts.glob("python*"))
    site = Path(sysconfig.get_path("purelib", vars={"base": str(place), "platbase": str(place)}, scheme="venv"))
    run(sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", wheel, cwd=tmp_path)
    # The packages that advnets needs are those of this environment, behind the new one's own; advnets itself is not.
    (site / "present.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    where = run(python, "-c", "import advnets; print(advnets.__file__)", cwd=tmp_path).stdout.strip()
    assert Path(where).is_relative_to(place)
    assert "verbs:" in run(scripts / "advnets", "--help", cwd=tmp_path).stdout
    run(scripts / "advnets", "sample", "paper-mnist", "-n", "4", "--out", "digits.png", cwd=tmp_path)
    assert (tmp_path / "digits.png").read_bytes().startswith(b"\x89PNG")
