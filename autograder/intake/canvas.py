"""File names of Canvas's "Download Submissions".

Canvas names every file NAME_USERID_FILEID_FILE, with LATE_ before the user's ID where it is late (its `ContentZipper`,
lib/content_zipper.rb of instructure/canvas-lms). NAME is the sortable name in small letters, of which only letters,
digits and underscores are left; `_123_` cannot occur in it. Where a student uploads a file of the same name again,
Canvas adds -1, -2, … to FILE, and the new upload has a higher FILEID. A text or a link handed in becomes
NAME_USERID_text.html or _link.html; in an anonymous assignment `anon_CODE` stands for NAME_USERID.
"""

from __future__ import annotations

import re

from autograder.intake.handins import Claim, HandIn, Person

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


def sortable(name: str) -> str:
    """A gradebook's student name ("Doe, Jane") as Canvas writes it into file names ("doejane")."""
    return re.sub(r"\W", "", name).lower()
