"""Canvas's gradebook, filled: the file of "Export Entire Gradebook", for "Import". Pure.

Its columns are Student (or LastName, FirstName), ID, then perhaps SIS User ID, SIS Login ID, Integration ID, Root
Account, and Section; then a column `Title (ID)` for each assignment; then totals, which are read only. Below the header
may stand a row with "Manual Posting" for some assignments, and a row that begins with "Points Possible". See
lib/gradebook_exporter.rb and lib/gradebook_importer.rb of instructure/canvas-lms, and
https://community.canvaslms.com, "How do I import grades in the Gradebook?".
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from autograder.errors import UsageError
from autograder.gradebook.fill import Entry, Filled, Key, Line, fill
from autograder.gradebook.tables import Table, number
from autograder.render.words import clean_line

_ASSIGNMENT = re.compile(r"(?P<title>.*) \((?P<id>\d+)\)", re.DOTALL)
_NO_STUDENT = re.compile(r"\s*(Muted|Manual Posting.*)?\s*", re.IGNORECASE)
_KEPT = {"EX": "excused in Canvas", "N/A": "not assigned to this student in Canvas"}


def fill_canvas(table: Table, entries: Sequence[Entry], column: int) -> tuple[Table, Filled]:
    """The gradebook with one column filled; every other field stays as it was.

    Args:
        table: Canvas's export.
        entries: the submissions of one lab.
        column: of the assignment, as `assignment_column` gives it.

    Raises:
        UsageError: the column cannot be changed.
    """
    header = [field.strip() for field in table.rows[0]]
    possible = next((row for row in table.rows[1:] if row and "Points Possible" in row[0]), ())
    told = possible[column].strip() if len(possible) > column else ""
    if "read only" in told:
        raise UsageError(f"Canvas does not let {clean_line(header[column])} be changed: it is read only.")
    maximum = number(told, table.separator)
    lines = [
        _line(header, row, index, column, maximum or None)
        for index, row in enumerate(table.rows)
        if index and row is not possible and not all(_NO_STUDENT.fullmatch(field) for field in row)
    ]
    filled = fill(lines, entries, table.separator)
    rows = [list(row) for row in table.rows]
    for index, value in filled.values.items():
        rows[index] += [""] * (column + 1 - len(rows[index]))
        rows[index][column] = value
    return table.with_rows(rows), filled


def _line(header: Sequence[str], row: Sequence[str], index: int, column: int, maximum: float | None) -> Line:
    fields = dict(zip(header, (field.strip() for field in row), strict=False))
    keys: tuple[Key, ...] = (
        ("canvas", fields.get("ID", "")),
        ("sid", fields.get("SIS User ID", "")),
        ("email", fields.get("SIS Login ID", "").casefold()),
    )
    name = fields.get("Student") or f"{fields.get('LastName', '')}, {fields.get('FirstName', '')}"
    before = row[column].strip() if len(row) > column else ""
    return Line(index, name, tuple(k for k in keys if k[1]), before, maximum, _KEPT.get(before.upper(), ""))


def assignment_column(table: Table, asked: str | None, names: Sequence[str]) -> int:
    """The column to fill.

    Args:
        table: Canvas's export.
        asked: a column's header, its title or its ID, as a person gave it; None to look for the lab.
        names: what the lab is called.

    Raises:
        UsageError: the table is no gradebook, or no column or more than one fits.
    """
    header = [field.strip() for field in table.rows[0]]
    if "ID" not in header or not ({"Student", "LastName"} & set(header)):
        raise UsageError(
            "This is not a gradebook of Canvas: its first line must hold Student and ID.",
            hint='in Canvas: Grades > Export > "Export Entire Gradebook"',
        )
    assignments = {index: match for index, field in enumerate(header) if (match := _ASSIGNMENT.fullmatch(field))}
    if asked is not None:
        fits = [i for i, m in assignments.items() if asked.strip() in (m[0], m["title"].strip(), m["id"])]
    else:
        wanted = {_plain(name) for name in names if name}
        fits = [i for i, m in assignments.items() if _plain(m["title"]) in wanted]
    if len(fits) == 1:
        return fits[0]
    listed = ", ".join(clean_line(m[0]) for i, m in assignments.items() if not fits or i in fits) or "none"
    called = asked if asked is not None else " or ".join(name for name in names if name)
    many = "More than one assignment" if fits else "No assignment"
    example = clean_line(next((m[0] for i, m in assignments.items() if not fits or i in fits), "TITLE (ID)"))
    raise UsageError(
        f"{many} of the gradebook is called {clean_line(called) or 'like the lab'}; there is {listed}.",
        hint=f'name the column: --canvas-column "{example}"',
    )


def _plain(text: str) -> str:
    """Titles are compared by their letters and digits."""
    return "".join(c for c in text.casefold() if c.isalnum())
