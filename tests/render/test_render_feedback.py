"""A student's page: verdicts beside answers, and nothing active or forged."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.handover.outputs import LEFT_OUT, NOTE, Output
from autograder.render.feedback import feedback_html
from autograder.results.grade import Grade, Lateness, Override
from autograder.results.result import (
    HandedInFile,
    LeftOut,
    QuestionResult,
    QuestionStatus,
    SubmissionStatus,
    TestResult,
)
from tests.render.feedback_pages import CELLS, HOSTILE, PIXEL, RESULT, code, display, markdown, page
from tests.render.parsed import Page


def text_of(html: str) -> str:
    return " ".join(Page(html).text.split())


def test_each_verdict_stands_behind_its_answer_and_links_lead_there_and_back() -> None:
    html = page()
    for number, cell in ((1, 1), (2, 2), (3, 3)):
        assert (
            html.index(f'id="cell-{cell}"') < html.index(f'id="verdict-{number}"') < html.index(f'id="cell-{cell + 1}"')
        )
    parsed = Page(html)
    ids = [attributes["id"] for _, attributes in parsed.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = {str(attributes["href"]) for tag, attributes in parsed.tags if tag == "a"}
    assert {"#question-1", "#question-2", "#question-3", "#cell-2", "#cell-3", "#part-3"} <= links
    assert {link.removeprefix("#") for link in links} <= set(ids)


def test_page_says_what_was_found_and_what_to_read_again() -> None:
    text = text_of(page())
    assert "2.5 of 6 points" in text
    assert "q2 Fit the model" in text
    assert "The accuracy is only 0.93. hidden check 0.5 of 2 points" in text
    assert "Review: Question 2: Fit the model (3 points)" in text
    assert "Cell [3], line 2: ZeroDivisionError: division by zero" in text
    assert "ZeroDivisionError: division by zeroCell [3], line 2: a / 0" in text
    assert "accuracy on the test images 0.9346" in text
    assert "Training: reused: identical to the solution's training (0.2 s)" in text
    assert "This cell was not run, because the notebook ended before it." in text


def test_cell_that_a_notebook_was_stopped_in_is_named() -> None:
    text = text_of(page(grade=Grade(replace(RESULT, status="timeout", detail="it was still running after 60 seconds"))))
    assert "The notebook was stopped in this cell: out of time." in text
    assert "It was still running after 60 seconds." in text
    assert "was stopped" not in text_of(page())


def test_corrections_and_lateness_stand_apart_from_the_points_of_the_checks() -> None:
    corrected = {"q3": Override("q3", 1.5, "the idea is <right>")}
    text = text_of(page(grade=Grade(RESULT, corrected, Lateness(93_600, 10))))
    assert "3.6 of 6 points" in text
    assert "Points from the checks 2.5" in text.replace("checks2.5", "checks 2.5")
    assert "After manual corrections4" in text
    assert "Submitted 1 day 2 hours late: 10% deducted−0.4" in text
    assert "Final score3.6" in text
    assert "Corrected manually: 1.5 instead of 0 points. the idea is <right>" in text
    assert "q3 More ◐ partly right 1.5 / 2" in text.replace("q3 More partly", "q3 More ◐ partly")
    assert "Counts" not in text_of(page())


def test_anonymous_page_does_not_name_the_submission() -> None:
    assert "lovelace" in page()
    html = page(anonymous=True)
    assert "lovelace" not in html
    assert "Your submission" in html


@pytest.mark.parametrize("executed", [None, b"", b"no json", b"[]", b"{}", b'{"cells": [{}]}', b'{"cells": [3]}'])
def test_page_without_a_notebook_still_says_what_the_marks_are(executed: bytes | None) -> None:
    html = feedback_html(Grade(RESULT), executed)
    assert "2.5 of 6 points" in text_of(html)
    assert 'id="notebook"' not in html
    assert 'href="#cell' not in html


def test_only_the_grader_writes_notes_of_the_grader() -> None:
    note = {"output_type": "display_data", "data": {"text/plain": LEFT_OUT}, "metadata": {NOTE: "left_out"}}
    printed = {"output_type": "stream", "name": "stderr", "text": LEFT_OUT}
    quoted = f'<p class="quiet">{LEFT_OUT}'
    assert quoted in page(shown={1: [note]})
    assert quoted not in page(shown={1: [printed]})


def test_outputs_are_shown_in_their_richest_harmless_form() -> None:
    shown = [
        {"output_type": "stream", "name": "stdout", "text": "plain <b>\n"},
        {"output_type": "stream", "name": "stderr", "text": "warned"},
        display(image_png=PIXEL, text_plain="<Figure>"),
        display(text_html="<table><tr><td>cell</td></tr></table>", text_plain="not this"),
        display(text_latex="$\\displaystyle \\frac{1}{2}$"),
        display(text_markdown="**strong**"),
        display(text_html="<script>1</script>", text_plain="instead"),
        display(text_html="<details open><summary>Hint</summary>folded</details>"),
        {"output_type": "display_data", "data": {"text/plain": LEFT_OUT}, "metadata": {NOTE: "left_out"}},
    ]
    html = page(shown={1: shown})
    assert (
        f'<img src="data:image/png;base64,{PIXEL}" alt="Output of the cell: &lt;Figure&gt;" width="1" height="1">'
        in html
    )
    assert "<td>cell</td>" in html
    assert "<mfrac>" in html
    assert "<strong>strong</strong>" in html
    assert "<details><summary>Hint</summary>folded</details>" in html
    text = text_of(html)
    for words in ("plain <b>", "warned", "instead", "The grader left out some of what this cell showed"):
        assert words in text
    assert "not this" not in text


def harmless(html: str, plain: str) -> None:
    """Assert that a page holds only the kinds of elements of a plain page."""
    tags = {tag for tag, _ in Page(html).tags}
    assert not tags & {
        *("script", "iframe", "object", "embed", "link", "base", "form", "input", "button", "template", "textarea"),
        *("foreignobject", "annotation-xml", "mglyph", "noscript", "marquee", "a:href"),
    }
    fixed = {"style", "meta", "section", "h1", "h2", "svg", "body", "html", "main", "title"}
    for tag in fixed:
        assert html.count(f"<{tag}") == plain.count(f"<{tag}"), tag
    for tag, attributes in Page(html).tags:
        assert not {name for name in attributes if name.startswith("on")} | {"style", "srcdoc"} & attributes.keys()
        if tag == "a":
            assert str(attributes["href"]).startswith("#")
        if tag == "details":
            assert attributes == {}, "closed, and without handlers"
        if "src" in attributes:
            assert str(attributes["src"]).startswith("data:image/png;base64,")
    known = {name for _, attributes in Page(plain).tags for name in str(attributes.get("class", "")).split()}
    mine = known | {"picture", "html", "stderr", "stdout", "outputs", "code", "source", "raw"}
    used = {name for _, attributes in Page(html).tags for name in str(attributes.get("class", "")).split()}
    assert {name for name in used if not name.startswith("py-")} <= mine
    assert html.count('class="verdict') == plain.count('class="verdict')
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00\x1b\ufeff]", html)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_inert_wherever_it_stands(text: str) -> None:
    plain = page()
    streams: list[Output] = [{"output_type": "stream", "name": "stderr", "text": text}]
    displays = [
        display(text_html=text),
        display(text_markdown=text),
        display(text_latex=text),
        display(text_plain=text),
    ]
    cells = [*CELLS, markdown(text), code(text), {"cell_type": "raw", "metadata": {}, "source": text}]
    html = page(cells, {2: [*streams, *displays]})
    harmless(html, plain)
    in_the_middle = [CELLS[0], markdown(text), *CELLS[1:]]
    harmless(page(in_the_middle), plain)


@settings(deadline=None, max_examples=80)
@given(st.text(alphabet="<>&\"'/=`{}$\\![]()*_#|\n-: scriptmathonlvyxe1\u202e\x1b", max_size=80))
def test_no_text_escapes_its_frame(text: str) -> None:
    html = page([*CELLS, markdown(text), code("x")], {2: [display(text_html=text)]})
    assert html.count("<section") == page().count("<section")
    assert "<script" not in html
    assert not [name for _, attributes in Page(html).tags for name in attributes if name.startswith("on")]


def test_attachments_are_shown_and_only_sound_ones() -> None:
    attachments = {"a.png": {"image/png": PIXEL}, "b.png": {"image/png": "AAAA"}}
    text = "![mine](attachment:a.png) ![broken](attachment:b.png) ![none](attachment:c.png)"
    html = page([*CELLS, markdown(text, attachments=attachments)])
    assert html.count("<img") == 1
    assert "[image omitted: broken]" in html


def test_policy_allows_this_style_alone() -> None:
    html = page()
    (style,) = re.findall(r"<style>(.*?)</style>", html, flags=re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'" in html
    assert not re.search(r"https?://|@import|url\(", html)


def test_very_long_things_are_bounded() -> None:
    lines: Output = {"output_type": "stream", "name": "stdout", "text": "x" * 60_000}
    nested = ">" * 2_000 + "[" * 2_000 + "$" + "{" * 1_900 + "$"
    html = page([*CELLS, code("y = 1\n" * 400_000), markdown(nested), markdown("*a " * 20_000)], {1: [lines]})
    assert len(html) < 800_000
    assert "more characters" in html


def test_what_a_set_up_cell_has_packed_is_not_shown_and_code_is() -> None:
    begin = 'grader = _set_up(lab="x", version="1", language="en", packed="""\n'
    text = text_of(page([code(begin + "a85<>&text\n" * 300 + '""")\nafter = 1'), code(begin + "x = 2\n" + '""")')]))
    assert "a85" not in text
    assert "after = 1" in text
    assert "x = 2" in text


