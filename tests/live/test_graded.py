"""Notebooks with functions, graded in the sandbox: order, cost, crashes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from autograder.grading.grader import Grader
from autograder.grading.preload import preload_for
from autograder.handover.tasks import RUN_NOTEBOOK, RUN_TESTS
from autograder.labs.assignment import load_assignment
from autograder.results.result import RESULT_UNUSABLE, Result
from autograder.sandbox import Isolation, Job, Outcome
from autograder.sandbox.client import ForkServer
from autograder.sandbox.layers import Level
from tests.fixtures.builders import make_zip, notebook_json, question_file

HEAD = 'import otter\ngrader = otter.Notebook("a.ipynb")'


def question(name: str, *bodies: str) -> str:
    """A question; each body is a test function from its parameters on."""
    return question_file(
        name, *(f"@test_case(points=1)\ndef test_{name}_{number}{body}" for number, body in enumerate(bodies))
    )


@dataclass
class Counting:
    """An isolation that counts the jobs that pass through it."""

    inner: Isolation
    jobs: list[Job] = field(default_factory=list)

    @property
    def level(self) -> str:
        return self.inner.level

    def run(self, job: Job) -> Outcome:
        self.jobs.append(job)
        return self.inner.run(job)

    def entries(self) -> list[str]:
        """What ran, in the order it began."""
        return [{RUN_NOTEBOOK.entry: "notebook", RUN_TESTS.entry: "checker"}[job.task.entry] for job in self.jobs]


@dataclass
class Lab:
    """Grades notebooks of one lab and remembers the jobs of the last."""

    folder: Path
    fork_server: ForkServer
    counting: Counting = field(init=False)

    def grade(self, tests: Mapping[str, str], *cells: str, **limits: float) -> Result:
        """The result of a notebook with these cells."""
        settings = {"lab": {"schema": 1, "lab": "tiny", "limits": limits}} if limits else {}
        path = make_zip(self.folder / "tiny-autograder.zip", tests, **settings)
        assignment = load_assignment(path, self.fork_server)
        self.counting = Counting(self.fork_server)
        grader = Grader({assignment.name: assignment}, self.counting, assume=assignment.name)
        data = notebook_json(HEAD, *cells, lab=None)
        return grader.grade("a.ipynb", lambda: data)


@pytest.fixture
def lab(tmp_path: Path, fork_server: ForkServer) -> Lab:
    """A lab of no questions yet."""
    return Lab(tmp_path, fork_server)


def scores(result: Result) -> dict[str, float]:
    return {question.name: question.score for question in result.questions}


def messages(result: Result) -> str:
    return "\n".join(test.message for question in result.questions for test in question.tests)


SQUARE = question("q1", "(square): assert square(3) == 9", "(square): assert square(-2) == 4")


def test_a_function_is_tested_as_it_is_when_it_is_checked(lab: Lab) -> None:
    right, wrong = "def square(n): return n * n", "def square(n): return 0"
    assert scores(lab.grade({"q1": SQUARE}, right, 'grader.check("q1")', wrong)) == {"q1": 2}
    assert scores(lab.grade({"q1": SQUARE}, wrong, 'grader.check("q1")', right, 'grader.check("q1")')) == {"q1": 2}
    assert scores(lab.grade({"q1": SQUARE}, wrong, 'grader.check("q1")', right)) == {"q1": 0}
    assert scores(lab.grade({"q1": SQUARE}, wrong, right)) == {"q1": 2}


def test_a_lab_without_functions_costs_nothing_more(lab: Lab) -> None:
    result = lab.grade({"q1": question("q1", "(a): assert a == {1}")}, "a = {1}", 'grader.check("q1")')
    assert scores(result) == {"q1": 1}
    assert lab.counting.entries() == ["notebook", "checker"]


def test_a_checker_is_started_for_each_check_and_no_other_if_nothing_is_left(lab: Lab) -> None:
    lab.grade({"q1": SQUARE}, "def square(n): return n * n", 'grader.check("q1")')
    assert lab.counting.entries() == ["notebook", "checker"]
    lab.grade({"q1": SQUARE, "q2": question("q2", "(a): assert a == 1")}, "def square(n): return 0\na = 1")
    assert lab.counting.entries() == ["notebook", "checker", "checker"]


def test_marks_of_a_check_stay_when_a_later_cell_never_ends(lab: Lab) -> None:
    tests = {"q1": SQUARE, "q2": question("q2", "(a): assert a == 1")}
    cells = ("def square(n): return n * n", 'grader.check("q1")', "while True: pass", "a = 1")
    result = lab.grade(tests, *cells, seconds=5)
    assert (result.status, scores(result)) == ("timeout", {"q1": 2, "q2": 0})


def test_marks_of_a_check_stay_when_the_process_dies(lab: Lab) -> None:
    result = lab.grade({"q1": SQUARE}, "def square(n): return n * n", 'grader.check("q1")', "import os; os._exit(0)")
    assert (result.status, scores(result)) == ("crashed", {"q1": 2})


def test_a_call_that_does_not_end_costs_its_test_only(lab: Lab) -> None:
    slow = "def square(n):\n    while n < 0: pass\n    return n * n"
    result = lab.grade({"q1": SQUARE}, slow, 'grader.check("q1")', "x = 1")
    assert (result.status, scores(result)) == ("graded", {"q1": 1})
    assert "square() did not return within 5 seconds" in messages(result)


def test_a_lab_says_how_long_a_call_may_take(lab: Lab) -> None:
    slow = "import time\ndef square(n):\n    time.sleep(n > 0 and 1.5)\n    return n * n"
    result = lab.grade({"q1": SQUARE}, slow, call_seconds=0.5)
    assert scores(result) == {"q1": 1}
    assert "square() did not return within 0.5 seconds" in messages(result)


def test_a_call_that_ends_the_process_costs_the_rest_of_its_check(lab: Lab) -> None:
    bodies = ("(f): assert f(1) == 1", "(f): f(0)", "(f): assert f(1) == 1")
    tests = {"q1": question("q1", *bodies), "q2": SQUARE.replace("q1", "q2")}
    source = "import os\ndef f(n):\n    return n or os._exit(0)\ndef square(n): return n * n"
    result = lab.grade(tests, source, 'grader.check("q2")', 'grader.check("q1")')
    assert scores(result) == {"q1": 1, "q2": 2}
    assert "The notebook has ended when the test called f()" in messages(result)


def test_a_broken_stream_costs_one_check_and_not_the_next(lab: Lab) -> None:
    tests = {"q1": SQUARE, "q2": question("q2", "(cube): assert cube(3) == 27", "(cube): assert cube(-2) == -8")}
    source = (
        "import os\ndef square(n):\n    for fd in range(3, 20):\n        try: os.write(fd, b'x')\n"
        "        except OSError: pass\n    return n * n\ndef cube(n): return n ** 3"
    )
    result = lab.grade(tests, source, 'grader.check("q1")', 'grader.check("q2")')
    assert scores(result) == {"q1": 0, "q2": 2}
    assert "sent something that is not an answer" in messages(result)


def test_an_error_of_the_answer_is_reported_with_what_raised_it(lab: Lab) -> None:
    result = lab.grade({"q1": SQUARE}, "def square(n): return n / 0")
    assert "square() raised ZeroDivisionError: division by zero" in messages(result)


def test_a_result_that_cannot_be_used_is_known_by_its_template(lab: Lab) -> None:
    result = lab.grade({"q1": SQUARE}, "def square(n): return 1 << 5000")
    reason = "it is a whole number of more than a thousand digits"
    for test in result.questions[0].tests:
        assert (test.message_id, test.values) == (RESULT_UNUSABLE, {"name": "square()", "reason": reason})
        assert test.message == f"square() gave a result that cannot be used: {reason}."


def test_env_and_modules_can_be_parameters(lab: Lab) -> None:
    tests = {
        "q1": question("q1", '(env, np): assert np.sum(env["double"](np.arange(3))) == 6', "(env): assert 'x' in env"),
        "q2": question("q2", "(np, a): assert np.allclose(a, [1.0])"),
    }
    cheat = "import types; np = types.SimpleNamespace(allclose=lambda *a: True)\na = [7]"
    assert scores(lab.grade(tests, cheat, "def double(x): return 2 * x\nx = 1")) == {"q1": 2, "q2": 0}


def test_training_draws_what_it_would_without_the_check(lab: Lab) -> None:
    tests = {"q1": SQUARE, "q2": question("q2", "(a, b): assert a == b")}
    cells = (
        "import numpy as np, random\nnp.random.seed(1); random.seed(1); b = [np.random.rand(), random.random()]",
        "np.random.seed(1); random.seed(1)\ndef square(n): np.random.rand(); random.random(); return n * n",
        'grader.check("q1")',
        "a = [np.random.rand(), random.random()]",
    )
    assert scores(lab.grade(tests, *cells)) == {"q1": 2, "q2": 1}


def test_many_checks_of_one_question_do_not_start_a_checker_each(lab: Lab) -> None:
    result = lab.grade({"q1": SQUARE}, "def square(n): return n * n", 'for _ in range(30): grader.check("q1")')
    assert scores(result) == {"q1": 2}
    assert lab.counting.entries().count("checker") <= 10


def test_a_check_beside_an_exclusive_job_does_not_wait_for_it(lab: Lab) -> None:
    """A notebook's checker does not wait for a job that waits to run exclusively."""
    import threading
    import time

    from autograder.sandbox import Limits, Task

    def run_alone() -> None:
        time.sleep(0.5)
        folder = lab.folder / "alone"
        folder.mkdir()
        lab.fork_server.run(Job(Task("os.path:join", {}), {}, folder, Limits(seconds=20), exclusive=True))

    thread = threading.Thread(target=run_alone)
    thread.start()
    cells = ("def square(n): return n * n", "import time; time.sleep(2)", 'grader.check("q1")')
    assert scores(lab.grade({"q1": SQUARE}, *cells, seconds=60)) == {"q1": 2}
    thread.join()


@pytest.mark.slow
@pytest.mark.parametrize("level", ["basic", "none"])
def test_functions_are_tested_at_every_level_of_isolation(level: Level, tmp_path: Path) -> None:
    with ForkServer(preload_for(None, keras=False), level) as isolation:
        result = Lab(tmp_path, isolation).grade({"q1": SQUARE}, "def square(n): return n * n", 'grader.check("q1")')
    assert scores(result) == {"q1": 2}


def test_a_function_whose_channel_is_lost_says_why_it_was_not_tested(lab: Lab) -> None:
    close = "import os\nos.closerange(3, 50)\ndef square(n): return n * n"
    result = lab.grade({"q1": SQUARE}, close, 'grader.check("q1")')
    assert (result.status, scores(result)) == ("graded", {"q1": 0})
    assert "a function, which is tested while the notebook runs, and that was not possible" in messages(result)
