"""List the files in folders, zips, and zips inside zips.

Nothing is extracted to disk, links are not followed, and unreadable files are listed with the reason.
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

from autograder.errors import SubmissionError, TooLargeError, UsageError
from autograder.intake.beside import files_in_zip
from autograder.intake.found import NAMELESS, NOTEBOOK, ZIP, Found
from autograder.platforms.canvas import read_canvas_name
from autograder.platforms.gradescope import METADATA
from autograder.platforms.moodle import read_moodle_path
from autograder.results.folder import is_results_folder
from autograder.util.zips import MB, Member, list_members, read_member

MAX_NOTEBOOK_BYTES = 100 * MB
# Largest size of a student's zip inside a class download: notebook, PDF and images.
MAX_INNER_ZIP_BYTES = 250 * MB

# Every export of otter contains this file; the notebook is first.
_EXPORT_MARK = "__zip_filename__"
_JUNK_FOLDERS = frozenset({"__MACOSX", "__pycache__"})
# Hidden folders that reveal what a student meant to submit; others may be huge (.git, .venv).
_LOOKED_INTO = frozenset({"__MACOSX", ".ipynb_checkpoints"})
_JUNK_FILES = frozenset({"thumbs.db", "desktop.ini", "icon\r", _EXPORT_MARK})
_ICLOUD = (
    "only an iCloud placeholder was submitted, not the notebook itself: open it once in the Finder and submit it again"
)
# Hidden files that reveal what a student meant to submit; the first match applies.
_HIDDEN_KINDS = (
    (re.compile(r"\.icloud$", re.IGNORECASE), _ICLOUD),
    (
        re.compile(r"(^|/)\.ipynb_checkpoints/"),
        "only a checkpoint was submitted, an automatic copy that may be outdated: submit the notebook next to the "
        "folder .ipynb_checkpoints",
    ),
    (
        re.compile(r"(^|/)__MACOSX/|(^|/)\._[^/]*$"),
        "only metadata of macOS (__MACOSX) was submitted, not the notebook itself: submit the .ipynb file",
    ),
    (
        NAMELESS,
        "only a hidden file named .ipynb was submitted, a notebook without a name: rename it and submit it again",
    ),
    (
        re.compile(r"(^|/)[.~][^/]*\.ipynb$", re.IGNORECASE),
        "only a hidden notebook was submitted: rename it to start with a letter and submit it again",
    ),
)
_UNFINISHED = frozenset({".crdownload", ".part", ".partial", ".download", ".tmp"})
_SHORTCUTS = frozenset({".lnk", ".url", ".webloc", ".alias", ".gdoc", ".desktop"})


def files_under(path: Path, *, alone: bool) -> Iterator[Found]:
    """Yield every file under a path that is, or should have been, a submission.

    Args:
        path: a notebook, a zip or a folder.
        alone: whether it is the only path to grade.

    Raises:
        UsageError: the path does not exist or cannot be listed.
    """
    if not os.path.exists(path):  # noqa: PTH110 - Path.exists raises if a parent folder is not accessible
        raise UsageError(
            f"{path} does not exist or is not accessible.", hint="check the spelling and the working directory"
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
        found = Found(path.name, str(path), path, place=_place(path), outermost=True)
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
        companions = set() if hidden else _companions([name for name in names if not is_junk(name)])
        for name in names:
            path = Path(here, name)
            shown, outermost = path.relative_to(folder).as_posix(), Path(here) == folder
            found = Found(shown, str(path), path, place=(*here_parts, name), outermost=outermost)
            if path.is_symlink():
                # Links inside the folder are refused as well: unzip keeps them, and they could point to another
                # student's work.
                found = replace(found, problem="a link, not a file: links are not followed; copy the file itself")
            if hidden or is_junk(name):
                yield hidden_file(found)
            elif found.problem is not None:
                yield replace(found, companion=name in companions)
            else:
                yield from _file(replace(found, companion=name in companions))
    for error in denied:
        path = Path(error.filename)
        reason = f"the folder cannot be listed: {error.strerror}"
        found = Found(path.relative_to(folder).as_posix(), str(path), path, problem=reason, place=_place(path))
        if not any(is_junk(part) for part in path.relative_to(folder).parts):
            yield found


def _file(found: Found) -> Iterator[Found]:
    if not os.path.isfile(found.path):  # noqa: PTH113 - Path.is_file raises if the folder is not accessible
        yield replace(found, problem="not a regular file (a pipe, a device or a broken link)")
    elif ZIP.search(found.path.name):
        yield from _in_zip(found)
    elif NOTEBOOK.search(found.path.name):
        yield found
    else:
        yield _other_file(found, found.path.name)


def _other_file(found: Found, name: str) -> Found:
    """Mark a file that is no notebook and no zip."""
    suffix = PurePosixPath(name).suffix.lower()
    remains = suffix in _UNFINISHED or suffix in _SHORTCUTS or suffix == ".icloud"
    return replace(found, problem=_neither(name), other_kind=not remains)


def _in_zip(found: Found, *, download: bool = False, alone: bool = False) -> Iterator[Found]:
    """Yield the submissions of a zip on disk, one for an export.

    Args:
        found: the zip.
        download: whether it was named on the command line, so that its paths may come from a platform.
        alone: whether it is the only path, so that it may be a platform's download even with one notebook.
    """
    try:
        members = list_members(found.path)
        single = _single_notebook(members)
    except SubmissionError as error:
        yield replace(found, problem=str(error))
        return
    exported = _is_export(members)
    if single is not None and not (alone and _from_platform(members)):
        beside = files_in_zip(_visible(members), single, found.path)
        yield replace(found, member=single.name, problem=single.problem, exported=exported, beside=beside)
        return
    if download and not exported:
        if alone:
            # A download saved again as `class (1).zip` contains the same submissions.
            found = replace(found, shown="")
        for member in members:
            if _is_hidden(member):
                inside = replace(_inside(found, member.shown), outermost="/" not in member.shown)
                place = (*found.place, *member.shown.split("/"))
                yield hidden_file(replace(inside, member=member.name, problem=member.problem, place=place))
    for member, companion in _candidates(members):
        inside = replace(_inside(found, member.shown), outermost="/" not in member.shown, companion=companion)
        if download and not exported:
            inside = replace(inside, place=(*found.place, *member.shown.split("/")))
        if member.problem is None and ZIP.search(member.shown):
            yield from _in_inner_zip(inside, member.name)
        else:
            yield _of_zip(replace(inside, member=member.name), member)


def _in_inner_zip(found: Found, name: str) -> Iterator[Found]:
    """Yield the submissions of a zip inside a zip; a third level is refused."""
    found = replace(found, member=name)
    try:
        data = io.BytesIO(read_member(found.path, name, MAX_INNER_ZIP_BYTES))
        members = list_members(data)
        single = _single_notebook(members)
    except SubmissionError as error:
        yield replace(found, problem=str(error))
        return
    if single is not None:
        beside = files_in_zip(_visible(members), single, found.path, found.member)
        exported = _is_export(members)
        yield replace(found, inner=single.name, problem=single.problem, exported=exported, beside=beside)
        return
    for member, companion in _candidates(members):
        inside = replace(_inside(found, member.shown), inner=member.name, companion=companion)
        if member.problem is None and ZIP.search(member.shown):
            problem = "a zip inside a zip inside a zip: extract the outermost one and grade the folder"
            yield replace(inside, problem=problem)
        else:
            yield _of_zip(inside, member)


def _inside(found: Found, shown: str) -> Found:
    return replace(found, shown=f"{found.shown}/{shown}".lstrip("/"), long=f"{found.long}/{shown}")


def _of_zip(found: Found, member: Member) -> Found:
    if member.problem is None and not (NOTEBOOK.search(member.shown) or ZIP.search(member.shown)):
        return _other_file(found, PurePosixPath(member.shown).name)
    return replace(found, problem=member.problem)


def _single_notebook(members: Sequence[Member]) -> Member | None:
    """Return the notebook of a student's zip, or None for a class download.

    Raises:
        SubmissionError: it contains neither a notebook nor a zip.
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
        raise SubmissionError("this is an autograder zip, not a submission: use it with -a")
    nameless = [m for m in members if _is_nameless(m.shown)]
    if len(nameless) == 1:
        return nameless[0]
    if not names:
        raise SubmissionError(f"the zip contains no notebook (.ipynb): {_only_hidden([m.shown for m in members])}")
    held = ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
    raise SubmissionError(f"the zip contains no notebook (.ipynb), only {held}")


