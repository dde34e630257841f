"""Select the files handed in beside notebooks that can be used. Pure."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from autograder.errors import SubmissionError, TooLargeError
from autograder.handover.support import is_module_of_the_grader
from autograder.intake.found import NOTEBOOK, FileBeside, Found
from autograder.results.result import HandedInFile, LeftOut
from autograder.sandbox import Limits
from autograder.util.zips import MB, Member

MAX_FILES = 100
MAX_BYTES = 32 * MB
_MAX_DEPTH = 10
_MAX_PART = 255  # bytes, as on most file systems
# Conversions of a notebook, written beside it under its name; they are not its data.
_CONVERSION = re.compile(r"\.(pdf|html?|tex|md|docx?)$", re.IGNORECASE)
# In a folder that may belong to several students, such a file may be somebody's work.
_DOCUMENT = re.compile(r"\.(pdf|html?|tex|md|txt|rtf|docx?|odt|pages|py|r|rmd|qmd|m|7z|rar|tgz|gz|tar)$", re.IGNORECASE)
_DRIVE = re.compile(r"^[A-Za-z]:")


@dataclass(frozen=True)
class Beside:
    """The files handed in beside a notebook.

    Args:
        contents: those that were read, by their path relative to the notebook's folder.
        left_out: why a file is not there when the notebook runs.
    """

    contents: Mapping[str, bytes] = field(default_factory=dict)
    left_out: Mapping[str, LeftOut] = field(default_factory=dict)

    @property
    def given(self) -> dict[str, bytes]:
        """Those that are there when it runs."""
        return {name: content for name, content in self.contents.items() if name not in self.left_out}

    @property
    def files(self) -> tuple[HandedInFile, ...]:
        """All of them, as results record them."""
        digests = {name: hashlib.sha256(content).hexdigest() for name, content in self.contents.items()}
        return tuple(
            HandedInFile(name, digests.get(name, ""), self.left_out.get(name))
            for name in sorted({**self.contents, **self.left_out})
        )


NOTHING = Beside()


def take(files: Sequence[FileBeside], read: Callable[[FileBeside, int], bytes]) -> Beside:
    """Read files, those nearest to the notebook first, up to number and size limits.

    Args:
        files: the files.
        read: returns the bytes of one, up to a limit; may raise SubmissionError.
    """
    contents: dict[str, bytes] = {}
    left_out: dict[str, LeftOut] = {}
    folders: set[str] = set()
    room = MAX_BYTES
    for file in sorted(files, key=lambda file: (file.name.count("/"), file.name)):
        name = unicodedata.normalize("NFC", file.name.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))
        parents = {parent.as_posix() for parent in PurePosixPath(name).parents} - {"."}
        reason = file.left_out or _fault_of(name)
        if name in contents or name in left_out or name in folders or not parents.isdisjoint(contents):
            reason = reason or "name"
        if reason is None and len(contents) == MAX_FILES:
            reason = "too_many"
        if reason is None:
            try:
                contents[name] = read(file, room)
                room -= len(contents[name])
                folders |= parents
            except TooLargeError:
                reason = "too_large"
            except SubmissionError:
                reason = "unreadable"
        if reason is not None and name not in contents and len(left_out) < MAX_FILES:
            left_out[name] = reason
    return Beside(contents, left_out)


def _fault_of(name: str) -> LeftOut | None:
    """Return why a file of this name cannot be put beside the notebook."""
    parts = name.split("/")
    sound = (
        len(parts) <= _MAX_DEPTH
        and all(part not in ("", ".", "..") and len(part.encode()) <= _MAX_PART for part in parts)
        and all(character.isprintable() for character in name)
        and "\\" not in name
        and not _DRIVE.match(name)
    )
    if not sound:
        return "name"
    return "of_the_grader" if is_module_of_the_grader(name) else None


def for_lab(beside: Beside, lab: Iterable[str], limits: Limits) -> Beside:
    """Leave out files with a name of the lab's own files, and those without space.

    Args:
        beside: the student's files.
        lab: the paths of the lab's files.
        limits: the limits of its notebooks; at most half of the scratch folder is filled.
    """
    paths = list(lab)
    taken = {_imported_as(path) for path in paths}
    folders = {parent.as_posix() for path in paths for parent in PurePosixPath(path).parents}

    def is_taken(name: str) -> bool:
        places = {_imported_as(name), *(parent.as_posix() for parent in PurePosixPath(name).parents)}
        return not places.isdisjoint(taken) or _imported_as(name) in folders

    left_out = dict(beside.left_out)
    room, number = limits.scratch_mb * MB // 2, limits.scratch_files // 2
    for name, content in beside.contents.items():
        places = name.count("/") + 1
        if is_taken(name):
            left_out[name] = "of_the_lab"
        elif len(content) > min(room, limits.file_mb * MB) or places > number:
            left_out[name] = "too_large"
        else:
            room, number = room - len(content), number - places
    return replace(beside, left_out=left_out)


def _imported_as(path: str) -> str:
    """Return a path without the suffix of a module.

    `helper.py` and the folder `helper` are imported under the same name.
    """
    whole = PurePosixPath(path)
    is_module = whole.suffix in (".py", ".pyc", ".so", ".pyd")
    return (whole.parent / whole.name.split(".")[0]).as_posix() if is_module else whole.as_posix()


# --- which files? ----------------------------------------------------------------------------------------------------


def files_in_zip(
    members: Sequence[Member], notebook: Member, path: Path, member: str | None = None
) -> tuple[FileBeside, ...]:
    """Return the files beside the only notebook of a student's zip.

    Args:
        members: the files of the zip.
        notebook: the notebook among them.
        path: the zip, or the zip that contains it.
        member: its name in the zip that contains it; None if it is a file itself.
    """
    files = []
    for one in members:
        if one is notebook or NOTEBOOK.search(one.shown) or _is_conversion(one.shown, notebook.shown):
            continue
        name = _relative(one.shown, notebook.shown)
        left_out: LeftOut | None = "outside" if name is None else None
        if one.problem is not None:
            left_out = _fault_of(one.shown) or "unreadable"
        outer, inner = (one.name, None) if member is None else (member, one.name)
        files.append(FileBeside(name or one.shown, path, outer, inner, left_out))
    return tuple(files)


def with_files(notebook: Found, given_as: str, others: Iterable[tuple[Found, str]]) -> Found:
    """Give a notebook the other files of its student.

    Args:
        notebook: the notebook, or the zip that contains it.
        given_as: its path in the student's hand-in.
        others: files that are no notebooks, with their paths there.
    """
    known = {file.name for file in notebook.beside}
    files = []
    for other, path in others:
        name = _relative(path, given_as)
        if _is_conversion(path, given_as) or name in known:
            continue
        left_out: LeftOut | None = "outside" if name is None else None
        if not other.other_kind:
            left_out = "unreadable"
        files.append(FileBeside(name or other.name, other.path, other.member, other.inner, left_out))
    return replace(notebook, beside=(*notebook.beside, *files))


def of_plain_files(found: Sequence[Found], read: Callable[[Found], bytes], *, one_student: bool) -> list[Found]:
    """Give notebooks in folders the files beside them; return the submissions.

    A file belongs to the only notebook (or zip) of its folder, or of the nearest folder around it that has any. The
    outermost folder may hold the work of a class, so it counts only if everything is by one student. What could be
    another student's work, such as a PDF or a program, stays a submission unless the notebook mentions its name.

    Args:
        found: files that belong to no platform's download.
        read: returns a file's bytes; may raise ValueError.
        one_student: whether all of them are by one student.
    """
    work = [one for one in found if one.may_be_work and not one.companion]
    counts = Counter(one.place[:-1] for one in work)
    texts: dict[Found, str] = {}
    files: dict[Found, list[tuple[Found, str]]] = {}
    rows: list[Found] = []

    def mentioned(notebook: Found, other: Found) -> bool:
        if notebook not in texts:
            try:
                texts[notebook] = read(notebook).decode("utf-8", "replace")
            except ValueError:
                texts[notebook] = ""
        text, module = texts[notebook], re.escape(other.name.removesuffix(".py"))
        return (
            other.name in text
            or json.dumps(other.name)[1:-1] in text
            or (other.name.endswith(".py") and re.search(rf"\b(import|from)\b[^\n\"]*\b{module}\b", text) is not None)
        )

    usable = [notebook for notebook in work if notebook.problem is None and notebook.place]
    alone = {one.place[:-1]: one for one in usable if counts[one.place[:-1]] == 1 and not one.outermost}
    for one in found:
        if one.may_be_work and not one.companion:
            continue
        folders = (one.place[:end] for end in range(len(one.place) - 1, 0, -1))
        nearest = next((folder for folder in folders if folder in counts), ())
        owners = usable if one_student else [alone[nearest]] if nearest in alone else []
        if not one_student and not (one.other_kind and not one.hidden):
            owners = []
        if not one_student and _DOCUMENT.search(one.name) and not one.companion:
            owners = [owner for owner in owners if mentioned(owner, one)]
        for owner in owners:
            files.setdefault(owner, []).append((one, one.long))
        if not owners and not one.companion:
            rows.append(one)
    rows += [with_files(one, one.long, files[one]) if one in files else one for one in work]
    return rows


def _relative(path: str, notebook: str) -> str | None:
    """Return a path relative to the notebook's folder; None if it is not below that."""
    folder = notebook.rpartition("/")[0]
    if not folder:
        return path
    return path.removeprefix(f"{folder}/") if path.startswith(f"{folder}/") else None


def _is_conversion(path: str, notebook: str) -> bool:
    """Return whether a file is the notebook in another format."""
    return bool(_CONVERSION.search(path)) and _CONVERSION.sub("", path) == re.sub(r"\.\w+$", "", notebook)
