"""The class report: its content, and that students' text stays text."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.notebooks.notebook import CodeCell, Notebook
from autograder.render.report import report_html
from autograder.render.similar_pages import page_name, similar_html
from autograder.report.content import class_report
from autograder.results.grade import Lateness, Override, Row
from autograder.results.result import ANSWER_UNUSABLE, TestResult
from tests.fixtures.classes import question, row, rows_of
from tests.fixtures.texts import EVIL, LONG_CODE
from tests.render.parsed import Page


def page_of(rows: Sequence[Row], notebooks: dict[str, Notebook] | None = None) -> str:
    return report_html(class_report(rows, notebooks or {}, {}), "made from this")


def words_of(html: str) -> str:
    body = re.sub(r"<script>.*?</script>", "", html, flags=re.DOTALL)
    return " ".join(Page(body).text.split())


def notebook(code: str) -> Notebook:
    return Notebook((CodeCell(1, code, frozenset({"answer:q1"})),))


def hostile(text: str) -> list[Row]:
    return [
        row("a", question("q1", 1, 2, text), submission=text, detail=text, status="timeout"),
        row("b", question("q1", 0, 2, text, status="error", reason=text), submission=text, status="grader_error"),
    ]


def skeleton(html: str) -> list[str]:
    return [tag for tag, _ in Page(html).tags]


@cache
def _plain_skeleton() -> list[str]:
    return skeleton(page_of(hostile("plain")))


@settings(deadline=None, max_examples=12)
@given(st.text(min_size=1) | st.text(alphabet="<>&\"'/=`{}%# scriptx\u202e\x00\x1b[m-!", min_size=1, max_size=60))
def test_no_text_of_a_students_becomes_markup(text: str) -> None:
    if text.strip().strip("\x00\x1b"):
        assert skeleton(page_of(hostile(text))) == _plain_skeleton()


def test_hostile_names_code_and_messages_are_shown_as_they_are() -> None:
    code = f"{LONG_CODE}\nprint('''{EVIL}''')"
    notebooks = {"a": notebook(code), "b": notebook(code.replace("total", "amount"))}
    report = class_report(hostile(EVIL), notebooks, {})
    (pair,) = report.similar[0].shown
    pages = {
        "report": report_html(report, "x"),
        "pair": similar_html(pair, {row.identity: row for row in report.rows}, report.codes),
    }
    for name, html in pages.items():
        page = Page(html)
        assert "<script>alert(1)</script>" in page.text, name
        assert "\\u202e\\x00" in page.text, name
        assert not {tag for tag, _ in page.tags} & {"img", "iframe", "link"}, name
        assert not [attribute for _, attributes in page.tags for attribute in attributes if attribute.startswith("on")]
    assert "<mark>" in pages["pair"]
    assert f'href="similar/{page_name(pair)}"' in pages["report"]
    assert "script" not in [tag for tag, _ in Page(pages["pair"]).tags]


def test_only_the_pages_own_script_may_run() -> None:
    html = page_of(rows_of([[1, 2], [3, 4]]))
    (script,) = re.findall(r"<script>(.*?)</script>", html, flags=re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in html
    assert "default-src 'none'" in html
    assert not re.search(r"https?://|@import|url\(", html)
    assert not [1 for _, attributes in Page(html).tags if "src" in attributes]


def test_everybody_can_read_it() -> None:
    page = Page(page_of(rows_of([[1, 2], [3, 4], [0, 1]])))
    tags = [tag for tag, _ in page.tags]
    assert tags.count("h1") == 1
    assert tags.count("table") == tags.count("caption") == tags.count("thead")
    assert all(attributes.get("scope") in {"row", "col"} for tag, attributes in page.tags if tag == "th")
    assert not [attributes for tag, attributes in page.tags if tag == "button"]  # the script makes them


def test_answers_that_tests_could_not_use_are_shown_as_they_are() -> None:
    values = {"name": "x", "reason": EVIL}
    test = TestResult("<b>test", False, False, "said", 0, 2, ANSWER_UNUSABLE, values)
    unusable = replace(question("q1", 0, 2, "said"), tests=(test,))
    page = Page(page_of([row(name, unusable) for name in ("ada", "bela", "chen", "dora")]))
    assert "Tests that could not use an answer" in page.text
    assert "<b>test" in page.text
    assert "x: " in page.text
    assert "<script>alert(1)</script>" in page.text
    assert "could not use" not in words_of(page_of([row("ada", question("q1", 2, 2))]))


def test_grader_errors_come_first() -> None:
    rows = [*rows_of([[4, 4], [0, 0]]), row("z", status="grader_error", detail="the checker died")]
    text = words_of(page_of(rows))
    assert text.index("The checker died") < text.index("Needs attention") < text.index("Mean")


def test_every_submission_is_linked() -> None:
    html = page_of([row("a.ipynb"), row("x y")])
    links = {attributes["href"] for tag, attributes in Page(html).tags if tag == "a"}
    assert {"submissions/a.ipynb/feedback.html", "submissions/x%20y/feedback.html"} <= links


def test_each_lab_has_its_own_numbers() -> None:
    rows = [
        row("a", question("q1", 2), lab="one"),
        row("b", question("q1", 0, 2, "n is 5: too few."), lab="two"),
        row("c", question("q1", 0, 2, "n is 7: too few."), lab="two"),
    ]
    html = page_of(rows)
    text = words_of(html)
    assert text.index("one Submissions1 Mean100 %") < text.index("two Submissions2 Mean0 %")
    assert html.count("<svg") == 4
    assert "n is 5: too few. (2×)" in text


def test_discrimination_in_a_small_class_comes_with_its_caution() -> None:
    assert "rough estimates" in words_of(page_of(rows_of([[1, 1], [2, 1], [3, 4]], max_score=4)))
    assert "rough estimates" not in words_of(page_of(rows_of([[1, 1], [2, 1], [3, 4]] * 10, max_score=4)))


def test_corrections_and_lateness_show() -> None:
    corrected = row("a", question("q1", 0), grade={"overrides": {"q1": Override("q1", 1.5, "half right")}})
    late = row("b", question("q1", 2), grade={"lateness": Lateness(60.0, 25.0)})
    text = words_of(page_of([corrected, late]))
    assert "1.5 / 2 corrected" in text
    assert "1.5 / 2 late −0.5" in text


def test_a_class_of_nothing_but_broken_files() -> None:
    text = words_of(page_of([row("x", lab=None, status="unreadable", detail="it is empty")]))
    assert "1 submission, 0 of them marked." in text
    assert "It is empty" in text


def test_a_class_in_which_nothing_stands_out() -> None:
    text = words_of(page_of(rows_of([[4], [2]])))
    assert "Nothing needs attention" in text


def test_it_says_what_it_was_made_from() -> None:
    html = page_of(rows_of([[4], [2]]))
    assert '<meta name="made-from" content="made from this">' in html[:4000]
