"""Imports go in one direction, and the grading process loads nothing heavy."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY
from tests.fixtures.builders import lab_json, make_zip, question_file
from tests.fixtures.small_class import GRADE, committed, write_class

# Where an import is added, what it imports, and the contract that this breaks.
FORBIDDEN = {
    "util/text.py": ("autograder.results.result", "A package imports only from the layers below its own"),
    "grading/grader.py": ("keras", "The grading parent imports neither TensorFlow nor Keras nor otter"),
    "handover/decode.py": ("pickle", "No pickle on the path of a submission"),
}


def test_a_forbidden_import_breaks_its_contract(tmp_path: Path) -> None:
    shutil.copytree(REPOSITORY / "autograder", tmp_path / "autograder", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(REPOSITORY / "pyproject.toml", tmp_path)
    for file, (module, _) in FORBIDDEN.items():
        path = tmp_path / "autograder" / file
        path.write_text(f"{path.read_text(encoding='utf-8')}\nimport {module}\n", encoding="utf-8")
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-logo", "--no-cache"]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    told = done.stdout.splitlines()
    broken = [line.split(" BROKEN")[0] for line in told if " BROKEN" in line]
    assert broken == [contract for _, contract in FORBIDDEN.values()]
    assert any(" KEPT" in line for line in told), "the others hold"
    for file, (module, _) in FORBIDDEN.items():
        assert any(file[:-3].replace("/", ".") in line and module in line for line in told), (file, done.stdout)


def test_no_test_module_imports_from_another() -> None:
    """What several test modules use is in a module of its own, or a fixture."""
    sources = {path: path.read_text(encoding="utf-8") for path in (REPOSITORY / "tests").rglob("test_*.py")}
    assert len(sources) > 80
    shared = re.compile(r"^\s*from tests(\.\w+)*\.test_\w+ import", re.MULTILINE)
    assert [str(path) for path, source in sources.items() if shared.search(source)] == []


@pytest.mark.slow
def test_the_process_that_grades_loads_neither_tensorflow_nor_otter(tmp_path: Path) -> None:
    """Even for a lab whose tests need Keras, and whose submissions use it."""
    write_class(tmp_path, 1)
    test = "import keras\n@test_case(points=1)\ndef test_answer(answer):\n    assert answer == 41 and keras.ops\n"
    lab = lab_json({"q1": (["answer"], ["answer = ..."])})
    make_zip(tmp_path / "tiny.zip", {"q1": question_file("q1", test)}, lab=lab)
    probe = (
        "import atexit, sys\nfrom autograder.cli.app import main\n"
        "heavy = {'keras', 'otter', 'tensorflow'}\n"
        "atexit.register(lambda: print('loaded:', sorted(heavy & set(sys.modules))))\n"
        f"main({list(GRADE)!r})"
    )
    done = subprocess.run([sys.executable, "-c", probe], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert list(committed(tmp_path)) == ["s00.ipynb"]
    assert (tmp_path / "out" / "scores.csv").read_text(encoding="utf-8").splitlines()[1].startswith("s00.ipynb,"), (
        "graded, and the report is written"
    )
    assert done.stdout.splitlines()[-1] == "loaded: []"
