"""Gradescope: its submissions export, and its results.json. Pure.

Export: "Export Submissions" gives a folder with submission_metadata.yml and one folder `submission_ID` for the active
submission of every student or group. The file's keys are the names of those folders; the keys below are Ruby symbols:
`:submitters:` (with `:name:`, `:sid:`, `:email:`), `:created_at:`, `:score:`, `:results:`, `:history:` (earlier
submissions, which have no folders). See https://guides.gradescope.com ("Exporting Submissions").

results.json: see "Autograder Specifications" in Gradescope's documentation, sections "Output format", "Controlling Test
Case Visibility", "Test case status" and "Output String Formatting". Public checks are visible immediately. Hidden
checks, and all numbers that would reveal their outcome, have the requested visibility; as long as one of them is
hidden, Gradescope hides the total as well. All text is cleaned and declared as `text`, the only format that Gradescope
interprets neither as HTML nor as Markdown.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, get_args

from autograder.results.grade import Grade
from autograder.results.handin import HandIn, Person
from autograder.results.labels import grade_note, note, notices, to_review, training
from autograder.results.result import QuestionResult, Result, TestResult
from autograder.util.text import clean, clean_line, points, seconds
from autograder.util.times import parse_time

# --- the download ---

METADATA = "submission_metadata.yml"


def read_metadata(data: bytes) -> dict[str, HandIn]:
    """Return the submissions of an export by the names of their folders.

    Raises:
        ValueError: it is not such a file.
    """
    import yaml  # type: ignore[import-untyped]

    try:
        content = yaml.load(data, Loader=_loader())  # noqa: S506 - a subclass of the safe loader
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ValueError(f"it is not valid YAML: {' '.join(str(error).split())[:200]}") from None
    if not isinstance(content, dict) or not all(isinstance(entry, dict) for entry in content.values()):
        raise ValueError("it contains no list of submissions")
    return {str(folder): _handin(str(folder), entry) for folder, entry in content.items()}


def _loader() -> Any:
    """Return the safe YAML loader, extended to read Ruby objects as plain data."""
    import yaml

    base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

    class Loader(base):  # type: ignore[misc]  # chosen at run time
        pass

    def plain(loader: Any, _: str, node: Any) -> Any:
        if isinstance(node, yaml.MappingNode):
            return loader.construct_mapping(node, deep=True)
        return loader.construct_sequence(node, deep=True) if isinstance(node, yaml.SequenceNode) else node.value

    Loader.add_multi_constructor("!", plain)
    return Loader


def _handin(folder: str, entry: Mapping[Any, Any]) -> HandIn:
    people = entry.get(":submitters")
    listed = [person for person in people if isinstance(person, dict)] if isinstance(people, list) else []
    return HandIn(
        "gradescope",
        folder,
        tuple(Person(_text(p.get(":name")), _text(p.get(":sid")), _text(p.get(":email"))) for p in listed),
        time=_time(entry.get(":created_at")),
    )


def _text(value: object) -> str:
    return str(value) if isinstance(value, str | int | float) else ""


def _time(value: object) -> datetime | None:
    """Return a time with its zone; without one, the time is unknown."""
    if isinstance(value, dict):
        value = value.get("utc", value.get("time"))
    if isinstance(value, str):
        try:
            return parse_time(value)
        except ValueError:
            return None
    return value if isinstance(value, datetime) and value.tzinfo is not None else None


# --- results.json ---

Visibility = Literal["visible", "after_due_date", "after_published", "hidden"]
VISIBILITIES: tuple[Visibility, ...] = get_args(Visibility)

_FOR_INSTRUCTORS = "For instructors: details of grading"
_FORMATS = {"output_format": "text", "test_output_format": "text", "test_name_format": "text"}
_WITHHELD = (
    "The grader failed; you are not at fault. Your marks are withheld until this submission has been graded again. "
    "Your instructors can see the reason."
)
_WHEN_SHOWN: dict[Visibility, str] = {
    "visible": "",
    "after_due_date": "Hidden checks and your total are shown after the due date.",
    "after_published": "Hidden checks and your total are shown when grades are published.",
    "hidden": "Hidden checks are not shown.",
}
_MOST_ERRORS = 8


def results_json(
    grade: Grade, *, hidden: Visibility = "after_published", remarks: Sequence[str] = (), facts: Sequence[str] = ()
) -> str:
    """Return results.json for one submission.

    The scores of its tests add up to its score.

    Args:
        grade: the submission's grade.
        hidden: when students see hidden checks.
        remarks: sentences for the student, shown above the tests.
        facts: lines about the run, for instructors only.
    """
    result = grade.result
    if result.has_grader_error:
        reason = result.detail or " ".join(question.reason for question in result.defective)
        return withheld_json(reason, result.max_score, facts=[*facts, *_facts(result)])
    tests = [entry for position, q in enumerate(result.questions, 1) for entry in _question(grade, q, position, hidden)]
    if not result.questions:
        tests.append(_by_hand(grade) if grade.is_by_hand else _not_graded(result))
    if grade.lateness is not None:
        # The deduction reveals the total, so it has the same visibility.
        tests.append({**_late(grade), "visibility": "after_published" if hidden == "hidden" else hidden})
    tests.append(_for_instructors([*facts, *_facts(result)]))
    return _results_text(
        {
            "score": grade.score,
            "execution_time": math.ceil(result.seconds),
            "output": "\n\n".join(_told(grade, hidden, remarks)),
            "extra_data": _extra(result),
            "tests": tests,
        }
    )


def withheld_json(reason: str, max_score: float, *, facts: Sequence[str] = ()) -> str:
    """Return results.json for a submission without marks because of a grader error.

    The format requires a score; a test that is shown only when grades are published hides it from students. The reason
    is shown to instructors only.

    Args:
        reason: what failed.
        max_score: the possible points.
        facts: further lines for instructors.
    """
    marks = {"name": "Marks are withheld", "score": 0.0, "max_score": max_score, "status": "failed"}
    why = f"No marks: {clean(reason)}" if reason.strip() else "No marks: the grader did not finish."
    again = "After fixing the cause, grade again: Manage Submissions, Regrade All Submissions."
    return _results_text(
        {
            "score": 0.0,
            "output": _WITHHELD,
            "extra_data": {"status": "grader_error"},
            "tests": [
                {**marks, "output": _WITHHELD, "visibility": "after_published"},
                {**_for_instructors([why, again, *facts]), "status": "failed"},
            ],
        }
    )


def _results_text(content: Mapping[str, Any]) -> str:
    whole = {**content, **_FORMATS, "stdout_visibility": "hidden"}
    return json.dumps(whole, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _question(grade: Grade, question: QuestionResult, position: int, hidden: Visibility) -> Iterator[dict[str, Any]]:
    """Yield one question's tests with points, or its total and then its tests."""
    name, earned = clean_line(question.name, 40), grade.points(question)
    by_test = _points_by_test(question, earned)
    if not by_test:
        yield _whole(grade, question, position, hidden)
    for number, test in enumerate(question.tests, start=1):
        scored = {"score": test.score, "max_score": test.max_score} if by_test else {}
        yield {
            "number": f"{position}.{number}",
            "name": f"{name}: {_test_name(test, question)}",
            **scored,
            "status": "passed" if test.passed else "failed",
            "output": clean(test.message) or ("Passed." if test.passed else "This check failed."),
            "visibility": hidden if test.hidden else "visible",
        }


