"""Does watching change a run, or slow it? Many viewers, and a server that is killed again and again.

    python benchmarks/watching.py [--pairs 8] [--steps 600] [--viewers 32] [--kills 20]

Each pair trains the same run twice, in a random order: alone, and with a server in a process of its own whose viewers
poll as the page does, and which is killed (SIGKILL) and started anew so many times over all pairs. Said are whether all
states are equal bit for bit, whether a viewer has missed a line of the journal, and the 95 % interval of the slowing by
the seconds that the runs themselves counted.
"""

import argparse
import contextlib
import json
import random
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

import numpy as np
from scipy import stats

from advnets.runs import load_latest, state_fingerprint

POLL_SECONDS = 2.0


class Watched:
    """A server of watch, which is started again when it was killed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "advnets", "watch", str(self.root), "--no-browser"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.base, _, self.token = self.process.stdout.readline().strip().partition("?token=")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self.start()

    def ask(self, path: str) -> dict:
        request = urllib.request.Request(self.base + path, headers={"Authorization": f"Bearer {self.token}"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)


class Viewer(threading.Thread):
    """Polls as the page does, and keeps its cursor over all ends of the server."""

    def __init__(self, server: Watched, end: threading.Event) -> None:
        super().__init__(daemon=True)
        self.server, self.end, self.cursor, self.steps, self.polls = server, end, "", list[int](), 0

    def run(self) -> None:
        while not self.end.wait(POLL_SECONDS):
            with contextlib.suppress(OSError, ValueError, KeyError):  # the server is gone for a moment
                self.poll()

    def poll(self) -> None:
        for run in self.server.ask("api/runs")["runs"]:
            self.server.ask(f"api/run/{run['key']}")
            told = self.server.ask(f"api/journal/{run['key']}?after={self.cursor}")
            self.steps = [] if told["anew"] else self.steps
            self.steps += told["columns"].get("step", [])
            self.cursor = told["cursor"]
            self.polls += 1


def train(out: Path, steps: int) -> subprocess.Popen[bytes]:
    words = [
        "train",
        "paper-adam",
        "--data",
        "digits",
        "--steps",
        str(steps),
        "--journal-steps",
        "10",
        "--out",
        str(out),
    ]
    command = [sys.executable, "-m", "advnets", *words]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def read_run(out: Path) -> tuple[str, float]:
    """The fingerprint of its last state, and the seconds that it was trained for."""
    seconds = json.loads((out / "status.json").read_text())["seconds"]
    return state_fingerprint(load_latest(out / "checkpoints")[1]), seconds


def train_watched(root: Path, steps: int, viewers: int, kills: int) -> tuple[int, int]:
    """Train with viewers; how many polls were answered, and how many viewers have missed a line."""
    root.mkdir()
    server, end = Watched(root), threading.Event()
    crowd = [Viewer(server, end) for _ in range(viewers)]
    for viewer in crowd:
        viewer.start()
    child = train(root / "run", steps)
    done = 0
    while child.poll() is None:
        time.sleep(1)
        if done < kills and (root / "run" / "journal.jsonl").exists():
            server.kill()
            done += 1
    end.set()
    for viewer in crowd:
        viewer.join()
        viewer.poll()
    server.process.kill()
    server.process.wait()
    written = [json.loads(line)["step"] for line in (root / "run" / "journal.jsonl").read_text().splitlines()]
    print(f"  {done} kills, {sum(viewer.polls for viewer in crowd)} polls", flush=True)
    return done, sum(viewer.steps != written for viewer in crowd)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, usual in (("pairs", 8), ("steps", 600), ("viewers", 32), ("kills", 20)):
        parser.add_argument(f"--{name}", type=int, default=usual)
    asked = parser.parse_args()
    ratios, fingerprints, kills, missed = [], set(), 0, 0
    with tempfile.TemporaryDirectory() as place:
        for pair in range(asked.pairs):
            left = asked.kills - kills
            share = -(-left // (asked.pairs - pair))
            alone, root = Path(place) / f"alone-{pair}", Path(place) / f"watched-{pair}"
            found = {}
            for kind in random.Random(pair).sample(["alone", "watched"], 2):
                if kind == "alone":
                    train(alone, asked.steps).wait()
                    found[kind] = read_run(alone)
                else:
                    done, lost = train_watched(root, asked.steps, asked.viewers, share)
                    kills, missed = kills + done, missed + lost
                    found[kind] = read_run(root / "run")
            fingerprints |= {found["alone"][0], found["watched"][0]}
            ratios.append(np.log(found["watched"][1] / found["alone"][1]))
            print(f"pair {pair}: {100 * np.expm1(ratios[-1]):+.1f} %", flush=True)
    middle, error = np.mean(ratios), stats.sem(ratios) if len(ratios) > 1 else np.nan
    half = error * stats.t.ppf(0.975, max(len(ratios) - 1, 1))
    low, high = (100 * np.expm1(middle + side * half) for side in (-1, 1))
    print(f"states: {'all equal' if len(fingerprints) == 1 else 'they differ'}, of {2 * asked.pairs} runs")
    print(f"{kills} kills; {missed} viewers of {asked.pairs * asked.viewers} have missed a line")
    print(f"slowing {100 * np.expm1(middle):+.1f} %, 95 % interval {low:+.1f} to {high:+.1f} %")


if __name__ == "__main__":
    main()
