"""Grading on a cluster through a Dask scheduler.

The only module that imports Dask.
"""

from __future__ import annotations

import logging
import uuid
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, Executor, Future
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from distributed import Client, Worker, WorkerPlugin
from distributed.comm import resolve_address

from autograder.datasets import mnist as data
from autograder.errors import AssignmentError, KitError, SubmissionError
from autograder.grading.batch import Tell, Workers
from autograder.grading.cluster_worker import Bench, Described, Settings, describe_on_worker, end_run, grade_on_worker
from autograder.grading.fingerprint import kit_version
from autograder.grading.grader import Graded
from autograder.grading.resume import Conditions
from autograder.intake.submissions import Submission, read_beside, read_submission
from autograder.labs.assignment import Assignment
from autograder.sandbox.layers import Level
from autograder.util.atomic import write_atomically

_CONNECT_SECONDS = 10
# Enough that no worker is idle, and few enough that the scheduler needs little memory.
_AHEAD = 2
_LEAST_WINDOW = 32


class ProvideMnist(WorkerPlugin):  # type: ignore[misc]  # Dask ships no type information
    """Writes the verified MNIST to the cache of every current and future worker.

    Args:
        packed: the cache file, compressed by zlib (about 11 MB).
    """

    name = "mnist-lab-kit-data"

    def __init__(self, packed: bytes) -> None:
        self._packed = packed

    def setup(self, worker: Worker) -> None:  # noqa: ARG002 - Dask's signature
        """Write the cache.

        Failures are reported by the first job that needs it. Called by Dask.
        """
        path = data.cache_file()
        with suppress(OSError):
            if not path.exists():
                write_atomically(path, zlib.decompress(self._packed))


@contextmanager
def cluster_workers(
    address: str,
    zips: Sequence[Path],
    *,
    needs_mnist: bool,
    isolation: Level,
    adapt: Callable[[Assignment], Assignment],
    solutions: Callable[[Sequence[Assignment], Sequence[Path]], Mapping[str, Path]] | None,
    report: Callable[[str], None],
) -> Iterator[Workers]:
    """Connect to a Dask scheduler to grade on its workers.

    Args:
        address: the scheduler, for example `tcp://10.0.0.5:8786`; keys for `tls://` come from Dask's configuration.
        zips: the autograder zips on this machine.
        needs_mnist: whether the labs need MNIST, which is sent to workers that lack it.
        isolation: the isolation level that workers must provide.
        adapt: applies this run's limits.
        solutions: returns the paths of the labs' solutions, whose trainings workers record; None to always train.
        report: called with lines of text for the user.

    Raises:
        KitError: the scheduler does not answer, the workers cannot grade, or the connection is lost.
    """
    contents = [(path.name, _content(path)) for path in zips]
    with _client(address) as client:
        if not client.nthreads():
            report(f"Waiting for the first worker of the scheduler at {address}.")
        if needs_mnist:
            client.register_plugin(ProvideMnist(zlib.compress(data.npz_bytes(report), level=1)))
        bench = Bench(uuid.uuid4().hex, kit_version(), needs_mnist, isolation)
        executor: Executor = client.get_executor(pure=False)  # identical submissions are graded separately
        try:
            described = _described(executor, bench, contents)
            assignments = {lab.name: adapt(lab) for lab in described.assignments}
            assume = next(iter(assignments)) if len(assignments) == 1 else None
            paths = solutions(described.assignments, zips) if solutions else {}
            keys = {lab: path.read_bytes() for lab, path in paths.items() if path.is_file()}
            settings = Settings(bench, assignments, assume, keys).packed()

            def submit(submission: Submission, tell: Tell) -> Future[Graded]:  # noqa: ARG001 - workers tell no steps
                content, beside = _content_of(submission), read_beside(submission)
                return executor.submit(grade_on_worker, settings, submission.name, content, beside)

            conditions = Conditions(assignments, described.isolation, assume, retrain=solutions is None)
            yield Workers(submit, conditions, partial(_window, client))
        except CancelledError as error:
            raise KitError(
                f"The connection to the Dask scheduler at {address} was lost. Results so far are kept.",
                hint="restart the scheduler and run the same command again to continue",
            ) from error
        finally:
            if client.status == "running":  # otherwise each call would wait for the lost scheduler
                executor.shutdown(wait=False)
                with suppress(Exception):  # idle fork servers of the workers also end by themselves
                    client.run(end_run, bench.run, on_error="ignore")


def _content_of(submission: Submission) -> bytes | str:
    """Return the bytes of a submission for a worker, or why there are none."""
    try:
        return read_submission(submission)
    except SubmissionError as error:
        return str(error)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise AssignmentError(f"The autograder zip {path} cannot be read: {error.strerror or error}.") from error


@contextmanager
def _client(address: str) -> Iterator[Client]:
    # Dask logs tracebacks of lost connections, some at the end of the process; the kit reports them as messages.
    logging.disable(logging.CRITICAL)
    try:
        resolve_address(address)  # before creating a client, which would take half a minute to close
        client = Client(address, timeout=_CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise KitError(
            f"No Dask scheduler answers at {address}: {error}.",
            hint="start one with `dask scheduler`, and use the address in its log",
        ) from error
    try:
        yield client
    finally:
        client.close(timeout=5 if client.status == "running" else 1)


def _described(executor: Executor, bench: Bench, contents: Sequence[tuple[str, bytes]]) -> Described:
    try:
        return executor.submit(describe_on_worker, bench, contents).result()
    except (KitError, CancelledError):
        raise
    except Exception as error:
        raise KitError(
            f"The workers cannot grade: {type(error).__name__}: {error}. Is the kit installed on each of them?",
            hint="install the same version there with the extra `cluster`, and restart the workers",
        ) from error


def _window(client: Client) -> int:
    threads: dict[str, int] = {}
    with suppress(OSError):
        threads = client.nthreads()
    return max(_LEAST_WINDOW, _AHEAD * sum(threads.values()))
