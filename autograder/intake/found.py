"""A file that may be a submission."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from autograder.results.handin import HandIn
from autograder.results.result import LeftOut

# Browsers may append .txt or .json to the name of a downloaded notebook.
NOTEBOOK = re.compile(r"\.ipynb(\.txt|\.json)?$", re.IGNORECASE)
# A notebook whose name is only its ending: hidden, but nothing except a student's upload is called that.
NAMELESS = re.compile(r"(^|/)\.ipynb(\.txt|\.json)?$", re.IGNORECASE)
ZIP = re.compile(r"\.zip$", re.IGNORECASE)


@dataclass(frozen=True)
class FileBeside:
    """A file handed in beside a notebook, on disk or in a zip.

    Args:
        name: its path relative to the notebook's folder.
        path: the file on disk.
        member: the file inside `path`, if that is a zip.
        inner: the file inside `member`, if that is a zip.
        left_out: why it cannot be there when the notebook runs, or None.
    """

    name: str
    path: Path
    member: str | None = None
    inner: str | None = None
    left_out: LeftOut | None = None


@dataclass(frozen=True)
class Found:
    """A file on disk or in a zip.

    Args:
        shown: its path relative to the argument of the command.
        long: the path including the argument.
        path: the file on disk.
        member: the file inside `path`, if that is a zip.
        inner: the file inside `member`, if that is a zip.
        problem: why it cannot be read, or None.
        place: the parts of its path chosen by the grader or a platform. Paths inside a student's zip are excluded,
            because they could claim to be another student's.
        exported: whether it comes from a zip written by `grader.export()`.
        handin: platform metadata, or None.
        hidden: whether it is a hidden file, a checkpoint or a system file, considered only if nothing else was
            submitted.
        outermost: whether it lies directly in the folder or zip that was named, which may be a class's.
        other_kind: whether it is an ordinary file that is only no notebook and no zip.
        companion: whether it accompanies a notebook or zip of the same name and is no submission itself.
        beside: for a notebook, the files handed in with it.
    """

    shown: str
    long: str
    path: Path
    member: str | None = None
    inner: str | None = None
    problem: str | None = None
    place: tuple[str, ...] = ()
    exported: bool = False
    handin: HandIn | None = None
    hidden: bool = False
    outermost: bool = False
    other_kind: bool = False
    companion: bool = False
    beside: tuple[FileBeside, ...] = ()

    @property
    def name(self) -> str:
        """Name of the innermost file."""
        return (self.inner or self.member or self.path.name).replace("\\", "/").rsplit("/", 1)[-1]

    @property
    def may_be_work(self) -> bool:
        """Whether its name is that of a notebook or a zip."""
        return bool(NOTEBOOK.search(self.name) or ZIP.search(self.name))
