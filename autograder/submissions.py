"""From paths on the command line to submissions: which notebooks are there, and how to read each.

Finding never fails because of one file. What cannot be read becomes a submission all the same, with the
reason in `problem`, so that every student has a row.
"""

from __future__ import annotations

import io
import os
import re
import stat
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from autograder.archives import MB, Member, list_members, read_member
from autograder.errors import SubmissionError, UsageError
from autograder.naming import folder_names, numbered, readable_name

MAX_NOTEBOOK_BYTES = 100 * MB
# A student's own zip inside a class download: notebook, PDF and pictures.
MAX_INNER_ZIP_BYTES = 250 * MB

# Browsers like to add .txt or .json to a download; what is inside is a notebook all the same.
_NOTEBOOK = re.compile(r"\.ipynb(\.txt|\.json)?$", re.IGNORECASE)
_ZIP = re.compile(r"\.zip$", re.IGNORECASE)
# Every export of otter carries this file; its notebook comes first.
_EXPORT_MARK = "__zip_filename__"
_JUNK_FOLDERS = frozenset({"__MACOSX", "__pycache__"})
_JUNK_FILES = frozenset({"thumbs.db", "desktop.ini", "icon\r", _EXPORT_MARK})


@dataclass(frozen=True)
class Submission:
    """One notebook to be graded.

    Args:
        id: name of its folder under DIR/submissions: unique, ASCII, safe on every file system.
        name: what people see: the file's name, or its path inside the folder or zip that was given.
        path: the file on disk.
        member: the notebook inside `path`, if that is a zip; None otherwise.
        inner: where `member` is itself a zip, the notebook in it.
        problem: why it cannot be read, known from finding it; `read_submission` raises it.
    """

    id: str
    name: str
    path: Path
    member: str | None = None
    inner: str | None = None
    problem: str | None = None


@dataclass(frozen=True)
class _Found:
    """A submission before names are settled; `shown` is relative to the path given, `long` holds that path too."""

    shown: str
    long: str
    path: Path
    member: str | None = None
    inner: str | None = None
    problem: str | None = None


def find_submissions(paths: Sequence[Path]) -> tuple[Submission, ...]:
    """Every submission under the files, folders and zips given, sorted by name.

    Hidden files, system junk and notebook checkpoints are left out, as is a file that only accompanies a
    notebook of the same name (`ada.pdf` beside `ada.ipynb`). Any other file becomes an unreadable submission.

    Raises:
        UsageError: a path does not exist or cannot be listed, or nothing was found.
    """
    found: list[_Found] = []
    for path in paths:
        found.extend(_under(path))
    # The same file may be named twice, once by itself and once by its folder. Only the folder is resolved: a refused
    # link is a row of its own, not the file it points to.
    unique = {(f.path.parent.resolve() / f.path.name, f.member, f.inner): f for f in reversed(found)}
    if not unique:
        raise UsageError(
            f"There is nothing to grade in {', '.join(map(str, paths)) or 'the paths given'}: no notebook and no zip.",
            hint="give notebooks (.ipynb), zips as grader.export() writes them, or a folder that holds them",
        )
    return _settle_names(list(unique.values()))


def read_submission(submission: Submission) -> bytes:
    """The bytes of the notebook, at most 100 MB.

    Raises:
        SubmissionError: it cannot be read; the text says why and what to do.
    """
    if submission.problem is not None:
        raise SubmissionError(submission.problem)
    if submission.member is None:
        return _read_file(submission.path)
    if submission.inner is None:
        return read_member(submission.path, submission.member, MAX_NOTEBOOK_BYTES)
    inner = read_member(submission.path, submission.member, MAX_INNER_ZIP_BYTES)
    return read_member(io.BytesIO(inner), submission.inner, MAX_NOTEBOOK_BYTES)


def _read_file(path: Path) -> bytes:
    try:
        # Without O_NONBLOCK a named pipe would keep the grader waiting for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise SubmissionError("not an ordinary file (a pipe, a device or a folder)")
            data = file.read(MAX_NOTEBOOK_BYTES + 1)
    except OSError as error:
        raise SubmissionError(f"the file cannot be read: {error.strerror or error}") from None
    if len(data) > MAX_NOTEBOOK_BYTES:
        raise SubmissionError(
            f"the notebook is larger than {MAX_NOTEBOOK_BYTES // MB} MB: clear its outputs, save and hand in again"
        )
    return data


def _under(path: Path) -> Iterator[_Found]:
    if not os.path.exists(path):  # noqa: PTH110 - Path.exists raises where a folder above may not be entered
        raise UsageError(
            f"{path} does not exist or may not be read.", hint="check the spelling, and the folder you are in"
        )
    if path.is_dir():
        try:
            list(path.iterdir())
        except OSError as error:
            raise UsageError(
                f"The folder {path} cannot be listed: {error.strerror or error}.", hint=f"chmod u+rx {path}"
            ) from None
        yield from _in_folder(path)
    else:
        # A bare "." or ".." never gets here, so a file always has a name.
        yield from _file(_Found(path.name, str(path), path))


def _in_folder(folder: Path) -> Iterator[_Found]:
    denied: list[OSError] = []
    for here, folders, files in os.walk(folder, onerror=denied.append):
        links = [name for name in folders if Path(here, name).is_symlink()]
        folders[:] = sorted(name for name in folders if not _is_junk(name))
        for name in _without_companions([n for n in sorted([*files, *links]) if not _is_junk(n)]):
            path = Path(here, name)
            found = _Found(path.relative_to(folder).as_posix(), str(path), path)
            if path.is_symlink():
                # Even a link inside the folder is refused: unzip keeps links, and one could hand in a neighbour's work.
                yield replace(found, problem="a link, not a file; links are not followed: put the file itself here")
            else:
                yield from _file(found)
    for error in denied:
        path = Path(error.filename)
        reason = f"the folder cannot be listed: {error.strerror}"
        yield _Found(path.relative_to(folder).as_posix(), str(path), path, problem=reason)


