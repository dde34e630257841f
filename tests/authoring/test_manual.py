"""Questions that a person marks, from the master to the notebooks and the zip."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from autograder.authoring.master import Master, read_master
from autograder.authoring.student_notebook import WRITTEN_STUB
from autograder.authoring.translate import kit_catalog, lab_texts
from autograder.authoring.validate import check_master
from autograder.errors import MasterError
from autograder.notebooks.written import text_digest
from tests.fixtures.written import GUIDE, MODEL_ANSWER, build_course, written_master
from tests.student.unpacked import unpacked

BEGIN_SOLUTION = f"# %% [raw]\n# # BEGIN SOLUTION\n\n# %% [markdown]\n# {MODEL_ANSWER}"
OWN_PROMPT = "# %% [raw]\n# # BEGIN PROMPT\n\n# %% [markdown]\n# My answer:\n\n# %% [raw]\n# # END PROMPT\n\n"
END_SOLUTION = f"# {GUIDE}\n\n# %% [raw]\n# # END SOLUTION\n"
TESTS = '\n# %% [raw]\n# # BEGIN TESTS\n\n# %%\n""" # BEGIN TEST CONFIG\npoints: 1.5\n""" # END TEST CONFIG\n'
TESTS += "def test_q4(shares):\n    pass\n\n# %% [raw]\n# # END TESTS\n"
CATALOG = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n\nmsgid "The end."\nmsgstr "结束。"\n'


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_course(tmp_path_factory.mktemp("written") / "course", written_master(), CATALOG)


def cells_of(path: Path, tag: str = "answer:q4") -> list[dict[str, Any]]:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in cells if tag in cell["metadata"].get("tags", ())]


def source_of(cell: dict[str, Any]) -> str:
    return "".join(cell["source"])


def read(text: str) -> Master:
    return read_master(text, name="fractions", file="solutions/fractions.py")


def test_students_find_a_text_cell_to_write_in_and_no_model_answer(course: Path) -> None:
    notebook = course / "assignment" / "fractions.ipynb"
    (cell,) = cells_of(notebook)
    assert (cell["cell_type"], cell["id"], source_of(cell)) == ("markdown", "answer-q4", WRITTEN_STUB)
    text = notebook.read_text(encoding="utf-8")
    assert "common sum" not in text
    assert "Marking guide" not in text
    assert 'check(\\"q3\\")' in text
    assert 'check(\\"q4\\")' not in text
    assert "<!--" not in text, "otter's comments for a PDF"


def test_the_key_holds_the_model_answer_and_the_marking_guide(course: Path) -> None:
    cells = cells_of(course / "dist" / "fractions-solution.ipynb")
    assert [source_of(cell) for cell in cells] == [MODEL_ANSWER, GUIDE]


def test_the_text_to_replace_is_translated_and_known_in_every_language(course: Path) -> None:
    chinese = kit_catalog("zh")[WRITTEN_STUB]
    (cell,) = cells_of(course / "assignment" / "zh" / "fractions.ipynb")
    assert source_of(cell) == chinese
    assert chinese != WRITTEN_STUB
    with zipfile.ZipFile(course / "dist" / "fractions-autograder.zip") as archive:
        lab = json.loads(archive.read("lab.json"))
        entry = lab["questions"][3]
        assert "tests/q4.py" not in archive.namelist()
    assert (entry["name"], entry["title"], entry["points"], entry["manual"]) == ("q4", "say why", 1.5, True)
    assert entry["written"] == [WRITTEN_STUB, chinese]
    assert {text_digest(text) for text in ("The end.", "结束。", chinese)} <= set(lab["given"])
    for language in (".", "zh"):
        notebook = json.loads((course / "assignment" / language / "fractions.ipynb").read_bytes())
        assert json.loads(unpacked(notebook)["lab.json"])["questions"][3]["written"] == [WRITTEN_STUB, chinese]


def test_translators_get_no_model_answer() -> None:
    texts = lab_texts(read(written_master()))
    assert "The end." in texts
    assert MODEL_ANSWER not in texts
    assert GUIDE not in texts


def test_a_prompt_of_ones_own_is_read() -> None:
    master = read(written_master().replace(BEGIN_SOLUTION, OWN_PROMPT + BEGIN_SOLUTION))
    check_master(master)
    assert [cell.source for cell in master.questions[3].prompts] == ["My answer:"]
    assert master.questions[3].prompts[0].answers == "q4"
    assert "My answer:" in lab_texts(master)


@pytest.mark.parametrize(
    ("old", "new", "says", "at"),
    [
        (END_SOLUTION, END_SOLUTION + TESTS, "has no tests", "BEGIN TEST CONFIG"),
        (f"# %% [markdown]\n# {MODEL_ANSWER}\n\n# %% [markdown]\n# {GUIDE}\n\n", "", "no model answer", "BEGIN Q"),
        ("# manual: true\n# points: 1.5", "# manual: true", "points: 2", "BEGIN QUESTION"),
        ("# manual: true\n# points: 1.5", "# manual: true\n# points: 0", "points: 2", "BEGIN QUESTION"),
        ("# manual: true\n", "# manual: maybe\n", "true or false", "BEGIN QUESTION"),
        ("# manual: true\n", "# manual: true\n# depends_on: q3\n", "no effect", "BEGIN QUESTION"),
        (BEGIN_SOLUTION, OWN_PROMPT.replace("# My answer:\n", "#\n") + BEGIN_SOLUTION, "prompt is empty", "#"),
        (END_SOLUTION, f"{END_SOLUTION}\n{OWN_PROMPT}", "above BEGIN SOLUTION", "BEGIN PROMPT"),
        (BEGIN_SOLUTION, OWN_PROMPT.replace(" [markdown]\n# My", "\nMy") + BEGIN_SOLUTION, "code cell inside", "My"),
    ],
)
def test_a_fault_is_named_with_its_place(old: str, new: str, says: str, at: str) -> None:
    assert old in written_master()
    text = written_master().replace(old, new)
    with pytest.raises(MasterError, match=says) as caught:
        check_master(read(text))
    assert caught.value.line is not None
    assert at in text.splitlines()[caught.value.line - 1]
    assert caught.value.question == "q4"


def test_no_question_builds_on_a_written_one() -> None:
    text = written_master() + "\n# %% [raw]\n# # BEGIN QUESTION\n# name: q5\n# depends_on: q4\n# points: 1\n"
    text += "\n# %% [raw]\n# # BEGIN SOLUTION\n\n# %%\nx = 1  # SOLUTION\n\n# %% [raw]\n# # END SOLUTION\n"
    text += TESTS.replace("q4(shares)", "q5(x)").replace("1.5", "1") + "\n# %% [raw]\n# # END QUESTION\n"
    with pytest.raises(MasterError, match="which a person marks"):
        check_master(read(text))


def test_a_lab_needs_a_question_with_tests() -> None:
    text = written_master()
    begin, end = (
        text.index("# %% [raw]\n# # BEGIN QUESTION\n# name: q1"),
        text.index("# %% [raw]\n# # BEGIN QUESTION\n# name: q4"),
    )
    with pytest.raises(MasterError, match="nothing to grade"):
        check_master(read(text[:begin] + text[end:]))
