"""JupyterLab with a student's notebook."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from autograder.datasets.mnist import npz_path
from tests.student.jupyterlab import JupyterLab, find_chromium

StartLab = Callable[[Path], JupyterLab]


@pytest.fixture(scope="module")
def start_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartLab]:
    """Start JupyterLab on a folder with a notebook and `mnist.npz`.

    Keras's download may be out of reach.
    """
    executable = find_chromium()
    if executable is None:
        if os.environ.get("CI"):
            pytest.fail("there is no Chromium, and CI is set: .ci/run installs it", pytrace=False)
        pytest.skip("there is no Chromium to drive JupyterLab with")
    started: list[JupyterLab] = []

    def start(notebook: Path) -> JupyterLab:
        folder, home = tmp_path_factory.mktemp("student"), tmp_path_factory.mktemp("home")
        shutil.copy(notebook, folder)
        shutil.copy(npz_path(), folder / "mnist.npz")
        started.append(JupyterLab(folder, home, executable, {"TF_NUM_INTRAOP_THREADS": "2"}))
        return started[-1]

    yield start
    for lab in started:
        lab.close()
