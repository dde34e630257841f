"""The job that runs a notebook."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from autograder.handover.protocol import CellSource, RunPayload, to_payload
from autograder.handover.support import pack_support_files
from autograder.handover.tasks import RUN_NOTEBOOK
from autograder.labs.assignment import Assignment
from autograder.notebooks.notebook import Notebook
from autograder.sandbox import Job


def notebook_job(
    notebook: Notebook,
    assignment: Assignment,
    folder: Path,
    *,
    beside: Mapping[str, bytes] | None = None,
    trainings: Mapping[str, str] | None = None,
    record: bool = False,
) -> Job:
    """Return the job that runs a notebook of a lab.

    Args:
        notebook: the notebook.
        assignment: its lab.
        folder: the job's folder.
        beside: files that were handed in with it.
        trainings: trainings of the solution that equal trainings may reuse.
        record: record the notebook's trainings instead of handing over answers; for trusted notebooks only.
    """
    payload = RunPayload(
        cells=tuple(CellSource(cell.number, cell.source) for cell in notebook.cells),
        handover={question.name: () if record else question.handover for question in assignment.tested},
        seed=assignment.seed,
        call_seconds=assignment.limits.call_seconds,
        trainings=dict(trainings or {}),
        record=record,
        files=pack_support_files(assignment.support_files),
        beside=pack_support_files(beside or {}),
    )
    return Job(RUN_NOTEBOOK, to_payload(payload), folder, assignment.limits)