def _is_export(members: Sequence[Member]) -> bool:
    return any(m.shown == _EXPORT_MARK for m in members)


def _from_platform(members: Sequence[Member]) -> bool:
    """Return whether a zip with one notebook is a platform's download."""
    paths = [m.shown.split("/") for m in _visible(members)]
    return not _is_export(members) and any(
        parts[-1] == METADATA or read_moodle_path(parts) or read_canvas_name(parts[-1]) for parts in paths
    )


def _candidates(members: Sequence[Member]) -> list[tuple[Member, bool]]:
    """Return the visible files of a zip.

    With each, whether it accompanies a notebook or zip of the same name.
    """
    by_name = {m.shown: m for m in _visible(members)}
    companions = _companions(list(by_name))
    return [(member, name in companions) for name, member in by_name.items()]


def _visible(members: Sequence[Member]) -> list[Member]:
    return [m for m in members if not _is_hidden(m)]


def _is_hidden(member: Member) -> bool:
    return any(is_junk(part) for part in member.shown.split("/") if part not in {"", "..", "."})


def is_junk(name: str) -> bool:
    """Return whether a name is hidden, or belongs to the system or Jupyter."""
    return name.startswith((".", "~$")) or name in _JUNK_FOLDERS or name.lower() in _JUNK_FILES


