"""Paths that the documentation names exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
_PATH = re.compile(r"(?<![\w/])(?:autograder|tests|benchmarks|docs)/[\w/.-]*\.(?:py|md|json|toml)\b")
_TOPS = ("", "autograder", "tests")
_IN_PACKAGE = re.compile(r"\b(?:cli|grading|handover|results|labs|gradebook|render|authoring|intake)/\w+\.py\b")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_path_that_a_page_names_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    missing = {path for path in _PATH.findall(text) if not (ROOT / path).exists()}
    missing |= {path for path in _IN_PACKAGE.findall(text) if not any((ROOT / top / path).exists() for top in _TOPS)}
    assert not missing


def test_the_architecture_page_names_modules() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert len(_IN_PACKAGE.findall(text)) > 10, "or the test above would find nothing"
