"""Progress of a class on a real terminal, in a log, and beside JSON."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Barrier

import pytest
from rich.cells import cell_len

from autograder.cli import progress
from autograder.cli.progress import Tally, show_progress
from autograder.grading.stages import ReportingIsolation, Step
from autograder.handover.tasks import RUN_NOTEBOOK, RUN_TESTS
from autograder.render.live import Doing, Snapshot, class_line, class_view, step_line
from autograder.results.result import Result, SubmissionStatus
from autograder.sandbox import Job, Limits, Outcome
from tests.fixtures.small_class import ENDLESS, command, run, write_class, write_submission

HIDDEN, VISIBLE = "\x1b[?25l", "\x1b[?25h"
SNAPSHOT = Snapshot(
    total=60,
    kept=12,
    counts={"graded": 20, "timeout": 1, "unreadable": 1},
    doing=(
        Doing(1, "ada.ipynb", "running", 12.3),
        Doing(2, "作业提交最终版本" * 9 + ".ipynb", "again", 80),
        Doing(3, "👩‍🔬👍🏽 of \x1b[31m eve.ipynb", "checking", 2),
    ),
    on_their_way=4,
    seconds=72,
    seconds_left=240,
)


def result(name: str, status: SubmissionStatus = "graded") -> Result:
    return Result(name, "", "tiny", "full", status, None, 1, 1, 1.0)


# --- the picture -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [1, 8, 20, 40, 59, 79, 119])
def test_picture_is_never_wider_or_higher_than_the_terminal(width: int) -> None:
    for height in (1, 6, 24):
        lines = class_view(SNAPSHOT, width, height).plain.split("\n")
        assert max(map(cell_len, lines)) <= width
        assert len(lines) <= max(3, height - 1)
    assert cell_len(step_line(SNAPSHOT.doing[0], width).plain) <= width


def test_picture_shows_what_is_done_what_came_of_it_and_what_each_worker_does() -> None:
    bar, tally, *workers = class_view(SNAPSHOT, 79, 24).plain.split("\n")
    assert bar.startswith("Grading  ━━━")
    assert bar.endswith("──  34 of 60  1 min 12 s, about 4 min left")
    assert tally.split() == "✓ 20 graded ! 1 out of time ✗ 1 unreadable + 12 graded before".split()
    assert [line.split()[0] for line in workers] == ["1", "2", "3"]
    assert workers[0].split()[1:] == "ada.ipynb running notebook 12 s".split()
    assert "retrying exclusively" in workers[1]
    assert "\x1b" not in workers[2]


def test_more_workers_than_lines_are_counted() -> None:
    many = Snapshot(99, 0, {}, tuple(Doing(n, f"s{n}", "running", 1) for n in range(1, 65)), 64, 5, None)
    lines = class_view(many, 80, 12).plain.split("\n")
    assert lines[-1].strip() == "and 57 more running"
    assert len(lines) == 10


def test_cluster_shows_how_many_are_on_their_way() -> None:
    sent = Snapshot(99, 0, {"graded": 5}, (), 64, 5, None)
    assert "64 sent to workers" in class_view(sent, 80, 24).plain
    assert class_line(sent, names=True).endswith("64 sent to workers")


def test_line_for_a_log_says_the_same() -> None:
    assert class_line(SNAPSHOT, names=False) == (
        "Grading: 34 of 60 (56 %), 20 graded, 1 out of time, 1 unreadable, 12 graded before; "
        "1 min 12 s so far, about 4 min left"
    )
    assert "now: ada.ipynb (12 s), 作业" in class_line(SNAPSHOT, names=True)


# --- the tally -------------------------------------------------------------------------------------------------------


def test_tally_knows_workers_statuses_and_the_time_left() -> None:
    now = 100.0
    tally = Tally(10, kept=2, at_once=2, clock=lambda: now)
    for name in ("ada", "bela", "chen"):
        tally.step(name, "sent")
    barrier = Barrier(2)

    def take(name: str) -> None:
        barrier.wait(5)  # in two threads at once
        tally.step(name, "preparing")
        tally.step(name, "running")

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(take, ["ada", "bela"]))
        now = 110.0
        there = tally.snapshot()
        assert sorted((doing.slot, doing.step, doing.seconds) for doing in there.doing) == [
            (1, "running", 10),
            (2, "running", 10),
        ]
        assert (there.on_their_way, there.seconds_left) == (3, None)
        tally.finished(result("ada"))
        tally.finished(result("bela", "timeout"))
    then = tally.snapshot()
    assert (then.done, then.counts, then.doing) == (4, {"graded": 1, "timeout": 1}, ())
    assert (then.on_their_way, then.seconds_left) == (1, 30)


def test_tally_holds_nothing_of_what_is_finished() -> None:
    tally = Tally(5000)
    for number in range(5000):
        tally.step(f"s{number}", "sent")
        tally.step(f"s{number}", "running")
        tally.finished(result(f"s{number}"))
    assert tally.snapshot().doing == ()
    tally.step("another", "running")
    assert [doing.slot for doing in tally.snapshot().doing] == [1], "the thread has kept its line"


def test_isolation_tells_each_step_before_it_begins(tmp_path: Path) -> None:
    told: list[Step] = []

    class Inner:
        level = "none"

        def run(self, _: Job) -> Outcome:
            told.append("sent")  # a mark for: done now
            return Outcome("done", "", 0.0, 0)

    telling = ReportingIsolation(Inner(), told.append)
    assert telling.level == "none"
    for task, alone in ((RUN_NOTEBOOK, False), (RUN_NOTEBOOK, True), (RUN_TESTS, False)):
        telling.run(Job(task, {}, tmp_path, Limits(), alone))
    assert told == ["running", "sent", "again", "sent", "checking", "sent"]


# --- in a log --------------------------------------------------------------------------------------------------------


def test_log_has_a_line_for_every_tenth(capsys: pytest.CaptureFixture[str]) -> None:
    with show_progress(200) as watch:
        for number in range(200):
            watch.finished(result(f"s{number}"))
    out, told = capsys.readouterr()
    assert out == ""
    lines = told.splitlines()
    assert 10 <= len(lines) <= 12
    assert lines[-1].startswith("Grading: 200 of 200 (100 %), 200 graded; ")


def test_log_speaks_up_when_nothing_is_finished_for_long(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "_LOG_SECONDS", 0.2)
    with show_progress(2) as watch:
        watch.step("ada", "sent")
        watch.step("ada", "running")
        time.sleep(0.9)
    told = capsys.readouterr().err.splitlines()
    assert 2 <= len(told) <= 5
    assert told[-1].startswith("Grading: 0 of 2 (0 %); ")
    assert told[-1].endswith("now: ada (0 s)")


def test_nothing_to_grade_is_no_progress(capsys: pytest.CaptureFixture[str]) -> None:
    with show_progress(3, kept=3):
        pass
    assert capsys.readouterr().err == ""


@pytest.mark.slow
def test_json_is_alone_on_standard_output_and_a_log_holds_no_drawing(tmp_path: Path) -> None:
    write_class(tmp_path, 3)
    done = run(tmp_path, "--json", "--jobs", 2)
    results = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(found["submission"], found["score"]) for found in results] == [
        ("s00.ipynb", 0.0),
        ("s01.ipynb", 1.0),
        ("s02.ipynb", 0.0),
    ]
    assert done.stderr.splitlines()[-1].startswith("Grading: 3 of 3 (100 %), 3 graded; ")
    assert not {"\x1b", "\r"} & set(done.stderr)
    report = subprocess.run(
        [*command()[:3], "report", "out", "--json"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    numbers = json.loads(report.stdout)
    assert (numbers["submissions"], numbers["statuses"], numbers["not_graded"]) == (3, {"graded": 3}, 0)
    assert numbers["labs"] == [{"lab": "tiny", "marked": 3, "mean": 0.33, "median": 0, "max_score": 1}]
    assert numbers["mistakes"][0]["submissions"] == ["s00.ipynb", "s02.ipynb"]
    assert (tmp_path / numbers["report"]).is_file()
    assert report.stderr == ""


# --- on a terminal ---------------------------------------------------------------------------------------------------


class Terminal:
    """A command on a terminal of its own, and all it has written there."""

    def __init__(self, process: subprocess.Popen[bytes], master: int) -> None:
        self.process = process
        self.text = ""
        self._master = master

    def resize(self, columns: int, lines: int) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def type(self, keys: bytes) -> None:
        os.write(self._master, keys)

    def read_until(self, condition: Callable[[], object], seconds: float = 60) -> None:
        """Read until something is true or the command has ended."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, self.text
            if select.select([self._master], [], [], 0.05)[0]:
                try:
                    self.text += os.read(self._master, 65536).decode("utf-8", "replace")
                except OSError:  # the other end is closed
                    self.process.wait(10)
                    return

    def read_to_the_end(self) -> None:
        self.read_until(lambda: False)


