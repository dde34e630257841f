"""Hostile hand-overs cost their own question and never stop the grader."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autograder.grading.grader import Grader
from autograder.handover.decode import HandoverReader, Unusable
from autograder.handover.journal import read_run_log
from autograder.handover.tasks import RUN_NOTEBOOK
from autograder.labs.assignment import Assignment, load_assignment
from autograder.results.result import Result
from autograder.sandbox import Limits
from autograder.sandbox.client import ForkServer
from autograder.sandbox.collect import collect
from tests.fixtures.builders import make_zip, notebook_json, question_file

TESTS = {
    "q1": question_file(
        "q1",
        """
@test_case(points=1, hidden=True)
def test_evil(evil):
    if hasattr(evil, "layers"):
        evil(__import__("numpy").zeros((64, 8, 8, 1), "float32"))
    elif not evil == 42:
        raise AssertionError("not the answer")
""",
    ),
    "q2": question_file(
        "q2",
        """
@test_case(points=1, hidden=True)
def test_good(good):
    if not good == 7:
        raise AssertionError("not the answer")
""",
    ),
}
# What a process that forges its own hand-over does: it writes the files itself, then ends before they are rewritten.
FORGE = """
import json, os, numpy as np
JOB = '/job'
def forge(described, question='q1', name='evil'):
    with open(JOB + '/handover/answers.jsonl', 'a') as file:
        file.write(json.dumps({'question': question, 'values': {name: described}}) + '\\n')
forge({'kind': 'int', 'value': 7}, 'q2', 'good')
def header(shape, dtype, data=b''):
    with open(JOB + '/handover/0000.npy', 'wb') as file:
        np.lib.format.write_array_header_1_0(file, {'descr': dtype, 'fortran_order': False, 'shape': shape})
        file.write(data)
    forge({'kind': 'array', 'file': '0000.npy'})
def layer(name, module='keras.layers', /, **config):
    return {'module': module, 'class_name': name, 'config': config, 'registered_name': None}
def model(*layers, shape=(None, 8, 8, 1)):
    first = layer('InputLayer', batch_shape=list(shape), dtype='float32', name='i')
    structure = layer('Sequential', 'keras', name='m', layers=[first, *layers])
    forge({'kind': 'model', 'structure': structure, 'compile': None, 'weights': []})
