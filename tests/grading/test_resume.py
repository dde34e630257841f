"""Nothing is lost and nothing stays behind, whatever happens to a run."""

from __future__ import annotations

import csv
import json
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from autograder.errors import KitError, UsageError
from autograder.grading.batch import Tell, Workers, grade_all, grade_submission
from autograder.grading.fingerprint import kit_version
from autograder.grading.grader import Graded, Grader
from autograder.grading.resume import Conditions, identities, make_plan
from autograder.intake.submissions import Submission, find_submissions
from autograder.labs.assignment import Assignment, load_assignment
from autograder.render.pages import write_report
from autograder.results.folder import begin_run, not_graded, results_folder, stored, write_result
from autograder.results.result import Result
from autograder.sandbox import Limits
from autograder.sandbox.client import ForkServer
from autograder.sandbox.job_files import job_folder
from autograder.sandbox.scratch import PREFIX, RunFolder, remove_folder, remove_if_dead, run_folder, sweep
from tests.fixtures.commands import Command
from tests.fixtures.small_class import (
    ENDLESS,
    GRADE,
    committed,
    left_behind,
    processes_with,
    run,
    start,
    wait_until,
    write_class,
    write_submission,
)

KILLS = 5
CLASS = 30  # more than five runs can grade that are killed, at the latest, right after their third result


def scores(home: Path) -> dict[str, str]:
    with (home / "out" / "scores.csv").open(encoding="utf-8", newline="") as file:
        return {row["submission"]: row["score"] for row in csv.DictReader(file)}


# --- killed ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A class whose grader was killed five times and then finished."""
    home = tmp_path_factory.mktemp("killed")
    write_class(home, CLASS, seconds=0.2)
    chance = random.Random(20)  # noqa: S311 - moments, not secrets
    before: dict[str, int] = {}
    graders = []
    for kill in range(KILLS):
        process = start(home, "--jobs", 2)
        if kill % 3:  # else at any moment of the start
            assert wait_until(partial(_more_than, home, len(before)), 60)
        wait_until(partial(_more_than, home, len(before) + 2), chance.uniform(0, 0.8 if kill % 3 else 6))
        process.kill()
        process.communicate()
        graders.append(process.pid)
        after = committed(home)
        assert before.items() <= after.items(), "what was graded is neither lost nor graded again"
        before = after
    assert 0 < len(before) < CLASS
    for pid in graders:
        assert wait_until(lambda pid=pid: not left_behind(pid), 30), left_behind(pid)  # type: ignore[misc]
    done = run(home, "--jobs", 2)
    assert f"{len(before)} of {CLASS} were graded before and have not changed" in done.stderr
    after = committed(home)
    assert len(after) == CLASS
    assert before.items() <= after.items()
    return home


def _more_than(home: Path, count: int) -> bool:
    return len(committed(home)) > count


@pytest.mark.slow
def test_killed_five_times_at_any_moment_loses_nothing_and_repeats_nothing(killed: Path) -> None:
    expected = {f"s{number:02}.ipynb": str(number % 2) for number in range(CLASS)}
    assert scores(killed) == expected
    assert not list((killed / "out").rglob("*.unfinished"))


@pytest.mark.slow
def test_only_what_has_changed_is_graded_again(killed: Path, autograder_here: Command) -> None:
    before = committed(killed)
    handed_in = killed / "class"
    write_submission(handed_in / "s05.ipynb", 0)
    (handed_in / "s06.ipynb").unlink()
    write_submission(handed_in / "zoe.ipynb", 42)
    told = autograder_here(*GRADE, "--regrade", "s07.ipynb", cwd=killed).stderr
    assert f"{CLASS - 3} of {CLASS} were graded before and have not changed" in told
    assert f"1 of {CLASS} was graded before and is graded again: the submission has changed" in told
    assert f"1 of {CLASS} was graded before and is graded again: asked for" in told
    assert "results of 1 other submission, which are kept" in told
    after = committed(killed)
    assert {name for name in after if after[name] != before.get(name)} == {"s05.ipynb", "s07.ipynb", "zoe.ipynb"}
    marks = scores(killed)
    assert (marks["s05.ipynb"], marks["s07.ipynb"], marks["zoe.ipynb"]) == ("0", "1", "1")
    assert "s06.ipynb" not in marks
    assert (killed / "out/submissions/s06.ipynb/result.json").exists()
    assert json.loads((killed / "out/submissions/s05.ipynb/earlier.json").read_text())["score"] == 1.0
    table = (killed / "out/scores.csv").read_bytes()
    results = write_report(killed / "out")
    assert (killed / "out/scores.csv").read_bytes() == table, "a report agrees with the run"
    assert len(results) == CLASS


