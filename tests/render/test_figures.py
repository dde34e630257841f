"""Figures: reproducible, in the page's colours, with alternative text."""

from __future__ import annotations

import re
import subprocess
import sys

from autograder.render.figures import score_histogram, status_bars
from autograder.report.numbers import QuestionNumbers
from tests.fixtures.texts import EVIL

BINS = (1, 0, 0, 2, 0, 0, 0, 5, 8, 12)


def of_class(*names: str) -> list[QuestionNumbers]:
    return [QuestionNumbers(name, 2.0, 10, 1.0, {"passed": 6, "failed": 3, "skipped": 1}, None, ()) for name in names]


def test_the_same_numbers_give_the_same_picture() -> None:
    assert score_histogram(BINS, "one") == score_histogram(BINS, "one")
    assert status_bars(of_class("q1", "q2"), "one") == status_bars(of_class("q1", "q2"), "one")


def test_a_picture_of_another_process_is_the_same() -> None:
    code = f"from autograder.render.figures import score_histogram as h; print(h({BINS}, 'one'), end='')"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert other.stdout == str(score_histogram(BINS, "one"))


def test_all_colours_are_those_of_the_page() -> None:
    for picture in (score_histogram(BINS, "one"), status_bars(of_class("q1"), "one")):
        assert not re.findall(r"#[0-9a-fA-F]{3,6}\b|rgb", picture)
        assert "var(--" in picture


def test_two_pictures_share_no_identifier_and_refer_to_their_own() -> None:
    pictures = [score_histogram(BINS, "one"), status_bars(of_class("q1"), "two"), score_histogram(BINS, "three")]
    found = [re.findall(r' id="([^"]+)"', picture) for picture in pictures]
    assert sum(map(len, found)) == len({name for names in found for name in names})
    for picture, names in zip(pictures, found, strict=True):
        assert set(" ".join(re.findall(r'aria-labelledby="([^"]+)"', picture)).split()) == set(names)


def test_what_is_seen_is_also_told() -> None:
    assert "0 to 10 %: 1, 30 to 40 %: 2" in score_histogram(BINS, "one")
    assert "q1: 6 passed, 3 failed, 1 skipped." in status_bars(of_class("q1"), "one")


def test_nothing_comes_from_elsewhere() -> None:
    for picture in (score_histogram(BINS, "one"), status_bars(of_class("q1"), "one")):
        assert not re.search(r"https?:|<style|<metadata|font-family|url\(", picture)


def test_names_of_questions_are_text_and_no_formula() -> None:
    picture = status_bars(of_class("$x^$", EVIL), "one")
    assert "$x^$" in picture
    assert "<script" not in picture


def test_an_empty_class_has_a_picture() -> None:
    assert "Number of submissions by score. None." in score_histogram((0,) * 10, "one")
