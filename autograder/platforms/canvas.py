"""Canvas: file names of its submissions download, and its gradebook.

File names of Canvas's "Download Submissions".

Canvas names every file NAME_USERID_FILEID_FILE, with LATE_ before the user's ID where it is late (its `ContentZipper`,
lib/content_zipper.rb of instructure/canvas-lms). NAME is the sortable name in small letters, of which only letters,
digits and underscores are left; `_123_` cannot occur in it. Where a student uploads a file of the same name again,
Canvas adds -1, -2, … to FILE, and the new upload has a higher FILEID. A text or a link handed in becomes
NAME_USERID_text.html or _link.html; in an anonymous assignment `anon_CODE` stands for NAME_USERID.

Canvas's gradebook, filled: the file of "Export Entire Gradebook", for "Import". Pure.

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
from autograder.platforms.matching import Entry, Filled, Key, Line, fill
from autograder.results.handin import Claim, HandIn, Person
from autograder.util.csv_tables import Table, number
from autograder.util.text import clean_line

# --- the download ---

# Canvas never gives a file a number as small as those people put into names of their own (lab_1_2_final.ipynb).
_UPLOAD = re.compile(r"(?P<name>.+?)_(?P<late>LATE_)?(?P<user>[1-9]\d*)_(?P<number>[1-9]\d{2,})_(?P<file>.+)")
_ANONYMOUS = re.compile(r"(?P<late>LATE_)?(?P<user>anon_[A-Za-z0-9]+)_(?P<number>[1-9]\d{2,})_(?P<file>.+)")
_ONLINE = re.compile(r"(?P<name>.+?)_(?P<late>LATE_)?(?P<user>[1-9]\d*)_(?P<file>(text|link)\.html)")
_COUNTED = re.compile(r"-\d+(?=(\.[A-Za-z]+)+$)")


def read_canvas_name(name: str) -> Claim | None:
    """Whose file it is and its own name, without the number Canvas adds to a second upload; None if it is another's."""
    for pattern in (_ANONYMOUS, _UPLOAD, _ONLINE):
        match = pattern.fullmatch(name)
        if match is not None:
            parts = match.groupdict()
            number = parts.get("number")
            person = Person(parts.get("name") or parts["user"], parts["user"])
            handin = HandIn(
                "canvas", person.id, (person,), late=parts["late"] is not None, number=int(number) if number else None
            )
            return Claim(handin, _COUNTED.sub("", parts["file"]))
    return None


# --- the gradebook ---

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
