"""From results, corrections and times to the grades that count. Pure."""

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
    """The rows of a class, and for each ID what is known of how it was handed in."""

    rows: tuple[Row, ...]
    handed: Mapping[str, Handed]


def count(results: Sequence[tuple[str, Result]], record: Record, overrides: Overrides) -> Counted:
    """Grades of results, each given with its ID; in the order given.

    Raises:
        ValueError: the due time asked for cannot be read.
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
    """The submissions of a lab, and those that could not be assigned to any."""
    return [
        Entry(row.identity, row.grade, counted.handed[row.identity].handin, counted.handed[row.identity].time)
        for row in counted.rows
        if row.grade.result.lab in (lab, None)
    ]


def _late_words(lateness: Lateness | None, policy: LatePolicy, handin: HandIn | None, time: datetime | None) -> str:
    if lateness is not None:
        within = lateness.seconds <= 60 * policy.grace_minutes
        return f"{duration(lateness.seconds)} late" + (", within the grace time" if within else "")
    if handin is not None and handin.late and time is None:
        return f"marked late by {PLATFORM_NAMES[handin.platform]}; it is not known by how much: nothing deducted"
    return ""


def policy_of(record: Record, lab: str | None) -> LatePolicy:
    """What late costs in a lab: what was asked for, else what the lab itself says.

    Raises:
        ValueError: the due time asked for cannot be read.
    """
    return record.options.applied(record.labs.get(lab or "", Lab()).late or LatePolicy())


def unused(overrides: Overrides, rows: Sequence[Row]) -> list[str]:
    """Corrections that count nowhere, as `ID question`: their submission or question is not in the scores."""
    used = {(row.identity, question) for row in rows for question in row.grade.overrides}
    return [f"{identity} {q}" for identity, by_q in overrides.items() for q in by_q if (identity, q) not in used]


def notes(found: Counted, record: Record, overrides: Overrides) -> list[str]:
    """What to tell about corrections and lateness, a line each; nothing where neither plays a part."""
    grades = [row.grade for row in found.rows]
    told: list[str] = []
    corrections = sum(len(grade.overrides) for grade in grades)
    if corrections:
        told.append(f"Corrected by hand: {counted(corrections, 'question')}")
    astray = unused(overrides, found.rows)
    if astray:
        told.append(f"Corrections without a place in these scores: {first_few(astray)}")
    costly = [grade for grade in grades if grade.deduction > 0]
    if costly:
        taken = points(sum(grade.deduction for grade in costly))
        told.append(f"Late: {counted(len(costly), 'submission')}, {taken} points taken off in all")
    unknown = [row.identity for row in found.rows if _time_missing(row, found, record)]
    if unknown:
        marked = sum(bool(found.handed[identity].late) for identity in unknown)
        also = f" ({marked} of them marked late by the platform)" if marked else ""
        told.append(
            f"Nobody knows when {counted(len(unknown), 'submission')}{also} came in: nothing deducted there. "
            "--times FILE tells (columns submission,time)"
        )
    return told


def _time_missing(row: Row, found: Counted, record: Record) -> bool:
    """Whether it may be late by an unknown time. Canvas marks what is late, so nothing else of Canvas is."""
    handed = found.handed[row.identity]
    if handed.time is not None or not row.grade.result.questions:
        return False
    if handed.handin is not None and handed.handin.platform == "canvas":
        return handed.handin.late
    return policy_of(record, row.grade.result.lab).due is not None
