"""SIGINT and SIGTERM, as a terminal and a scheduler send them, to the real command."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import tiny
from advnets import experiment, process as process_file
from advnets.cli.console import STOPPING, StopNotice

ENDLESS = ["train", "paper-adam", "--data", "digits", "--steps", "100000", "--out", "run", "--device", "cpu",
           "--generator.hidden", "16", "--discriminator.units", "8", "--journal-steps",
           "5"]  # fmt: skip


def start() -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "advnets", *ENDLESS]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def wait_until_it_trains(process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 60
    journal = Path("run/journal.jsonl")
    while not (journal.exists() and journal.stat().st_size):
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_finishes_the_step_saves_and_exits(number: signal.Signals, code: int, tmp_path: Path) -> None:
    process = start()
    wait_until_it_trains(process)
    process.send_signal(number)
    _, told = process.communicate(timeout=30)
    assert process.returncode == code, told
    assert "Traceback" not in told
    assert told.count("Stopping after this step, and saving ...") == (number == signal.SIGINT)
    run = experiment.Run(Path("run"))
    status = json.loads((run.path / "status.json").read_text())
    assert (status["state"], status["step"]) == ("stopped", run.step)
    assert experiment.resume("run", steps=run.step + 5).step == status["step"] + 5


def test_a_second_interrupt_leaves_at_once(tmp_path: Path) -> None:
    # A checkpoint whose writing never ends: the first interrupt says so and waits for it, the second does not.
    code = (
        "import time; from advnets import runs; from advnets.cli.main import main; import sys\n"
        "runs.save_checkpoint = lambda *given: time.sleep(600)\n"
        f"sys.exit(main({ENDLESS!r}))"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_until_it_trains(process)
    process.send_signal(signal.SIGINT)
    time.sleep(1)
    assert process.poll() is None
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    told = process.communicate(timeout=10)[1]
    assert process.returncode == 130
    assert told.count("Stopping after this step, and saving ...") == 1
    assert time.monotonic() - began < 5


def test_a_signal_is_announced_after_it_is_heard_unless_that_raises(capsys: pytest.CaptureFixture[str]) -> None:
    order = list[str]()

    def refuse(number: int) -> None:
        raise KeyboardInterrupt

    with process_file.announce_signals(lambda number: order.append("announced")):
        with process_file.hear_signals(lambda number: order.append("heard")):
            signal.raise_signal(signal.SIGINT)
        assert order == ["heard", "announced"]
        with process_file.hear_signals(refuse), pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert order == ["heard", "announced"]
    notice = StopNotice()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGINT):
        notice(number)
    assert capsys.readouterr().err == f"{STOPPING}\n"


def test_the_api_saves_and_hands_the_interrupt_on(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGINT)  # ignored, where a shell started the tests in the background
    run = experiment.start(tiny.RECIPE, settings=tiny.settings("run", steps=100_000))
    going = run.carry_on()
    step = next(going).step
    os.kill(os.getpid(), signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        list(going)
    assert step <= experiment.Run(Path("run")).step <= step + 5
    assert signal.getsignal(signal.SIGINT) is before
