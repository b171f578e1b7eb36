"""Sixty files that would do harm if they were executed, believed or allocated; and thirty that declare too much.

Each is made by code, into a folder, out of the bytes of one good share file. Whoever makes such a file can compute a
SHA-256, so wherever the attack is not on the hashes, they are right.
"""

import gzip
import hashlib
import io
import json
import os
import pickle
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

CANARY = "canary"
"""What the pickles write if they are believed: a file of this name in the working folder."""

Json = dict[str, Any]


def parts(good: bytes) -> tuple[Json, Json, bytes]:
    """The tensors' entries, the card and the tensors' bytes of a share file."""
    length = int.from_bytes(good[:8], "little")
    header = json.loads(good[8 : 8 + length])
    card = json.loads(header.pop("__metadata__")["advnets"])
    return header, card, good[8 + length :]


def sealed(card: Json, body: bytes | None = None) -> str:
    """The card's text, with hashes that are right."""
    told = {name: value for name, value in card.items() if name != "sha256"}
    if body is not None:
        told["tensors_sha256"] = hashlib.sha256(body).hexdigest()
    return canonical({**told, "sha256": hashlib.sha256(canonical(told).encode()).hexdigest()})


def canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def framed(header: bytes, body: bytes = b"") -> bytes:
    header += b" " * (-len(header) % 8)
    return len(header).to_bytes(8, "little") + header + body


def file_of(entries: Json, card: str, body: bytes) -> bytes:
    header = {"__metadata__": {"advnets": card}, **entries}
    return framed(json.dumps(header, separators=(",", ":")).encode(), body)


def with_card(good: bytes, **change: Any) -> bytes:
    """The good file with another card, hashes right."""
    entries, card, body = parts(good)
    return file_of(entries, sealed(card | change), body)


def with_generator(good: bytes, **numbers: Any) -> bytes:
    card = parts(good)[1]
    return with_card(good, generator=card["generator"] | numbers)


class Bomb:
    """What pickles into a call of any function."""

    def __init__(self, function: Any, *given: Any) -> None:
        self.function, self.given = function, given

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return self.function, self.given


def called(module: str, name: str, text: str, *, protocol: int = 2) -> bytes:
    """A pickle of a call, written opcode by opcode, so that the module need not be here."""
    if protocol >= 4:
        words = b"".join(b"\x8c" + bytes([len(word)]) + word.encode() for word in (module, name))
        return b"\x80\x04" + words + b"\x93\x8c" + bytes([len(text)]) + text.encode() + b"\x85R."
    return f"c{module}\n{name}\n(V{text}\ntR.".encode()


TOUCH = f"touch {CANARY}"
PYTHON = f"open('{CANARY}', 'w')"


def pickles() -> dict[str, bytes]:
    """Twelve."""
    nested = {"state_dict": [{"layer": Bomb(os.system, TOUCH)}]}
    return {
        "os-system": pickle.dumps(Bomb(os.system, TOUCH), 0),
        "posix-system": called("posix", "system", TOUCH, protocol=0),
        "nt-system": called("nt", "system", TOUCH, protocol=0),
        "builtins-eval": pickle.dumps(Bomb(eval, PYTHON), 1),
        "builtins-exec": pickle.dumps(Bomb(exec, PYTHON), 2),
        "runpy": called("runpy", "run_path", "evil.py", protocol=0),
        "importlib": pickle.dumps(Bomb(__import__, "antigravity"), 3),
        "ctypes": called("ctypes", "CDLL", "libc.so.6", protocol=0),
        "functools-partial": pickle.dumps(Bomb(map, os.system, [TOUCH]), 5),
        "zip-pt": zipped({"archive/data.pkl": pickle.dumps(nested, 2), "archive/version": b"3\n"}),
        "legacy-tar-pt": tarred({"storages": pickle.dumps(nested, 2), "pickle": pickle.dumps(nested, 2)}),
        "stack-global": called("os", "system", TOUCH, protocol=4),
    }


