"""What tests share: real MNIST where it is at hand, one thread where bits are compared, and tiny runs."""

import os

os.environ["OMP_NUM_THREADS"] = "1"

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from advnets import data
from advnets.errors import Missing


@pytest.fixture(scope="session")
def mnist() -> data.Dataset:
    """Real MNIST."""
    return _real("mnist")


@pytest.fixture(scope="session")
def cifar10() -> data.Dataset:
    """Real CIFAR-10."""
    return _real("cifar10")


@pytest.fixture(scope="session")
def olivetti() -> data.Dataset:
    """Real Olivetti faces."""
    return _real("olivetti")


def _real(name: str) -> data.Dataset:
    """Real data from $ADVNETS_DATA or the cache; where the variable is set, missing data is a failure, not a skip."""
    folder = os.environ.get("ADVNETS_DATA")
    if folder and not Path(folder).is_dir():
        pytest.fail(f"ADVNETS_DATA={folder} is no folder")
    if not folder:
        pytest.skip(f"real {name} is not at hand: set ADVNETS_DATA to the folder that holds {name}/")
    try:
        return data.load(name)
    except Missing as error:
        pytest.fail(str(error))


@pytest.fixture(scope="session", autouse=True)
def _a_cache_of_the_tests_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The user's cache is neither read nor written; what one test trains, the others find."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ADVNETS_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Relative paths fall into a temporary folder, what is cached beside it; ADVNETS_DATA stays what it was."""
    folder = os.environ.get("ADVNETS_DATA")
    if folder:
        monkeypatch.setenv("ADVNETS_DATA", str(Path(folder).resolve()))
    if "tmp_path" in request.fixturenames:
        folder = request.getfixturevalue("tmp_path")
        monkeypatch.chdir(folder)
        monkeypatch.setenv("ADVNETS_CACHE", str(folder.with_name(f"{folder.name}-cache")))


@pytest.fixture(autouse=True)
def _random_numbers_are_put_back() -> Iterator[None]:
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    yield
    torch.set_rng_state(state)
    torch.set_num_threads(threads)
