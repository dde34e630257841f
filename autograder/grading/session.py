"""A grading session: the fork server, the labs and the answer keys.

Every way of grading opens one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from autograder.datasets import mnist as data
from autograder.errors import AssignmentError, DataError
from autograder.grading.answer_keys import AnswerKeys
from autograder.grading.batch import Workers, grade_submission
from autograder.grading.grader import Grader, no_cached_trainings
from autograder.grading.preload import preload_for
from autograder.grading.resume import Conditions
from autograder.grading.training_cache import TrainingCache
from autograder.labs.assignment import EVERYTHING, Assignment, Needs, load_assignment
from autograder.sandbox import Preload
from autograder.sandbox.client import ForkServer
from autograder.sandbox.layers import Level


class Session:
    """A fork server that has imported the labs' libraries.

    Closing it ends every job that still runs.

    Args:
        isolation: the isolation level.
        needs_mnist: whether the labs need MNIST; if not, its absence is no error.
        needs: what the labs need; by default everything.
        report: takes a line when there is something to wait for, or something went wrong.

    Raises:
        KitError: this machine cannot isolate at this level. When the fork server starts: MNIST is needed and missing.
    """

    def __init__(
        self, isolation: Level, *, needs_mnist: bool, report: Callable[[str], None], needs: Needs = EVERYTHING
    ) -> None:
        self._report = report
        self._keras = needs.keras

        def preload() -> Preload:  # called when there is work: a run without any needs no data
            mnist = _mnist(report, required=needs_mnist) if needs.keras else None
            return preload_for(mnist, keras=needs.keras, pandas=needs.pandas)

        self.fork_server = ForkServer(preload, isolation)

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the fork server and every job in it."""
        self.fork_server.close()

    def load(self, zips: Sequence[Path]) -> tuple[Assignment, ...]:
        """Read autograder zips; their test code runs in a worker.

        Raises:
            KitError: one of them cannot be used.
        """
        return tuple(load_assignment(path, self.fork_server) for path in zips)

    def load_usable(
        self, zips: Mapping[str, Path], *, run_tests: bool = True
    ) -> tuple[dict[str, Assignment], dict[str, str]]:
        """Read the zips of several labs, of which some may be unusable.

        Args:
            zips: by lab.
            run_tests: whether to load the test files even if their text says all; needed before anything is graded.

        Returns:
            The labs that can be used, and for each of the others the reason why not.

        Raises:
            KitError: none of them can be used.
        """
        usable: dict[str, Assignment] = {}
        reasons: dict[str, str] = {}
        first: AssignmentError | None = None
        for lab, path in zips.items():
            try:
                usable[lab] = load_assignment(path, self.fork_server, run_tests=run_tests)
            except AssignmentError as error:
                first = first or error
                reasons[lab] = f"{error} Next: {error.hint}" if error.hint else str(error)
        if first is not None and not usable:
            raise first
        return usable, reasons

    def grader(
        self,
        labs: Sequence[Assignment],
        solutions: Mapping[str, Path],
        *,
        assume: str | None = None,
        retrain: bool = False,
        train_solutions: bool = True,
        unavailable: Mapping[str, str] | None = None,
    ) -> Grader:
        """Make the grader of these labs.

        Args:
            labs: the labs in play, with the limits of this run.
            solutions: the path of the solution notebook by lab; it may not exist.
            assume: the lab to take where a notebook does not say.
            retrain: let every submission train, even if the solution has trained the same.
            train_solutions: run a solution whose trainings are not in the cache.
            unavailable: labs of the course that cannot be graded, with the reason; may grow.
        """
        trained = solutions if self._keras else {}  # without Keras nothing is trained that could be reused
        cache = TrainingCache(trained, self.fork_server, self._report, make=train_solutions)
        trainings = no_cached_trainings if retrain else cache.of
        by_name = {lab.name: lab for lab in labs}
        return Grader(
            by_name,
            self.fork_server,
            assume,
            trainings,
            AnswerKeys(solutions),
            {} if unavailable is None else unavailable,
        )


@contextmanager
def local_workers(grader: Grader, count: int, *, retrain: bool = False) -> Iterator[Workers]:
    """Grade on this machine, in threads: the work itself is done in child processes.

    Args:
        grader: the grader.
        count: submissions graded at once.
        retrain: as the grader was made with.
    """
    executor = ThreadPoolExecutor(count)
    conditions = Conditions(grader.assignments, grader.isolation.level, grader.assume, retrain)
    try:
        yield Workers(
            submit=lambda submission, tell: executor.submit(grade_submission, grader, submission, tell),
            conditions=conditions,
            window=lambda: 2 * count,
            at_once=count,
        )
    finally:
        # On Ctrl-C the jobs still running end with the fork server, not by being waited for.
        executor.shutdown(wait=False, cancel_futures=True)


def solutions_beside(labs: Sequence[Assignment], zips: Sequence[Path]) -> dict[str, Path]:
    """Return where the solution of each lab lies, if it exists: beside its zip."""
    return {lab.name: path.with_name(f"{lab.name}-solution.ipynb") for path, lab in zip(zips, labs, strict=True)}


def _mnist(report: Callable[[str], None], *, required: bool) -> Path | None:
    try:
        return data.npz_path(report)
    except DataError:
        if required:
            raise
        return None
