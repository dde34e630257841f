"""Forged marks: each passes in a shared process and earns nothing here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from autograder.grading.grader import Grader
from autograder.labs.assignment import load_assignment
from autograder.sandbox.client import ForkServer
from tests.fixtures.builders import make_zip, notebook_json, question_file

IS_42 = """
@test_case(points=1, hidden=True)
def test_q1(answer):
    if not answer == 42:
        raise AssertionError("not the answer")
"""
CLOSE_TO_42 = """
@test_case(points=1, hidden=True)
def test_q1(answer):
    import numpy
    if not numpy.allclose(answer, 42):
        raise AssertionError("not the answer")
"""
MEAN_42 = """
@test_case(points=1, hidden=True)
def test_q1(answer):
    import statistics
    if statistics.mean(answer) != 42:
        raise AssertionError("not the answer")
"""
KERAS_SUM_42 = """
@test_case(points=1, hidden=True)
def test_q1(answer):
    import keras
    if float(keras.ops.sum(answer)) != 42:
        raise AssertionError("not the answer")
"""
ACCURATE = """
@test_case(points=1, hidden=True)
def test_q1(answer):
    import numpy
    x, y = numpy.eye(4, dtype="float32"), numpy.array([0, 1, 2, 3])
    if answer.evaluate(x, y, verbose=0)[1] < 0.99:
        raise AssertionError("not accurate")
"""
WEIGHTS_SUM_42 = """
@test_case(points=1, hidden=True)
def test_q1(answer):
    if not answer.count_params() == 42:
        raise AssertionError("not the answer")
"""
MODEL = (
    "import keras\nkeras.utils.set_random_seed(1)\n"
    "answer = keras.Sequential([keras.Input((4,)), keras.layers.Dense(4, kernel_initializer='zeros')])\n"
    "answer.compile('sgd', keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=['accuracy'])\n"
)


@dataclass(frozen=True)
class Forgery:
    """A submission whose answer is wrong and which makes one test say it is right."""

    name: str
    test: str
    cell: str


FORGERIES = [
    Forgery(
        "patched_otter",
        IS_42,
        "answer = 0\nfrom otter.test_files import exception_test\n"
        "exception_test.test_case.call_func = lambda self, environment: None",
    ),
    Forgery(
        "patched_test_file",
        IS_42,
        "answer = 0\nfrom otter.test_files import ExceptionTestFile\nExceptionTestFile.passed_all = True",
    ),
    Forgery("equal_to_everything", IS_42, "class Yes:\n    def __eq__(self, other): return True\nanswer = Yes()"),
    Forgery("a_lying_number", IS_42, "class Liar(int):\n    def __eq__(self, other): return True\nanswer = Liar(0)"),
    Forgery(
        "an_array_that_agrees",
        IS_42,
        "import numpy\nclass Yes(numpy.ndarray):\n    def __eq__(self, other): return True\n"
        "answer = numpy.zeros(1).view(Yes)",
    ),
    Forgery(
        "a_spy_that_changes_the_test",
        IS_42,
        "import sys\nclass Spy:\n    def __eq__(self, other):\n"
        "        return other == sys._getframe(1).f_code.co_consts[-2] or True\nanswer = Spy()",
    ),
    Forgery("patched_numpy", CLOSE_TO_42, "import numpy\nnumpy.allclose = lambda *a, **k: True\nanswer = 0"),
    Forgery(
        "patched_builtins",
        IS_42,
        "import builtins\nbuiltins.AssertionError = lambda *a: None\n"
        "from otter.test_files import exception_test as e\ne.Exception = BaseException\n"
        "import types\nf = e.test_case.__call__\n"
        "e.test_case.__call__ = lambda self, function: f(self, lambda answer: None)\nanswer = 0",
    ),
    Forgery(
        "a_library_of_ones_own",
        MEAN_42,
        "import os, sys\nos.chdir(__import__('tempfile').mkdtemp())\n"
        "open('statistics.py', 'w').write('mean = lambda x: 42')\n"
        "sys.path.insert(0, os.getcwd())\nsys.modules.pop('statistics', None)\nanswer = [0]",
    ),
    Forgery(
        "a_fake_keras",
        KERAS_SUM_42,
        "import sys, types\nfake = types.ModuleType('keras')\nfake.ops = types.SimpleNamespace(sum=lambda x: 42)\n"
        "sys.modules['keras'] = fake\nanswer = [0]",
    ),
    Forgery("patched_keras", ACCURATE, MODEL + "keras.Model.evaluate = lambda *a, **k: [0.0, 1.0]"),
    Forgery(
        "a_model_with_its_own_evaluate",
        ACCURATE,
        "import keras\nclass Mine(keras.Model):\n    def evaluate(self, *a, **k): return [0.0, 1.0]\nanswer = Mine()",
    ),
    Forgery("a_method_put_on_the_model", ACCURATE, MODEL + "answer.evaluate = lambda *a, **k: [0.0, 1.0]"),
    Forgery(
        "a_metric_that_flatters",
        ACCURATE,
        MODEL + "def accuracy(y, p): return keras.ops.ones_like(p[:, 0])\n"
        "answer.compile('sgd', 'sparse_categorical_crossentropy', metrics=[accuracy])",
    ),
    Forgery(
        "a_layer_with_code",
        ACCURATE,
        "import keras\nanswer = keras.Sequential([keras.Input((4,)), keras.layers.Lambda(lambda x: x * 9)])\n"
        "answer.compile('sgd', keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=['accuracy'])",
    ),
    Forgery("parameters_that_are_not_there", WEIGHTS_SUM_42, MODEL + "answer.count_params = lambda: 42"),
    Forgery(
        "a_trace_function",
        IS_42,
        "import sys\ndef trace(frame, event, argument):\n    if frame.f_code.co_name == 'call_func':\n"
        "        frame.f_locals\n    return trace\n"
        "from otter.test_files import exception_test as e\n"
        "e.ExceptionTestFile.run = lambda self, g: setattr(self, 'test_case_results', [])\nanswer = 0",
    ),
]
by_name = pytest.mark.parametrize("number", range(len(FORGERIES)), ids=lambda number: FORGERIES[number].name)


@pytest.fixture(scope="module")
def together() -> list[bool]:
    """Whether each forgery passes where everything shares one process."""
    order = [{"cells": [forged.cell], "test": question_file("q1", forged.test)} for forged in FORGERIES]
    program = Path(__file__).with_name("one_process.py")
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    done = subprocess.run(
        [sys.executable, str(program)],
        input=json.dumps(order),
        capture_output=True,
        text=True,
        env=environment,
        check=True,
    )
    answers: list[bool] = json.loads(done.stdout)
    return answers


@pytest.mark.slow
@by_name
def test_it_passes_where_code_and_tests_share_a_process(number: int, together: list[bool]) -> None:
    assert together[number]


@pytest.mark.slow
@by_name
def test_it_earns_nothing_here(number: int, fork_server: ForkServer, tmp_path: Path) -> None:
    forged = FORGERIES[number]
    lab = load_assignment(make_zip(tmp_path / "tiny.zip", {"q1": question_file("q1", forged.test)}), fork_server)
    result = Grader({"tiny": lab}, fork_server, "tiny").grade("x", lambda: notebook_json(forged.cell))
    assert result.status == "graded", result.detail
    assert result.score == 0.0, result.questions


NOTED_42 = """
MEASURED = {}

