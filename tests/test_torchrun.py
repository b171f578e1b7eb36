"""The real command under the real torchrun: signals, kills, and two agents as on two hosts."""

import os
import random
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

import tiny
from advnets import experiment, runs

SMALL = ["--data", "digits", "--device", "cpu", "--generator.hidden", "16",
         "--discriminator.units", "8", "--batch-size", "32", "--journal-steps", "5",
         "--checkpoint-steps", "20"]  # fmt: skip
TRAIN = ["train", "paper-adam", *SMALL, "--out", "run"]


def torchrun(*words: str, launch: tuple[str, ...] = ("--standalone", "--nproc-per-node", "2"), folder: str = ".",
             ) -> subprocess.Popen[str]:  # fmt: skip
    command = [sys.executable, "-m", "torch.distributed.run", *launch, "-m", "advnets", *words]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo", "NO_COLOR": "1"}
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment, cwd=folder
    )


def wait_for_a_checkpoint(process: subprocess.Popen[str], out: str = "run", step: int = 0) -> None:
    deadline = time.monotonic() + 300
    while not any(int(path.name) >= step for path in Path(out).glob("checkpoints/[0-9]*")):
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.005)


def status(out: str = "run") -> dict[str, object]:
    return runs.read_json(Path(out) / "status.json")


def test_a_signal_to_torchrun_stops_all_and_saves(tmp_path: Path) -> None:
    process = torchrun(*TRAIN, "--steps", "100000")
    wait_for_a_checkpoint(process)
    process.send_signal(signal.SIGTERM)
    told, _ = process.communicate(timeout=120)
    assert "has lost another process" not in told
    assert "advnets (rank" not in told
    assert (status()["state"], status()["step"]) == ("stopped", experiment.Run(Path("run")).step)
    assert status()["processes"] == 2


def test_two_agents_train_together_as_on_two_hosts(tmp_path: Path) -> None:
    """Each in a folder of its own: the second host needs the data, not the run directory."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    agents = []
    for number in (0, 1):
        Path(f"host-{number}").mkdir()
        launch = ("--nnodes", "2", "--node-rank", str(number), "--nproc-per-node", "1",
                  "--master-addr", "127.0.0.1", "--master-port", port)  # fmt: skip
        agents.append(torchrun(*TRAIN, "--steps", "30", "--json", launch=launch, folder=f"host-{number}"))
    told = [agent.communicate(timeout=300)[0] for agent in agents]
    assert [agent.returncode for agent in agents] == [0, 0], told
    assert '"step": 30' in told[0]
    assert "step" not in told[1]
    assert experiment.Run(Path("host-0/run")).step == 30
    assert status("host-0/run")["processes"] == 2
    assert list(Path("host-1").iterdir()) == []


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="reads torchrun's children from /proc")
@pytest.mark.slow
def test_twenty_kills_of_a_random_rank(tmp_path: Path) -> None:
    """SIGKILL at a random time: the rest stops within a minute, and the resumed run ends as the uninterrupted one."""
    rng, told = random.Random(5), []
    finished(torchrun(*TRAIN[:-1], "whole", "--steps", "400"))
    expected = tiny.state_hash(experiment.Run(Path("whole")))
    for number in range(20):
        out = f"run-{number}"
        told.append(killed(out, rng))
        finished(torchrun("resume", out))
        assert tiny.state_hash(experiment.Run(Path(out))) == expected, told
        print(told[-1], flush=True)
    assert sum(one["at"] < 400 and one["code"] != 0 for one in told) >= 15, told
    assert {one["victim"] for one in told} == {0, 1}


def killed(out: str, rng: random.Random) -> dict[str, float]:
    """Start a run and kill one of its two processes at a random time."""
    process = torchrun(*TRAIN[:-1], out, "--steps", "400")
    wait_for_a_checkpoint(process, out, 20 * rng.randrange(1, 16))
    time.sleep(rng.random() * 0.1)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    victim, began = rng.choice([0, 1]), time.monotonic()
    if process.poll() is None and len(children) == 2:
        os.kill(int(children[victim]), signal.SIGKILL)
    process.communicate(timeout=60)
    seconds = round(time.monotonic() - began, 2)
    return {"victim": victim, "at": experiment.Run(Path(out)).step, "code": process.returncode, "seconds": seconds}


def finished(process: subprocess.Popen[str]) -> None:
    told, _ = process.communicate(timeout=300)
    assert process.returncode == 0, told
