"""The notebook gets full marks on other hosts, with a stock kernel."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from tests.conftest import REPOSITORY

pytestmark = pytest.mark.slow

FRACTIONS = REPOSITORY / "tests" / "fixtures" / "fractions"
ANSWERS = {
    "answer-q1": "shares = values / values.sum()\nlargest = shares.max()",
    "answer-q2": "running = np.cumsum(shares)",
    "answer-q3": "shares.sort()",
}
COLAB = (
    "get_ipython().__class__ = type('Shell', (get_ipython().__class__,), {'__module__': 'google.colab._shell'})\n"
    "assert 'google.colab' in str(get_ipython())"
)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The course of fractions, built; its hand-in goes to Moodle."""
    from autograder.authoring import build_labs

    root = tmp_path_factory.mktemp("fractions")
    shutil.copytree(FRACTIONS / "solutions", root / "solutions")
    (root / "solutions" / "fractions.toml").write_text('hand_in = "Moodle, Lab 1"', encoding="utf-8")
    build_labs(root, (), check=False, report=lambda _: None)
    return root


@dataclass
class Ran:
    """A notebook after its run: texts below the cells by cell id, and what raised."""

    folder: Path
    texts: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def zips(self) -> list[Path]:
        return sorted(self.folder.rglob("*.zip"))


def answered(built: Path) -> Any:
    document = nbformat.read(built / "assignment" / "fractions.ipynb", as_version=4)
    for cell in document.cells:
        cell.source = ANSWERS.get(cell.id, cell.source)
    return document


def run(
    path: Path,
    document: Any,
    *,
    cwd: Path | None = None,
    first: str = "",
    change: Callable[[Any], None] | None = None,
    saved: bool = True,
) -> Ran:
    """Save a notebook and run it in a stock kernel.

    Args:
        path: its file.
        document: the notebook.
        cwd: the kernel's working directory, where it is not the notebook's.
        first: a cell to run before all others, that is not in the file.
        change: what is changed in the open notebook after it was saved.
        saved: whether there is a file at all.
    """
    if saved:
        nbformat.write(document, path)
    if change:
        change(document)
    if first:
        document.cells.insert(0, nbformat.v4.new_code_cell(first, id="before"))
    client = NotebookClient(
        document, timeout=120, allow_errors=True, resources={"metadata": {"path": str(cwd or path.parent)}}
    )
    client.execute()
    ran = Ran(path.parent)
    for cell in document.cells:
        for output in cell.get("outputs", []):
            text = output.get("text") or output.get("data", {}).get("text/plain", "")
            ran.texts[cell.id] = ran.texts.get(cell.id, "") + text
            if output["output_type"] == "error":
                ran.errors[cell.id] = "\n".join(output["traceback"])
    return ran


def assert_full_marks(ran: Ran) -> None:
    assert ran.errors == {}
    for question in ("q1", "q2", "q3"):
        assert ran.texts[f"check-{question}"].startswith(f"✓ {question}"), ran.texts[f"check-{question}"]


def packed(ran: Ran) -> dict[str, bytes]:
    (path,) = ran.zips
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_beside_a_copy_it_packs_the_file_that_holds_the_answers(built: Path, tmp_path: Path) -> None:
    """Another file name, beside the untouched original and an unreadable file."""
    shutil.copy(built / "assignment" / "fractions.ipynb", tmp_path)
    (tmp_path / "empty.ipynb").write_bytes(b"")
    (tmp_path / ".OTTER_LOG").write_bytes(b"old")
    ran = run(tmp_path / "my fractions (1).ipynb", answered(built))
    assert_full_marks(ran)
    files = packed(ran)
    assert set(files) == {"my fractions (1).ipynb", "__zip_filename__"}
    assert b"np.cumsum(shares)" in files["my fractions (1).ipynb"]
    text = ran.texts["hand-in"]
    for said in ("3 of 3 questions", "Notebook: my fractions (1).ipynb", "Where to hand in: Moodle, Lab 1"):
        assert said in text
    assert (tmp_path / ".OTTER_LOG").read_bytes() == b"old"


def test_a_file_that_is_older_than_what_was_run_is_never_packed(built: Path, tmp_path: Path) -> None:
    def change(document: Any) -> None:
        next(cell for cell in document.cells if cell.id == "answer-q2").source += "  # later"

    ran = run(tmp_path / "fractions.ipynb", answered(built), change=change)
    assert_full_marks(ran)
    assert ran.zips == []
    assert "differs in q2" in ran.texts["hand-in"]
    assert "Save the notebook" in ran.texts["hand-in"]


def test_elsewhere_or_never_saved_it_asks_for_the_file(built: Path, tmp_path: Path) -> None:
    """The checks do not need the file at all."""
    (tmp_path / "elsewhere").mkdir()
    ran = run(tmp_path / "fractions.ipynb", answered(built), cwd=tmp_path / "elsewhere")
    assert_full_marks(ran)
    assert ran.zips == []
    assert "No saved notebook of the lab fractions" in ran.texts["hand-in"]
    assert "grader.export('PATH/OF/THE/NOTEBOOK.ipynb')" in ran.texts["hand-in"]


