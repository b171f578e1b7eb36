"""The generator that comes with the package: there, small, drawing at once, and worth what is said of it."""

from pathlib import Path

import pytest

from advnets import data
from advnets.cli.main import main
from advnets.experiment import SHIPPED, find_model

PAPER = 225.0


def test_it_is_small_and_draws_without_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADVNETS_DATA", str(tmp_path))
    assert SHIPPED["paper-mnist"].stat().st_size <= 6_000_000
    assert main(["sample", "paper-mnist", "-n", "100", "--out", "digits.npz"]) == 0
    samples = find_model("paper-mnist").sample(100).values
    assert samples.shape == (100, 28, 28, 1)
    assert 0.05 < (samples > 127).mean() < 0.3
    assert samples.std(0).max() > 60


def test_what_lies_at_the_path_comes_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("paper-mnist").mkdir()
    assert main(["sample", "paper-mnist", "--out", "digits.png"]) == 2
    assert "paper-mnist is not a run directory" in capsys.readouterr().err
    assert main(["sample", "paper-mnits", "--out", "digits.png"]) == 2
    assert "paper-mnist" in capsys.readouterr().err


@pytest.mark.slow
def test_its_score_is_the_papers_or_more_from_the_file_itself(mnist: data.Dataset) -> None:
    report = find_model("paper-mnist").evaluate(mnist, measures=("parzen", "class-shares"))
    notes = report.measures["class-shares"].estimate.notes
    shares = [share for name, share in notes.items() if name.startswith("class ")]
    assert PAPER <= report.measures["parzen"].estimate.value <= report.controls["real images"].value
    assert len(shares) == 10
    assert all(0.05 <= float(share) <= 0.15 for share in shares)
