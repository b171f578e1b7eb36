"""The child process that reads .mat files: what it reads, what it refuses, and what it survives."""

import io
import json
import os
import random
import resource
import struct
import subprocess
import sys
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
import pytest
import scipy.io

from advnets.data.formats import mat, mat_subprocess
from advnets.data.formats.mat import read_mat, to_pixels
from advnets.data.sets.tfd import load_tfd
from advnets.errors import AdvnetsError, BadInput, Damaged, Missing, TooBig, Unsupported
from fuzzing import Mutator, assert_only_our_errors, fuzz, mutated, needs_fork

CORPUS = Path(__file__).parents[1] / "corpus" / "mat"
RNG = np.random.RandomState(0)
IMAGES = RNG.randint(0, 256, (12, 4, 4), dtype=np.uint8)
FOLDS = np.tile(np.arange(4), 3)[:, None].repeat(5, 1).astype(np.uint8)
MOST = {"images": 2**20, "folds": 2**16}
needs_posix = pytest.mark.skipif(os.name != "posix", reason="limits are those of POSIX")


def saved(compressed: bool = False, **variables: Any) -> bytes:
    buffer = io.BytesIO()
    scipy.io.savemat(buffer, variables, do_compression=compressed)
    return buffer.getvalue()


def good(compressed: bool = False, **others: Any) -> bytes:
    return saved(compressed, images=IMAGES, folds=FOLDS, **others)


def written(folder: Path, data: bytes) -> Path:
    path = folder / "faces.mat"
    path.write_bytes(data)
    return path


def refused(path: Path, kind: type[AdvnetsError], says: str) -> None:
    with pytest.raises(kind, match=says) as caught:
        read_mat(path, MOST)
    assert type(caught.value) is kind
    assert str(caught.value).startswith(str(path))
    assert ". " in str(caught.value)  # a second sentence says what to do


