"""The reader of CIFAR-10's pickles: it reads what Python's pickler writes of a batch, and nothing else."""

import io
import os
import pickle
import random
import struct
import sys
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from advnets.data.formats import pickle_reader
from advnets.data.formats.pickle_reader import read_batch
from advnets.errors import AdvnetsError, Damaged, Unsupported

RNG = np.random.RandomState(0)
LABELS = RNG.randint(0, 10, 20).tolist()
PIXELS = RNG.randint(0, 256, (20, 3072), dtype=np.uint8)


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pickle_reader, "IMAGES", 20)


def text(value: bytes) -> bytes:
    return b"U" + bytes([len(value)]) + value


def number(value: int) -> bytes:
    return b"J" + struct.pack("<i", value)


def pickled(pixels: np.ndarray = PIXELS, labels: list[int] = LABELS, *, dtype: bytes = b"u1") -> bytes:
    """A batch as Python 2 pickled it, written opcode by opcode."""
    shape = b"".join(number(size) for size in pixels.shape)
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\nq\1cnumpy\nndarray\nq\2K\0\x85q\3Ub\x87q\4Rq\5".replace(b"Ub", b"U\1b")
        + b"(K\1" + (shape + b"\x86" if pixels.ndim == 2 else b"(" + shape + b"t")
        + b"cnumpy\ndtype\nq\6" + text(dtype) + b"K\0K\1\x87Rq\7(K\3U\1|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb"
        + b"\x89T" + struct.pack("<i", pixels.nbytes) + pixels.tobytes() + b"tb"
    )  # fmt: skip
    items = text(b"labels") + b"](" + b"".join(number(label) for label in labels) + b"e" + text(b"data") + array
    return b"\x80\2}q\0(" + items + b"u."


def refused(data: bytes, kind: type[AdvnetsError], says: str) -> None:
    with pytest.raises(kind, match=says) as caught:
        read_batch("data_batch_1", data)
    assert type(caught.value) is kind
    assert str(caught.value).startswith("data_batch_1: ")


def test_it_reads_what_pythons_unpickler_reads() -> None:
    theirs = pickle.loads(pickled(), encoding="bytes")
    images, labels = read_batch("batch", pickled())
    assert np.array_equal(images.reshape(20, 3072), theirs[b"data"])
    assert labels.tolist() == theirs[b"labels"] == LABELS
    assert np.array_equal(images[3, 1, 2, 5], PIXELS[3, 1024 + 2 * 32 + 5])


class Calls:
    """An object whose pickle calls a function when it is unpickled."""

    def __init__(self, function: Any, *words: Any) -> None:
        self.call = (function, words)

    def __reduce__(self) -> Any:
        return self.call


EVENTS: list[list[str]] = []
HOOKED: list[Any] = []


def _note(event: str, details: Any) -> None:
    if EVENTS and event in ("os.system", "exec", "open", "import", "pickle.find_class", "subprocess.Popen"):
        EVENTS[-1].append(event)


@contextmanager
def watched_events() -> Iterator[list[str]]:
    """What Python's audit hooks tell of in the block; a hook can never be taken off, so that there is only one."""
    if _note not in HOOKED:
        HOOKED.append(_note)
        sys.addaudithook(_note)
    EVENTS.append([])
    try:
        yield EVENTS[-1]
    finally:
        EVENTS.pop()


