"""Tests of objects in the notebook's process: functions, classes, figures.

A notebook's job gets a channel of two pipes. When a question with such answers is checked, the runner announces it
through the channel; a checker is started with the grader's end and calls what it tests. When the checker has ended, for
whatever reason, the notebook continues. Notebooks without such answers need no checker while they run.
"""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field, replace

from autograder.errors import WorkerError
from autograder.grading.checking import check_waiting
from autograder.handover.errors import CannotCrossError
from autograder.handover.live_protocol import END, BrokenChannelError, Message, Wire, close, open_channel
from autograder.handover.protocol import Verdict
from autograder.labs.assignment import Assignment
from autograder.sandbox import Isolation, Job, Outcome

_MOST_CHECKS = 10  # per question; later checks are ignored
_MAX_BETWEEN = 4 << 30  # bytes to skip in total: late answers, and data written by a notebook's threads


@dataclass
class LiveChecks:
    """An isolation that runs a notebook and checks the questions for which it waits.

    Args:
        inner: runs the jobs.
        assignment: the lab.
    """

    inner: Isolation
    assignment: Assignment
    verdicts: dict[str, Verdict] = field(default_factory=dict, init=False)

    @property
    def level(self) -> str:
        """The level of the inner isolation."""
        return self.inner.level

    def run(self, job: Job) -> Outcome:
        """Run a notebook.

        Afterwards, `verdicts` contains the last verdict of each checked question.

        Raises:
            WorkerError: the tests cannot be run, regardless of the notebook.
        """
        self.verdicts.clear()  # in case of a retry
        ours, theirs = open_channel()
        failures: list[WorkerError] = []
        thread = threading.Thread(target=self._serve, args=(ours, failures), daemon=True)
        thread.start()
        try:
            outcome = self.inner.run(replace(job, channel=theirs))
        finally:
            close(*theirs)  # the notebook's process has ended; this ends the thread and a running checker
            thread.join()
        if failures:
            raise failures[0]
        return outcome

    def _serve(self, channel: tuple[int, int], failures: list[WorkerError]) -> None:
        try:
            self._check_all(channel)
        except WorkerError as error:
            failures.append(error)
        finally:
            close(*channel)  # a waiting notebook continues without a verdict

    def _check_all(self, channel: tuple[int, int]) -> None:
        wire = Wire(*channel)
        known = {question.name for question in self.assignment.tested}
        checks: Counter[str] = Counter()
        while (waiting := wire.next_question(_MAX_BETWEEN)) is not None:
            check, question = waiting
            checks[question] += 1
            if question in known and checks[question] <= _MOST_CHECKS:
                verdict, in_step = check_waiting(self.assignment, self.inner, question, channel, check)
                self.verdicts[question] = verdict
                if not in_step:
                    return
            try:
                wire.send(Message(END, check, 0, {}))
            except (BrokenChannelError, CannotCrossError):
                return
