"""The report's files are written only if something changed; old ones go."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from autograder.render.pages import write_class_report
from autograder.results.folder import ResultsFolder
from autograder.results.grade import Row
from tests.fixtures.builders import notebook_json
from tests.fixtures.classes import hand_in, question, row
from tests.fixtures.texts import LONG_CODE

COPY = LONG_CODE.replace("total", "amount")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Results of two students, one copied from the other; far from any course."""
    monkeypatch.chdir(tmp_path)
    hand_in(tmp_path, "a", LONG_CODE)
    hand_in(tmp_path, "b", COPY)
    return tmp_path


def rows(score: float = 2) -> list[Row]:
    return [row("a", question("q1", score)), row("b", question("q1", 2))]


def report(folder: Path, class_rows: list[Row]) -> list[str]:
    """Write the report and return the names of the written files, in order."""
    before = states(folder)
    write_class_report(ResultsFolder(folder), class_rows)
    written = {path: state for path, state in states(folder).items() if before.get(path) != state}
    return [path.name for path in sorted(written, key=written.__getitem__)]


def states(folder: Path) -> dict[Path, tuple[int, int]]:
    """When each file was written, and its inode."""
    found = {path: path.stat() for path in folder.rglob("*") if path.is_file()}
    return {path: (stat.st_mtime_ns, stat.st_ino) for path, stat in found.items()}


def test_nothing_is_written_again_that_has_not_changed(folder: Path) -> None:
    first = report(folder, rows())
    assert len(first) == 2
    assert first[-1] == "report.html"
    before = (folder / "report.html").read_bytes()
    assert report(folder, rows()) == []
    (folder / "report.html").unlink()
    assert report(folder, rows()) == ["report.html"]
    assert (folder / "report.html").read_bytes() == before


def test_another_mark_makes_another_report_but_the_same_pair(folder: Path) -> None:
    report(folder, rows())
    changed = report(folder, rows(score=1))
    assert changed[-1] == "report.html"
    assert len(changed) == 2  # the score stands on the page of the pair, too
    hand_in(folder, "c", "x = 1")
    assert report(folder, [*rows(score=1), row("c")]) == ["report.html"]


def test_a_pair_that_is_none_any_more_loses_its_page(folder: Path) -> None:
    report(folder, rows())
    (page,) = (folder / "similar").iterdir()
    assert page.name in (folder / "report.html").read_text(encoding="utf-8")
    hand_in(folder, "b", "x = 1")
    assert report(folder, rows()) == ["report.html"]
    assert list((folder / "similar").iterdir()) == []
    assert page.name not in (folder / "report.html").read_text(encoding="utf-8")


def test_a_deleted_page_comes_back(folder: Path) -> None:
    report(folder, rows())
    (page,) = (folder / "similar").iterdir()
    page.unlink()
    assert page.name in report(folder, rows())


def test_what_was_handed_out_is_not_similar_and_is_kept_with_the_results(folder: Path) -> None:
    course = folder / "course"
    (course / "solutions").mkdir(parents=True)
    (course / "assignment").mkdir()
    (course / "assignment" / "lab.ipynb").write_bytes(notebook_json(LONG_CODE, COPY, ("q1", "answer = ...")))
    with pytest.MonkeyPatch.context() as there:
        there.chdir(course)
        report(folder, rows())
    assert list((folder / "similar").glob("*")) == []
    kept = json.loads((folder / "starters" / "lab.ipynb").read_text(encoding="utf-8"))
    assert len(kept["cells"]) == 3
    # The same from anywhere else.
    assert report(folder, rows()) == []


def test_results_without_notebooks_are_reported(tmp_path: Path) -> None:
    assert report(tmp_path, rows()) == ["report.html"]
    assert "2 submissions could not be compared" in (tmp_path / "report.html").read_text(encoding="utf-8")
