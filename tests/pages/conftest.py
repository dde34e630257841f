"""The browser and the validator that all tests of pages share.

Where one is missing the tests skip and say why; where the variable CI is set they fail instead, so that a machine
that should have them cannot pass without.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from tests.pages.browser import VIEWS, Browser, Seen, Validator, find_chromium


def _do_without(reason: str) -> NoReturn:
    if os.environ.get("CI"):
        pytest.fail(f"{reason}, and CI is set: .ci/run installs it", pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, once for all pages."""
    executable = find_chromium()
    if executable is None:
        _do_without("there is no Chromium to look at pages with")
    found = Browser(executable)
    yield found
    found.close()


@pytest.fixture(scope="session")
def validator() -> Validator:
    """html-validate."""
    try:
        return Validator()
    except (RuntimeError, OSError) as error:
        _do_without(f"no HTML validator: {error}")


@pytest.fixture
def nothing_wrong(browser: Browser, validator: Validator) -> Callable[[Path], None]:
    """Assert that a page is valid and readable on desktop and phone, light and dark."""

    def examine(path: Path) -> None:
        assert validator.errors(path.read_text(encoding="utf-8")) == []
        assert {str(view): browser.look(path, view) for view in VIEWS} == {str(view): Seen() for view in VIEWS}

    return examine