# --- stopped ---------------------------------------------------------------------------------------------------------


@contextmanager
def endless_run(home: Path) -> Iterator[subprocess.Popen[str]]:
    """A run of three notebooks, two of them endless, when the third is graded."""
    write_class(home, 1)
    for name in ("y", "z"):
        write_submission(home / "class" / f"{name}.ipynb", 42, first=ENDLESS)
    process = start(home, "--jobs", 2)
    try:
        assert wait_until(lambda: committed(home), 60)
        time.sleep(0.5)
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.mark.slow
@pytest.mark.parametrize(
    "signals", [(signal.SIGTERM,), (signal.SIGINT, signal.SIGINT)], ids=["SIGTERM", "Ctrl-C twice"]
)
def test_stopped_run_keeps_what_was_graded_and_leaves_nothing(signals: tuple[signal.Signals], tmp_path: Path) -> None:
    with endless_run(tmp_path) as process:
        for number in signals:
            process.send_signal(number)
            time.sleep(0.05)
        _, told = process.communicate(timeout=20)
    assert process.returncode == 1
    assert "Stopped. Results so far are kept" in told
    assert "Traceback" not in told
    assert list(committed(tmp_path)) == ["s00.ipynb"]
    assert not left_behind(process.pid)
    assert not_graded(tmp_path / "out") == 2


@pytest.mark.slow
def test_killed_together_with_its_fork_server_leaves_a_folder_that_the_next_grader_removes(tmp_path: Path) -> None:
    with endless_run(tmp_path) as process:
        family = processes_with(f"{PREFIX}{process.pid}-")
        fork_server = next(pid for pid in family if _parent(pid) == process.pid)
        process.kill()
        os.kill(fork_server, signal.SIGKILL)
        process.communicate()
    assert wait_until(lambda: not processes_with(f"{PREFIX}{process.pid}-"), 20), "supervisors end their workers"
    remaining = [Path(path) for path in left_behind(process.pid)]
    assert len(remaining) == 1
    sweep(remaining[0].parent)
    assert not left_behind(process.pid)


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


# --- nowhere to write ------------------------------------------------------------------------------------------------


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[Callable[[str], None]]:
    """A small file system; returns the function that remounts it."""
    folder.mkdir()

    def mount(options: str) -> int:
        arguments = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
        return subprocess.run(arguments, check=False, capture_output=True).returncode

    if os.geteuid() != 0 or mount(options) != 0:
        pytest.skip("file systems cannot be mounted here")
    try:
        yield lambda options: assert_mounted(mount(f"remount,{options}"))
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=False)  # noqa: S607


def assert_mounted(code: int) -> None:
    assert code == 0


@pytest.mark.slow
def test_full_disk_is_reported_and_the_run_goes_on_once_there_is_space(
    tmp_path: Path, autograder_here: Command
) -> None:
    write_class(tmp_path, 12)
    with mounted(tmp_path / "out", "size=96k") as mount_anew:
        told = autograder_here(*GRADE, "--jobs", "2", cwd=tmp_path, code=1).stderr
        assert "No space left on device. Results written so far are kept." in " ".join(told.split())
        kept = committed(tmp_path)
        assert 0 < len(kept) < 12
        assert all(stored(tmp_path / "out", name) for name in kept)
        assert not list((tmp_path / "out").rglob("*.unfinished"))
        mount_anew("size=8m")
        told = autograder_here(*GRADE, "--jobs", "2", cwd=tmp_path).stderr
        assert f"{len(kept)} of 12 were graded before" in told
        assert kept.items() <= committed(tmp_path).items()
        assert len(scores(tmp_path)) == 12


