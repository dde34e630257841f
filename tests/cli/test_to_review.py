"""A class with a question marked by a person, from submission to final score."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from autograder.cli.gradescope_upload import Order, grade_upload
from autograder.grading import session
from autograder.sandbox.client import ForkServer
from tests.fixtures.commands import Command
from tests.fixtures.written import build_course, handed_in, written_master

pytestmark = pytest.mark.slow
ANSWER = "Because *each* part is divided\n\nby the whole, =1."
# Stock otter in a process of its own.
OTTER = """
import json, sys
from otter.api import grade_submission
results = grade_submission(sys.argv[1], sys.argv[2], quiet=True)
print(json.dumps({name: found.score for name, found in results.results.items()}))
"""


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The course and three submissions: complete, no written answer, untouched."""
    root = build_course(tmp_path_factory.mktemp("written") / "course", written_master())
    (root / "class").mkdir()
    submissions: Mapping[str, dict[str, Any]] = {
        "ada": handed_in(root, {"q4": ANSWER}),
        "ben": handed_in(root, {}, questions=("q1", "q2", "q3")),
        "cai": handed_in(root, {}, questions=()),
    }
    for name, notebook in submissions.items():
        (root / "class" / f"{name}.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    return root


def scores(folder: Path) -> dict[str, dict[str, str]]:
    with (folder / "scores.csv").open(encoding="utf-8") as file:
        return {line["submission"]: line for line in csv.DictReader(file)}


def test_a_person_marks_what_waits_and_the_scores_are_final(course: Path, autograder_here: Command) -> None:
    folder, table = course / "out", course / "out" / "to-review.csv"
    done = autograder_here("grade", "class", "-o", "out", cwd=course)
    results = {
        path.parent.name: json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*/*/result.json")
    }
    written = {result["submission"]: result["questions"][3] for result in results.values()}
    assert {name: found["status"] for name, found in written.items()} == {
        "ada.ipynb": "to_review",
        "ben.ipynb": "not_attempted",
        "cai.ipynb": "not_attempted",
    }
    assert written["ada.ipynb"]["answer"] == ANSWER
    assert [result["max_score"] for result in results.values()] == [5.5] * 3
    assert scores(folder)["ada.ipynb"]["score"] == "4"
    assert scores(folder)["ada.ipynb"]["to_review"] == "q4"
    assert "The scores are provisional: 1 question of 1 submission is waiting for review." in done.stderr
    assert "autograder report out --override out/to-review.csv" in done.stderr
    (page,) = folder.glob("submissions/ada*/feedback.html")
    assert "Because <em>each</em> part" in page.read_text(encoding="utf-8")

    text = table.read_text(encoding="utf-8")
    row = next(line for line in text.splitlines() if ",q4," in line)
    entered = text.replace(row, row.replace(",q4,,,", ",q4,1,clear but short,"))
    assert entered != text
    table.write_text(entered, encoding="utf-8")
    autograder_here("report", "out", cwd=course)
    assert ",q4,1,clear but short," in table.read_text(encoding="utf-8"), "what a person enters is kept"

    done = autograder_here("report", "out", "--override", table, cwd=course)
    assert "provisional" not in done.stdout + done.stderr
    assert "Corrections: 1 (1 new)" in done.stderr
    assert (scores(folder)["ada.ipynb"]["score"], scores(folder)["ada.ipynb"]["q4"]) == ("5", "1")
    assert "to_review" not in scores(folder)["ada.ipynb"]
    text = page.read_text(encoding="utf-8")
    assert "<strong>Marked by a person</strong>: 1 of 1.5 points." in text
    assert "clear but short" in text
    assert len(table.read_text(encoding="utf-8").splitlines()) == 1, "nothing is left to mark"

    done = autograder_here("grade", "class", "-o", "out", cwd=course)
    assert scores(folder)["ada.ipynb"]["score"] == "5"


def test_check_shows_what_a_person_marks(course: Path, autograder_here: Command) -> None:
    done = autograder_here("check", "class/ada.ipynb", "--lab", "fractions", cwd=course)
    assert "provisional" in done.stdout
    assert "Because *each* part is divided" in done.stdout


def test_a_rehearsal_on_gradescope_needs_no_points_of_a_person(
    course: Path, tmp_path: Path, fork_server: ForkServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "ForkServer", lambda *_: fork_server)
    monkeypatch.setattr(fork_server, "close", lambda: None)  # other tests use it too
    order = Order(course / "dist" / "fractions-autograder.zip", rehearse=True)
    assert grade_upload(course / "dist" / "fractions-solution.ipynb", tmp_path / "results.json", order, print) == 0
    content = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    assert content["score"] == 4.0
    assert "q4 (to be marked by a person)" in [test["name"] for test in content["tests"]]
    order = Order(course / "dist" / "fractions-autograder.zip", rehearse=True)
    assert grade_upload(course / "class" / "cai.ipynb", tmp_path / "results.json", order, print) == 1


def test_stock_otter_gives_the_marks_of_the_tests(course: Path) -> None:
    archive, notebook = course / "dist" / "fractions-autograder.zip", course / "class" / "ada.ipynb"
    done = subprocess.run(
        [sys.executable, "-P", "-c", OTTER, str(notebook), str(archive)],
        cwd=course / "class", capture_output=True, text=True, check=False, env={**os.environ, "MPLBACKEND": "agg"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {"q1": 2.0, "q2": 1.5, "q3": 0.5}