def _points_by_test(question: QuestionResult, earned: float) -> bool:
    """Return whether all tests have points that add up to the question's."""
    scores = [(test.score, test.max_score) for test in question.tests]
    known = [(score, most) for score, most in scores if score is not None and most is not None]
    return (
        bool(known)
        and len(known) == len(scores)
        and math.isclose(sum(score for score, _ in known), earned, abs_tol=1e-6)
        and math.isclose(sum(most for _, most in known), question.max_score, abs_tol=1e-6)
    )


def _whole(grade: Grade, question: QuestionResult, position: int, hidden: Visibility) -> dict[str, Any]:
    override, earned = grade.overrides.get(question.name), grade.points(question)
    told = clean(question.shown_reason) or "Points of all checks of this question."
    reason = clean(override.reason) if override is not None else ""
    if question.status == "to_review":
        if override is None:
            told = f"{to_review(question)} Its points are not in the score yet."
        else:
            told = f"Marked by a person: {points(earned)} of {points(question.max_score)} points. {reason}".rstrip()
    elif override is not None:
        told = f"Corrected manually from {points(question.score)} to {points(earned)}: {reason}"
    return {
        "number": str(position),
        "name": clean_line(question.name, 40) + (" (to be marked by a person)" if question in grade.waiting else ""),
        "score": earned,
        "max_score": question.max_score,
        "status": "passed" if earned >= question.max_score else "failed",
        "output": told,
        "visibility": hidden if any(test.hidden for test in question.tests) else "visible",
    }


