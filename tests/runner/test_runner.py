"""The runner, for real: what cells may do, what they leave, how they end."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from autograder.grading.preload import keras_preload
from autograder.handover.decode import Unusable
from autograder.sandbox import Limits
from autograder.sandbox.client import ForkServer
from tests.fixtures.builders import Ran, run_cells


@pytest.fixture(scope="module")
def odd_cells(fork_server: ForkServer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str | None]:
    """The name of each cell's error, or None, in a notebook of common actions."""
    ran = run_cells(fork_server, tmp_path_factory.mktemp("odd"), *ODD_CELLS.values(), "answer = len(seen)")
    assert ran.outcome.end == "done"
    assert ran.run_log.finished
    assert ran.value("answer") == SEEN
    return {name: ran.raised.get(number) for number, name in enumerate(ODD_CELLS, start=1)}


ODD_CELLS = {
    "setup": "seen = []",
    "matplotlib_inline": "%matplotlib inline\nimport matplotlib.pyplot as plt\nseen.append(1)",
    "figure": "plt.figure(); plt.plot([1, 2]); plt.show(); seen.append(1)",
    "time_magic": "%%time\nseen.append(1)",
    "line_time": "%time seen.append(1)",
    "shell": "lines = !echo hello\nassert lines == ['hello'], lines\n!echo again\nseen.append(1)",
    "bash_cell": "%%bash\necho hello > written.txt",
    "bash_result": "assert open('written.txt').read() == 'hello\\n'; seen.append(1)",
    "await": "import asyncio\nawait asyncio.sleep(0)\nseen.append(1)",
    "display": "display({'a': 1}); from IPython.display import HTML; display(HTML('<b>x</b>')); seen.append(1)",
    "last_value": "seen.append(1)\nseen",
    "writefile": "%%writefile helper.py\nVALUE = 7",
    "import_written": "import helper\nassert helper.VALUE == 7\nseen.append(1)",
    "get_ipython": "get_ipython().run_line_magic('matplotlib', 'inline'); seen.append(1)",
    "input": "input('name? ')",
    "after_input": "seen.append(1)",
    "exit": "exit()",
    "quit": "quit()",
    "after_exit": "seen.append(1)",
    "sys_exit": "import sys\nsys.exit(3)",
    "interrupt": "raise KeyboardInterrupt",
    "await_exit": "await asyncio.sleep(0)\nsys.exit()",
    "syntax": "this is no Python",
    "zero": "1 / 0",
    "unknown_magic": "%no_such_magic",
    "recursion": "def deeper(): return deeper()\ndeeper()",
    "bad_exception": "class Bad(Exception):\n    def __str__(self): raise ValueError\nraise Bad",
    "bad_repr": "class Rude:\n    def __repr__(self): raise ValueError('rude')\nRude()",
    "close_overwritten": "plt.close = 'all'\nseen.append(1)",
    "stdout_gone": "import sys, os\nsys.stdout = open(os.devnull, 'w'); sys.stdout.close(); seen.append(1)",
    "stderr_none": "sys.stderr = None; seen.append(1)",
    "after_all": "seen.append(1)",
}
SEEN = sum(source.count("seen.append(1)") for source in ODD_CELLS.values())


@pytest.mark.parametrize(
    ("cell", "error"),
    [
        ("matplotlib_inline", None),
        ("time_magic", None),
        ("shell", None),
        ("bash_result", None),
        ("await", None),
        ("display", None),
        ("import_written", None),
        ("input", "EOFError"),
        ("exit", None),
        ("quit", None),
        ("sys_exit", "SystemExit"),
        ("interrupt", "KeyboardInterrupt"),
        ("await_exit", "SystemExit"),
        ("syntax", "SyntaxError"),
        ("zero", "ZeroDivisionError"),
        ("unknown_magic", "UsageError"),
        ("recursion", "RecursionError"),
        ("bad_exception", "Bad"),
    ],
)
def test_what_cells_do_is_as_in_jupyter_and_never_stops_the_notebook(
    odd_cells: dict[str, str | None], cell: str, error: str | None
) -> None:
    assert odd_cells[cell] == error


def test_only_the_expected_cells_raise(odd_cells: dict[str, str | None]) -> None:
    raised = {name for name, error in odd_cells.items() if error}
    expected = {"input", "sys_exit", "interrupt", "await_exit", "syntax", "zero", "unknown_magic", "recursion"}
    assert raised == expected | {"bad_exception"}


def test_a_question_is_handed_over_as_it_was_when_last_checked(fork_server: ForkServer, tmp_path: Path) -> None:
    ran = run_cells(
        fork_server,
        tmp_path,
        "import otter\nfrom otter import Notebook\ngrader = otter.Notebook('tiny.ipynb')",
        "a = 1; b = 1; c = 1; d = 1",
        "grader.check('q1')",
        "a = 2; b = 2; c = 2",
        "grader.check('q2')",
        "b = 3",
        "grader.check('q2')",
        "b = 4; c = 4\nprint(Notebook().check('q4', global_env={}))",
        "d = 5\ngrader.export('tiny.ipynb', pdf=False, run_tests=True)\ngrader.to_pdf()",
        "grader.check('q99')",
        handover={"q1": ["a"], "q2": ["b", "a"], "q3": ["c", "nowhere"], "q4": ["d"]},
    )
    assert ran.handed_over.values("q1") == {"a": 1}
    assert ran.handed_over.values("q2") == {"b": 3, "a": 2}
    assert ran.handed_over.values("q3") == {"c": 4}
    assert ran.handed_over.values("q4") == {"d": 1}
    assert ran.raised == {10: "FileNotFoundError"}