def forked(path: Path, most: Mapping[str, int], told: IO[bytes]) -> int:
    """What `mat._run` does, in a fork of this process, which has SciPy at hand; and the child's bounds are checked."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    pid = os.fork()
    if pid == 0:
        status = 70
        try:
            with os.fdopen(os.dup(told.fileno()), "wb") as out:
                mat_subprocess.write_answer(path, most, out)
            status = 0
        finally:
            os._exit(status)
    _, status, used = os.wait4(pid, 0)
    assert used.ru_utime + used.ru_stime <= 1, "the child took more than a second"
    assert used.ru_maxrss - before <= 512 * 2**10, "the child took more than 512 MiB"
    return os.waitstatus_to_exitcode(status)


@pytest.mark.parametrize("compressed", [False, True])
def test_arrays_come_back_as_they_were(tmp_path: Path, compressed: bool) -> None:
    path = written(tmp_path, good(compressed, name="Toronto", cells=np.array([1, "a"], object)))
    found = read_mat(path, MOST)
    assert list(found) == ["images", "folds"]
    for name, expected in (("images", IMAGES), ("folds", FOLDS)):
        assert found[name].dtype == expected.dtype
        assert np.array_equal(found[name], expected)


@needs_fork
@pytest.mark.parametrize("dtype", ["u1", "i1", "<u2", ">i4", "<i8", "<f4", ">f8", "?"])
def test_every_kind_of_real_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dtype: str) -> None:
    monkeypatch.setattr(mat, "_run", forked)
    values = (IMAGES % 2).astype(dtype)
    found = read_mat(written(tmp_path, saved(images=values)), {"images": 2**20})["images"]
    assert np.array_equal(found, values)
    assert to_pixels(tmp_path, "images", found).dtype == np.uint8


@needs_fork
@pytest.mark.parametrize(
    ("variables", "kind", "says"),
    [
        ({"images": IMAGES}, BadInput, "has 0 variables 'folds'.*has 'images'"),
        ({"images": IMAGES, "folds": "one"}, Unsupported, "'folds' of the class 'char'"),
        ({"images": IMAGES, "folds": {"a": 1}}, Unsupported, "'folds' of the class 'struct'"),
        ({"images": IMAGES, "folds": np.array([1, "a"], object)}, Unsupported, "'folds' of the class 'cell'"),
        ({"images": IMAGES, "folds": scipy.sparse.eye(3, format="csc")}, Unsupported, "'folds' of the class 'sparse'"),
        ({"images": IMAGES, "folds": FOLDS * 1j}, Unsupported, "'folds' of another kind than real numbers"),
        ({"images": IMAGES, "folds": np.zeros((300, 300))}, TooBig, "720,000 bytes for 'folds', the limit is 65,536"),
    ],
)
def test_other_variables_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, Any], kind: type[AdvnetsError], says: str
) -> None:
    monkeypatch.setattr(mat, "_run", forked)
    refused(written(tmp_path, saved(**variables)), kind, says)


def element(kind: int, data: bytes) -> bytes:
    return struct.pack("<II", kind, len(data)) + data + bytes(-len(data) % 8)


def variable(name: bytes, kind: int, dims: tuple[int, ...], values: bytes) -> bytes:
    """A matrix element; MathWorks, "MAT-File Format", section "Level 5 MAT-File Data Elements"."""
    flags = element(6, struct.pack("<II", kind, 0))
    shape = element(5, b"".join(struct.pack("<i", dim) for dim in dims))
    return element(14, flags + shape + element(1, name) + values)


def packed(data: bytes) -> bytes:
    squeezed = zlib.compress(data, 1)
    return struct.pack("<II", 15, len(squeezed)) + squeezed


HEADER = b"MATLAB 5.0 MAT-file, made by hand".ljust(124) + b"\0\1IM"
HAND = variable(b"images", 9, (12, 4, 4), element(2, IMAGES.tobytes("F")))
HAND_FOLDS = variable(b"folds", 9, (12, 5), element(2, FOLDS.tobytes("F")))


@needs_fork
def test_a_file_by_hand_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mat, "_run", forked)
    found = read_mat(written(tmp_path, HEADER + HAND + packed(HAND_FOLDS)), MOST)
    assert np.array_equal(found["images"], IMAGES)
    assert np.array_equal(found["folds"], FOLDS)


@needs_fork
@pytest.mark.parametrize(
    ("data", "kind", "says"),
    [
        (HEADER, BadInput, "has 0 variables 'images'.*has nothing"),
        (HEADER + HAND + HAND + HAND_FOLDS, BadInput, "has 2 variables 'images'"),
        (HEADER + HAND + HAND_FOLDS[:-40], Damaged, "is broken"),
        (HEADER + HAND + packed(HAND_FOLDS)[:-20], Damaged, "is broken"),
        (HEADER + b"\xff" * 64, Unsupported, "or is broken"),
        (HEADER + variable(b"images", 9, (-12, 4, 4), b"") + HAND_FOLDS, Damaged, "claims the shape"),
        (HEADER + variable(b"images", 9, (2**30, 2**30), b"") + HAND_FOLDS, TooBig, "for 'images', the limit is"),
        (HEADER + variable(b"images", 17, (12, 4, 4), b"") + HAND_FOLDS, Unsupported, "opaque"),
        (HEADER + variable(b"images", 16, (12, 4, 4), b"") + HAND_FOLDS, Unsupported, "'function'"),
        (
            HEADER + variable(b"images", 9, (12, 4, 4), struct.pack("<II", 2, 2**31 - 8)) + HAND_FOLDS,
            BadInput,
            r"faces\.mat",
        ),
    ],
)
def test_broken_files_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes, kind: type[AdvnetsError], says: str
) -> None:
    monkeypatch.setattr(mat, "_run", forked)
    path = written(tmp_path, data)
    with pytest.raises(kind, match=says) as caught:
        read_mat(path, MOST)
    assert str(caught.value).startswith(str(path))


@pytest.mark.parametrize(
    ("data", "kind", "says"),
    [
        (b"", Damaged, "does not start as a MATLAB 5 file"),
        (b"x" * 500, Damaged, "does not start as a MATLAB 5 file"),
        (b"\x89HDF\r\n\x1a\n" + bytes(500), Unsupported, "version 7.3"),
        (b"MATLAB 7.3 MAT-file".ljust(124) + b"\0\2IM", Unsupported, "version 7.3"),
        (bytes(500), Damaged, "does not start as a MATLAB 5 file"),
    ],
)
def test_files_of_other_kinds_are_refused_without_a_child(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes, kind: type[AdvnetsError], says: str
) -> None:
    monkeypatch.setattr(mat, "_run", None)
    refused(written(tmp_path, data), kind, says)
    refused(tmp_path, BadInput, "found a folder")
    refused(tmp_path / "none.mat", Missing, "no such file")


@needs_fork
def test_a_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mat, "_run", forked)
    monkeypatch.setitem(MOST, "images", 2**31)
    pixels = bytes(16 * 2**20)
    honest = variable(b"images", 9, (2**24,), element(2, pixels))
    refused(written(tmp_path, HEADER + packed(honest) + HAND_FOLDS), TooBig, "over 200 times")
    lying = variable(b"images", 9, (12, 4, 4), element(2, bytes(160 * 2**20)))
    with pytest.raises(BadInput):
        read_mat(written(tmp_path, HEADER + packed(lying) + HAND_FOLDS), MOST)
    # A bomb beside what is asked for is passed over.
    aside = packed(honest.replace(b"images", b"others"))
    assert list(read_mat(written(tmp_path, HEADER + aside + HAND + HAND_FOLDS), MOST)) == list(MOST)


@needs_posix
@pytest.mark.parametrize("path", sorted(CORPUS.glob("*.mat")), ids=lambda path: path.name)
def test_files_that_crash_scipy_crash_the_child_alone(path: Path) -> None:
    # SIGSEGV with SciPy 1.17; a version that is mended says something else.
    with pytest.raises(BadInput, match=path.name):
        read_mat(path, MOST)


@needs_posix
@pytest.mark.parametrize(
    ("program", "kind", "says"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", Damaged, "the signal 11"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", TooBig, "more seconds or memory"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGXCPU)", TooBig, "more seconds or memory"),
        ("import time; time.sleep(60)", TooBig, "not read within 2 seconds"),
        ("raise SystemExit(3)", Damaged, "exit status 3"),
        ("print('[' * 5000)", Damaged, "gave an answer that cannot be read"),
        ("print('5')", Damaged, "gave an answer that cannot be read"),
        ("print('')", Damaged, "gave an answer that cannot be read"),
        ("print('x' * 10**6)", Damaged, "gave an answer that cannot be read"),
        ("""print('{"error": ["SystemExit", "bye"]}')""", Damaged, "gave an answer that cannot be read"),
        ("""print('{"arrays": [["images", "|O8", [1]]]}')""", Damaged, "gave an answer that cannot be read"),
        ("""print('{"arrays": [["images", "|u1", [1073741824]]]}')""", Damaged, "gave an answer that cannot be read"),
        ("""print('{"arrays": [["images", "|u1", [-1]]]}')""", Damaged, "gave an answer that cannot be read"),
        ("""print('{"arrays": [["images", "|u1", [9]]]}')""", Damaged, "gave an answer that cannot be read"),
        ("""print('{"arrays": [["secrets", "|u1", [0]]]}')""", Damaged, "gave an answer that cannot be read"),
    ],
)
def test_a_child_that_dies_hangs_or_lies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, kind: type[AdvnetsError], says: str
) -> None:
    (tmp_path / "child.py").write_text(program)
    monkeypatch.setattr(mat, "CHILD", tmp_path / "child.py")
    if "sleep" in program:
        monkeypatch.setattr(mat, "PATIENCE_SECONDS", 2)
    refused(written(tmp_path, good()), kind, says)


@needs_fork
def test_the_childs_limits_bind(tmp_path: Path) -> None:
    def in_a_fork(work: Any) -> int:
        pid = os.fork()
        if pid == 0:
            try:
                mat_subprocess.limit_resources(64 * 2**20, -mat_subprocess.BYTES_PER_SECOND * mat_subprocess.SECONDS)
                work()
                os._exit(0)
            except MemoryError:
                os._exit(42)
            finally:
                os._exit(70)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    def spin() -> None:
        while True:
            pass

    assert in_a_fork(lambda: None) == 0
    assert in_a_fork(spin) == -24
    if Path("/proc/self/statm").exists():
        assert in_a_fork(lambda: bytearray(2**28)) == 42


def test_the_child_imports_neither_torch_nor_us() -> None:
    code = (
        "import sys, runpy; runpy.run_path(sys.argv[1]); print([m for m in ('torch', 'advnets') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, str(mat.CHILD)], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == []


def dims(data: bytes, rng: random.Random) -> bytes:
    """Variables by hand whose dims, classes and sizes lie."""
    numbers = (0, 1, -1, 4, 5, 12, 2**16, 2**31 - 1, -(2**31), rng.randrange(-(2**31), 2**31))
    shape = [rng.choice(numbers) for _ in range(rng.choice((0, 1, 2, 3, 3, 3, 33)))]
    kind = rng.choice((9, 9, 9, *range(20), 255))
    tag = struct.pack("<II", rng.choice((2, 2, *range(20))), rng.choice((192, rng.getrandbits(32))))
    lie = variable(b"images", kind, tuple(shape), tag + IMAGES.tobytes())
    return HEADER + rng.choice((lie, packed(lie))) + HAND_FOLDS


def inside(data: bytes, rng: random.Random) -> bytes:
    """A variable mutated before it is packed."""
    return HEADER + packed(mutated(HAND, rng)) + packed(mutated(HAND_FOLDS, rng) if rng.random() < 0.3 else HAND_FOLDS)


MUTATORS: list[Mutator] = [dims, inside]
SEEDS = [
    good(),
    good(compressed=True),
    HEADER + HAND + HAND_FOLDS,
    saved(note="x", images=IMAGES.astype(float), folds=FOLDS.astype(float), cells=np.array([1, "a"], object)),
    saved(True, structure={"a": IMAGES, "b": {"c": 1}}, images=IMAGES, folds=FOLDS),
]


@needs_fork
@pytest.mark.parametrize("n", [pytest.param(60, id="some"), pytest.param(1_500, id="all", marks=pytest.mark.slow)])
def test_any_bytes_give_only_our_errors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, n: int) -> None:
    monkeypatch.setattr(mat, "_run", forked)
    monkeypatch.setattr("advnets.data.sets.tfd.SIDE", 4)
    told = fuzz(load_tfd, SEEDS, n, folder=tmp_path, name="faces.mat", mutators=MUTATORS)
    assert_only_our_errors(told, refused=0.4)
