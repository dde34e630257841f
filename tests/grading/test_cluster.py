"""Grading through a Dask scheduler and its workers: real processes that talk TCP."""

from __future__ import annotations

import contextlib
import json
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from autograder.errors import KitError, WorkerError
from autograder.grading import cluster_worker as worker_side
from autograder.grading.cluster_worker import Bench, Settings, describe_on_worker, end_run, grade_on_worker
from autograder.grading.fingerprint import kit_version
from autograder.intake.beside import Beside
from tests.fixtures.builders import notebook_json
from tests.fixtures.small_class import (
    ENDLESS,
    committed,
    left_behind,
    run,
    start,
    wait_until,
    write_class,
    write_submission,
)

pytest.importorskip("distributed")


@dataclass(frozen=True)
class Cluster:
    """A scheduler and two workers, one job at a time each."""

    address: str
    scheduler: subprocess.Popen[bytes]
    workers: tuple[subprocess.Popen[bytes], ...]


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with contextlib.ExitStack() as stack:

        def dask(name: str, *arguments: str | Path) -> subprocess.Popen[bytes]:
            log = stack.enter_context((tmp_path / f"{name}.log").open("wb"))
            # Another folder than the class's: nothing may depend on files both sides can see.
            home = tmp_path / name
            home.mkdir()
            line = [sys.executable, "-m", "dask", *map(str, arguments), "--host", "127.0.0.1", "--no-dashboard"]
            process = subprocess.Popen(line, cwd=home, stdout=log, stderr=log)
            stack.callback(_end, process)
            return process

        file = tmp_path / "scheduler.json"
        scheduler = dask("scheduler", "scheduler", "--port", "0", "--scheduler-file", file)
        assert wait_until(lambda: file.exists() and file.stat().st_size, 30)
        address = json.loads(file.read_text(encoding="utf-8"))["address"]
        workers = tuple(
            dask(
                name, "worker", address, "--no-nanny", "--nthreads", "1", "--local-directory", tmp_path / f"{name}-tmp"
            )
            for name in ("one", "two")
        )
        yield Cluster(address, scheduler, workers)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:  # a worker without its scheduler
        process.kill()
        process.wait()


def has_a_job(worker: subprocess.Popen[bytes]) -> bool:
    mark = f"autograder-run-{worker.pid}-*/job-*"
    return any(list(Path(place).glob(mark)) for place in ("/dev/shm", "/tmp"))  # noqa: S108


@pytest.mark.slow
def test_worker_killed_half_way_costs_no_submission_its_result(cluster: Cluster, tmp_path: Path) -> None:
    write_class(tmp_path, 16, seconds=0.6)
    first, second = cluster.workers
    process = start(tmp_path, "--cluster", cluster.address, "--json")
    assert wait_until(lambda: len(committed(tmp_path)) >= 5 and has_a_job(second), 60)
    assert wait_until(lambda: has_a_job(first), 20, every=0.005)
    first.kill()
    before = committed(tmp_path)
    out, told = process.communicate(timeout=120)
    assert process.returncode == 0, told
    assert len(before) < 16
    after = committed(tmp_path)
    assert before.items() <= after.items(), "no result is written twice"
    results = [json.loads("{" + part) for part in ("\n" + out).split("\n{")[1:]]
    marks = {result["submission"]: (result["status"], result["score"]) for result in results}
    assert len(results) == 16, "each graded once"
    assert len(list((tmp_path / "out/submissions").glob("*/executed.ipynb"))) == 16
    assert marks == {f"s{number:02}.ipynb": ("graded", float(number % 2)) for number in range(16)}
    assert wait_until(lambda: not left_behind(first.pid), 20), "nothing survives the killed worker"
    assert second.poll() is None
    assert wait_until(lambda: not left_behind(second.pid), 20), "the other ends what the run has started"


@pytest.mark.slow
def test_stopped_run_ends_its_jobs_on_the_workers(cluster: Cluster, tmp_path: Path) -> None:
    write_class(tmp_path, 1)
    write_submission(tmp_path / "class" / "z.ipynb", 42, first=ENDLESS)
    process = start(tmp_path, "--cluster", cluster.address)
    assert wait_until(lambda: committed(tmp_path) and any(map(has_a_job, cluster.workers)), 60)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "Stopped. Results so far are kept" in told
    assert "Traceback" not in told
    assert wait_until(lambda: not any(left_behind(worker.pid) for worker in cluster.workers), 20)
    assert all(worker.poll() is None for worker in cluster.workers)


@pytest.mark.slow
def test_scheduler_that_goes_away_is_reported_and_what_was_graded_is_kept(cluster: Cluster, tmp_path: Path) -> None:
    write_class(tmp_path, 1)
    write_submission(tmp_path / "class" / "z.ipynb", 42, first=ENDLESS)
    process = start(tmp_path, "--cluster", cluster.address)
    assert wait_until(lambda: committed(tmp_path), 60)
    cluster.scheduler.kill()
    _, told = process.communicate(timeout=90)
    assert process.returncode == 1
    assert "was lost. Results so far are kept." in " ".join(told.split())
    assert "Traceback" not in told
    assert list(committed(tmp_path)) == ["s00.ipynb"]


@pytest.mark.slow
def test_an_address_without_a_scheduler_is_reported(tmp_path: Path) -> None:
    write_class(tmp_path, 1)
    told = run(tmp_path, "--cluster", "tcp://127.0.0.1:9", code=1).stderr
    assert "No Dask scheduler answers at tcp://127.0.0.1:9" in told
    assert "dask scheduler" in told
    assert "No Dask scheduler answers at what:is:this" in run(tmp_path, "--cluster", "what:is:this", code=1).stderr


# --- a worker's side -------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_worker_grades_from_bytes_alone_and_ends_its_fork_server_when_idle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_side, "IDLE_SECONDS", 0.5)
    handed_in = write_class(tmp_path, 2)
    bench = Bench("a run", kit_version(), needs_mnist=False)
    described = describe_on_worker(bench, [("tiny.zip", (tmp_path / "tiny.zip").read_bytes())])
    settings = Settings(bench, {lab.name: lab for lab in described.assignments}).packed()
    (kept,) = worker_side.KEPT.values()
    for number in range(2):
        marked = grade_on_worker(settings, "ada", (handed_in / f"s{number:02}.ipynb").read_bytes())
        assert marked.result.score == number
        assert f"answer = {41 + number}" in (marked.executed or b"").decode(), "the notebook as it was run comes along"
        assert pickle.loads(pickle.dumps(marked)) == marked, "as it travels back"  # noqa: S301 - our own
        assert list(worker_side.KEPT.values()) == [kept], "one fork server serves the run"
    beside = pickle.loads(pickle.dumps(Beside({"data.csv": b"42"})))  # noqa: S301 - as it travels there
    reads = notebook_json(("q1", "answer = int(open('data.csv').read())"))
    assert grade_on_worker(settings, "ada", reads, beside).result.score == 1, "files beside the notebook cross too"
    assert wait_until(lambda: not worker_side.KEPT and not kept.session.fork_server.alive, 10)
    end_run("a run")


def test_worker_with_another_kit_refuses() -> None:
    with pytest.raises(WorkerError, match="different version of the kit") as refused:
        grade_on_worker(Settings(Bench("a run", "0.0.1", needs_mnist=False), {}).packed(), "ada", b"")
    back = pickle.loads(pickle.dumps(refused.value))  # noqa: S301 - our own
    assert isinstance(back, KitError)
    assert back.hint, "the way to help travels with the error"