def test_check_all_does_nothing_as_in_stock_otter(fork_server: ForkServer, tmp_path: Path) -> None:
    ran = run_cells(
        fork_server,
        tmp_path,
        "import otter; grader = otter.Notebook()\na = b = 1\ngrader.check('q1')",
        "a = b = 2\nanswer = grader.check_all()",
        "a = b = 3",
        handover={"q1": ["a"], "q2": ["b", "answer"]},
    )
    assert ran.handed_over.values("q1") == {"a": 1}
    assert ran.handed_over.values("q2") == {"b": 3, "answer": None}


def test_what_was_handed_over_before_a_sudden_end_is_kept(fork_server: ForkServer, tmp_path: Path) -> None:
    ran = run_cells(
        fork_server,
        tmp_path,
        "import otter, os; grader = otter.Notebook()\nanswer = 1\ngrader.check('q1')",
        "os._exit(0)",
        "answer = 2",
        handover={"q1": ["answer"], "q2": ["answer"]},
    )
    assert ran.outcome.end == "done"
    assert not ran.run_log.finished
    assert ran.run_log.last_cell == 2
    assert ran.handed_over.questions == {"q1"}
    assert ran.value("answer") == 1


@pytest.mark.parametrize(
    ("cell", "says"),
    [
        ("import ctypes; ctypes.string_at(0)", "SIGSEGV"),
        ("import os; os._exit(7)", "exit code 7"),
        ("import os; os.kill(os.getpid(), 40)", "signal 40"),
        ("import os; os.abort()", "SIGABRT"),
    ],
)
def test_a_sudden_end_is_a_crash_with_its_reason(fork_server: ForkServer, tmp_path: Path, cell: str, says: str) -> None:
    ran = run_cells(fork_server, tmp_path, "answer = 1", cell)
    assert ran.outcome.end == "crashed"
    assert says in ran.outcome.detail
    assert ran.run_log.last_cell == 2


@pytest.mark.parametrize(
    "cell",
    [
        "while True: pass",
        "import time\nwhile True:\n    try:\n        time.sleep(60)\n    except BaseException: pass",
        "import os, signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nos.kill(os.getpid(), signal.SIGSTOP)",
    ],
    ids=["busy", "stubborn", "stopped"],
)
def test_what_never_ends_is_ended(fork_server: ForkServer, tmp_path: Path, cell: str) -> None:
    start = time.monotonic()
    ran = run_cells(fork_server, tmp_path, "answer = 1", cell, limits=Limits(seconds=2, memory_mb=4096))
    assert ran.outcome.end == "timeout"
    assert "2 seconds" in ran.outcome.detail
    assert ran.outcome.seconds < 4
    assert time.monotonic() - start < 10
    assert ran.run_log.last_cell == 2


def test_too_much_memory_is_noticed(fork_server: ForkServer, tmp_path: Path) -> None:
    hog = "import numpy as np, time\nheld = []\nfor _ in range(60): held.append(np.ones(6_000_000)); time.sleep(0.02)"
    ran = run_cells(fork_server, tmp_path, hog, limits=Limits(seconds=60, memory_mb=1500))
    assert ran.outcome.end == "out_of_memory"
    assert "1500 MB" in ran.outcome.detail
    assert ran.outcome.peak_mb > 1500


def test_memory_counts_over_all_processes_of_the_notebook(fork_server: ForkServer, tmp_path: Path) -> None:
    hog = (
        "import subprocess, sys, time\n"
        "code = 'held = bytearray(700_000_000); import time; time.sleep(60)'\n"
        "held = [subprocess.Popen([sys.executable, '-S', '-c', code]) for _ in range(2)]\n"
        "time.sleep(60)"
    )
    ran = run_cells(fork_server, tmp_path, hog, limits=Limits(seconds=60, memory_mb=1200))
    assert ran.outcome.end == "out_of_memory"


def test_threads_and_processes_left_running_end_with_the_worker(fork_server: ForkServer, tmp_path: Path) -> None:
    ran = run_cells(
        fork_server,
        tmp_path,
        "import subprocess, threading, time, os\n"
        "threading.Thread(target=time.sleep, args=(600,)).start()\n"
        "plain = subprocess.Popen(['sleep', '60101'])\n"
        "grouped = subprocess.Popen(['sleep', '60102'], process_group=0)\n"
        "get_ipython().run_cell_magic('bash', '', 'nohup sleep 60103 >/dev/null 2>&1 &')\n"
        "answer = True",
    )
    assert ran.outcome.end == "done"
    assert ran.outcome.seconds < 30
    assert ran.value("answer") is True
    for seconds in (60101, 60102, 60103):
        wait_until_gone(f"sleep\0{seconds}\0")