@pytest.mark.slow
def test_read_only_folder_is_reported_before_anything_is_graded(tmp_path: Path) -> None:
    write_class(tmp_path, 1)
    with mounted(tmp_path / "out", "ro"):
        start_of_run = time.monotonic()
        told = run(tmp_path, code=1).stderr
        assert "Read-only file system" in told
        assert "-o" in told
        assert time.monotonic() - start_of_run < 3


# --- one submission goes wrong ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory, fork_server: ForkServer) -> Assignment:
    home = tmp_path_factory.mktemp("tiny")
    write_class(home, 0)
    return load_assignment(home / "tiny.zip", fork_server)


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as executor:
        yield executor


def test_submission_that_vanishes_before_it_is_read_has_a_row_and_ends_nothing(
    tmp_path: Path, tiny: Assignment, fork_server: ForkServer, threads: ThreadPoolExecutor
) -> None:
    handed_in = write_class(tmp_path, 3)
    found = find_submissions([handed_in])
    (handed_in / "s01.ipynb").unlink()
    grader = Grader({"tiny": tiny}, fork_server)

    def submit(submission: Submission, tell: Tell) -> Future[Graded]:
        return threads.submit(grade_submission, grader, submission, tell)

    workers = Workers(submit, conditions(tiny), lambda: 2)
    results = grade_all(found, workers, tmp_path / "out", lambda *_: None)
    assert [results[submission.id].status for submission in found] == ["graded", "unreadable", "graded"]
    assert "No such file" in str(results["s01.ipynb"].detail)


def test_fault_of_the_grader_is_a_row_and_ends_nothing(
    tmp_path: Path, tiny: Assignment, threads: ThreadPoolExecutor
) -> None:
    def grade(submission: Submission, _: Tell) -> Graded:
        if submission.name == "s01.ipynb":
            raise RecursionError("too deep")
        return Graded(graded(submission.name), None)

    found = find_submissions([write_class(tmp_path, 3)])
    seen: list[str] = []
    results = grade_all(
        found,
        Workers(lambda submission, tell: threads.submit(grade, submission, tell), conditions(tiny), lambda: 1),
        tmp_path / "out",
        lambda identity, _: seen.append(identity),
    )
    assert [results[submission.id].status for submission in found] == ["graded", "grader_error", "graded"]
    assert "RecursionError: too deep" in str(results["s01.ipynb"].detail)
    assert len(seen) == 3
    assert "s01.ipynb" not in make_plan(found, tmp_path / "out", conditions(tiny)).kept, "tried again, always"


def test_no_more_submissions_are_on_their_way_than_the_window_holds(
    tmp_path: Path, tiny: Assignment, threads: ThreadPoolExecutor
) -> None:
    most = 0
    waiting = 0

    def grade(submission: Submission) -> Graded:
        nonlocal waiting
        time.sleep(0.02)
        waiting -= 1
        return Graded(graded(submission.name), None)

    def submit(submission: Submission, _: Tell) -> Future[Graded]:
        nonlocal waiting, most
        waiting += 1
        most = max(most, waiting)
        return threads.submit(grade, submission)

    found = find_submissions([write_class(tmp_path, 20)])
    grade_all(found, Workers(submit, conditions(tiny), lambda: 3), tmp_path / "out", lambda *_: None)
    assert most == 3


# --- what a result hangs on ------------------------------------------------------------------------------------------


def conditions(assignment: Assignment) -> Conditions:
    return Conditions({"tiny": assignment}, "none")


def graded(name: str, digest: str = "", **changes: object) -> Result:
    result = Result(name, digest, "tiny", "none", "graded", None, 1.0, 1.0, 0.1)
    return replace(result, **changes)  # type: ignore[arg-type]