def _test_name(test: TestResult, question: QuestionResult) -> str:
    """Format a test's name: `test_q2_stays_below_one` becomes `stays below one`."""
    bare = re.sub(rf"^test_({re.escape(question.name)}(_|$))?", "", test.name)
    return clean_line(bare.replace("_", " ")) or clean_line(test.name)


def _not_graded(result: Result) -> dict[str, Any]:
    return {
        "name": "The upload could not be graded",
        "score": 0.0,
        "max_score": result.max_score,
        "status": "failed",
        "output": note(result),
        "visibility": "visible",
    }


def _by_hand(grade: Grade) -> dict[str, Any]:
    reasons = [clean(override.reason) for override in grade.set_by_hand if override.reason.strip()]
    return {
        "name": "Marked by a person",
        "score": grade.raw_score,
        "max_score": grade.result.max_score,
        "status": "passed" if grade.raw_score >= grade.result.max_score else "failed",
        "output": "\n".join(reasons) or "These points were given by a person.",
        "visibility": "visible",
    }


def _late(grade: Grade) -> dict[str, Any]:
    lateness = grade.lateness
    assert lateness is not None  # noqa: S101 - for the type checker; callers check first
    by, off = seconds(lateness.seconds), points(lateness.percent)
    return {
        "name": "Late submission",
        "score": round(-grade.deduction, 6) + 0.0,
        "max_score": 0.0,
        "status": "failed" if grade.deduction > 0 else "passed",
        "output": f"Late by {by}: {off} percent of the points are deducted."
        + (f" Your due time was extended to {clean_line(lateness.extended_to)}." if lateness.extended_to else ""),
    }


def _for_instructors(lines: Sequence[str]) -> dict[str, Any]:
    """Return a test without points, as required for tests hidden from students."""
    text = "\n".join(clean(line) for line in lines)
    return {"name": _FOR_INSTRUCTORS, "status": "passed", "output": text, "visibility": "hidden"}


def _told(grade: Grade, hidden: Visibility, remarks: Sequence[str]) -> Iterator[str]:
    """Yield the lines that the student reads above the tests."""
    result = grade.result
    if not grade.is_by_hand:
        yield f"Graded: {clean_line(result.submission)}" if result.questions else "Nothing was graded."
    if told := grade_note(grade):
        yield told
    if grade.waiting:
        names = ", ".join(clean_line(question.name, 40) for question in grade.waiting)
        yield f"The score is provisional: a person has yet to mark {names}."
    yield from notices(result)
    yield from (clean(remark) for remark in remarks)
    for error in result.errors[:_MOST_ERRORS]:
        what = f"Cell [{error.cell}] raised {clean_line(error.name)}"
        yield f"{what}: {clean(error.message)}" if error.message.strip() else f"{what}."
    if len(result.errors) > _MOST_ERRORS:
        yield f"{len(result.errors) - _MOST_ERRORS} more cells raised errors."
    if _WHEN_SHOWN[hidden] and any(test.hidden for question in result.questions for test in question.tests):
        yield _WHEN_SHOWN[hidden]


def _facts(result: Result) -> Iterator[str]:
    yield f"Status: {result.status}. Lab: {result.lab}. Isolation: {result.isolation}."
    yield f"Duration: {seconds(result.seconds)}. SHA-256 of the notebook: {result.sha256 or 'none'}."
    if result.cost is not None:
        yield f"Peak memory: {result.cost.peak_mb} MB. Processor time: {seconds(result.cost.cpu_seconds)}."
    yield from (f"Training in cell [{fit.cell}]: {training(fit)}." for fit in result.fits)


def _extra(result: Result) -> dict[str, Any]:
    return {
        "status": result.status,
        "lab": result.lab,
        "isolation": result.isolation,
        "sha256": result.sha256,
        "max_score": result.max_score,
    }
