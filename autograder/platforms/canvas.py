"""Canvas: file names of its submissions download, and its gradebook. Pure.

Download: "Download Submissions" names every file NAME_USERID_FILEID_FILE, with LATE_ before the user ID of late
submissions (`ContentZipper` in lib/content_zipper.rb of instructure/canvas-lms). NAME is the sortable name in lower
case, reduced to letters, digits and underscores; it cannot contain `_123_`. If a student uploads a file of the same
name again, Canvas appends -1, -2, … to FILE, and the new upload has a higher FILEID. A submitted text or link becomes
NAME_USERID_text.html or _link.html; in anonymous assignments, `anon_CODE` replaces NAME_USERID.

Gradebook: the file of "Export Entire Gradebook", for "Import". Its columns are Student (or LastName, FirstName), ID,
optionally SIS User ID, SIS Login ID, Integration ID, Root Account, and Section; then a column `Title (ID)` per
assignment; then totals, which are read-only. Below the header there may be a row with "Manual Posting" for some
assignments, and a row that starts with "Points Possible". See lib/gradebook_exporter.rb and lib/gradebook_importer.rb
of instructure/canvas-lms, and https://community.canvaslms.com, "How do I import grades in the Gradebook?".
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from autograder.errors import UsageError
from autograder.platforms.matching import Entry, Filled, Key, Line, fill, sortable
from autograder.results.handin import Claim, HandIn, Person
from autograder.util.csv_tables import Table, decimal_mark, localised_number, records
from autograder.util.text import clean_line

# --- the download ---

# Canvas's file numbers are larger than numbers in names that people choose (lab_1_2_final.ipynb).
_UPLOAD = re.compile(r"(?P<name>.+?)_(?P<late>LATE_)?(?P<user>[1-9]\d*)_(?P<number>[1-9]\d{2,})_(?P<file>.+)")
_ANONYMOUS = re.compile(r"(?P<late>LATE_)?(?P<user>anon_[A-Za-z0-9]+)_(?P<number>[1-9]\d{2,})_(?P<file>.+)")
_ONLINE = re.compile(r"(?P<name>.+?)_(?P<late>LATE_)?(?P<user>[1-9]\d*)_(?P<file>(text|link)\.html)")
_COUNTED = re.compile(r"-\d+(?=(\.[A-Za-z]+)+$)")


def read_canvas_name(name: str) -> Claim | None:
    """Return the student and original name of a file; None if Canvas did not name it."""
    name = unicodedata.normalize("NFC", name)
    for pattern in (_ANONYMOUS, _UPLOAD, _ONLINE):
        match = pattern.fullmatch(name)
        if match is not None:
            parts = match.groupdict()
            number = parts.get("number")
            if parts.get("name") and parts["name"] != sortable(parts["name"]):
                return None
            person = Person(parts.get("name") or parts["user"], parts["user"])
            handin = HandIn(
                "canvas", person.id, (person,), late=parts["late"] is not None, number=int(number) if number else None
            )
            return Claim(handin, parts["file"])
    return None


def name_before_uploads(file: str) -> str:
    """Return the name without the number that Canvas appends to later uploads."""
    return _COUNTED.sub("", file)


def uploads_of_one_file(files: Collection[str]) -> bool:
    """Return whether names are uploads of one file: lab.ipynb, lab-1.ipynb.

    If the name without a number is missing, as with part-1.ipynb and part-2.ipynb, a person chose the numbers.
    """
    plain = {_COUNTED.sub("", file) for file in files}
    return len(plain) == 1 and (plain <= set(files) or len(set(files)) == 1)


# --- the gradebook ---

_ASSIGNMENT = re.compile(r"(?P<title>.*) \((?P<id>\d+)\)", re.DOTALL)
_NO_STUDENT = re.compile(r"\s*(Muted|Manual Posting.*)?\s*", re.IGNORECASE)
_IDENTIFYING = ("Student", "LastName", "FirstName", "ID", "SIS User ID", "SIS Login ID")
_KEPT = {"EX": "excused in Canvas", "N/A": "not assigned to this student in Canvas"}


def fill_canvas(table: Table, entries: Sequence[Entry], column: int) -> tuple[Table, Filled]:
    """Fill in one column of the gradebook; all other fields are unchanged.

    Args:
        table: Canvas's export.
        entries: the submissions of one lab.
        column: the assignment's column, from `assignment_column`.

    Raises:
        UsageError: the column cannot be changed.
    """
    header = [field.strip() for field in table.rows[0]]
    possible = next((i for i, row in enumerate(table.rows) if i and row and "Points Possible" in row[0]), None)
    told = table.rows[possible][column].strip() if possible is not None and len(table.rows[possible]) > column else ""
    if "read only" in told:
        raise UsageError(f"The column {clean_line(header[column])} of Canvas's gradebook is read-only.")
    maximum = localised_number(told)
    if told and maximum is None:
        raise UsageError(
            f'The row "Points Possible" of the gradebook gives {clean_line(told)} for {clean_line(header[column])}: '
            "this is not a number, or it is ambiguous. No grade was written.",
            hint="enter it in that row without thousands separators, for example 1000 or 10.5",
        )
    lines = [
        _line(header, row, index, column, maximum or None, decimal_mark(told))
        for index, row in enumerate(table.rows)
        if index and index != possible and not _no_student(header, row)
    ]
    filled = fill(lines, entries, table.separator)
    if not maximum and filled.values:
        filled.tell(
            "The gradebook does not contain the maximum points: the lab's points were not scaled",
            clean_line(header[column]),
        )
    rows = [list(row) for row in table.rows]
    for index, value in filled.values.items():
        rows[index] += [""] * (column + 1 - len(rows[index]))
        rows[index][column] = value
    return table.with_rows(rows), filled


def _no_student(header: Sequence[str], row: Sequence[str]) -> bool:
    """Return whether a row belongs to Canvas itself, such as "Manual Posting"."""
    fields = dict(zip(header, (field.strip() for field in row), strict=False))
    named = any(fields.get(column) for column in _IDENTIFYING)
    return not named or all(_NO_STUDENT.fullmatch(field) for field in row)


def _line(header: Sequence[str], row: Sequence[str], index: int, column: int, maximum: float | None, mark: str) -> Line:
    fields = dict(zip(header, (field.strip() for field in row), strict=False))
    keys: tuple[Key, ...] = (
        ("canvas", fields.get("ID", "")),
        ("sid", fields.get("SIS User ID", "")),
        ("email", fields.get("SIS Login ID", "").casefold()),
    )
    name = fields.get("Student") or f"{fields.get('LastName', '')}, {fields.get('FirstName', '')}"
    before = row[column].strip() if len(row) > column else ""
    return Line(index, name, tuple(k for k in keys if k[1]), before, maximum, _KEPT.get(before.upper(), ""), mark)


def assignment_column(table: Table, asked: str | None, names: Sequence[str]) -> int:
    """Return the index of the column to fill in.

    Args:
        table: Canvas's export.
        asked: the column's header, title or ID, as given by the user; None to search for the lab.
        names: names of the lab.

    Raises:
        UsageError: the table is not a gradebook, or not exactly one column matches.
    """
    header = [field.strip() for field in table.rows[0]]
    if "ID" not in header or not ({"Student", "LastName"} & set(header)):
        raise UsageError(
            "This is not a Canvas gradebook: its first line must contain Student and ID.",
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
        f"{many} of the gradebook is named {clean_line(called) or 'like the lab'}. Assignments: {listed}.",
        hint=f'choose the column: --canvas-column "{example}"',
    )


def _plain(text: str) -> str:
    """Reduce a title to its letters and digits for comparison."""
    return "".join(c for c in text.casefold() if c.isalnum())


# --- groups ---

_ROSTER = ("name", "canvas_user_id", "group_name")


def read_groups(table: Table, name: str) -> dict[str, tuple[Person, ...]]:
    """Return the members of each group by the ID of any of them.

    The table is Canvas's roster of a group set (People, the group set, "Download Course Roster CSV"), with the columns
    name, canvas_user_id, user_id, login_id, sections, group_name and others.

    Raises:
        UsageError: it is another table.
    """
    groups: dict[str, list[Person]] = {}
    for _, fields in records(table, name, _ROSTER):
        if fields["group_name"] and fields["canvas_user_id"]:
            groups.setdefault(fields["group_name"], []).append(Person(fields["name"], fields["canvas_user_id"]))
    return {person.id: tuple(members) for members in groups.values() for person in members}


def for_groups(entries: Sequence[Entry], groups: Mapping[str, tuple[Person, ...]]) -> list[Entry]:
    """Return the submissions as handed in by all members of their groups.

    Canvas names one member of each group.
    """
    spread: list[Entry] = []
    for entry in entries:
        members = groups.get(entry.handin.key, ()) if entry.handin is not None else ()
        known = entry.handin.people if entry.handin is not None else ()
        others = tuple(person for person in members if person.id not in {one.id for one in known})
        if entry.handin is None or not others:
            spread.append(entry)
        else:
            spread.append(replace(entry, handin=replace(entry.handin, people=(*known, *others))))
    return spread
