"""From paths on the command line to files: what lies in folders, zips, and zips in zips.

Nothing is unpacked to disk, links are not followed, and what cannot be read is listed with the reason.
"""

from __future__ import annotations

import io
import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import takewhile
from pathlib import Path, PurePosixPath

from autograder.errors import SubmissionError, UsageError
from autograder.intake.found import NOTEBOOK, ZIP, Found
from autograder.platforms.canvas import read_canvas_name
from autograder.platforms.gradescope import METADATA
from autograder.platforms.moodle import read_moodle_path
from autograder.results.folder import is_results_folder
from autograder.util.zips import MB, Member, list_members, read_member

MAX_NOTEBOOK_BYTES = 100 * MB
# A student's own zip inside a class download: notebook, PDF and pictures.
MAX_INNER_ZIP_BYTES = 250 * MB

# Every export of otter carries this file; its notebook comes first.
_EXPORT_MARK = "__zip_filename__"
_JUNK_FOLDERS = frozenset({"__MACOSX", "__pycache__"})
# The junk folders that tell what a student meant to hand in; others may be huge (.git, .venv).
_LOOKED_INTO = frozenset({"__MACOSX", ".ipynb_checkpoints"})
_JUNK_FILES = frozenset({"thumbs.db", "desktop.ini", "icon\r", _EXPORT_MARK})
_ICLOUD = (
    "only a placeholder of iCloud was handed in, not the notebook itself, which is still in the cloud: open it once in "
    "the Finder and hand in again"
)
# What is hidden and yet tells what a student meant to hand in; the first that fits.
_HIDDEN_KINDS = (
    (re.compile(r"\.icloud$", re.IGNORECASE), _ICLOUD),
    (
        re.compile(r"(^|/)\.ipynb_checkpoints/"),
        "only a checkpoint was handed in, a copy that Jupyter saves for itself and that may be old: hand in the "
        "notebook beside the folder .ipynb_checkpoints",
    ),
    (
        re.compile(r"(^|/)__MACOSX/|(^|/)\._[^/]*$"),
        "only what macOS stores beside files (__MACOSX) was handed in, not the notebook itself: hand in the .ipynb",
    ),
    (
        re.compile(r"(^|/)\.ipynb$", re.IGNORECASE),
        "only a hidden file called .ipynb was handed in, a notebook without a name: give it a name before the dot and "
        "hand in again",
    ),
    (
        re.compile(r"(^|/)[.~][^/]*\.ipynb$", re.IGNORECASE),
        "only a hidden notebook was handed in: let its name begin with a letter and hand in again",
    ),
)
_UNFINISHED = frozenset({".crdownload", ".part", ".partial", ".download", ".tmp"})
_SHORTCUTS = frozenset({".lnk", ".url", ".webloc", ".alias", ".gdoc", ".desktop"})


def files_under(path: Path, *, alone: bool) -> Iterator[Found]:
    """Every file under a path that is, or should have been, a submission; system junk and companions are left out.

    Args:
        path: a notebook, a zip or a folder.
        alone: nothing else is graded.

    Raises:
        UsageError: the path does not exist or cannot be listed.
    """
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
        if is_results_folder(path):
            raise UsageError(
                f"{path} contains the results of an earlier `autograder grade`, not submissions.",
                hint=f"autograder report {path}",
            )
        yield from _in_folder(path)
    else:
        # A bare "." or ".." never gets here, so a file always has a name.
        found = Found(path.name, str(path), path, place=_place(path))
        if ZIP.search(path.name) and os.path.isfile(path):  # noqa: PTH113 - as in _file
            yield from _in_zip(found, download=True, alone=alone)
        else:
            yield from _file(found)


def _place(path: Path) -> tuple[str, ...]:
    return (*path.parent.resolve().parts, path.name)


