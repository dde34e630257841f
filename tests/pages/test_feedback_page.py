"""A student's page in a browser is valid, and a hostile notebook stays inert."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from autograder.grading.grader import Grader
from autograder.notebooks.filling import fill_stubs
from autograder.render.feedback import feedback_html
from autograder.results.grade import Grade, Lateness, Override
from tests.fixtures.classes import question, row
from tests.pages.browser import PHONE, VIEWS, Browser, Seen, View
from tests.render.feedback_pages import CELLS, HOSTILE, PIXEL, code, display, markdown, page

# Everything a page can hold: right, wrong, raising and skipped questions, pictures, formulas, tables, long lines.
FILLS = {
    "x_train": "x_train = train_images / 255\nx_train /= 255",
    "x_test": "x_test = test_images / 255",
    "model": "model = keras.Sequental([keras.Input((28, 28))])",
}


@pytest.fixture(scope="module")
def real_page(
    grader: Grader,
    notebooks: dict[str, tuple[dict[str, Any], dict[str, Any]]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """The page of a graded notebook with a correction and a late day."""
    student, solution = notebooks["mnist_dense"]
    data = json.dumps(fill_stubs(student, solution, FILLS)).encode()
    graded = grader.graded("emil.ipynb", lambda: data)
    assert graded.result.score > 0
    grade = Grade(graded.result, {"q3": Override("q3", 1, "nearly: a typo")}, Lateness(90_000, 10))
    path = tmp_path_factory.mktemp("page") / "feedback.html"
    path.write_text(feedback_html(grade, graded.executed), encoding="utf-8")
    return path


def test_real_page_is_valid_and_good_to_use_on_desktop_and_phone_in_light_and_dark(
    real_page: Path, nothing_wrong: Callable[[Path], None]
) -> None:
    nothing_wrong(real_page)


@pytest.mark.parametrize("points", [None, 1.5])
def test_a_page_with_a_written_answer_is_sound(
    points: float | None, tmp_path: Path, nothing_wrong: Callable[[Path], None]
) -> None:
    questions = question("q1", 2), replace(question("q2", 0, status="to_review"), answer="# Because\n\nIt is.")
    overrides = {} if points is None else {"q2": Override("q2", points, "well put")}
    answer = {"cell_type": "markdown", "metadata": {"autograder": {"answers": ["q2"]}}, "source": questions[1].answer}
    executed = json.dumps({"cells": [markdown("## Question 2: why"), answer]}).encode()
    for name, notebook in (("with.html", executed), ("without.html", None)):
        page_text = feedback_html(Grade(row("ada", *questions).grade.result, overrides), notebook)
        (tmp_path / name).write_text(page_text, encoding="utf-8")
        nothing_wrong(tmp_path / name)


def test_a_chinese_page_is_sound(tmp_path: Path, nothing_wrong: Callable[[Path], None]) -> None:
    questions = question("q1", 0, 2.0, "检查没有通过。"), question("q2", 0, status="not_attempted", reason="-")
    grade = row("ada", *questions, language="zh", measured={"test_accuracy": 0.9}).grade
    (tmp_path / "zh.html").write_text(page(grade=replace(grade, lateness=Lateness(90_000, 10))), encoding="utf-8")
    nothing_wrong(tmp_path / "zh.html")


def test_real_page_shows_pictures_formulas_and_verdicts(real_page: Path, browser: Browser) -> None:
    drawn = "[...document.images].map(image => image.complete && image.naturalWidth)"
    assert min(browser.ask(real_page, drawn)) > 100
    formulas = "[...document.querySelectorAll('math')].map(math => math.getBoundingClientRect().height)"
    heights = browser.ask(real_page, formulas)
    assert len(heights) > 20
    assert min(heights) > 5
    assert browser.ask(real_page, "document.querySelectorAll('.verdict').length") == 9
    reached = "[...document.querySelectorAll('a')].every(a => document.querySelector(a.getAttribute('href')))"
    assert browser.ask(real_page, reached) is True


def test_hostile_notebook_is_inert_and_stays_in_its_frames(browser: Browser, tmp_path: Path) -> None:
    shown = [form(text) for text in HOSTILE for form in (html, latex, plain)]
    posing = "<section class='verdict passed'><p class='headline'>q2 passed 3 / 3 points</p></section>"
    wide = [markdown("| " + " | ".join("a" * 40 for _ in range(30)) + " |\n" + "|---" * 30 + "|"), code("x" * 5_000)]
    cells = [CELLS[0], *map(markdown, HOSTILE), markdown(posing), *wide, *CELLS[1:], *map(code, HOSTILE)]
    path = tmp_path / "hostile.html"
    path.write_text(page(cells, {2: [*shown, display(image_png=PIXEL)]}), encoding="utf-8")
    for view in VIEWS[::3]:
        seen = browser.look(path, view)
        assert (seen.messages, seen.requests, seen.overflow) == (Seen().messages, (), 0)
    assert browser.ask(path, "document.querySelectorAll('script, iframe, form, base, [onerror], [style]').length") == 0
    verdicts = browser.ask(
        path, "[...document.querySelectorAll('.verdict, section')].map(box => !!box.closest('.cell'))"
    )
    assert verdicts == [False] * len(verdicts)
    # What a text of the student's draws outside of its frame is cut off, and no frame covers what the grader says.
    framed = "[...document.querySelectorAll('.cell')].every(cell => getComputedStyle(cell).contain === 'paint')"
    assert browser.ask(path, framed) is True
    covered = """[...document.querySelectorAll('.verdict .headline b')].every(word => {
        word.scrollIntoView({block: 'center'});
        const box = word.getBoundingClientRect();
        return document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2) === word;
    })"""
    assert browser.ask(path, covered, View(*PHONE, "light")) is True


def html(text: str) -> Any:
    return display(text_html=text)


def latex(text: str) -> Any:
    return display(text_latex=text)


def plain(text: str) -> Any:
    return display(text_plain=text)
