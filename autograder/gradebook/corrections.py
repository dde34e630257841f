"""`--override FILE`: a person's corrections. Pure.

The file is CSV with the columns submission,question,points,reason; a submission is named by its name or its ID. A
correction holds for the question of that submission, whatever a later grading gives, until another file replaces it.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass

from autograder.errors import KitError, UsageError
from autograder.results.grade import Override
from autograder.util.csv_tables import number, read_table, records
from autograder.util.text import clean_line, points

_COLUMNS = ("submission", "question", "points", "reason")
_MAX_FAULTS = 5
_SLACK = 1e-9

# Corrections by submission ID and question.
Overrides = Mapping[str, Mapping[str, Override]]


@dataclass(frozen=True)
class Known:
    """What corrections may name.

    Args:
        identities: IDs by what a person may call a submission.
        questions: for each ID the questions it may have, with the most points each can earn.
    """

    identities: Mapping[str, str]
    questions: Mapping[str, Mapping[str, float]]


def read_overrides(data: bytes, name: str, known: Known) -> Overrides:
    """Read a file of corrections.

    Raises:
        UsageError: a line cannot be used; the first few are told, each with its number.
    """
    table = read_table(data, name)
    found: dict[str, dict[str, Override]] = {}
    faults: list[str] = []
    for line, fields in records(table, name, _COLUMNS):
        try:
            identity, override = _correction(fields, known, table.separator)
        except ValueError as error:
            faults.append(f"line {line}: {error}")
            continue
        if override.question in found.get(identity, {}):
            faults.append(f"line {line}: {override.question} of {clean_line(fields['submission'])} stands there twice")
        found.setdefault(identity, {})[override.question] = override
    if faults:
        more = f"; and {len(faults) - _MAX_FAULTS} more" if len(faults) > _MAX_FAULTS else ""
        raise UsageError(
            f"{name}: {'; '.join(faults[:_MAX_FAULTS])}{more}.",
            hint=f"mend the file; its columns are {','.join(_COLUMNS)}",
        )
    return found


def _correction(fields: Mapping[str, str], known: Known, separator: str) -> tuple[str, Override]:
    called, question = fields["submission"], fields["question"]
    identity = known.identities.get(called)
    if identity is None:
        raise ValueError(
            f"there is no submission {clean_line(called) or 'without a name'}{_near(called, known.identities)}"
        )
    questions = known.questions.get(identity, {})
    if question not in questions:
        held = ", ".join(map(clean_line, questions)) or "none, for it could not be read"
        raise ValueError(f"{clean_line(called)} has no question {clean_line(question)} (it has {held})")
    value = number(fields["points"], separator)
    most = questions[question]
    if value is None:
        raise ValueError(f"{clean_line(fields['points']) or 'nothing'} is no number of points")
    if not 0 <= value <= most + _SLACK:
        raise ValueError(f"{points(value)} points are not between 0 and the {points(most)} of {clean_line(question)}")
    if not fields["reason"]:
        raise ValueError("the reason is missing; the student reads it")
    return identity, Override(question, value, fields["reason"])


def _near(called: str, names: Collection[str]) -> str:
    near = difflib.get_close_matches(called, names, n=2, cutoff=0.6)
    return f"; there is {' and '.join(map(clean_line, near))}" if near else ""


def changes(before: Overrides, after: Overrides) -> str:
    """What a new file changes, in words."""
    old = {(identity, q): override for identity, by_q in before.items() for q, override in by_q.items()}
    new = {(identity, q): override for identity, by_q in after.items() for q, override in by_q.items()}
    counts = {
        "new": len(new.keys() - old.keys()),
        "changed": sum(old[key] != new[key] for key in old.keys() & new.keys()),
        "taken back": len(old.keys() - new.keys()),
    }
    told = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
    return f"Corrections: {len(new)} ({told or 'none of them new'})"


def to_json(overrides: Overrides) -> str:
    """The corrections as they are kept with the results."""
    entries = [
        {"submission": identity, **asdict(override)}
        for identity, by_q in overrides.items()
        for override in by_q.values()
    ]
    return json.dumps({"schema": 1, "overrides": entries}, indent=1, ensure_ascii=False) + "\n"


def from_json(text: str, path: object) -> Overrides:
    """Read what `to_json` wrote.

    Raises:
        KitError: it is something else.
    """
    found: dict[str, dict[str, Override]] = {}
    try:
        for entry in json.loads(text)["overrides"]:
            override = Override(str(entry["question"]), float(entry["points"]), str(entry["reason"]))
            found.setdefault(str(entry["submission"]), {})[override.question] = override
    except (ValueError, KeyError, TypeError) as error:
        raise KitError(f"{path} is damaged: {error}", hint="give the corrections again with --override FILE") from error
    return found