"""
END = "\nos._exit(0)\n"


@dataclass(frozen=True)
class Hostile:
    """A forged hand-over of q1 beside a right one of q2."""

    name: str
    cell: str
    ends: str = END


HOSTILE = [
    Hostile(
        "pickled_array",
        "np.save(JOB + '/handover/0000.npy', np.array([print], object), allow_pickle=True)\n"
        "forge({'kind': 'array', 'file': '0000.npy'})",
    ),
    Hostile("truncated_array", "header((1000,), '<f8', b'short')"),
    Hostile("array_larger_than_its_file", "header((1 << 40,), '<f8')"),
    Hostile("array_of_negative_size", "header((-5, 1 << 62), '<f8')"),
    Hostile("array_of_objects", "header((3,), '|O', b'x' * 100)"),
    Hostile("array_of_records", "header((3,), [('a', '<f8')], b'x' * 24)"),
    Hostile("missing_array", "forge({'kind': 'array', 'file': '0009.npy'})"),
    Hostile("array_elsewhere", "forge({'kind': 'array', 'file': '../../etc/passwd'})"),
    Hostile(
        "link_to_the_machine",
        "os.symlink('/etc/passwd', JOB + '/handover/0000.npy')\nforge({'kind': 'array', 'file': '0000.npy'})",
    ),
    Hostile("folder_as_array", "os.mkdir(JOB + '/handover/0000.npy')\nforge({'kind': 'array', 'file': '0000.npy'})"),
    Hostile("deep_nesting", "forge(eval(\"{'kind': 'list', 'items': [\" * 40 + \"{'kind': 'none'}\" + ']}' * 40))"),
    Hostile("bottomless_nesting", "open(JOB + '/handover/answers.jsonl', 'a').write('[' * 10_000_000)"),
    Hostile("unknown_kind", "forge({'kind': 'code', 'value': 'import os'})"),
    Hostile("no_description", "forge([1, 2, 3])"),
    Hostile(
        "monstrous_number",
        "open(JOB + '/handover/answers.jsonl', 'a').write("
        '\'{"question": "q1", "values": {"evil": {"kind": "int", "value": \' + \'9\' * 1_000_000 + \'}}}\\n\')',
    ),
    Hostile("dtype_of_a_scalar", "forge({'kind': 'scalar', 'dtype': 'O', 'value': 42})"),
    Hostile("history_of_nonsense", "forge({'kind': 'history', 'history': [1], 'params': 3, 'epoch': None})"),
    Hostile(
        "model_of_a_trillion_parameters",
        "model(layer('Dense', units=1 << 20, name='a'), layer('Dense', units=1 << 20))",
    ),
    Hostile(
        "model_with_code", "model(layer('Lambda', function={'class_name': '__lambda__', 'config': {'code': 'x'}}))"
    ),
    Hostile("model_of_another_module", "model(layer('Popen', 'subprocess', args=['touch', '/tmp/x']))"),
    Hostile("model_that_fetches", "model(layer('get_file', 'keras.utils', fname='x', origin='file:///etc/passwd'))"),
    Hostile(
        "model_that_needs_all_memory", "model(layer('ZeroPadding2D', padding=[[20000, 20000], [2000, 2000]], name='z'))"
    ),
    Hostile("model_of_nothing", "forge({'kind': 'model', 'structure': None, 'compile': 7, 'weights': 'x'})"),
    Hostile(
        "forged_verdicts",
        "open(JOB + '/verdicts.jsonl', 'w').write(json.dumps({'question': 'q1', 'verdict':"
        " {'handed_over': True, 'variables': {'evil': 'present'}, 'tests': [{'name': 'test_evil', 'passed': True,"
        " 'message': ''}]}}) + '\\n')",
    ),
    Hostile("journal_of_a_hundred_megabytes", "open(JOB + '/journal.jsonl', 'ab').write(b'x' * 100_000_000)"),
    Hostile(
        "journal_of_nonsense",
        'open(JOB + \'/journal.jsonl\', \'w\').write(\'[1]\\n{"event": "end", "cell": -1}\\n'
        '{"cell": 99999999999999999999999}\\n{"cell": 1, "error": {"name": [], "message": {}}}\\nnull\\n\')',
    ),
    Hostile("no_journal", "os.unlink(JOB + '/journal.jsonl')"),
    Hostile("no_folder", "import shutil; shutil.rmtree(JOB + '/handover')"),
]
# These take the right answer away with the forged one.
LOSES_ALL = {"no_folder"}


@pytest.fixture(scope="module")
def lab(fork_server: ForkServer, tmp_path_factory: pytest.TempPathFactory) -> Assignment:
    loaded = load_assignment(make_zip(tmp_path_factory.mktemp("lab") / "tiny.zip", TESTS), fork_server)
    return replace(loaded, limits=Limits(seconds=60, output_mb=256))


def graded(lab: Assignment, fork_server: ForkServer, *cells: str) -> Result:
    return Grader({"tiny": lab}, fork_server, "tiny").grade("x", lambda: notebook_json(*cells))


@pytest.mark.parametrize("hostile", HOSTILE, ids=lambda hostile: hostile.name)
def test_a_hostile_hand_over_costs_its_own_question(hostile: Hostile, lab: Assignment, fork_server: ForkServer) -> None:
    result = graded(lab, fork_server, FORGE + hostile.cell + hostile.ends)
    assert result.status == "crashed", result.detail
    assert result.questions[0].score == 0.0, result.questions[0]
    assert result.questions[1].score == (0.0 if hostile.name in LOSES_ALL else 1.0), result.questions[1]


def test_the_forging_itself_works(lab: Assignment, fork_server: ForkServer) -> None:
    """With the right content, the hostile cells' method gives full marks."""
    result = graded(lab, fork_server, FORGE + "forge({'kind': 'int', 'value': 42})" + END)
    assert result.score == 2.0


@pytest.mark.parametrize(
    ("ending", "detail"),
    [
        ("import os; os._exit(0)", "ended the process"),
        ("import os; os._exit(3)", "exit code 3"),
        ("import ctypes; ctypes.string_at(0)", "SIGSEGV"),
        ("import os; os.abort()", "SIGABRT"),
        ("import os; os.kill(os.getpid(), 9)", "SIGKILL"),
        ("import os, subprocess; p = subprocess.Popen(['sleep', '9']); os.kill(-1, 9); os._exit(5)", "exit code 5"),
        (
            "import os, signal\nfor n in range(1, 65):\n    try: os.kill(1, n)\n    except OSError: pass\nos._exit(4)",
            "exit code 4",
        ),
        (
            "keep = []\nwhile True: keep.append(b'x' * (1 << 29))",
            "memory",
        ),
    ],
    ids=["exit_0", "exit_3", "segfault", "abort", "kill_itself", "kill_all", "kill_init", "out_of_memory"],
)
def test_an_ending_keeps_what_was_handed_over_before(
    ending: str, detail: str, lab: Assignment, fork_server: ForkServer
) -> None:
    check = "import otter; grader = otter.Notebook(); good = 7; grader.check('q2')"
    result = graded(replace(lab, limits=Limits(seconds=60, memory_mb=1500)), fork_server, check, ending, "evil = 42")
    assert result.status == ("out_of_memory" if detail == "memory" else "crashed")
    assert detail in str(result.detail)
    assert [question.score for question in result.questions] == [0.0, 1.0]


