"""Tests of what stays in the notebook's process: functions, classes, figures. They run while the notebook waits.

A notebook's job gets a channel of two pipes. When a question with such answers is checked, the runner says so over it;
a checker is started, with the grader's end of the channel, and calls what it tests. When it has ended, however it did,
the notebook goes on. A notebook without such answers says nothing, and nothing is started for it.
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

_MOST_CHECKS = 10  # of one question; whoever checks more often keeps the verdict of the last of these
_MAX_BETWEEN = 4 << 30  # bytes to pass over in all: late answers, and what threads of a notebook may write


@dataclass
class LiveChecks:
    """An isolation that runs a notebook and has the questions judged for which it waits.

    Args:
        inner: runs the jobs.
        assignment: the lab.
    """

    inner: Isolation
    assignment: Assignment
    verdicts: dict[str, Verdict] = field(default_factory=dict, init=False)

    @property
    def level(self) -> str:
        """The level of the isolation behind it."""
        return self.inner.level

    def run(self, job: Job) -> Outcome:
        """Run a notebook; afterwards `verdicts` has what was judged meanwhile, the last verdict of each question.

        Raises:
            WorkerError: the tests cannot be run, through no fault of the notebook.
        """
        self.verdicts.clear()  # of a run that is repeated
        ours, theirs = open_channel()
        failures: list[WorkerError] = []
        thread = threading.Thread(target=self._serve, args=(ours, failures), daemon=True)
        thread.start()
        try:
            outcome = self.inner.run(replace(job, channel=theirs))
        finally:
            close(*theirs)  # now the notebook's process is dead: that ends the thread, and the checker if there is one
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
            close(*channel)  # a notebook that waits in a check goes on without one

    def _check_all(self, channel: tuple[int, int]) -> None:
        wire = Wire(*channel)
        known = {question.name for question in self.assignment.questions}
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