@pytest.fixture
def one(tmp_path: Path, tiny: Assignment) -> tuple[Submission, Path]:
    """One graded submission and the results' folder."""
    (submission,) = find_submissions([write_class(tmp_path, 1)])
    output = tmp_path / "out"
    _write(submission, output, conditions(tiny), "graded")
    return submission, output


def _write(submission: Submission, output: Path, held: Conditions, status: str) -> None:
    import hashlib

    digest = hashlib.sha256(submission.path.read_bytes()).hexdigest()
    result = graded(submission.name, digest, status=status)
    write_result(output, submission.id, result, held.fingerprint(digest, "tiny"), b"{}")


def test_result_is_reused_while_nothing_has_changed(one: tuple[Submission, Path], tiny: Assignment) -> None:
    submission, output = one
    plan = make_plan([submission], output, conditions(tiny))
    assert (list(plan.kept), plan.to_grade, plan.again) == (["s00.ipynb"], (), {})


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda tiny: conditions(replace(tiny, digest="another")), "the lab has changed"),
        (lambda tiny: conditions(replace(tiny, limits=Limits(seconds=9))), "a limit has changed"),
        (lambda tiny: conditions(replace(tiny, limits=Limits(memory_mb=999))), "a limit has changed"),
        (lambda tiny: replace(conditions(tiny), isolation="full"), "the isolation level has changed"),
        (lambda tiny: replace(conditions(tiny), kit="0.0.1"), "the kit has changed"),
        (lambda tiny: replace(conditions(tiny), retrain=True), "--retrain has changed"),
        (lambda tiny: Conditions({"tiny": tiny, "more": tiny}, "none"), "the labs to choose from have changed"),
    ],
)
def test_change_of_what_a_result_hangs_on_is_seen_and_named(
    change: Callable[[Assignment], Conditions], reason: str, one: tuple[Submission, Path], tiny: Assignment
) -> None:
    submission, output = one
    plan = make_plan([submission], output, change(tiny))
    assert (plan.to_grade, plan.again) == ((submission,), {reason: 1})
    assert not (output / "submissions/s00.ipynb/result.json").exists(), "no report takes it for a current one"
    assert (output / "submissions/s00.ipynb/earlier.json").exists()


@pytest.mark.parametrize("status", ["grader_error", "unreadable"])
def test_what_could_not_be_graded_is_tried_again(status: str, one: tuple[Submission, Path], tiny: Assignment) -> None:
    submission, output = one
    _write(submission, output, conditions(tiny), status)
    assert make_plan([submission], output, conditions(tiny)).to_grade == (submission,)


@pytest.mark.parametrize("name", ["result.json", "executed.ipynb", "fingerprint.json"])
def test_files_that_do_not_belong_together_are_never_reused(
    name: str, one: tuple[Submission, Path], tiny: Assignment
) -> None:
    submission, output = one
    path = output / "submissions" / submission.id / name
    path.unlink()
    assert stored(output, submission.id) is None
    if name == "result.json":
        path.write_text(graded(submission.name, "another").to_json(), encoding="utf-8")
    elif name == "fingerprint.json":
        path.write_text("[]", encoding="utf-8")
    else:
        return
    assert make_plan([submission], output, conditions(tiny)).to_grade == (submission,)


def test_result_of_a_notebook_that_was_not_run_holds_without_one(
    one: tuple[Submission, Path], tiny: Assignment
) -> None:
    submission, output = one
    result, fingerprint = stored(output, submission.id) or pytest.fail("nothing is stored")
    write_result(output, submission.id, result, fingerprint)
    assert not (output / "submissions" / submission.id / "executed.ipynb").exists(), "nothing of an earlier run is left"
    assert list(make_plan([submission], output, conditions(tiny)).kept) == ["s00.ipynb"]


