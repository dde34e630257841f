"""Describe the tests of an autograder zip, without a submission."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from autograder.checker.test_files import LoadedQuestion, load_question
from autograder.errors import AssignmentError
from autograder.handover.checker_files import DESCRIPTION
from autograder.handover.protocol import (
    DescribedQuestion,
    DescribedTest,
    Description,
    InspectPayload,
    encode,
    from_payload,
)
from autograder.handover.support import write_support_files


def enter(payload: dict[str, Any], folder: Path) -> None:
    """Describe test files in `description.json` in the job's folder.

    Args:
        payload: an `InspectPayload` as JSON data.
        folder: the job's folder.
    """
    job = from_payload(payload, InspectPayload)
    write_support_files(job.files)
    try:
        loaded = [load_question(source, file) for file, source in job.tests.items()]
        answer = Description(tuple(_describe(question) for question in loaded))
    except AssignmentError as error:
        answer = Description(
            error=str(error),
            hint=error.hint,
            reason=error.reason,
            test_file=error.test_file,
            statement=error.statement,
        )
    (folder / DESCRIPTION).write_bytes(encode(answer))


def _describe(question: LoadedQuestion) -> DescribedQuestion:
    tests = (DescribedTest(t.name, t.hidden, t.points, t.required, t.optional) for t in question.tests)
    return DescribedQuestion(question.name, question.all_or_nothing, tuple(tests))