def _file(found: _Found) -> Iterator[_Found]:
    if not os.path.isfile(found.path):  # noqa: PTH113 - Path.is_file raises where the folder may not be entered
        yield replace(found, problem="not an ordinary file (a pipe, a device or a broken link)")
    elif _ZIP.search(found.path.name):
        yield from _in_zip(found)
    elif _NOTEBOOK.search(found.path.name):
        yield found
    else:
        yield replace(found, problem=_neither(found.path.name))


def _in_zip(found: _Found) -> Iterator[_Found]:
    """The submissions of a zip on disk: one for a student's export, many for a class download."""
    try:
        members = list_members(found.path)
        single = _single_notebook(members)
    except SubmissionError as error:
        yield replace(found, problem=str(error))
        return
    if single is not None:
        yield replace(found, member=single.name, problem=single.problem)
        return
    for member in _candidates(members):
        inside = _inside(found, member.shown)
        if member.problem is None and _ZIP.search(member.shown):
            yield from _in_inner_zip(inside, member.name)
        else:
            yield replace(inside, member=member.name, problem=_member_problem(member))


def _in_inner_zip(found: _Found, name: str) -> Iterator[_Found]:
    """The submissions of the zip `name` inside a zip; a third level is refused."""
    found = replace(found, member=name)
    try:
        data = io.BytesIO(read_member(found.path, name, MAX_INNER_ZIP_BYTES))
        members = list_members(data)
        single = _single_notebook(members)
    except SubmissionError as error:
        yield replace(found, problem=str(error))
        return
    if single is not None:
        yield replace(found, inner=single.name, problem=single.problem)
        return
    for member in _candidates(members):
        problem = _member_problem(member)
        if problem is None and _ZIP.search(member.shown):
            problem = "a zip inside a zip inside a zip: unpack the outermost and grade the folder"
        yield replace(_inside(found, member.shown), inner=member.name, problem=problem)


def _inside(found: _Found, shown: str) -> _Found:
    return replace(found, shown=f"{found.shown}/{shown}", long=f"{found.long}/{shown}")


def _member_problem(member: Member) -> str | None:
    if member.problem is None and not (_NOTEBOOK.search(member.shown) or _ZIP.search(member.shown)):
        return _neither(PurePosixPath(member.shown).name)
    return member.problem


def _single_notebook(members: Sequence[Member]) -> Member | None:
    """The notebook of a zip that is one student's work, or None for a class download.

    Raises:
        SubmissionError: there is neither a notebook nor a zip in it.
    """
    visible = _visible(members)
    notebooks = [m for m in visible if _NOTEBOOK.search(m.shown)]
    zips = [m for m in visible if _ZIP.search(m.shown)]
    exported = any(m.shown == _EXPORT_MARK for m in members)
    if notebooks and (exported or (len(notebooks) == 1 and not zips)):
        return notebooks[0]
    if notebooks or zips:
        return None
    names = [m.shown for m in visible]
    if "otter_config.json" in names:
        raise SubmissionError("this is an autograder zip, not a submission: give it with -a")
    held = ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
    raise SubmissionError(f"the zip holds no notebook (.ipynb); it holds {held or 'nothing but system files'}")


def _candidates(members: Sequence[Member]) -> list[Member]:
    by_name = {m.shown: m for m in _visible(members)}
    return [by_name[name] for name in _without_companions(list(by_name))]


def _visible(members: Sequence[Member]) -> list[Member]:
    return [m for m in members if not any(_is_junk(part) for part in m.shown.split("/") if part not in {"", "..", "."})]


def _is_junk(name: str) -> bool:
    return name.startswith((".", "~$")) or name in _JUNK_FOLDERS or name.lower() in _JUNK_FILES


def _without_companions(names: Sequence[str]) -> list[str]:
    """Drop what only accompanies a notebook or zip of the same name and folder, such as otter's PDF."""
    work = {n for n in names if _NOTEBOOK.search(n) or _ZIP.search(n)}
    stems = {_ZIP.sub("", _NOTEBOOK.sub("", n)) for n in work}
    return [n for n in names if n in work or os.path.splitext(n)[0] not in stems]  # noqa: PTH122 - names, not paths


def _neither(name: str) -> str:
    suffix = PurePosixPath(name).suffix
    kind = f"a {suffix} file" if suffix else "a file without an ending"
    return f"{kind} is neither a notebook (.ipynb) nor a zip: hand in the notebook, or the zip grader.export() writes"


def _settle_names(found: Sequence[_Found]) -> tuple[Submission, ...]:
    short = Counter(readable_name(f.shown) for f in found)
    named = [(readable_name(f.shown if short[readable_name(f.shown)] == 1 else f.long), f) for f in found]
    # Sorted before numbering, so that the outcome does not hang on the order of the command line.
    named.sort(key=lambda pair: (pair[0].casefold(), pair[0], os.fsencode(pair[1].long)))
    names = numbered([name for name, _ in named])
    ids = folder_names(names)
    return tuple(
        Submission(identity, name, f.path, f.member, f.inner, f.problem)
        for identity, name, (_, f) in zip(ids, names, named, strict=True)
    )
