#!/usr/bin/env python3
"""Set up and run, with Python's standard library alone, on Linux, macOS and Windows.

python3 go.py demo     install, draw digits, train on real ones for a minute, measure: see demo/
python3 go.py test     install and run the tests; --all adds those that take minutes
python3 go.py check    ruff and mypy
python3 go.py setup    install only, into .venv
"""

import hashlib
import json
import os
import platform
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")
CONSTRAINTS = ROOT / "constraints.txt"
CPU_TORCH = "https://download.pytorch.org/whl/cpu"
DEMO_MINUTES = "1.2"


def main(arguments: list[str]) -> int:
    """Do what the first word says."""
    verbs = {"demo": demo, "test": test, "check": check, "setup": tell}
    if not arguments or arguments[0] not in verbs:
        print(__doc__)
        return 0 if arguments[:1] in (["-h"], ["--help"]) else 2
    if sys.version_info < (3, 11):  # noqa: UP036 - this file is what an older Python meets first
        print(f"go.py: found Python {platform.python_version()}; expected 3.11 or newer", file=sys.stderr)
        return 2
    set_up("" if arguments[0] == "demo" else "[dev]")
    return verbs[arguments[0]](arguments[1:])


def tell(rest: list[str]) -> int:
    """Say how the command is called from here on."""
    activate = f"{BIN}\\activate" if os.name == "nt" else f"source {shlex.quote(str(BIN / 'activate'))}"
    print(f"go.py: call it by its path, {BIN / 'advnets'}, or run `{activate}` once in each terminal", flush=True)
    return 0


def demo(rest: list[str]) -> int:
    """Draw with the generator that ships, train one while a strip of previews fills, and measure it."""
    out = fresh(ROOT / "demo")
    words = [str(ROOT / "examples" / "demo.py"), out.name, *(rest or [DEMO_MINUTES])]
    return subprocess.run([PYTHON, *words], cwd=ROOT).returncode or tell([])


def test(rest: list[str]) -> int:
    """Run the tests on all cores; --all adds the slow ones. What else is given goes to pytest, such as -n0."""
    chosen = ["-n", "auto", *([] if "--all" in rest else ["-m", "not slow and not browser"])]
    others = [word for word in rest if word != "--all"]
    return subprocess.run([PYTHON, "-m", "pytest", *chosen, *others], cwd=ROOT).returncode


def check(rest: list[str]) -> int:
    """Format, lint and types."""
    commands = (["ruff", "format", "--check", "."], ["ruff", "check", "."], ["mypy"])
    return max(subprocess.run([PYTHON, "-m", *words], cwd=ROOT).returncode for words in commands)


def set_up(extra: str) -> None:
    """Make .venv and install into it, unless the stamp says that nothing changed."""
    stamp, wanted = VENV / "stamp.json", fingerprint()
    done = json.loads(stamp.read_text()) if stamp.exists() and PYTHON.exists() else {}
    if done.get("of") == wanted and extra in done.get("extras", []):
        return
    began = time.monotonic()
    print("go.py: installing into .venv, once; it takes about a minute ...", flush=True)
    if not PYTHON.exists():
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
    install_cpu_torch()
    pip("install", "-e", f"{ROOT}{extra}", "-c", str(CONSTRAINTS))
    extras = done.get("extras", []) if done.get("of") == wanted else []
    stamp.write_text(json.dumps({"of": wanted, "extras": sorted({"", *extras, extra})}))
    print(f"go.py: installed in {time.monotonic() - began:.0f} s", flush=True)


def install_cpu_torch() -> None:
    """On Linux without an NVIDIA driver, try for the CPU wheel in place of gigabytes of CUDA; go on if out of reach."""
    if platform.system() != "Linux" or shutil.which("nvidia-smi"):
        return
    pinned = next(line for line in CONSTRAINTS.read_text().splitlines() if line.startswith("torch=="))
    has = subprocess.run([PYTHON, "-c", "import torch"], capture_output=True)
    if has.returncode:
        pip("install", "--no-deps", "--retries", "0", "--index-url", CPU_TORCH, pinned, check=False)


def pip(*words: str, check: bool = True) -> None:
    """Run pip quietly; what fails is shown."""
    quiet = ["--quiet", "--disable-pip-version-check"]
    done = subprocess.run([PYTHON, "-m", "pip", *words, *quiet], capture_output=True, text=True)
    if check and done.returncode:
        print(done.stdout + done.stderr, file=sys.stderr)
        raise SystemExit(f"go.py: pip {words[0]} failed (exit code {done.returncode}); its words are above")


def fingerprint() -> str:
    """What the installation depends on."""
    files = (ROOT / "pyproject.toml", CONSTRAINTS)
    return hashlib.sha256(b"".join(path.read_bytes() for path in files) + sys.version.encode()).hexdigest()


def fresh(folder: Path) -> Path:
    """The folder, or the next free one beside it: nothing is overwritten."""
    names = (folder if n == 1 else folder.with_name(f"{folder.name}-{n}") for n in range(1, 10_000))
    return next(path for path in names if not path.exists())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