def test_pickled_arrays_run_no_code(tmp_path: Path) -> None:
    """With pickles allowed, the same file does what its author wants."""
    marker = tmp_path / "made-by-the-array"

    class Payload:
        def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
            return os.mkdir, (str(marker),)

    handover_folder = tmp_path / "handover"
    handover_folder.mkdir()
    np.save(handover_folder / "0000.npy", np.array([Payload()], dtype=object), allow_pickle=True)
    line = {"question": "q1", "values": {"evil": {"kind": "array", "file": "0000.npy"}}}
    (handover_folder / "answers.jsonl").write_text(json.dumps(line), encoding="utf-8")
    assert isinstance(HandoverReader(handover_folder).values("q1")["evil"], Unusable)
    assert not marker.exists()
    np.load(handover_folder / "0000.npy", allow_pickle=True)
    assert marker.exists()


@pytest.fixture
def left(tmp_path: Path) -> tuple[Path, Path]:
    """A worker's folder with an honest array in it, and the job's folder."""
    source, job = tmp_path / "source", tmp_path / "job"
    (source / "handover").mkdir(parents=True)
    job.mkdir()
    np.save(source / "handover" / "0001.npy", np.arange(3))
    return source, job


def taken(source: Path, job: Path, max_bytes: int = 1 << 20) -> set[str]:
    """Collect files and return the names that arrived."""
    descriptor = os.open(source, os.O_RDONLY)
    try:
        collect(descriptor, job, RUN_NOTEBOOK.outputs, max_bytes=max_bytes)
    finally:
        os.close(descriptor)
    return {path.name for path in job.rglob("*") if path.is_file()}


def _symlink(source: Path, secret: Path) -> None:
    (source / "handover" / "0000.npy").symlink_to(secret)


def _hard_link(source: Path, secret: Path) -> None:
    (source / "handover" / "0000.npy").hardlink_to(secret)


def _pipe(source: Path, _: Path) -> None:
    os.mkfifo(source / "handover" / "0000.npy")


def _folder_link(source: Path, secret: Path) -> None:
    (source / "handover" / "0001.npy").rename(source / "0001.npy")
    (source / "handover").rmdir()
    (secret.parent / "0000.npy").write_bytes(b"secret")
    (source / "handover").symlink_to(secret.parent)


def _sparse(source: Path, _: Path) -> None:
    with (source / "handover" / "0000.npy").open("wb") as file:
        file.truncate(1 << 40)


def _odd_name(source: Path, _: Path) -> None:
    (source / "handover" / "config.py").write_text("x", encoding="utf-8")
    (source / "verdicts.jsonl").write_text("x", encoding="utf-8")


@pytest.mark.parametrize("plant", [_symlink, _hard_link, _pipe, _folder_link, _sparse, _odd_name])
def test_only_ordinary_files_are_collected(
    plant: Callable[[Path, Path], None], left: tuple[Path, Path], tmp_path: Path
) -> None:
    secret = tmp_path / "elsewhere" / "secret"
    secret.parent.mkdir()
    secret.write_text("secret", encoding="utf-8")
    source, job = left
    plant(source, secret)
    came: list[Any] = []
    thread = threading.Thread(target=lambda: came.append(taken(source, job)), daemon=True)
    thread.start()
    thread.join(20)  # the pipe would hold a careless reader for ever
    expected = set() if plant is _folder_link else {"0001.npy"}
    assert came == [expected]


def test_collecting_stops_at_its_limit(left: tuple[Path, Path]) -> None:
    source, job = left
    (source / "handover" / "0000.npy").write_bytes(b"x" * 1000)
    assert taken(source, job, max_bytes=500) == {"0001.npy"}


def test_a_journal_is_read_with_little_memory(tmp_path: Path) -> None:
    long, short = (
        json.dumps({"event": "end", "cell": 1, "error": {"name": "E", "message": "x" * size}}) for size in (50_000, 10)
    )
    (tmp_path / "journal.jsonl").write_text(f"{long}\n" + f"{short}\n" * 5000, encoding="utf-8")
    run_log = read_run_log(tmp_path)
    assert 100 < len(run_log.errors) <= 1000
    assert 1000 < max(len(error.message) for error in run_log.errors) <= 2000
