"""A class graded on a cluster, through a Dask scheduler. The only module that imports Dask."""

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
from autograder.intake.submissions import Submission, read_submission
from autograder.labs.assignment import Assignment
from autograder.sandbox.layers import Level
from autograder.util.atomic import write_atomically

_CONNECT_SECONDS = 10
# Work enough that no worker waits for the next submission, and so little that the scheduler's memory does not matter.
_AHEAD = 2
_LEAST_WINDOW = 32


class ProvideMnist(WorkerPlugin):  # type: ignore[misc]  # Dask ships no type information
    """Puts the verified MNIST into the cache of every worker that lacks it, also of those that join later.

    Args:
        packed: the cache file's bytes, zlib-compressed (about 11 MB).
    """

    name = "mnist-lab-kit-data"

    def __init__(self, packed: bytes) -> None:
        self._packed = packed

    def setup(self, worker: Worker) -> None:  # noqa: ARG002 - Dask's signature
        """Called by Dask on the worker. A cache that cannot be written is reported by the first job that needs it."""
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
    """The workers behind a scheduler as a place to grade at.

    Args:
        address: of the scheduler, for example `tcp://10.0.0.5:8786`; `tls://` takes its keys from Dask's configuration.
        zips: the autograder zips on this machine.
        needs_mnist: whether the labs need MNIST; workers that lack it get it from here.
        isolation: the level the workers must have.
        adapt: sets this run's limits.
        solutions: says where each lab's solution would lie, for workers to record its training; None to let every
            submission train.
        report: takes a line for people, for example that no worker has joined yet.

    Raises:
        KitError: no scheduler answers there, the workers cannot grade, or they all went away.
    """
    contents = [(path.name, _content(path)) for path in zips]
    with _client(address) as client:
        if not client.nthreads():
            report(f"No worker has joined the scheduler at {address} yet: waiting for the first.")
        if needs_mnist:
            client.register_plugin(ProvideMnist(zlib.compress(data.npz_bytes(report), level=1)))
        bench = Bench(uuid.uuid4().hex, kit_version(), needs_mnist, isolation)
        executor: Executor = client.get_executor(pure=False)  # two equal submissions are two all the same
        try:
            described = _described(executor, bench, contents)
            assignments = {lab.name: adapt(lab) for lab in described.assignments}
            assume = next(iter(assignments)) if len(assignments) == 1 else None
            paths = solutions(described.assignments, zips) if solutions else {}
            keys = {lab: path.read_bytes() for lab, path in paths.items() if path.is_file()}
            settings = Settings(bench, assignments, assume, keys).packed()

            def submit(submission: Submission, tell: Tell) -> Future[Graded]:  # noqa: ARG001 - workers tell no steps
                return executor.submit(grade_on_worker, settings, submission.name, _content_of(submission))

            conditions = Conditions(assignments, described.isolation, assume, retrain=solutions is None)
            yield Workers(submit, conditions, partial(_window, client))
        except CancelledError as error:
            raise KitError(
                f"The Dask scheduler at {address} went away. What was graded is kept.",
                hint="start it again and run the same command: it goes on where it stopped",
            ) from error
        finally:
            if client.status == "running":  # else each of these would wait for a scheduler that is gone
                executor.shutdown(wait=False)
                with suppress(Exception):  # the workers' fork servers end by themselves too, only later
                    client.run(end_run, bench.run, on_error="ignore")


def _content_of(submission: Submission) -> bytes | str:
    """The bytes of a submission, which no worker could read where they lie, or the reason why there are none."""
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
    # Dask's loggers, each with a level of its own, print tracebacks of lost connections, which are told in words here;
    # some come as late as at the end of the process.
    logging.disable(logging.CRITICAL)
    try:
        resolve_address(address)  # before there is a client, which would wait for half a minute to end
        client = Client(address, timeout=_CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise KitError(
            f"No Dask scheduler answers at {address}: {error}.",
            hint="start one with `dask scheduler`, or take the address that its log gives",
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
            hint="install it there with the extra `cluster`, in the same version as here, and restart the workers",
        ) from error


def _window(client: Client) -> int:
    threads: dict[str, int] = {}
    with suppress(OSError):
        threads = client.nthreads()
    return max(_LEAST_WINDOW, _AHEAD * sum(threads.values()))
