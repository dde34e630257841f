"""Decide which stored results are still valid by comparing fingerprints."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from autograder.errors import UsageError
from autograder.grading.fingerprint import kit_version
from autograder.intake.submissions import Submission, digest_of_submission
from autograder.labs.assignment import Assignment
from autograder.results.folder import ResultsFolder, rewrite_result, set_aside, stored
from autograder.results.result import Result, Student

# Labels of the entries of a fingerprint, most informative first.
_CHANGES = {
    "submission": "the submission",
    "assignment": "the lab",
    "limits": "a limit",
    "isolation": "the isolation level",
    "kit": "the kit",
    "retrain": "--retrain",
}


@dataclass(frozen=True)
class Conditions:
    """What all submissions of a run have in common.

    Args:
        assignments: the labs by name, with the limits of this run.
        isolation: the isolation level.
        assume: the lab of notebooks that do not name theirs.
        retrain: whether every submission trains.
        kit: version of the kit and its libraries.
    """

    assignments: Mapping[str, Assignment]
    isolation: str
    assume: str | None = None
    retrain: bool = False
    kit: str = field(default_factory=kit_version)

    def fingerprint(self, digest: str, lab: str | None) -> dict[str, Any]:
        """Return everything that the result of a submission depends on, as JSON data.

        Args:
            digest: digest of the notebook and the files beside it.
            lab: the lab it was graded as; None if it was unreadable.
        """
        assignment = self.assignments.get(lab or "")
        return {
            "schema": 1,
            "submission": digest,
            "lab": lab,
            "assignment": assignment.digest if assignment else None,
            "limits": asdict(assignment.limits) if assignment else None,
            "isolation": self.isolation,
            "kit": self.kit,
            # The lab of a notebook that does not name it depends on the labs to choose from.
            "labs": sorted(self.assignments),
            "assume": self.assume,
            "retrain": self.retrain,
        }


@dataclass(frozen=True)
class Plan:
    """What a run has to do.

    Args:
        kept: results that are still valid, by ID.
        to_grade: submissions to grade.
        again: number of submissions to grade again, by reason.
        versions: number of submissions for the same entry, including this one, by ID.
    """

    kept: Mapping[str, Result]
    to_grade: tuple[Submission, ...]
    again: Mapping[str, int]
    versions: Mapping[str, int] = field(default_factory=dict)


def make_plan(
    submissions: Sequence[Submission], folder: Path, conditions: Conditions, regrade: Collection[str] = ()
) -> Plan:
    """Compare stored results with the submissions.

    Set aside results that are outdated, and let kept ones name the current version of the notebook.

    Args:
        submissions: the submissions of this run.
        folder: the results folder.
        conditions: how this run grades.
        regrade: IDs of submissions to grade again in any case.

    Raises:
        KitError: a result cannot be set aside.
    """
    kept: dict[str, Result] = {}
    versions: dict[str, int] = {}
    again: Counter[str] = Counter()
    digest_of = cache(digest_of_submission)
    for submission in submissions:
        versions[submission.id] = _version(submission, folder, digest_of)
        before = stored(folder, submission.id)
        # Unreadable submissions are cheap to read again; grader errors may not recur.
        if before is None or not before[0].is_marked:
            continue
        result, earlier = before
        if submission.id in regrade:
            change: str | None = "asked for"
        else:
            change = _change(submission, digest_of(submission), result, earlier, conditions)
        if change is None:
            kept[submission.id] = _with_version_of_lab(folder, submission.id, result, conditions)
        else:
            again[change] += 1
            set_aside(folder, submission.id)
    to_grade = tuple(submission for submission in submissions if submission.id not in kept)
    return Plan(kept, to_grade, dict(again), versions)


def _with_version_of_lab(folder: Path, identity: str, result: Result, conditions: Conditions) -> Result:
    """Compare a kept result with the notebook that is handed out now.

    A corrected text does not make a result outdated.
    """
    lab = conditions.assignments.get(result.lab or "")
    current = None if lab is None else lab.versions.get(result.language)
    if result.lab_version == current:
        return result
    result = replace(result, lab_version=current)
    rewrite_result(folder, identity, result)
    return result


def same_entries(submissions: Sequence[Submission], folder: Path) -> tuple[Submission, ...]:
    """Give submissions the IDs of earlier ones of the same student and lab.

    IDs contain student and lab; this finds entries whose lab was unknown, such as unreadable files.
    """
    known: dict[Student, dict[str, str | None]] = {}
    for identity in ResultsFolder(folder).graded:
        before = stored(folder, identity)
        if before is not None and before[0].student is not None:
            known.setdefault(before[0].student, {})[identity] = before[0].lab
    taken = {submission.id for submission in submissions}
    settled: list[Submission] = []
    for submission in submissions:
        mine = known.get(submission.student, {}) if submission.student is not None else {}
        if submission.id not in mine:
            free = {identity: lab for identity, lab in mine.items() if identity not in taken}
            same = [i for i, lab in free.items() if submission.lab in (None, lab)] or [i for i in free if not free[i]]
            if len(same) == 1:
                submission = replace(submission, id=same[0])
                taken.add(same[0])
        settled.append(submission)
    return tuple(settled)


def _version(submission: Submission, folder: Path, digest_of: Callable[[Submission], str]) -> int:
    files = ResultsFolder(folder).submission(submission.id)
    for path in (files.result, files.earlier):
        try:
            before = Result.from_json(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        return before.version + (before.digest != digest_of(submission))
    return 1


def _change(
    submission: Submission, digest: str, result: Result, earlier: Mapping[str, Any], conditions: Conditions
) -> str | None:
    """Describe what has changed since the result was written; None if nothing has."""
    now = conditions.fingerprint(digest, result.lab)
    if not conditions.retrain:
        now["retrain"] = earlier.get("retrain")  # results with real training are valid in either case
    changed = [name for name in {**now, **earlier} if now.get(name) != earlier.get(name)]
    if result.submission != submission.name:
        changed.append("submission")
    if not changed:
        return None
    told = (f"{words} has changed" for name, words in _CHANGES.items() if name in changed)
    return next(told, "the labs to choose from have changed")


def identities(submissions: Sequence[Submission], asked: Collection[str]) -> frozenset[str]:
    """Return the IDs of submissions named by ID or name.

    Raises:
        UsageError: there is no such submission.
    """
    known = {
        name: submission.id
        for submission in submissions
        for name in (submission.called, submission.name, submission.id)
    }
    unknown = [name for name in asked if name not in known]
    if unknown:
        near = difflib.get_close_matches(unknown[0], known, n=3, cutoff=0.5)
        raise UsageError(
            f"There is no submission {unknown[0]} among the {len(submissions)} given"
            + (f"; there is {' and '.join(near)}." if near else "."),
            hint="use its name in scores.csv, or the name of its folder under submissions/",
        )
    return frozenset(known[name] for name in asked)
