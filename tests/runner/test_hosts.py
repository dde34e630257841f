"""What notebook hosts provide, and messages that contain a stack trace."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder.sandbox.client import ForkServer
from autograder.util.tracebacks import without_frames
from tests.fixtures.builders import run_cells


def test_a_notebook_that_mounts_a_drive_goes_on(fork_server: ForkServer, tmp_path: Path) -> None:
    ran = run_cells(
        fork_server,
        tmp_path,
        "from google.colab import drive\ndrive.mount('/content/drive')\nanswer = 1",
        "import google.colab.files, google.colab\nuploaded = google.colab.files.upload()\nanswer += len(uploaded) + 1",
        "from google.colab import userdata; userdata.get('KEY'); answer += 1",
        "import sys; 'google.colab' in sys.modules",
    )
    assert ran.raised == {}
    assert ran.value("answer") == 3
    shown = (tmp_path / "outputs.jsonl").read_text(encoding="utf-8")
    assert shown.count("Google Colab is not available") == 1, "the cause is named once"


@pytest.mark.slow
def test_an_error_of_tensorflow_says_what_is_wrong(fork_server: ForkServer, tmp_path: Path) -> None:
    ran = run_cells(
        fork_server,
        tmp_path,
        "import keras, numpy as np, tensorflow as tf\n"
        "model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(10)])\n"
        "flat = lambda y: tf.boolean_mask(y[:, 0], y[:, 0] > 0)\n"
        "model.compile(loss=lambda y, p: (flat(y) - p) ** 2, optimizer='sgd')",
        "model.fit(np.ones((128, 4)), np.ones((128, 1)), batch_size=128, verbose=0)",
    )
    (error,) = ran.run_log.errors
    assert error.name == "InvalidArgumentError"
    first, *_ = error.message.splitlines()
    assert "ncompatible shapes: [128] vs. [128,10]" in first
    assert "site-packages" not in error.message
    assert "autograder" not in error.message


TRACE = """Graph execution error:

Detected at node gradient_tape/sub/BroadcastGradientArgs defined at (most recent call last):
  File "<frozen runpy>", line 198, in _run_module_as_main

  File "/opt/python/keras/src/trainer.py", line 54, in train_step
    loss = self.compute_loss(x)

Incompatible shapes: [128] vs. [128,10]
\t [[{{node gradient_tape/sub/BroadcastGradientArgs}}]] [Op:__inference_one_step_1]"""


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (TRACE, "Incompatible shapes: [128] vs. [128,10]"),
        (TRACE + "\n" + TRACE, "Incompatible shapes: [128] vs. [128,10]"),
        ("name 'x' is not defined", "name 'x' is not defined"),
        ("two\nlines", "two\nlines"),
        (
            'in user:\n\nTraceback (most recent call last):\n  File "/a.py", line 1, in f\n    g()\nValueError: no',
            "in user:\nValueError: no",
        ),
        ("only (most recent call last)", "only (most recent call last)"),
    ],
)
def test_stack_traces_in_messages_are_left_out(text: str, shown: str) -> None:
    assert without_frames(text) == shown


@pytest.mark.slow
def test_the_tensorboard_callback_works(fork_server: ForkServer, tmp_path: Path) -> None:
    ran = run_cells(
        fork_server,
        tmp_path,
        "import keras, numpy as np\n"
        "model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])\n"
        "model.compile(loss='mse', optimizer='sgd')",
        "board = keras.callbacks.TensorBoard('logs')\n"
        "model.fit(np.ones((8, 4)), np.ones((8, 1)), verbose=0, callbacks=[board])\n"
        "import os; answer = len(os.listdir('logs'))",
    )
    assert ran.raised == {}
    assert ran.value("answer") > 0
