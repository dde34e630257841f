"""Run the public checks of a question on the student's variables."""

from __future__ import annotations

import inspect
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from otter.test_files import ExceptionTestFile

from .lab import Question
from .words import _, listed

State = Literal["passed", "partial", "failed", "open", "person"]


@dataclass(frozen=True)
class Finding:
    """Outcome of one public check.

    `what` it looks at, its message if it failed, and the points it gives.
    """

    what: str
    passed: bool
    message: str
    earned: float
    possible: float


@dataclass(frozen=True)
class Judgement:
    """Outcome of a question's public checks.

    `later` are the points that are decided when the work is graded.
    """

    question: Question
    state: State
    findings: tuple[Finding, ...]
    note: str = ""

    @property
    def earned(self) -> float:
        """The points of the public checks so far."""
        return sum(finding.earned for finding in self.findings)

    @property
    def possible(self) -> float:
        """The points the public checks can give."""
        return sum(finding.possible for finding in self.findings)

    @property
    def later(self) -> float:
        """The points that hidden checks or people give."""
        return max(0.0, self.question.points - self.possible)


def by_a_person(question: Question, answered: bool | None) -> Judgement:
    """Outcome of a question that a person marks.

    It says whether the saved notebook answers the question (None: unknown).
    """
    if answered is False:
        note = _(
            "The saved notebook does not answer this yet: double-click the text below the question, replace it with "
            "your answer, and save the notebook."
        )
        return Judgement(question, "open", (), note)
    if answered:
        return Judgement(question, "person", (), _("Your answer is in the saved notebook; nothing checks it here."))
    note = _("Nothing checks this answer here. Make sure that the notebook is saved with it.")
    return Judgement(question, "person", (), note)


def judge(question: Question, file: Path, variables: Mapping[str, Any], *, error: str | None, stub: bool) -> Judgement:
    """Run a question's public checks.

    Args:
        question: the question.
        file: its test file, in otter's exception-based format.
        variables: the student's variables.
        error: the exception an answer cell raised when it last ran.
        stub: whether the answer cell that was run last is still untouched.
    """
    loaded = ExceptionTestFile.from_string(file.read_text(encoding="utf-8"), path=str(file))
    cases = [case for case in loaded.test_cases if not case.hidden]
    described = dict(zip(map(id, cases), question.checks, strict=False))
    whats = [_(described[id(case)]) if described.get(id(case)) else _words(case) for case in cases]
    gaps = [name for name in question.variables if variables.get(name, ...) is ...]
    untouched = stub or (bool(gaps) and len(gaps) == len(question.variables))
    if untouched:
        nothing = tuple(Finding(what, False, "", 0.0, case.points) for what, case in zip(whats, cases, strict=True))
        if error:
            note = _("The answer cell raised {error} when it last ran: solve that first.", error=error)
            return Judgement(question, "failed", nothing, note)
        return Judgement(question, "open", nothing, _waiting(question))
    findings = tuple(_run(what, case, variables) for what, case in zip(whats, cases, strict=True))
    if all(finding.passed for finding in findings):
        state: State = "passed"
    else:
        state = "partial" if any(finding.earned for finding in findings) else "failed"
    if not error:
        return Judgement(question, state, findings)
    note = _(
        "The answer cell raised {error} when it last ran, so an older value was checked here. Correct the cell, "
        "run it, and check again.",
        error=error,
    )
    return Judgement(question, "failed" if state == "passed" else state, findings, note)


def _run(what: str, case: Any, variables: Mapping[str, Any]) -> Finding:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what a check tries out is none of the student's doing
            case.body.call_func(variables)
    except Exception as failure:  # noqa: BLE001 - whatever a check raises, its finding is shown
        share = getattr(failure, "share_of_points", 0.0) if isinstance(failure, AssertionError) else 0.0
        share = float(share) if isinstance(share, int | float) and 0 <= share <= 1 else 0.0
        return Finding(what, False, _message(failure, case), share * case.points, case.points)
    return Finding(what, True, case.success_message or "", case.points, case.points)


def _message(failure: Exception, case: Any) -> str:
    """Return a failed check's message in the notebook's language, if available."""
    template, values = getattr(failure, "message_id", None), getattr(failure, "values", None)
    if isinstance(template, str) and isinstance(values, dict):
        return _(template, **values) if values else _(template).format()
    if isinstance(failure, AssertionError):
        return str(failure) or case.failure_message or _("This is not right yet.")
    return _("The check cannot use this answer ({error}): look at its type and shape.", error=type(failure).__name__)


def _words(case: Any) -> str:
    """Return what a check looks at, by the words of its function's name."""
    function = inspect.unwrap(case.body.test_func)
    words = re.sub(r"^test_?(q\d+[a-z]?_)?", "", function.__name__).replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def _waiting(question: Question) -> str:
    if question.variables:
        return _(
            "Not answered yet: replace the three dots of {names}, run the cell, then check again.",
            names=listed([f"`{name}`" for name in question.variables]),
        )
    return _("Not answered yet: replace the three dots in the cell above, run it, then check again.")