@contextmanager
def on_a_terminal(home: Path, *arguments: str, columns: int = 80, lines: int = 24) -> Iterator[Terminal]:
    """Run `autograder grade class …` on a terminal that sends Ctrl-C as a signal."""
    master, slave = pty.openpty()
    unset = ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR")
    environment = {name: value for name, value in os.environ.items() if name not in unset}
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    process = subprocess.Popen(
        command(*arguments),
        cwd=home,
        env={**environment, "TERM": "xterm-256color"},
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - only a terminal is set
    )
    os.close(slave)
    try:
        yield Terminal(process, master)
    finally:
        process.kill()
        process.wait()
        os.close(master)


def drawn_lines(text: str) -> list[str]:
    """Every line ever written, without colours and movements."""
    plain = re.sub(r"\x1b\][^\x1b]*\x1b\\|\x1b\[[0-9;?]*[A-Za-z]", "", text)
    return [line for line in re.split(r"[\r\n]+", plain) if line.strip()]


@pytest.mark.slow
def test_terminal_shows_tally_and_workers_then_the_class_and_the_cursor_again(tmp_path: Path) -> None:
    write_class(tmp_path, 6, seconds=0.7)
    with on_a_terminal(tmp_path, "--jobs", "2") as terminal:
        terminal.read_to_the_end()
    assert terminal.process.returncode == 0, terminal.text
    drawn = drawn_lines(terminal.text)
    assert any(re.search(r"^  +[12]  s0\d\.ipynb +running notebook +\d s$", line) for line in drawn), drawn
    assert any(re.search(r"^  ✓ [2-5] graded$", line.rstrip()) for line in drawn), drawn
    assert any(re.search(r"^Grading  ━+─+  [2-5] of 6  ", line) for line in drawn), drawn
    assert max(map(cell_len, drawn)) <= 80
    assert terminal.text.count(HIDDEN) == terminal.text.count(VISIBLE) > 0
    assert terminal.text.rindex(HIDDEN) < terminal.text.rindex(VISIBLE) < terminal.text.index("Most common mistakes")
    assert drawn[-1].split() == ["Report", "out/report.html"]


@pytest.mark.slow
def test_terminal_that_shrinks_and_is_interrupted_gets_its_cursor_back(tmp_path: Path) -> None:
    write_class(tmp_path, 2)
    write_submission(tmp_path / "class" / "z.ipynb", 42, first=ENDLESS)
    with on_a_terminal(tmp_path, "--jobs", "2") as terminal:
        terminal.read_until(lambda: "graded" in terminal.text and "z.ipynb" in terminal.text)
        terminal.resize(18, 5)
        before = len(terminal.text)
        terminal.read_until(lambda: len(drawn_lines(terminal.text[before:])) > 9)
        narrow = drawn_lines(terminal.text[before:])[5:]
        terminal.type(b"\x03")
        terminal.read_to_the_end()
    assert max(map(cell_len, narrow)) <= 18
    assert terminal.process.returncode == 1
    assert "Stopped. Results so far are kept" in " ".join(terminal.text.split())
    assert terminal.text.rindex(VISIBLE) > terminal.text.rindex(HIDDEN)
    assert "Traceback" not in terminal.text