def test_vs_code_says_which_file_it_is(built: Path, tmp_path: Path) -> None:
    """And only that file counts, though another beside it holds the same answers."""
    (tmp_path / "elsewhere").mkdir()
    nbformat.write(answered(built), tmp_path / "elsewhere" / "other.ipynb")
    path = tmp_path / "mine.ipynb"
    ran = run(path, answered(built), cwd=tmp_path / "elsewhere", first=f"__vsc_ipynb_file__ = {str(path)!r}")
    assert_full_marks(ran)
    assert "mine.ipynb" in packed(ran)


def test_on_colab_it_explains_the_download(built: Path, tmp_path: Path) -> None:
    """There is no file, no name, and there may be no tags and no metadata."""
    document = answered(built)
    document.metadata.pop("otter")
    for cell in document.cells:
        cell.metadata.clear()
    ran = run(tmp_path / "x.ipynb", document, first=COLAB, saved=False)
    assert_full_marks(ran)
    assert ran.zips == []
    assert "Download .ipynb" in ran.texts["hand-in"]
    assert "3 of 3 questions" in ran.texts["hand-in"]


def test_run_twice_the_set_up_starts_again_and_the_table_counts(built: Path, tmp_path: Path) -> None:
    document = answered(built)
    set_up = next(cell for cell in document.cells if cell.id == "set-up")
    document.cells.insert(-1, nbformat.v4.new_code_cell(set_up.source, id="again"))
    place = next(number for number, cell in enumerate(document.cells) if cell.id == "answer-q3")
    document.cells.insert(place, nbformat.v4.new_code_cell("grader.check_all()", id="all"))
    document.cells.insert(-1, nbformat.v4.new_code_cell('grader.check("q7")', id="unknown"))
    document.cells.insert(
        -1, nbformat.v4.new_code_cell("grader.export(pdf=False, run_tests=True, files=['x'])", id="otters")
    )
    ran = run(tmp_path / "fractions.ipynb", document)
    assert_full_marks(ran)
    assert "2.5 of 3 points so far" in ran.texts["all"]
    assert "Not answered yet: q3" in ran.texts["all"]
    assert "other 1 of 4 points" in ran.texts["all"]
    assert "no question q7" in ran.texts["unknown"]
    assert "Packed:" in ran.texts["otters"]


def test_a_check_before_the_set_up_cell_says_what_to_do(built: Path, tmp_path: Path) -> None:
    document = answered(built)
    document.cells = [cell for cell in document.cells if cell.id == "check-q1"]
    ran = run(tmp_path / "fractions.ipynb", document)
    assert "Run the set-up cell" in re.sub(r"\x1b\[[0-9;]*m", "", ran.errors["check-q1"])


def test_a_missing_library_is_one_sentence(built: Path, tmp_path: Path) -> None:
    hide = "import sys\nsys.modules['numpy'] = None"
    document = answered(built)
    document.cells = [cell for cell in document.cells if cell.id == "set-up"]
    ran = run(tmp_path / "fractions.ipynb", document, first=hide)
    shown = ran.errors["set-up"]
    assert "cannot be imported for this kernel" in shown
    assert "numpy" in shown
    assert len(shown.splitlines()) == 1


def test_without_mnist_one_sentence_says_where_to_put_the_file(course: Path, tmp_path: Path) -> None:
    """Without a download, a damaged file beside the notebook is named.

    The download fails at once because the proxy does not exist.
    """
    document = nbformat.read(course / "assignment" / "mnist_dense.ipynb", as_version=4)
    cells = [cell for cell in document.cells if cell.id == "set-up" or "mnist.load_data()" in cell.source]
    assert len(cells) == 2
    environment = "import os\nos.environ.update(https_proxy='http://127.0.0.1:9', KERAS_HOME=os.path.abspath('keras'))"
    damage = nbformat.v4.new_code_cell("open('mnist.npz', 'wb').write(b'PK damaged')", id="damage")
    again = nbformat.v4.new_code_cell(cells[1].source, id="again")
    document.cells = [cells[0], nbformat.v4.new_code_cell("import keras"), cells[1], damage, again]
    start = time.monotonic()
    ran = run(tmp_path / "mnist_dense.ipynb", document, first=environment)
    assert time.monotonic() - start < 60
    assert "ask your instructor" in ran.errors[cells[1].id]
    assert str(tmp_path) in ran.errors[cells[1].id]
    assert "is not MNIST or is damaged" in ran.errors["again"]
    assert all(len(error.splitlines()) == 1 for error in ran.errors.values())
    assert ran.texts["set-up"].startswith("✓ Ready: mnist_dense"), "no log line stands before it"


def test_stock_otter_gives_the_students_notebook_full_marks(built: Path, tmp_path: Path) -> None:
    nbformat.write(answered(built), tmp_path / "renamed.ipynb")
    command = [
        str(Path(sys.executable).with_name("otter")),
        "run",
        "-a",
        str(built / "dist" / "fractions-autograder.zip"),
    ]
    done = subprocess.run(
        [*command, "-o", str(tmp_path), str(tmp_path / "renamed.ipynb")],
        cwd=tmp_path,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    tests = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))["tests"]
    assert [(test["score"], test["max_score"]) for test in tests if "score" in test] == [(2, 2), (1.5, 1.5), (0.5, 0.5)]
    assert not list(tmp_path.glob("lab-kit-*")), "the cell unpacks nothing while it is graded"