def _in_folder(folder: Path) -> Iterator[Found]:
    denied: list[OSError] = []
    for here, folders, files in os.walk(folder, onerror=denied.append):
        if Path(here) != folder and is_results_folder(Path(here)):
            folders.clear()
            continue
        here_parts = Path(here).resolve().parts
        links = [name for name in folders if Path(here, name).is_symlink()]
        for name in [name for name in folders if is_junk(name) and name not in _LOOKED_INTO]:
            path = Path(here, name)
            shown = path.relative_to(folder).as_posix()
            yield hidden_file(Found(shown, str(path), path, place=(*here_parts, name)))
        folders[:] = sorted(name for name in folders if not is_junk(name) or name in _LOOKED_INTO)
        hidden = any(is_junk(part) for part in Path(here).relative_to(folder).parts)
        names = sorted([*files, *links])
        visible = set() if hidden else set(_without_companions([name for name in names if not is_junk(name)]))
        for name in names:
            path = Path(here, name)
            found = Found(path.relative_to(folder).as_posix(), str(path), path, place=(*here_parts, name))
            if hidden or is_junk(name):
                yield hidden_file(found)
            elif name in visible:
                if path.is_symlink():
                    # Even a link inside the folder is refused: unzip keeps links, and one could hand in a neighbour's
                    # work.
                    problem = "a link, not a file; links are not followed: put the file itself here"
                    yield replace(found, problem=problem)
                else:
                    yield from _file(found)
    for error in denied:
        path = Path(error.filename)
        reason = f"the folder cannot be listed: {error.strerror}"
        found = Found(path.relative_to(folder).as_posix(), str(path), path, problem=reason, place=_place(path))
        if not any(is_junk(part) for part in path.relative_to(folder).parts):
            yield found


def _file(found: Found) -> Iterator[Found]:
    if not os.path.isfile(found.path):  # noqa: PTH113 - Path.is_file raises where the folder may not be entered
        yield replace(found, problem="not an ordinary file (a pipe, a device or a broken link)")
    elif ZIP.search(found.path.name):
        yield from _in_zip(found)
    elif NOTEBOOK.search(found.path.name):
        yield found
    else:
        yield replace(found, problem=_neither(found.path.name))


def _in_zip(found: Found, *, download: bool = False, alone: bool = False) -> Iterator[Found]:
    """The submissions of a zip on disk: one for a student's export, many for a class download.

    Args:
        found: the zip.
        download: the grader named it, so it may be a platform's: the names in it count as the platform's.
        alone: nothing else was named, so it may be a platform's download even with one notebook in it.
    """
    try:
        members = list_members(found.path)
        single = _single_notebook(members)
    except SubmissionError as error:
        yield replace(found, problem=str(error))
        return
    exported = _is_export(members)
    if single is not None and not (alone and _from_platform(members)):
        yield replace(found, member=single.name, problem=single.problem, exported=exported)
        return
    if download and not exported:
        if alone:
            # A download saved once more as `class (1).zip` holds the same submissions.
            found = replace(found, shown="")
        for member in members:
            if _is_hidden(member):
                inside = _inside(found, member.shown)
                yield hidden_file(replace(inside, member=member.name, place=(*found.place, *member.shown.split("/"))))
    for member in _candidates(members):
        inside = _inside(found, member.shown)
        if download and not exported:
            inside = replace(inside, place=(*found.place, *member.shown.split("/")))
        if member.problem is None and ZIP.search(member.shown):
            yield from _in_inner_zip(inside, member.name)
        else:
            yield replace(inside, member=member.name, problem=_member_problem(member))


def _in_inner_zip(found: Found, name: str) -> Iterator[Found]:
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
        yield replace(found, inner=single.name, problem=single.problem, exported=_is_export(members))
        return
    for member in _candidates(members):
        problem = _member_problem(member)
        if problem is None and ZIP.search(member.shown):
            problem = "a zip inside a zip inside a zip: unpack the outermost and grade the folder"
        yield replace(_inside(found, member.shown), inner=member.name, problem=problem)


def _inside(found: Found, shown: str) -> Found:
    return replace(found, shown=f"{found.shown}/{shown}".lstrip("/"), long=f"{found.long}/{shown}")


def _member_problem(member: Member) -> str | None:
    if member.problem is None and not (NOTEBOOK.search(member.shown) or ZIP.search(member.shown)):
        return _neither(PurePosixPath(member.shown).name)
    return member.problem


