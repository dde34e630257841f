"""Compute grades from results, corrections and submission times. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from autograder.gradebook.corrections import TOTAL, Overrides
from autograder.gradebook.record import Lab, Record
from autograder.labs.lateness import LatePolicy
from autograder.platforms.matching import Entry
from autograder.results.grade import Grade, Lateness, Row
from autograder.results.handin import PLATFORM_NAMES, Handed, HandIn
from autograder.results.result import Result
from autograder.util.text import counted, duration, first_few, points
from autograder.util.times import time_text


@dataclass(frozen=True)
class Counted:
    """The rows of a class, and what is known about each submission by ID."""

    rows: tuple[Row, ...]
    handed: Mapping[str, Handed]


def count(results: Sequence[tuple[str, Result]], record: Record, overrides: Overrides) -> Counted:
    """Compute the grades of results, given with their IDs, in the given order.

    Raises:
        ValueError: the due time is invalid.
    """
    rows: list[Row] = []
    handed: dict[str, Handed] = {}
    for identity, result in results:
        handin = record.handins.get(identity)
        time = record.times.get(identity) or (handin.time if handin else None)
        usual = policy_of(record, result.lab)
        extension = record.extensions.get(identity)
        policy = usual if extension is None else extension.applied(usual)
        lateness = policy.lateness(time)
        extended = time_text(policy.due) if policy.due is not None and policy.due != usual.due else ""
        if lateness is not None:
            lateness = replace(lateness, extended_to=extended)
        names = {question.name for question in result.questions}
        corrected = {q: override for q, override in overrides.get(identity, {}).items() if not names or q in names}
        if TOTAL in corrected:
            corrected = {TOTAL: corrected[TOTAL]}
        rows.append(Row(identity, Grade(result, corrected, lateness)))
        words = _late_words(lateness, policy, handin, time)
        if extended and not words and usual.lateness(time) is not None:
            words = "in time"
        handed[identity] = Handed(handin, time, f"{words}, extended to {extended}" if extended and words else words)
    return Counted(tuple(rows), handed)


def entries_of(counted: Counted, lab: str | None) -> list[Entry]:
    """Return the submissions of a lab, and those without a known lab."""
    return [
        Entry(row.identity, row.grade, counted.handed[row.identity].handin, counted.handed[row.identity].time)
        for row in counted.rows
        if row.grade.result.lab in (lab, None)
    ]


def _late_words(lateness: Lateness | None, policy: LatePolicy, handin: HandIn | None, time: datetime | None) -> str:
    if lateness is not None:
        within = lateness.seconds <= 60 * policy.grace_minutes
        return f"{duration(lateness.seconds)} late" + (", within the grace period" if within else "")
    if handin is not None and handin.late and time is None:
        return f"marked late by {PLATFORM_NAMES[handin.platform]}; time unknown, no deduction"
    return ""


def policy_of(record: Record, lab: str | None) -> LatePolicy:
    """Return the lateness policy of a lab, after command-line options.

    Raises:
        ValueError: the due time is invalid.
    """
    return record.options.applied(record.labs.get(lab or "", Lab()).late or LatePolicy())


def unused(overrides: Overrides, rows: Sequence[Row]) -> list[str]:
    """Return corrections that do not apply to the scores, as `ID question`."""
    used = {(row.identity, question) for row in rows for question in row.grade.overrides}
    return [f"{identity} {q}" for identity, by_q in overrides.items() for q in by_q if (identity, q) not in used]


def notes(found: Counted, record: Record, overrides: Overrides) -> list[str]:
    """Describe the effects of corrections and lateness, one per line; may be empty."""
    grades = [row.grade for row in found.rows]
    told: list[str] = []
    corrections = sum(len(grade.overrides) for grade in grades)
    if corrections:
        told.append(f"Corrected manually: {counted(corrections, 'question')}")
    astray = unused(overrides, found.rows)
    if astray:
        told.append(f"Corrections that do not apply to these scores: {first_few(astray)}")
    costly = [grade for grade in grades if grade.deduction > 0]
    if costly:
        taken = points(sum(grade.deduction for grade in costly))
        told.append(f"Late: {counted(len(costly), 'submission')}, {taken} points deducted in total")
    unknown = [row.identity for row in found.rows if _time_missing(row, found, record)]
    if unknown:
        marked = sum(bool(found.handed[identity].late) for identity in unknown)
        also = f" ({marked} of them marked late by the platform)" if marked else ""
        told.append(
            f"The submission time of {counted(len(unknown), 'submission')}{also} is unknown; no late deduction was "
            "applied. Use --times FILE (columns submission,time) to provide it"
        )
    return told


def _time_missing(row: Row, found: Counted, record: Record) -> bool:
    """Return whether a submission may be late by an unknown time.

    Canvas marks late submissions, so others of Canvas are on time.
    """
    handed = found.handed[row.identity]
    if handed.time is not None or not row.grade.result.questions:
        return False
    if handed.handin is not None and handed.handin.platform == "canvas":
        return handed.handin.late
    return policy_of(record, row.grade.result.lab).due is not None
