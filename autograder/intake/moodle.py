"""Folder and file names of Moodle's "Download all submissions".

A student's files lie in the folder NAME_ID_assignsubmission_file (with an underscore at the end before Moodle 4.1), or,
where "Download submissions in folders" is off, in one folder as NAME_ID_assignsubmission_file_FILE; a text typed into
Moodle stands in …_assignsubmission_onlinetext. ID is the participant's number of the grading worksheet; Moodle writes
underscores of NAME as spaces (mod/assign/classes/downloader.php of moodle/moodle;
https://docs.moodle.org/en/Using_Assignment#Downloading_and_uploading_assignment_submissions).
The download does not say when anything was handed in.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from autograder.intake.handins import Claim, HandIn, Person

_PREFIX = re.compile(r"(?P<name>.+?)_(?P<id>\d+)_assignsubmission_(?:file|onlinetext)(?:_(?P<file>.*))?")


def read_moodle_path(parts: Sequence[str]) -> tuple[Claim, int] | None:
    """Whose file it is, and how many parts of its path stand before Moodle's own; None if it is another's."""
    for position, part in enumerate(parts):
        match = _PREFIX.fullmatch(part)
        if match is not None:
            person = Person(match["name"], match["id"])
            own = "/".join([match["file"] or "", *parts[position + 1 :]]).strip("/")
            return Claim(HandIn("moodle", person.id, (person,)), own), position
    return None
