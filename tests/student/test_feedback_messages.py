"""The page of what students read about common mistakes is what the checks say."""

from __future__ import annotations

import re

import pytest

from tests.conftest import REPOSITORY
from tests.student.feedback_table import MISTAKES, PASSED, masked, page

PAGE = REPOSITORY / "docs" / "feedback-messages.md"


@pytest.mark.slow
def test_the_page_holds_what_the_public_checks_say() -> None:
    assert masked(page()) == masked(PAGE.read_text(encoding="utf-8")), (
        "next: python -m tests.student.feedback_table > docs/feedback-messages.md"
    )


def test_every_mistake_is_explained_in_both_languages() -> None:
    rows = [line.split(" | ") for line in PAGE.read_text(encoding="utf-8").splitlines() if re.match(r"\| q\d", line)]
    assert len(rows) == sum(map(len, MISTAKES.values()))
    for row in rows:
        english, chinese = row[-2], row[-1]
        assert english not in PASSED.values(), row
        assert not re.search(r"[\u4e00-\u9fff]", english)
        assert re.search(r"[\u4e00-\u9fff]", chinese)
