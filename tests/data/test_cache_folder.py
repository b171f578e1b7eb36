"""The folder for downloads and caches, also of users without a home or a name, as containers have them."""

import logging
import os
import tempfile
from pathlib import Path

import pytest

import tiny
from advnets import data
from advnets.data import cache_folder
from advnets.data.sets import published_files
from advnets.errors import Missing
from image_files import photos

pwd = pytest.importorskip("pwd", reason="this system has no users by number")


@pytest.fixture(autouse=True)
def _nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user without a home and a name; temporary files go to the test's folder."""

    def unknown(number: int) -> None:
        raise KeyError(f"getpwuid(): uid not found: {number}")

    for name in ("ADVNETS_CACHE", "HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    published_files._warn_once.cache_clear()


def test_without_a_home_it_is_the_users_own_among_temporary_files_and_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        folder = cache_folder()
        assert cache_folder() == folder
    assert folder == tmp_path / "temporary" / f"advnets-{os.getuid()}"
    assert folder.stat().st_mode & 0o777 == 0o700
    (record,) = caplog.records
    assert record.getMessage().startswith("there is no home folder, so that downloads and caches go to")
    assert "$ADVNETS_CACHE names another folder" in record.getMessage()
    assert not Path("~").exists()


def test_a_run_on_images_needs_no_home(tmp_path: Path) -> None:
    run = tiny.trained("run", data=str(photos(tmp_path, 50)), steps=1)
    assert run.step == 1
    assert list((cache_folder() / "images").glob("photos-*.cache"))
    with pytest.raises(Missing, match=f"looked in .*{cache_folder()}"):
        data.load("tfd-0", tmp_path / "photos")


def test_a_home_that_cannot_be_written_to_is_like_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("HOME", "/dev/null")
    assert cache_folder().parent == tmp_path / "temporary"
    assert "/dev/null/.cache/advnets cannot be made" in caplog.text
    home = tmp_path / "home"
    (home / ".cache" / "advnets").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert cache_folder() == home / ".cache" / "advnets", "what is there is read, though it cannot be written to"


def test_a_home_is_used_where_there_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "new"))
    assert cache_folder() == tmp_path / "new" / ".cache" / "advnets"
    monkeypatch.setenv("ADVNETS_CACHE", "own")
    assert cache_folder() == Path("own")


@pytest.mark.parametrize("kind", ["open to all", "a link", "a file"])
def test_a_temporary_folder_that_others_may_write_to_is_refused(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "temporary" / f"advnets-{os.getuid()}"
    (tmp_path / "other").mkdir()
    if kind == "a link":
        folder.symlink_to(tmp_path / "other")
    elif kind == "a file":
        folder.write_bytes(b"")
    else:
        folder.mkdir()
        folder.chmod(0o777)
    with pytest.raises(Missing, match=r"by \$ADVNETS_CACHE"):
        cache_folder()


def test_without_temporary_files_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "gettempdir", lambda: "/dev/null")
    with pytest.raises(Missing, match=r"no folder for temporary files .* Name a folder by \$ADVNETS_CACHE"):
        cache_folder()