def test_pages_are_written_again_only_where_what_they_show_has_changed(one: tuple[Submission, Path]) -> None:
    submission, output = one
    page = output / "submissions" / submission.id / "feedback.html"
    begin_run(output, [submission.id])
    write_report(output)
    written = page.stat().st_mtime_ns
    write_report(output)
    assert page.stat().st_mtime_ns == written
    assert submission.name in page.read_text(encoding="utf-8")
    write_report(output, anonymous=True)
    assert submission.name not in page.read_text(encoding="utf-8")
    write_report(output)
    assert submission.name in page.read_text(encoding="utf-8")
    begin_run(output, [submission.id], anonymous=True)
    write_report(output)
    assert submission.name not in page.read_text(encoding="utf-8"), "as the latest run had it"
    assert stored(output, submission.id) is not None, "the page is no part of what a result hangs on"


def test_kit_version_names_code_and_libraries() -> None:
    version = kit_version()
    assert "+" in version
    assert "tensorflow 2." in version


def test_submission_to_grade_again_is_known_by_id_and_by_name_or_refused(one: tuple[Submission, Path]) -> None:
    renamed = replace(one[0], name="s 00")
    assert identities([renamed], ["s 00"]) == identities([renamed], ["s00.ipynb"]) == {"s00.ipynb"}
    with pytest.raises(UsageError, match=r"no submission s01.*there is s00\.ipynb"):
        identities([one[0]], ["s01.ipynb"])


# --- folders ---------------------------------------------------------------------------------------------------------


def test_second_grader_is_kept_out_of_a_results_folder(tmp_path: Path) -> None:
    refused = pytest.raises(KitError, match="Another `autograder grade`")
    with results_folder(tmp_path), refused, results_folder(tmp_path):
        pass
    with results_folder(tmp_path):
        pass


def test_halves_of_files_are_cleared_away(tmp_path: Path) -> None:
    half = tmp_path / "submissions" / "ada" / ".result.json.x7.unfinished"
    half.parent.mkdir(parents=True)
    half.write_text("{", encoding="utf-8")
    with results_folder(tmp_path):
        assert not half.exists()


@pytest.mark.slow
def test_damaged_record_of_the_run_is_named(tmp_path: Path) -> None:
    write_result(tmp_path, "ada", graded("ada"), {})
    begin_run(tmp_path, ["ada"])
    assert len(write_report(tmp_path)) == 1
    (tmp_path / "run.json").write_text("{", encoding="utf-8")
    with pytest.raises(KitError, match=r"run\.json is damaged"):
        write_report(tmp_path)
    (tmp_path / "run.json").unlink()
    assert len(write_report(tmp_path)) == 1


def test_folders_of_living_graders_and_of_others_are_never_swept(tmp_path: Path) -> None:
    living = RunFolder(tmp_path)
    (living.path / "job-1").mkdir()
    (tmp_path / f"{PREFIX}1-dead" / "job-1").mkdir(parents=True)
    (tmp_path / f"{PREFIX}1-link").symlink_to(tmp_path)
    (tmp_path / f"{PREFIX}1-file").write_text("", encoding="utf-8")
    (tmp_path / "autograder-notes").mkdir()
    assert sweep(tmp_path) == [tmp_path / f"{PREFIX}1-dead"]
    assert (living.path / "job-1").exists()
    assert not remove_if_dead(living.path, patience=0.1)
    living.remove()
    living.remove()
    assert {path.name for path in tmp_path.iterdir()} == {f"{PREFIX}1-file", f"{PREFIX}1-link", "autograder-notes"}


def test_run_folder_is_there_while_anybody_needs_it() -> None:
    with run_folder() as path:
        with run_folder() as same, job_folder() as job:
            assert same == path == job.parent
        assert path.exists()
        assert not job.exists()


def test_folder_nested_beyond_pythons_patience_is_removed(tmp_path: Path) -> None:
    home = os.open(tmp_path, os.O_RDONLY)
    (tmp_path / "deep").mkdir()
    os.chdir(tmp_path / "deep")
    try:
        for _ in range(1500):
            Path("d" * 20).mkdir()
            os.chdir("d" * 20)
    finally:
        os.fchdir(home)
        os.close(home)
    remove_folder(tmp_path / "deep")
    assert not (tmp_path / "deep").exists()
