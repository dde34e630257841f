"""Moodle: its submissions download, grading worksheet and feedback files. Pure.

Download: "Download all submissions" puts a student's files into the folder NAME_ID_assignsubmission_file (with a
trailing underscore before Moodle 4.1) or, if "Download submissions in folders" is off, into one folder as
NAME_ID_assignsubmission_file_FILE; texts typed into Moodle are in …_assignsubmission_onlinetext. ID is the participant
number of the grading worksheet; Moodle replaces underscores in NAME by spaces (mod/assign/classes/downloader.php of
moodle/moodle; https://docs.moodle.org/en/Using_Assignment#Downloading_and_uploading_assignment_submissions). The
download contains no submission times.

Grading worksheet: "Download grading worksheet" has the columns Identifier ("Participant 123"), Full name, optionally ID
number, Email address, Status, Grade, Maximum Grade, Grade can be changed, Last modified (submission), Last modified
(grade), Feedback comments. Moodle identifies a participant by the digits of Identifier and skips grades outside 0 to
the maximum (mod/assign/feedback/offline of moodle/moodle).

Feedback files: "Upload multiple feedback files in a zip" takes files from folders NAME_ID_assignsubmission_file_,
without underscores in NAME (mod/assign/feedback/file/importziplib.php); Moodle before 4.1 requires the last underscore.
See https://docs.moodle.org/en/Assignment_settings#Feedback_types.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence

from autograder.errors import UsageError
from autograder.platforms.matching import Entry, Filled, Key, Line, fill
from autograder.results.handin import Claim, HandIn, Person
from autograder.util.csv_tables import Table, decimal_mark, ending_digits, localised_number
from autograder.util.text import clean_line
from autograder.util.zips import zip_bytes

# --- the download ---

_PREFIX = re.compile(r"(?P<name>.+?)_(?P<id>\d+)_assignsubmission_(?:file|onlinetext)(?:_(?P<file>.*))?")


def read_moodle_path(parts: Sequence[str]) -> tuple[Claim, int] | None:
    """Return a file's student and the number of path parts before Moodle's own.

    None if the path is not from a Moodle download.
    """
    for position, part in enumerate(parts):
        match = _PREFIX.fullmatch(part)
        if match is not None:
            person = Person(unicodedata.normalize("NFC", match["name"]), match["id"])
            own = "/".join([match["file"] or "", *parts[position + 1 :]]).strip("/")
            return Claim(HandIn("moodle", person.id, (person,)), own), position
    return None


# --- the gradebook ---

_UNSAFE = re.compile(r"[\x00-\x1f\x7f/\\:*?\"<>|_]+")


def fill_moodle(table: Table, entries: Sequence[Entry]) -> tuple[Table, Filled]:
    """Fill in the worksheet's grades on its own scale; all other fields are unchanged.

    Raises:
        UsageError: it is not a grading worksheet.
    """
    header = [field.strip().casefold() for field in table.rows[0]]
    missing = [name for name in ("Identifier", "Grade", "Maximum Grade") if name.casefold() not in header]
    if missing:
        raise UsageError(
            f"This is not a Moodle grading worksheet: it has no column {missing[0]}.",
            hint="set Moodle's language to English and download the grading worksheet of the assignment",
        )
    column = header.index("grade")
    lines = [_line(header, row, index) for index, row in enumerate(table.rows) if index]
    filled = fill(lines, entries, table.separator)
    rows = [list(row) for row in table.rows]
    for index, value in filled.values.items():
        rows[index][column] = value
    return table.with_rows(rows), filled


def _line(header: Sequence[str], row: Sequence[str], index: int) -> Line:
    fields = dict(zip(header, (field.strip() for field in [*row, *[""] * len(header)]), strict=False))
    keys: tuple[Key, ...] = (
        ("moodle", ending_digits(fields["identifier"])),
        ("sid", fields.get("id number", "")),
        ("email", fields.get("email address", "").casefold()),
    )
    told = fields["maximum grade"]
    maximum = localised_number(told)
    if maximum is None and any(c.isdecimal() for c in told):
        raise UsageError(
            f"The worksheet's row of {clean_line(fields['identifier'])} has the maximum grade {clean_line(told)}: "
            "this is not a number, or it is ambiguous. No grade was written.",
            hint="enter it there without thousands separators, for example 1000 or 10.5",
        )
    locked = ""
    if fields.get("grade can be changed", "").casefold() == "no":
        locked = "Moodle says that the grade cannot be changed"
    elif not maximum or maximum <= 0:
        locked = f"its maximum grade is {fields['maximum grade'] or 'empty'}, not a number of points"
    name = fields.get("full name") or fields["identifier"]
    return Line(index, name, tuple(k for k in keys if k[1]), fields["grade"], maximum, locked, decimal_mark(told))


def feedback_zip(pages: Sequence[tuple[Person, str, bytes]]) -> bytes:
    """Pack participants' feedback files into a zip with a folder per participant.

    Args:
        pages: participant, file name and content of each file.
    """
    return zip_bytes({_path(person, file): page for person, file, page in pages}, compressed=True)


def _path(person: Person, file: str) -> str:
    name = _UNSAFE.sub(" ", person.name).strip(" .") or "Participant"
    return f"{name}_{person.id}_assignsubmission_file_/{file}"


def feedback_pages(filled: Sequence[Entry], pages: Mapping[str, bytes], labs: int) -> list[tuple[Person, str, bytes]]:
    """Return participant, file name and page of each submission that counts.

    With several labs, the file name contains the lab.
    """
    return [
        (
            person,
            "feedback.html" if labs < 2 else f"feedback-{_UNSAFE.sub('-', entry.grade.result.lab or '')}.html",
            page,
        )
        for entry in filled
        if entry.handin is not None and (page := pages.get(entry.identity)) is not None
        for person in entry.handin.people
    ]