# What a Chinese page may hold in Latin letters: what students and labs call things, and what has no other name.
NAMES = {"ada", "lovelace", "ipynb", "tiny", "abc", "ZeroDivisionError", "division", "by", "zero", "full", "SHA", "MB"}
STATUSES: tuple[QuestionStatus, ...] = get_args(QuestionStatus)


def english_words(html: str) -> list[str]:
    """English words in a page's text and element names.

    Code, outputs and file names are not included.
    """
    parsed = Page(re.sub("<pre.*?</pre>", "", html, flags=re.DOTALL))
    labels = [str(attributes.get("aria-label") or "") for _, attributes in parsed.tags]
    labels += [str(attributes.get("alt") or "") for _, attributes in parsed.tags]
    return [word for word in re.findall(r"[A-Za-z]{2,}", " ".join([parsed.text, *labels])) if word not in NAMES]


@pytest.mark.parametrize("status", get_args(SubmissionStatus))
@pytest.mark.parametrize("anonymous", [False, True])
def test_the_page_of_a_chinese_notebook_is_chinese(status: SubmissionStatus, *, anonymous: bool) -> None:
    questions = tuple(
        QuestionResult(f"q{number}", found, 0.5, 2, (TestResult("t", True, False, "", 0.5, 2),))
        for number, found in enumerate(STATUSES)
    )
    files = tuple(HandedInFile(f"{number}.7", "", why) for number, why in enumerate((None, *get_args(LeftOut))))
    chinese = replace(
        RESULT, language="zh", status=status, questions=questions, files=files, retried=True, seconds=4000.0
    )
    overrides = {"q1": Override("q1", 1, "好"), "q3": Override("q3", 1, ""), "q99": Override("q99", 1, "好")}
    set_up = code('grader = _set_up(lab="tiny", version="1", language="zh", packed="")')
    cells = [markdown("## 问题 2：训练（3 分）"), set_up, code("2"), code("3"), code("4")]
    note = {"output_type": "display_data", "data": {"text/plain": LEFT_OUT}, "metadata": {NOTE: "left_out"}}
    shown = {1: [display(image_png=PIXEL)], 2: [note]}
    html = page(cells, shown, Grade(chinese, overrides, Lateness(90_000, 10, "12-01")), anonymous=anonymous)
    assert '<html lang="zh-CN">' in html
    assert english_words(html) == []
    assert "训练</span>" in html, "the topic without the question's number and points"
    assert ("lovelace" in html) != anonymous
    assert english_words(page(grade=Grade(RESULT))) != [], "the same frame in English is found"
    assert '<html lang="en">' in page()
