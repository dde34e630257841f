"""A file that may be a submission, before names are settled."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from autograder.results.handin import HandIn

# Browsers like to add .txt or .json to a download; what is inside is a notebook all the same.
NOTEBOOK = re.compile(r"\.ipynb(\.txt|\.json)?$", re.IGNORECASE)
ZIP = re.compile(r"\.zip$", re.IGNORECASE)


@dataclass(frozen=True)
class Found:
    """One file, on disk or in a zip.

    Args:
        shown: its path relative to what was given; `long` holds that path too.
        long: see there.
        path: the file on disk.
        member: the file inside `path`, if that is a zip.
        inner: the file inside `member`, if that is a zip.
        problem: why it cannot be read.
        place: the parts of its path as far as the grader or a platform chose them. What a student packed into a zip is
            no part of it, or a file's name could claim to be a neighbour's.
        exported: it comes from a zip that `grader.export()` wrote.
        handin: what the platform it comes from says of it.
        hidden: a hidden file, a checkpoint or a system's file: only looked at where nothing else was handed in.
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

    @property
    def name(self) -> str:
        """The name of the innermost file."""
        return (self.inner or self.member or self.path.name).replace("\\", "/").rsplit("/", 1)[-1]

    @property
    def may_be_work(self) -> bool:
        """Whether its name is that of a notebook or a zip."""
        return bool(NOTEBOOK.search(self.name) or ZIP.search(self.name))