def wait_until_gone(command: str) -> None:
    """Wait up to ten seconds for the end of processes with this command line.

    Its words end with a zero byte.
    """
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        lines = []
        for process in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                lines.append(process.read_text(encoding="utf-8", errors="replace"))
        if command not in lines:
            return
        time.sleep(0.05)
    pytest.fail(f"{command!r} is still running")


TRAINING = """
import keras, numpy as np, tensorflow as tf
keras.utils.set_random_seed(7)
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(16, activation='relu'), keras.layers.Dropout(0.2),
                          keras.layers.Dense(3, activation='softmax')])
model.compile(optimizer='rmsprop', loss='sparse_categorical_crossentropy', metrics=['accuracy'])
x = np.random.rand(64, 8); y = np.random.randint(0, 3, 64)
history = model.fit(x, y, epochs=2, batch_size=16, verbose=0)
answer = [w for w in model.get_weights()] + [history.history['loss']]
"""


def test_a_seeded_training_is_repeatable_bit_by_bit(fork_server: ForkServer, tmp_path: Path) -> None:
    def train(name: str) -> Ran:
        folder = tmp_path / name
        folder.mkdir()
        return run_cells(fork_server, folder, TRAINING)

    first, second = train("first").value("answer"), train("second").value("answer")
    assert len(first) == 5
    for left, right in zip(first, second, strict=True):
        np.testing.assert_array_equal(left, right)


def test_without_a_seed_of_its_own_a_notebook_starts_from_the_labs(fork_server: ForkServer, tmp_path: Path) -> None:
    draw = (
        "import keras, numpy as np, random\n"
        "answer = [random.random(), np.random.rand(), np.asarray(keras.random.normal((2,))).tolist()]"
    )
    values = []
    for number, seed in enumerate((5, 5, 6)):
        folder = tmp_path / str(number)
        folder.mkdir()
        values.append(run_cells(fork_server, folder, draw, seed=seed).value("answer"))
    assert values[0] == values[1]
    assert values[0] != values[2]


def test_mnist_is_served_offline_and_fresh_each_time(fork_server: ForkServer, tmp_path: Path) -> None:
    ran = run_cells(
        fork_server,
        tmp_path,
        "from tensorflow import keras\nfrom tensorflow.keras.datasets import mnist",
        "(images, labels), (test, _) = mnist.load_data()\nimages[:] = 0",
        "import keras as other\n(again, _), _ = other.datasets.mnist.load_data('mnist.npz')",
        "answer = [images.shape, test.shape, str(again.dtype), images.max(), again.max(), labels[:5].tolist()]",
    )
    assert not ran.raised
    assert ran.value("answer") == [(60000, 28, 28), (10000, 28, 28), "uint8", 0, 255, [5, 0, 4, 1, 9]]


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForkServer]:
    """A fork server with a secret variable, in a folder with files named as libraries."""
    folder = tmp_path_factory.mktemp("elsewhere")
    for name in ("colorsys", "otter", "numpy", "json"):
        (folder / f"{name}.py").write_text("raise RuntimeError('a file of a stranger was imported')", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUTOGRADER_TEST_SECRET", "s3cr3t")
        patch.chdir(folder)
        process = ForkServer(keras_preload(None))
    with process:
        yield process


@pytest.mark.slow
def test_the_surroundings_are_clean(elsewhere: ForkServer, tmp_path: Path) -> None:
    ran = run_cells(
        elsewhere,
        tmp_path,
        "import os, tempfile, subprocess, sys, pathlib",
        "before = os.listdir('.')\npathlib.Path('made.txt').write_text('x')",
        "answer = {'before': before, 'home': os.environ['HOME'], 'cwd': os.getcwd(), 'tmp': tempfile.gettempdir(),"
        "'environment': dict(os.environ), 'args': sys.argv, 'own': pathlib.Path('/proc/self/environ').read_text(),"
        "'child': subprocess.run(['env'], capture_output=True, text=True).stdout,"
        "'fds': sorted(os.readlink(f'/proc/self/fd/{n}') for n in os.listdir('/proc/self/fd')"
        "              if os.path.islink(f'/proc/self/fd/{n}'))}",
    )
    found = ran.value("answer")
    assert not isinstance(found, Unusable)
    assert found["before"] == []
    assert found["home"] == found["cwd"] == found["tmp"] == "/scratch"
    assert "s3cr3t" not in str(found)
    assert not any("socket:" in target for target in found["fds"])


@pytest.mark.slow
def test_a_file_in_the_callers_folder_never_shadows_a_module(elsewhere: ForkServer, tmp_path: Path) -> None:
    """A submission named like a library is not imported by the fork server."""
    ran = run_cells(elsewhere, tmp_path, "import colorsys, otter, json, numpy\nanswer = colorsys.__file__")
    assert not ran.raised
    assert "elsewhere" not in ran.value("answer")
