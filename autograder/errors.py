"""Exceptions raised by the kit.

KitError                  the grader could not do its work      exit code 1
├── MasterError           invalid master
│   └── SeveralFaultsError   … with several faults
├── BuildDriftError       generated files differ from the masters
├── AssignmentError       unusable autograder zip
├── DataError             MNIST is unavailable or damaged
├── IsolationError        the machine lacks a layer of the sandbox
├── WorkerError           a process of the grader died
└── UsageError            invalid use of the command            exit code 2
SubmissionError           unreadable submission: recorded as a result, never an exit code

A message states what was found, the likely cause and the next step; `hint` is a command that helps.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

# No file has so many lines: above, a line number stands for a line within a cell.
_CELL = 1_000_000


_MAX_DETAIL = 600


class KitError(Exception):
    """The grader could not do its work.

    Args:
        message: what was found and why, in one or two sentences.
        hint: the command or step that helps, shown on a separate line.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class MasterError(KitError):
    """A fault in a master and its location.

    Args:
        message: what is wrong.
        file: the master's file name.
        question: the name of the affected question, if any.
        line: the line of the master, counted from 1, if known; of a notebook, as `notebook_line` gives it.
        hint: by default, to correct the master and build again.
    """

    def __init__(
        self,
        message: str,
        *,
        file: str,
        question: str | None = None,
        line: int | None = None,
        hint: str | None = None,
    ) -> None:
        place = file if line is None else f"{file}:{line}"
        if line is not None and line >= _CELL:
            place = f"{file}, cell {line // _CELL}, line {line % _CELL}"
        where = place if question is None else f"{place}, question {question}"
        super().__init__(f"{where}: {message}", hint=hint or f"correct {file}, then: autograder build")
        self.file = file
        self.question = question
        self.line = line


class SeveralFaultsError(MasterError):
    """Several faults of masters at once; the place is that of the first."""

    def __init__(self, faults: Sequence[MasterError]) -> None:
        first = faults[0]
        super().__init__("", file=first.file, question=first.question, line=first.line)
        listed = "\n".join(f"  {fault}" for fault in faults)
        self.args = (f"{len(faults)} faults were found:\n{listed}",)
        files = dict.fromkeys(fault.file for fault in faults)
        self.hint = f"correct {', '.join(files)}, then: autograder build"
        self.faults = tuple(faults)


def raise_faults(faults: Sequence[MasterError]) -> None:
    """Raise all faults as one error; do nothing if there are none."""
    if len(faults) == 1:
        raise faults[0]
    if faults:
        raise SeveralFaultsError(faults)


def known_names(name: str, known: Iterable[str]) -> str:
    """Return the advice for an unknown name: the similar one, or all."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1)
    return f"is `{near[0]}` meant?" if near else f"known are {', '.join(names)}"


def notebook_line(cell: int, line: int) -> int:
    """Return the number that encodes a line of a notebook's cell.

    Lines and cells are counted from 1.
    """
    return cell * _CELL + line


class BuildDriftError(KitError):
    """Generated files differ from what the masters produce."""


class AssignmentError(KitError):
    """An autograder zip that is missing, damaged or in an unsupported format.

    Args:
        message: what was found and why.
        hint: the step that helps.
        reason: of a test file that cannot be loaded, why.
        test_file: the name of that file.
        statement: the line of that file that failed, if known.
    """

    def __init__(
        self, message: str, *, hint: str | None = None, reason: str = "", test_file: str = "", statement: str = ""
    ) -> None:
        super().__init__(message, hint=hint)
        self.reason = reason or message
        self.test_file = test_file
        self.statement = statement


class DataError(KitError):
    """MNIST could not be fetched, or the fetched data is not MNIST."""


class IsolationError(KitError):
    """This machine lacks a sandbox layer that the requested isolation level includes."""


class WorkerError(KitError):
    """A process of the grader could not start or died; never the student's fault."""


class UsageError(KitError):
    """Invalid use of the command."""

    exit_code = 2


class SubmissionError(Exception):
    """A submission that cannot be read; the message becomes the result's `detail`.

    File names and contents that students choose end up in it, so it is kept to one line of limited length.
    """

    def __init__(self, message: str) -> None:
        line = " ".join(message.split())
        super().__init__(line if len(line) <= _MAX_DETAIL else f"{line[: _MAX_DETAIL - 2]} …")


class TooLargeError(SubmissionError):
    """A submitted file above a size limit."""
