"""What a notebook shows: cards that are escaped and short, a bar while a run trains, and the notebook of examples/."""

import base64
import io
import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from PIL import Image

import advnets
import tiny
from advnets.data import Dataset
from advnets.diagnosis import Finding
from advnets.experiment import notebook
from advnets.experiment.training_loop import TrainingProgress
from advnets.markup import html_bar, html_card, html_table, html_text
from advnets.runs import Journal

NOTEBOOK = Path(__file__).parents[2] / "examples" / "notebook.ipynb"
HOSTILE = "<script>alert('x')</script>\x1b[2J\n&"


class Tags(HTMLParser):
    """The tags of a page, each closed again, and what they lead to."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.all: set[str] = set()
        self.sources: list[str] = []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.all.add(tag)
        assert not [name for name, _ in attrs if name.startswith("on") or name == "href"]
        self.sources += [value or "" for name, value in attrs if name == "src"]
        if tag != "img":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def pictures(page: str) -> list[Image.Image]:
    """The pictures within a page, which asks for nothing from elsewhere."""
    found = Tags(page)
    assert not found.all & {"script", "link", "iframe", "style"}
    assert all(source.startswith("data:image/png;base64,") for source in found.sources)
    return [Image.open(io.BytesIO(base64.b64decode(source.partition(",")[2]))) for source in found.sources]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> advnets.Run:
    return tiny.trained(str(tmp_path_factory.mktemp("run") / "a <b> run"))


def test_a_data_set_shows_its_first_images() -> None:
    digits = advnets.load("digits")
    (picture,) = pictures(digits._repr_html_())
    assert picture.size == (502, 102)
    assert "1,297" in digits._repr_html_()
    assert repr(digits) == "<Dataset digits: 1 x 8 x 8, 1,297 train, 250 validation, 250 test, 10 classes>"
    points = Dataset.of(np.random.default_rng(0).normal(size=(50, 2)).astype(np.float32), name=HOSTILE)
    assert pictures(points._repr_html_()) == []
    large = Dataset.of(np.zeros((20, 300, 400, 3), np.uint8))
    (picture,) = pictures(large._repr_html_())
    assert picture.width <= 20 * 100


def test_a_run_shows_its_newest_picture(run: advnets.Run) -> None:
    page = run._repr_html_()
    (picture,) = pictures(page)
    newest = max(run.directory.previews.glob("*.png"))
    assert np.array_equal(np.asarray(picture), np.asarray(Image.open(newest)))
    assert "a &lt;b&gt; run" in page
    assert "step 40" in page


def test_a_run_without_a_checkpoint_shows_itself_too(tmp_path: Path) -> None:
    begun = advnets.start(tiny.RECIPE, out=str(tmp_path / "begun"))
    assert "none yet" in begun._repr_html_()
    assert pictures(begun._repr_html_()) == []


def test_samples_show_a_grid_that_can_be_seen(run: advnets.Run) -> None:
    drawn = run.sample(300)
    assert Image.open(io.BytesIO(drawn._repr_png_())).size == (802, 802)  # 16 x 16 of them


def test_reports_and_comparisons_show_their_tables(run: advnets.Run) -> None:
    plan: Any = {"n": 100, "measures": "tone,fid", "extractor": "pixels", "classifier": False}
    report = run.evaluate(**plan)
    page = report._repr_html_()
    assert pictures(page) == []
    assert {"fid", "tone", "verdict"} <= set(re.findall(r">([^<]+)</t[dh]>", page))
    assert "&lt;script&gt;" in replace(report, name=HOSTILE)._repr_html_()
    compared = advnets.compare(run, run.sample(100, seed=1), **(plan | {"measures": "fid"}))
    page = compared._repr_html_()
    assert pictures(page) == []
    assert compared.verdict()[:20] in page


@pytest.mark.parametrize("name", advnets.RECIPES)
def test_a_recipe_shows_all_its_numbers(name: str) -> None:
    page = advnets.RECIPES[name]._repr_html_()
    assert pictures(page) == []
    assert len(page) < 12_000
    assert "batch_size" in page


def test_the_list_of_recipes_is_short_lines() -> None:
    assert len(repr(advnets.RECIPES).splitlines()) == len(advnets.RECIPES)
    assert pictures(advnets.RECIPES._repr_html_()) == []  # type: ignore[attr-defined]


def test_studies_show_their_figures() -> None:
    course = advnets.saturation(last=10, every=5)
    assert Image.open(io.BytesIO(course._repr_png_())).width > 300
    assert {advnets.figure1.__module__, advnets.helvetica.__module__} == {
        "advnets.studies.figure1",
        "advnets.studies.helvetica",
    }


def test_a_hostile_name_is_text() -> None:
    page = html_card(HOSTILE, html_table([(HOSTILE, 1)], head=(HOSTILE, "b")), html_bar(2.0, HOSTILE))
    assert pictures(page) == []
    assert page.count("&lt;script&gt;") == 4
    assert "\x1b" not in page
    assert len(html_text("a" * 1000)) == 400


def test_the_journal_is_columns_and_what_is_missing_is_nan(run: advnets.Run, tmp_path: Path) -> None:
    columns = run.journal
    assert {len(column) for column in columns.values()} == {len(run.directory.journal.read())}
    assert columns["step"].dtype == np.int64
    assert columns["D(x)"].tolist() == [entry["D(x)"] for entry in run.directory.journal.read()]
    torn = Journal(tmp_path / "journal.jsonl")
    torn.append({"step": 1, "a": 0.5, "word": "x"})
    torn.append({"step": 2, "b": 3})
    assert {name: column.tolist() for name, column in torn.columns().items() if name == "step"} == {"step": [1, 2]}
    assert set(torn.columns()) == {"step", "a", "b"}
    np.testing.assert_array_equal(torn.columns()["a"], [0.5, np.nan])
    np.testing.assert_array_equal(torn.columns()["b"], [np.nan, 3.0])
    assert [column.tolist() for column in Journal(tmp_path / "none").columns().values()] == [[]]


def test_outside_of_a_notebook_findings_and_a_line_now_and_then_are_told(
    run: advnets.Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not notebook.is_notebook()
    assert list(notebook.follow_training(run.directory, [])) == []
    assert capsys.readouterr() == ("", "")
    finding = Finding("collapse", "finding", 20, 10, "All alike.", 0.0, 0.1, "", "", "Go back.")
    told = TrainingProgress(20, 1.0, 0.5, 1.0, 99.0, {"D(x)": 0.5, "augment/p": 1.0}, (finding,))
    plain = replace(told, findings=())
    assert list(notebook.follow_training(run.directory, [plain, told])) == [plain, told]
    assert capsys.readouterr() == ("", "doctor: finding at step 20: collapse: All alike. Go back.\n")
    monkeypatch.setattr(notebook, "TELL_SECONDS", 0.0)
    list(notebook.follow_training(run.directory, [plain]))
    assert capsys.readouterr() == ("", " 50 %  step 20  D(x) 0.500  99 images/s  0:01 left\n")

    def stopped() -> Iterator[TrainingProgress]:
        yield plain
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(notebook.follow_training(run.directory, stopped()))
    assert f"stopped and saved; go on by advnets.resume('{run.path}')" in capsys.readouterr().err
    monkeypatch.setattr("sys.stderr", None)
    assert list(notebook.follow_training(run.directory, [told])) == [told]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_notebook_of_the_examples_runs(tmp_path: Path) -> None:
    book = nbformat.read(NOTEBOOK, as_version=4)
    assert not [cell for cell in book.cells if cell.get("outputs")], "outputs are made when it runs"
    NotebookClient(book, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = [output for cell in book.cells for output in cell.get("outputs", [])]
    pages = ["".join(output["data"].get("text/html", "")) for output in outputs if "data" in output]
    trained = [page for page in pages if "width:100.0%" in page]
    assert trained, "the bar of a training stands at its end"
    assert all(pictures(page) for page in trained)
    assert sum("image/png" in output.get("data", {}) for output in outputs) >= 2
    said = [output["text"] for output in outputs if output["output_type"] == "stream"]
    assert [text for text in said if "tqdm" not in text] == []  # tqdm, which others use, asks for ipywidgets
