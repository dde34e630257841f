"""Pages: students' text stays text, tables are tables, nothing is loaded."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.render import feedback
from autograder.results.grade import Grade
from autograder.results.result import (
    CellError,
    FitRun,
    QuestionResult,
    QuestionStatus,
    Result,
    SubmissionStatus,
    TestResult,
)
from tests.fixtures.texts import EVIL
from tests.render.parsed import Page


def feedback_html(result: Result) -> str:
    """The page of a submission whose notebook was not run."""
    return feedback.feedback_html(Grade(result), None)


def submission(
    text: str = "plain", status: SubmissionStatus = "graded", detail: str | None = None, score: float = 1.0
) -> Result:
    fates: list[tuple[QuestionStatus, float]] = [("passed", 2), ("partial", 1), ("error", 0), ("skipped", 0)]
    questions = tuple(
        QuestionResult(
            f"q{i}",
            fate,
            earned,
            2,
            (TestResult(text, True, fate == "passed", text),),
            text if fate == "skipped" else "",
        )
        for i, (fate, earned) in enumerate(fates, start=1)
    )
    errors = (CellError(3, text, text),)
    return Result(text, text, text, text, status, detail, score, 8, 61, questions, errors, (FitRun(4, True, 0.3),))


def skeleton(html: str) -> list[str]:
    return [tag for tag, _ in Page(html).tags]


@settings(deadline=None, max_examples=60)
@given(st.text() | st.text(alphabet="<>&\"'/=`{}%# scriptx\u202e\x00\x1b[m-!", max_size=60))
def test_no_text_of_a_students_becomes_markup(text: str) -> None:
    plain, other = submission("plain", detail="plain"), submission(text, detail=text)
    assert skeleton(feedback_html(other)).count("script") == 0
    # The same elements whatever the text says; only a text of nothing changes what there is to say.
    if text.strip().strip("\x00\x1b"):
        assert skeleton(feedback_html(other)) == skeleton(feedback_html(plain))


def test_hostile_text_is_shown_as_it_is() -> None:
    page = Page(feedback_html(submission(EVIL, "timeout", EVIL)))
    assert "<script>alert(1)</script>" in page.text
    assert "\\u202e\\x00" in page.text
    assert not {tag for tag, _ in page.tags} & {"script", "img", "iframe", "link", "pre"}
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]


def test_pages_load_nothing_and_say_so() -> None:
    html = feedback_html(submission())
    assert "default-src 'none'" in html
    assert not re.search(r"https?://|@import|url\(", html)
    assert not [1 for _, attributes in Page(html).tags if "src" in attributes]


def test_pages_can_be_read_by_everybody() -> None:
    html = feedback_html(submission())
    page = Page(html)
    tags = [tag for tag, _ in page.tags]
    assert ("html", {"lang": "en"}) in page.tags
    assert tags.count("h1") == 1
    assert tags.count("table") == tags.count("caption") == tags.count("thead")
    assert all(attributes.get("scope") in {"row", "col"} for tag, attributes in page.tags if tag == "th")
    assert "prefers-color-scheme: dark" in html
    assert "@media print" in html


def test_feedback_tells_why() -> None:
    text = " ".join(Page(feedback_html(submission("because", "timeout", "cell [9] still ran", 3))).text.split())
    assert "Cell [4]: reused: identical to the solution's training (0.3 s)" in text
    assert "3 of 8 points" in text
    assert "Cell [9] still ran." in text
    assert "because hidden check" in text
    assert "[3]" in text
