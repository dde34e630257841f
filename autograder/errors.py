"""Every error the kit raises on purpose.

KitError                  the grader could not do its work      exit code 1
├── MasterError           a fault in an instructor's master
├── BuildDriftError       generated files differ from masters
├── AssignmentError       an autograder zip that cannot be used
├── DataError             MNIST is not to be had, or is damaged
├── IsolationError        the machine lacks a layer of the sandbox
├── WorkerError           a process of the grader's own died
└── UsageError            the command was called wrongly        exit code 2
SubmissionError           a submission that cannot be read: becomes a result, never an exit code

A message says what was found, the likely cause and the next step; `hint` is the command that helps.
"""

from __future__ import annotations


class KitError(Exception):
    """The grader could not do its work.

    Args:
        message: what was found and why, in one or two sentences.
        hint: the command or step that helps, shown on a line of its own.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class MasterError(KitError):
    """A fault in a master, with the place where it stands.

    Args:
        message: what is wrong.
        file: the master's file name.
        question: the question the fault belongs to, where there is one.
        line: the line of the master, counted from 1, where it is known.
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
        where = place if question is None else f"{place}, question {question}"
        super().__init__(f"{where}: {message}", hint=hint or f"correct {file}, then: autograder build")
        self.file = file
        self.question = question
        self.line = line


class BuildDriftError(KitError):
    """Generated files are not what the masters give."""


class AssignmentError(KitError):
    """An autograder zip that is missing, damaged or in a format the kit does not grade."""


class DataError(KitError):
    """MNIST could not be fetched, or what was fetched is not MNIST."""


class IsolationError(KitError):
    """This machine lacks a layer of the sandbox that the asked-for isolation level includes."""


class WorkerError(KitError):
    """A process of the grader's own (never the student's fault) could not start or died."""


class UsageError(KitError):
    """The command was called wrongly."""

    exit_code = 2


class SubmissionError(Exception):
    """A submission that cannot be read as a notebook of this lab; its text becomes the result's `detail`."""