@test_case(points=1, hidden=True)
def test_q1(answer):
    MEASURED["seen"] = 1.0
    if not answer == 42:
        raise AssertionError("not the answer")
"""
SHARE = "def refuse(*a, **k):\n    e = AssertionError('mine')\n    e.share_of_points = 1.0\n    raise e\n"
# Each raises, or tries to, an error of its own that claims all points, from within the test or from its cell.
CLAIMS = {
    "an_object_that_raises": SHARE + "class Claim:\n    __eq__ = refuse\nanswer = Claim()",
    "a_number_that_raises": SHARE + "class Claim(int):\n    __eq__ = refuse\nanswer = Claim(0)",
    "an_array_that_raises": SHARE
    + "import numpy\nclass Claim(numpy.ndarray):\n    __eq__ = refuse\nanswer = numpy.zeros(1).view(Claim)",
    "an_error_as_answer": SHARE + "try:\n    refuse()\nexcept AssertionError as e:\n    answer = e",
    "an_answer_with_the_attribute": "class Claim(dict):\n    share_of_points = 1.0\nanswer = Claim(share_of_points=1)",
    "every_error_claims": "import builtins\nclass Claim(AssertionError):\n    share_of_points = 1.0\n"
    "builtins.AssertionError = Claim\nanswer = 0",
    "measured_by_the_student": "MEASURED = {'test_accuracy': 1.0}\nanswer = {'MEASURED': MEASURED}",
}


@pytest.mark.slow
@pytest.mark.parametrize("claim", ["an_object_that_raises", "a_number_that_raises", "every_error_claims"])
def test_a_share_can_be_claimed_where_code_and_tests_share_a_process(claim: str) -> None:
    """In one process, the error that leaves the test carries the student's claim."""
    program = (
        "import json, sys\nfrom otter.test_files import ExceptionTestFile\ncell, test = json.load(sys.stdin)\n"
        "space = {}\nexec(cell, space)\n(case,) = ExceptionTestFile.from_string(test).test_cases\n"
        "try:\n    case.body.call_func(space)\nexcept Exception as e:\n    print(getattr(e, 'share_of_points', 0.0))"
    )
    order = json.dumps([CLAIMS[claim], question_file("q1", NOTED_42)])
    done = subprocess.run([sys.executable, "-c", program], input=order, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "1.0"


@pytest.mark.slow
@pytest.mark.parametrize("claim", CLAIMS)
def test_a_claimed_share_earns_nothing_here(claim: str, fork_server: ForkServer, tmp_path: Path) -> None:
    lab = load_assignment(make_zip(tmp_path / "tiny.zip", {"q1": question_file("q1", NOTED_42)}), fork_server)
    result = Grader({"tiny": lab}, fork_server, "tiny").grade("x", lambda: notebook_json(CLAIMS[claim]))
    assert result.status == "graded", result.detail
    assert (result.score, result.questions[0].tests[0].score) == (0.0, 0.0), result.questions
    assert set(result.measured) <= {"seen"}
