"""Every lab in every language in a real JupyterLab, from untouched to graded."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.student.conftest import StartLab
from tests.student.jupyterlab import faults, marks

# `test_jupyterlab.py` does more with the English notebook of `mnist_dense`.
NOTEBOOKS = [
    "zh/from_scratch.ipynb",
    *(
        pytest.param(name, marks=pytest.mark.rare)
        for name in ("from_scratch.ipynb", "single_layer.ipynb", "zh/single_layer.ipynb", "zh/mnist_dense.ipynb")
    ),
]


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_runs_untouched_and_gets_full_marks_when_answered(
    name: str, course: Path, start_lab: StartLab
) -> None:
    notebook = course / "assignment" / name
    key = json.loads((course / "dist" / f"{notebook.stem}-solution.ipynb").read_text(encoding="utf-8"))
    lab = start_lab(notebook)
    lab.open(notebook.name)
    lab.run_all()
    assert faults(lab) == []
    assert bool(re.search("[\u4e00-\u9fff]", lab.text("set-up"))) == name.startswith("zh/")
    for cell in key["cells"]:
        if cell["id"].startswith("answer-") and cell["cell_type"] == "code":
            lab.write(cell["id"], "".join(cell["source"]))
    lab.run_all()
    assert faults(lab) == []
    status, score, possible = marks(lab, course)
    written = 2.0 if notebook.stem == "from_scratch" else 0.0  # question 7 waits for a person
    assert (status, score, possible) == ("graded", 20.0 - written, 20.0)
