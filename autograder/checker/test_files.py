"""Load exception-based test files with otter's own loader and describe them."""

from __future__ import annotations

import inspect
import re
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from otter.test_files import ExceptionTestFile

from autograder.errors import AssignmentError


@dataclass(frozen=True)
class LoadedTest:
    """A test function.

    Args:
        name: its name.
        hidden: whether it is hidden from students.
        points: its points.
        required: names of its parameters without default.
        optional: names of its parameters with default.
        case: otter's test case.
    """

    name: str
    hidden: bool
    points: float
    required: tuple[str, ...]
    optional: tuple[str, ...]
    case: Any

    @property
    def function(self) -> Any:
        """The author's function, unwrapped from decorators."""
        return inspect.unwrap(self.case.body.test_func)


@dataclass(frozen=True)
class LoadedQuestion:
    """A test file.

    Args:
        name: the question's name.
        all_or_nothing: whether it gives points only if all tests pass.
        tests: its tests.
        namespace: its global names (see `autograder.checker.partial_credit`).
    """

    name: str
    all_or_nothing: bool
    tests: tuple[LoadedTest, ...]
    namespace: Mapping[str, Any]


def load_question(source: str, file: str) -> LoadedQuestion:
    """Execute one test file and describe it.

    Args:
        source: its source.
        file: its name, for messages.

    Raises:
        AssignmentError: the file is not in the exception-based format or cannot be loaded.
    """
    if not _is_exception_based(source):
        raise AssignmentError(
            f"{file} is not in otter's exception-based test format (OK_FORMAT = False is missing): tests in the "
            "OK format run inside the student's process by design, so students could change them.",
            hint="set `tests: {ok_format: false}` in the master's assignment config and build again",
        )
    try:
        loaded = ExceptionTestFile.from_string(source, path=file)
    except (Exception, SystemExit) as error:
        reason = f"{type(error).__name__}: {error}"
        raise AssignmentError(
            f"{file} cannot be loaded: {reason}",
            reason=reason,
            test_file=file,
            statement=_failed_statement(error, source, file),
        ) from error
    tests = tuple(_describe(case) for case in loaded.test_cases)
    namespace = getattr(tests[0].function, "__globals__", {}) if tests else {}
    return LoadedQuestion(loaded.name, bool(loaded.all_or_nothing), tests, namespace)


def _failed_statement(error: BaseException, source: str, file: str) -> str:
    """Return the top-level line of a test file at which its execution ended.

    Empty if it is unknown.
    """
    frames = traceback.extract_tb(error.__traceback__)
    number = next((frame.lineno for frame in frames if frame.filename == file), None)
    lines = source.split("\n")
    return lines[number - 1].strip() if number is not None and number <= len(lines) else ""


def _is_exception_based(source: str) -> bool:
    return re.search(r"^OK_FORMAT\s*=\s*False\b", source, flags=re.MULTILINE) is not None


def _describe(case: Any) -> LoadedTest:
    function = case.body.test_func
    parameters = inspect.signature(function).parameters
    required = tuple(name for name, parameter in parameters.items() if parameter.default is parameter.empty)
    optional = tuple(name for name in parameters if name not in required)
    return LoadedTest(function.__name__, bool(case.hidden), float(case.points), required, optional, case)