def zipped(members: dict[str, bytes]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return held.getvalue()


def tarred(members: dict[str, bytes]) -> bytes:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as archive:
        for name, content in members.items():
            told = tarfile.TarInfo(name)
            told.size = len(content)
            archive.addfile(told, io.BytesIO(content))
    return held.getvalue()


def foreign() -> dict[str, bytes]:
    """Other formats that carry code or paths: 4 + 3 + 3 + 1 + 2 + 3 + 2 + 4 = 22; DCP's folder is made on the disk."""
    source = f"import os\nos.system({TOUCH!r})\n"
    objects = io.BytesIO()
    np.save(objects, np.array([Bomb(os.system, TOUCH)], dtype=object), allow_pickle=True)
    external = b"\x08\x07\x3a\x40\x2a\x3e\x42\x01w\x6a\x1a\n\x08location\x12\x0e../../etc/hosts"
    opaque = b"MATLAB 5.0 MAT-file, opaque".ljust(116) + bytes(8) + b"\x00\x01IM"
    script = {"m/code/__torch__.py": source.encode(), "m/data.pkl": called("__torch__", "M", "x"), "m/version": b"3\n"}
    package = {"p/.data/version": b"6", "p/model/model.pkl": called("evil", "build", "x"), "p/evil.py": source.encode()}
    return {
        "stylegan-persistence": called(
            "torch_utils.persistence", "_reconstruct_persistent_obj", source[:90], protocol=4
        ),
        "stylegan-dnnlib": called("dnnlib.util", "construct_class_by_name", "os.system", protocol=4),
        "stylegan-legacy": b"\x80\x02}q\x00(X\x05\x00\x00\x00G_ema"
        + called("dnnlib.tflib.network", "Network", "x")
        + b"u.",
        "stylegan-gzip": gzip.compress(
            called("torch_utils.persistence", "_reconstruct_persistent_obj", "x", protocol=4)
        ),
        "torchscript": zipped(script),
        "torchscript-lite": zipped(script | {"m/bytecode.pkl": called("os", "system", TOUCH)}),
        "torchscript-constants": zipped(script | {"m/constants.pkl": pickle.dumps(Bomb(os.system, TOUCH), 2)}),
        "torch-package": zipped(package),
        "torch-package-extern": zipped(package | {"p/.data/extern_modules": b"os\nsubprocess\n"}),
        "torch-package-reduce": zipped(package | {"p/model/model.pkl": pickle.dumps(Bomb(os.system, TOUCH), 2)}),
        "dcp.metadata": pickle.dumps({"state_dict_metadata": Bomb(os.system, TOUCH)}, 4),
        "onnx-external": external,
        "onnx-external-absolute": external.replace(b"../../etc/hosts", b"/etc/passwd\0\0\0\0"),
        "npy-objects": objects.getvalue(),
        "npz-objects": zipped({"images.npy": objects.getvalue()}),
        "npz-objects-gz": gzip.compress(objects.getvalue()),
        "mat-opaque": opaque + b"\x0e\x00\x00\x00\x40\x00\x00\x00" + b"\x06\0\0\0\x08\0\0\0\x11\0\0\0" + bytes(60),
        "mat-function": opaque + b"\x0e\x00\x00\x00\x40\x00\x00\x00" + b"\x06\0\0\0\x08\0\0\0\x10\0\0\0" + bytes(60),
        "yaml-apply": f"!!python/object/apply:os.system [{TOUCH}]\n".encode(),
        "yaml-new": f"a: !!python/object/new:subprocess.Popen\n  args: [[touch, {CANARY}]]\n".encode(),
        "yaml-name": b"f: !!python/name:os.system\n",
        "yaml-module": b"m: !!python/module:antigravity\n",
    }


def in_the_card(good: bytes) -> dict[str, bytes]:
    """Three objects that other libraries would instantiate, and five attacks on the table of networks."""
    card = parts(good)[1]
    return {
        "json-target": with_card(good, generator={"_target_": "os.system", "command": TOUCH}),
        "json-class": with_generator(good, __class__={"__module__": "os", "__name__": "system"}),
        "json-ref": with_card(good, generator={"$ref": "file:///etc/passwd"}),
        "row-path": with_generator(good, row="../x"),
        "row-of-a-billion": with_generator(good, hidden=[10**9]),
        "row-resolution": with_card(good, data=card["data"] | {"shape": [1, 2**20, 2**20]}),
        "row-negative": with_generator(good, hidden=[-16]),
        "row-bool-as-int": with_generator(good, hidden=[True]),
    }


def safetensors(good: bytes) -> dict[str, bytes]:
    """Ten of the twelve; the two with headers too long to be made in memory are `sparse`."""
    entries, card, body = parts(good)
    first, second, *_ = entries
    text = sealed(card)

    def entry(name: str, **change: Any) -> bytes:
        return file_of(entries | {name: entries[name] | change}, text, body)

    start, end = entries[second]["data_offsets"]
    not_a_number = np.full(len(body) // 4, np.nan, np.float32).tobytes()
    nan = body[:8] + not_a_number[8:]
    twice = good[8:].replace(b'{"__metadata__"', b'{"' + first.encode() + b'":{},"__metadata__"', 1)
    length = int.from_bytes(good[:8], "little") + len(first) + 6
    raw = json.dumps({"__metadata__": {"advnets": text}, **entries}, separators=(",", ":"))
    return {
        "header-over-1-MB": framed(raw.encode() + b" " * 2**20, body),
        "overlap": entry(second, data_offsets=[start - 4, end - 4]),
        "hole": file_of(
            entries | {second: entries[second] | {"data_offsets": [start + 4, end + 4]}}, text, body + bytes(4)
        ),
        "duplicate-keys": length.to_bytes(8, "little") + twice,
        "nested-100000": framed(b'{"__metadata__":' + b"[" * 100_000 + b"]" * 100_000 + b"}", body),
        "metadata-not-text": framed(raw.replace(json.dumps(text), "[1,2]").encode(), body),
        "nan-tensors": file_of(entries, sealed(card, nan), nan),
        "wrong-dtype": entry(second, dtype="F16"),
        "zip-tail": good + zipped({"evil.py": PYTHON.encode()}),
        "utf-16": framed(raw.encode("utf-16"), body),
    }


def sparse(path: Path, start: bytes, size: int) -> Path:
    """A file that begins so and has that size, without taking it on the disk."""
    with path.open("wb") as file:
        file.write(start)
        file.truncate(max(size, len(start)))
    return path


def evil_files(folder: Path, good: bytes) -> dict[str, Path]:
    """The sixty, by name."""
    folder.mkdir()
    contents = {**pickles(), **foreign(), **in_the_card(good), **safetensors(good)}
    png = b"\x89PNG\r\n\x1a\n" + bytes(50)
    lies = {"pickle.gan": pickles()["os-system"], "zip.gan": zipped({"x": good}), "picture.gan": png + good}
    made = {name: folder / name for name in (*contents, *lies)}
    for name, content in {**contents, **lies}.items():
        made[name].write_bytes(content)
    made["header-2^63"] = sparse(folder / "header-2^63", (2**63).to_bytes(8, "little") + b"{", 10**6)
    made["ten-million-tensors"] = sparse(folder / "ten-million", (7 * 10**8).to_bytes(8, "little") + b"{", 8 * 10**8)
    (folder / "dcp").mkdir()
    (folder / "dcp" / ".metadata").write_bytes(contents["dcp.metadata"])
    made["dcp-folder"] = folder / "dcp"
    made["link"] = folder / "link.safetensors"
    made["link"].symlink_to(folder / "os-system")
    made["pipe"] = folder / "pipe.safetensors"
    os.mkfifo(made["pipe"])
    return made


def huge_files(folder: Path, good: bytes) -> dict[str, Path]:
    """Thirty that declare more than a machine has, each with the size that it declares, on the disk as sparse files."""
    folder.mkdir()
    entries, card, _ = parts(good)
    name = list(entries)[-1]
    made: dict[str, Path] = {}

    def add(start: bytes, size: int = 0) -> None:
        made[f"huge-{len(made):02d}"] = sparse(folder / f"huge-{len(made):02d}", start, size)

    for power in (18, 20, 24, 28, 32, 36, 40, 62, 63):
        add((2**power + 8).to_bytes(8, "little") + b'{"', min(2**power + 16, 2**40))
    for power in range(20, 41, 2):
        shape = [2 ** (power // 2), 2 ** (power - power // 2)]
        one = {name: {"dtype": "F32", "shape": shape, "data_offsets": [0, 2 ** (power + 2)]}}
        start = file_of(one, sealed(card), b"")
        add(start, len(start) + 2 ** (power + 2))
    changes: list[Callable[[], bytes]] = [
        *(lambda n=n: with_generator(good, hidden=[65_536] * n) for n in (2, 8, 64)),  # type: ignore[misc]
        lambda: with_generator(good, hidden=[1] * 100_000),
        lambda: with_generator(good, hidden=[2**53]),
        lambda: with_generator(good, irange=1e300),
        lambda: with_card(good, latent_size=2**16),
        lambda: with_card(good, latent_size=10**4000),
        lambda: with_card(good, data=card["data"] | {"shape": [65_536] * 3}),
        lambda: with_card(good, notes="x" * 200_000),
    ]
    for change in changes:
        add(change())
    return made