def hidden_file(found: Found) -> Found:
    """Mark a file as hidden; its place is that of the visible folder.

    Of hidden files, only a notebook without a name is graded.
    """
    *folders, name = [part for part in found.place if part != "__MACOSX"]
    shown = list(takewhile(lambda part: not is_junk(part), folders))
    # macOS stores metadata of Ada.ipynb in ._Ada.ipynb.
    place = (*shown, name.removeprefix("._"))
    problem = found.problem or (None if _is_nameless(found.shown) else _only_hidden([found.shown]))
    return replace(found, place=place, hidden=True, problem=problem)


def _is_nameless(path: str) -> bool:
    """Return whether a file is a notebook without a name in a visible folder."""
    *folders, name = path.split("/")
    return bool(NAMELESS.search(name)) and not any(is_junk(folder) for folder in folders)


def _only_hidden(names: Sequence[str]) -> str:
    """Explain why hidden files are not a submission."""
    for pattern, reason in _HIDDEN_KINDS:
        if any(pattern.search(name) for name in names):
            return reason
    return "only hidden files or system files were submitted: submit the notebook itself"


def _companions(names: Sequence[str]) -> set[str]:
    """Return files that accompany a notebook or zip of the same name, such as PDFs."""
    work = {n for n in names if NOTEBOOK.search(n) or ZIP.search(n)}
    stems = {ZIP.sub("", NOTEBOOK.sub("", n)) for n in work}
    return {n for n in names if n not in work and os.path.splitext(n)[0] in stems}  # noqa: PTH122 - names, not paths


def _neither(name: str) -> str:
    suffix = PurePosixPath(name).suffix
    if suffix.lower() in _UNFINISHED:
        return "an incomplete download or upload, not the notebook itself: submit the notebook again"
    if suffix.lower() in _SHORTCUTS:
        return "only a shortcut to a file, not the notebook itself: submit the notebook (.ipynb)"
    if suffix.lower() == ".icloud":
        return _ICLOUD
    kind = f"a {suffix} file" if suffix else "a file without an extension"
    return f"{kind} is neither a notebook (.ipynb) nor a zip: submit the notebook or the zip from grader.export()"


def read_bytes(path: Path, member: str | None, inner: str | None, *, limit: int | None = None) -> bytes:
    """Return the bytes of a file on disk, in a zip, or in a zip inside a zip.

    Raises:
        TooLargeError: it is larger than the limit, by default 100 MB.
        SubmissionError: it is unreadable.
    """
    limit = MAX_NOTEBOOK_BYTES if limit is None else limit
    if member is None:
        return _read_file(path, limit)
    if inner is None:
        return read_member(path, member, limit)
    return read_member(io.BytesIO(read_member(path, member, MAX_INNER_ZIP_BYTES)), inner, limit)


def _read_file(path: Path, limit: int) -> bytes:
    try:
        # Without O_NONBLOCK, opening a named pipe would block forever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise SubmissionError("not a regular file (a pipe, a device or a folder)")
            data = file.read(limit + 1)
    except OSError as error:
        raise SubmissionError(f"the file cannot be read: {error.strerror or error}") from None
    if len(data) > limit:
        raise TooLargeError(
            f"the notebook is larger than {limit // MB} MB: clear its outputs, save it and submit it again"
        )
    return data