def _single_notebook(members: Sequence[Member]) -> Member | None:
    """The notebook of a zip that is one student's work, or None for a class download.

    Raises:
        SubmissionError: there is neither a notebook nor a zip in it.
    """
    visible = _visible(members)
    notebooks = [m for m in visible if NOTEBOOK.search(m.shown)]
    zips = [m for m in visible if ZIP.search(m.shown)]
    if notebooks and (_is_export(members) or (len(notebooks) == 1 and not zips)):
        return notebooks[0]
    if notebooks or zips:
        return None
    names = [m.shown for m in visible]
    if "otter_config.json" in names:
        raise SubmissionError("this is an autograder zip, not a submission: give it with -a")
    if not names:
        raise SubmissionError(f"the zip holds no notebook (.ipynb): {_only_hidden([m.shown for m in members])}")
    held = ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
    raise SubmissionError(f"the zip holds no notebook (.ipynb); it holds {held}")


def _is_export(members: Sequence[Member]) -> bool:
    return any(m.shown == _EXPORT_MARK for m in members)


def _from_platform(members: Sequence[Member]) -> bool:
    """Whether a zip with one notebook is a download with one student's work rather than that work itself."""
    paths = [m.shown.split("/") for m in _visible(members)]
    return not _is_export(members) and any(
        parts[-1] == METADATA or read_moodle_path(parts) or read_canvas_name(parts[-1]) for parts in paths
    )


def _candidates(members: Sequence[Member]) -> list[Member]:
    by_name = {m.shown: m for m in _visible(members)}
    return [by_name[name] for name in _without_companions(list(by_name))]


def _visible(members: Sequence[Member]) -> list[Member]:
    return [m for m in members if not _is_hidden(m)]


def _is_hidden(member: Member) -> bool:
    return any(is_junk(part) for part in member.shown.split("/") if part not in {"", "..", "."})


def is_junk(name: str) -> bool:
    """Whether a file or folder of this name is a hidden one, or one that a system or Jupyter writes for itself."""
    return name.startswith((".", "~$")) or name in _JUNK_FOLDERS or name.lower() in _JUNK_FILES


def hidden_file(found: Found) -> Found:
    """A file that is looked at only where nothing else was handed in; its place is that of the visible folder."""
    *folders, name = [part for part in found.place if part != "__MACOSX"]
    shown = list(takewhile(lambda part: not is_junk(part), folders))
    # macOS keeps what belongs to Ada.ipynb in ._Ada.ipynb.
    place = (*shown, name.removeprefix("._"))
    return replace(found, place=place, hidden=True, problem=_only_hidden([found.shown]))


def _only_hidden(names: Sequence[str]) -> str:
    """Why files that nobody sees are no submission, for the most telling of them."""
    for pattern, reason in _HIDDEN_KINDS:
        if any(pattern.search(name) for name in names):
            return reason
    return "only hidden files or files of the operating system were handed in: hand in the notebook itself"


def _without_companions(names: Sequence[str]) -> list[str]:
    """Drop what only accompanies a notebook or zip of the same name and folder, such as otter's PDF."""
    work = {n for n in names if NOTEBOOK.search(n) or ZIP.search(n)}
    stems = {ZIP.sub("", NOTEBOOK.sub("", n)) for n in work}
    return [n for n in names if n in work or os.path.splitext(n)[0] not in stems]  # noqa: PTH122 - names, not paths


def _neither(name: str) -> str:
    suffix = PurePosixPath(name).suffix
    if suffix.lower() in _UNFINISHED:
        return "an unfinished download or upload, not the notebook itself: hand in the notebook again"
    if suffix.lower() in _SHORTCUTS:
        return "only a shortcut to a file, not the notebook itself: hand in the notebook (.ipynb)"
    if suffix.lower() == ".icloud":
        return _ICLOUD
    kind = f"a {suffix} file" if suffix else "a file without an ending"
    return f"{kind} is neither a notebook (.ipynb) nor a zip: hand in the notebook, or the zip grader.export() writes"


def read_bytes(path: Path, member: str | None, inner: str | None) -> bytes:
    """The bytes of a file on disk, in a zip, or in a zip in a zip; at most 100 MB.

    Raises:
        SubmissionError: it cannot be read; the text says why and what to do.
    """
    if member is None:
        return _read_file(path)
    if inner is None:
        return read_member(path, member, MAX_NOTEBOOK_BYTES)
    return read_member(io.BytesIO(read_member(path, member, MAX_INNER_ZIP_BYTES)), inner, MAX_NOTEBOOK_BYTES)


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