def test_the_watch_sees_a_call() -> None:
    with watched_events() as events:
        pickle.loads(b"cos\nsystem\n(S'true'\ntR.")
    assert events == ["pickle.find_class", "os.system"]


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    ("function", "words"), [(os.system, ("touch hit",)), (eval, ("open('hit', 'w')",)), (exec, ("open('hit', 'w')",)),
                            (open, ("hit", "w")), (getattr, (os, "name")), (__import__, ("this",))]
)  # fmt: skip
def test_a_pickle_that_calls_is_refused_and_nothing_is_called(
    tmp_path: Any, function: Any, words: Any, protocol: int
) -> None:
    words = tuple(word for word in words if word is not os)
    for whole in (Calls(function, *words), {b"data": Calls(function, *words), b"labels": LABELS}):
        data = pickle.dumps(whole, protocol)
        with watched_events() as events:
            refused(data, Unsupported, "expected a batch of CIFAR-10")
        assert events == []
    assert not os.path.exists("hit")


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "ends before"),
        (b"\x80\3}.", "does not start as a pickle of protocol 2"),
        (b"(lp0\n.", "does not start"),
        (b"\x80\2cos\nsystem\n(U\2lstR.", "names 'os system'"),
        (b"\x80\2cnumpy\nndarray\n(J\0\0\0\x40tR.", "makes a call that no batch makes"),
        (b"\x80\2cnumpy\ndtype\nU\1OK\0K\1\x87R.", "makes a call that no batch makes"),
        (b"\x80\2]K\1b.", "fills in what no batch fills in"),
        (b"\x80\2K\1K\2R.", "makes a call"),
        (b"\x80\2R.", "lacks values"),
        (b"\x80\2(K\1.", "opcode b'.'"),
        (b"\x80\2}(]K\1u.", "keys that are no strings"),
        (b"\x80\2e.", "lacks a mark"),
        (b"\x80\2N(K\1e.", "has no list to fill"),
        (b"\x80\2(K\1e.", "has no list to fill"),
        (b"\x80\2}(U\1aK\1K\2u.", "keys that are no strings"),
        (b"\x80\2}.more", "opcode b'.'"),
        (b"\x80\2c" + b"x" * 200, "name without an end"),
        (b"\x80\2T\xff\xff\xff\x7f", "ends before the 2,147,483,647 bytes"),
        (b"\x80\2T\xff\xff\xff\xff", "ends before the -1 bytes"),
        (b"\x80\2" + b"(" * 200_000, "more than 100,000 opcodes"),
        (b"\x80\2" + b"]" * 200_000, "more than 100,000 opcodes"),
        (b"\x80\2]" + b"\x85" * 50_000 + b"N.", "opcode b'.'"),
        (pickled()[:-1], "ends before"),
        (pickled(dtype=b"O8"), "makes a call"),
        (pickled().replace(b"J" + struct.pack("<i", 3072), b"J" + struct.pack("<i", 3073)), "fills in"),
        (pickled().replace(b"\x89T", b"NT"), "fills in"),
    ],
)
def test_other_pickles_are_refused_without_memory(data: bytes, says: str) -> None:
    tracemalloc.start()
    refused(data, Unsupported, says)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 32 * 2**20


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"\x80\2}.", "no `data`"),
        (b"\x80\2N.", "no `data`"),
        (b"\x80\2cnumpy\nndarray\n.", "no `data`"),
        (pickled(PIXELS[:19]), "no `data`"),
        (pickled(PIXELS.reshape(-1)), "no `data`"),
        (pickled(labels=LABELS[:19]), "whole numbers 0..9"),
        (pickled(labels=[10, *LABELS[1:]]), "whole numbers 0..9"),
        (pickled(labels=[-1, *LABELS[1:]]), "whole numbers 0..9"),
    ],
)
def test_batches_of_other_sizes_or_labels_are_refused(data: bytes, says: str) -> None:
    refused(data, Damaged, says)


def test_mutations_give_only_our_errors() -> None:
    rng = random.Random(3)
    whole = pickled(PIXELS[:, :])
    skeleton = whole.index(PIXELS.tobytes())
    refusals = 0
    for _ in range(3000):
        data = bytearray(whole)
        for _ in range(rng.randint(1, 3)):
            place = rng.choice([rng.randrange(skeleton), len(data) - 1 - rng.randrange(4)])
            data[place] = rng.choice([*b"(}]NKMJUTctRbeuq.", 0, 1, 127, 255, rng.randrange(256)])
        try:
            read_batch("batch", bytes(data[: rng.choice([len(data), len(data), rng.randrange(len(data))])]))
        except AdvnetsError as error:
            refusals += str(error).startswith("batch: ")
    assert refusals > 1500


def test_a_real_unpickler_agrees_on_what_the_machine_reads() -> None:
    found: list[str] = []

    class Watched(pickle.Unpickler):
        def find_class(self, module: str, name: str) -> Any:
            found.append(f"{module} {name}")
            return super().find_class(module, name)

    Watched(io.BytesIO(pickled()), encoding="bytes").load()
    assert {name.encode() for name in found} == set(pickle_reader.NAMES)
