"""The version of a notebook changes exactly if a part that matters changes."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from msgspec.structs import replace

from autograder.authoring.master import read_master
from autograder.authoring.notebook_version import notebook_version
from autograder.labs.lab_file import QuestionEntry
from autograder.notebooks.notebook import read_notebook

CELLS = ({"cell_type": "markdown", "source": "# Half\n\nSet `half`."}, {"cell_type": "code", "source": "half = ..."})
QUESTION = QuestionEntry("q1", ("half",), ("half = ...",), "One", points=2.0)


def version(
    master: str,
    cells: tuple[dict[str, str], ...] = CELLS,
    question: QuestionEntry = QUESTION,
    files: Mapping[str, bytes] | None = None,
    texts: Mapping[str, str] | None = None,
) -> str:
    read = read_master(master, name="fractions", file="fractions.py")
    return notebook_version(cells, read, [question], files or {}, texts or {})


def with_text(text: str) -> tuple[dict[str, str], ...]:
    return ({"cell_type": "markdown", "source": text}, CELLS[1])


def test_relevant_changes_change_the_version(master_text: str) -> None:
    versions = [
        version(master_text),
        version(master_text, with_text("# Half\n\nSet `half` to 1/2.")),
        version(master_text, (CELLS[0], {"cell_type": "code", "source": "half: float = ..."})),
        version(master_text, question=replace(QUESTION, points=3.0)),
        version(master_text, question=replace(QUESTION, variables=("one_half",))),
        version(master_text, files={"data.csv": b"1"}),
        version(master_text, files={"data.csv": b"2"}),
        version(master_text, texts={CELLS[0]["source"]: "# \u534a"}),
        version(_changed(master_text, hidden=False)),
    ]
    assert len(set(versions)) == len(versions)
    assert all(re.fullmatch("[0-9a-f]{8}", one) for one in versions)


def test_a_translated_title_changes_the_version_of_that_language_only(master_text: str) -> None:
    cells = (CELLS[0], {"cell_type": "code", "source": "# @title How it works\nhalf = ..."})
    english, german = version(master_text, cells), version(master_text, cells, texts={"How it works": "Wie es geht"})
    assert english == version(master_text, cells, texts={"Something else": "Etwas anderes"})
    assert german != english


def test_what_does_not_matter_leaves_it(master_text: str) -> None:
    same = [
        version(master_text),
        version(master_text, with_text("# Half \n\nSet  `half`.\n")),
        version(master_text, (CELLS[0], {"cell_type": "code", "source": "half = ...  \n\n"})),
        version(master_text, question=replace(QUESTION, title="Another")),
        version(_changed(master_text, hidden=True)),
    ]
    assert len(set(same)) == 1


def _changed(master: str, *, hidden: bool) -> str:
    """The master with another statement in its first public or hidden test."""
    for cell in re.split(r"(?=^# %%)", master, flags=re.MULTILINE):
        if "def test_" in cell and ("hidden: true" in cell) == hidden:
            changed = re.sub(r"^(def test_\w+\([^\n]*:\n)", r"\1    pass\n", cell, count=1, flags=re.MULTILINE)
            assert changed != cell
            return master.replace(cell, changed)
    raise AssertionError("the master has no such test")


def test_the_notebook_and_the_autograder_name_the_same_version(built: Path) -> None:
    notebook = read_notebook((built / "assignment/fractions.ipynb").read_bytes())
    with zipfile.ZipFile(built / "dist/fractions-autograder.zip") as archive:
        lab = json.loads(archive.read("lab.json"))
    assert lab["versions"] == {"en": notebook.version}
    key = read_notebook((built / "dist/fractions-solution.ipynb").read_bytes())
    assert key.version == notebook.version


@pytest.mark.parametrize("metadata", [True, False])
def test_it_is_read_from_the_text_of_the_set_up_cell(built: Path, metadata: bool) -> None:
    document = json.loads((built / "assignment/fractions.ipynb").read_text(encoding="utf-8"))
    wanted = read_notebook(json.dumps(document).encode()).version
    if not metadata:  # as Google Colab saves it
        document["metadata"] = {}
    assert wanted is not None
    assert read_notebook(json.dumps(document).encode()).version == wanted
    document["cells"] = [cell for cell in document["cells"] if cell.get("id") != "set-up"]
    assert read_notebook(json.dumps(document).encode()).version is None
