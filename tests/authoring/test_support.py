"""Support files are handed out, packed, and present while grading.

Requirements follow the imports.
"""

from __future__ import annotations

import tomllib
import zipfile
from pathlib import Path

import pytest

from autograder.authoring import build_labs
from autograder.authoring.master import Master, read_master
from autograder.authoring.requirements import OTTER, lab_requirements, requirements_file, uses_keras
from autograder.errors import MasterError
from autograder.grading.grader import Grader
from autograder.labs.assignment import load_assignment
from autograder.sandbox.client import ForkServer

REPOSITORY = Path(__file__).resolve().parents[2]
GIVEN = "values = np.array([3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0])"
READS = 'from tools import scaled\n\nvalues = scaled(np.loadtxt("data/values.txt"))'


def course_with_files(root: Path, text: str) -> Path:
    """A course whose lab reads a data file and imports a module that is handed out."""
    files = root / "solutions" / "files" / "fractions"
    (files / "data").mkdir(parents=True)
    (files / "data" / "values.txt").write_text("3 1 4 1 5 9 2 6\n", encoding="utf-8")
    (files / "tools.py").write_text("def scaled(values):\n    return values * 1.0\n", encoding="utf-8")
    assert GIVEN in text
    (root / "solutions" / "fractions.py").write_text(text.replace(GIVEN, READS, 1), encoding="utf-8")
    return root


def build(root: Path) -> None:
    build_labs(root, (), check=False, report=lambda _: None)


def with_imports(text: str, imports: str) -> Master:
    return read_master(text.replace(GIVEN, f"{imports}\n{GIVEN}", 1), name="fractions", file="solutions/fractions.py")


@pytest.mark.slow
def test_support_files_go_to_students_and_into_the_zip(master_text: str, tmp_path: Path) -> None:
    root = course_with_files(tmp_path, master_text)
    build(root)
    assert (root / "assignment" / "data" / "values.txt").read_text(encoding="utf-8") == "3 1 4 1 5 9 2 6\n"
    assert (root / "assignment" / "tools.py").is_file()
    with zipfile.ZipFile(root / "dist" / "fractions-autograder.zip") as archive:
        packed = {name for name in archive.namelist() if name.startswith("files/")}
    assert packed == {"files/data/values.txt", "files/tools.py"}
    build_labs(root, (), check=True, report=lambda _: None)


def test_a_notebook_finds_its_support_files_when_it_is_graded(
    master_text: str, tmp_path: Path, fork_server: ForkServer
) -> None:
    root = course_with_files(tmp_path, master_text)
    build(root)
    lab = load_assignment(root / "dist" / "fractions-autograder.zip", fork_server)
    key = (root / "dist" / "fractions-solution.ipynb").read_bytes()
    result = Grader({"fractions": lab}, fork_server).grade("key.ipynb", lambda: key)
    assert (result.errors, result.score) == ((), 4.0)


@pytest.mark.slow
def test_files_named_in_the_configuration_are_found_beside_the_master(master_text: str, tmp_path: Path) -> None:
    root = tmp_path
    (root / "solutions").mkdir()
    (root / "solutions" / "rain.csv").write_text("day,rain\n", encoding="utf-8")
    text = master_text.replace("# init_cell: true", "# init_cell: true\n# files: [rain.csv]", 1)
    (root / "solutions" / "fractions.py").write_text(text, encoding="utf-8")
    build(root)
    assert (root / "assignment" / "rain.csv").read_text(encoding="utf-8") == "day,rain\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("files", "says"),
    [
        ("[rain.csv]", "names `rain.csv`, which is not there"),
        ("[../secret.csv]", "write a path below"),
        ("[/etc/passwd]", "write a path below"),
        ("rain.csv", "write a list of paths"),
    ],
)
def test_a_support_file_that_cannot_be_handed_out_is_named(
    master_text: str, tmp_path: Path, files: str, says: str
) -> None:
    (tmp_path / "solutions").mkdir()
    text = master_text.replace("# init_cell: true", f"# init_cell: true\n# files: {files}", 1)
    (tmp_path / "solutions" / "fractions.py").write_text(text, encoding="utf-8")
    with pytest.raises(MasterError, match=r"solutions/fractions\.py:2: ") as caught:
        build(tmp_path)
    assert says in str(caught.value)


@pytest.mark.slow
def test_two_labs_cannot_hand_out_different_files_of_one_name(master_text: str, tmp_path: Path) -> None:
    root = course_with_files(tmp_path, master_text)
    other = root / "solutions" / "files" / "parts"
    other.mkdir()
    (other / "tools.py").write_text("def scaled(values):\n    return values\n", encoding="utf-8")
    text = (
        (root / "solutions" / "fractions.py").read_text(encoding="utf-8").replace("# name: fractions", "# name: parts")
    )
    (root / "solutions" / "parts.py").write_text(text, encoding="utf-8")
    with pytest.raises(MasterError, match=r"`tools\.py`"):
        build(root)


def test_requirements_are_what_the_cells_import(master_text: str) -> None:
    master = with_imports(
        master_text, "import yaml, json\nimport tools\nfrom IPython.display import Image\nfrom matplotlib import pyplot"
    )
    assert lab_requirements(master, ["tools.py"]) == ("PyYAML", "matplotlib>=3.8,<4", "numpy>=1.26,<3")


def test_an_unknown_module_is_required_by_its_name(master_text: str) -> None:
    assert "no_such_module" in lab_requirements(with_imports(master_text, "import no_such_module"))


@pytest.mark.parametrize(
    ("imports", "expected"),
    [
        ("import json", False),
        ("import keras", True),
        ("from tensorflow import nn", True),
        ("from autograder.checks.keras import layers", True),
        ("from autograder.checks import mnist", True),
        ("from autograder.checks.values import number", False),
    ],
)
def test_a_lab_needs_keras_where_its_cells_or_checks_import_it(master_text: str, imports: str, expected: bool) -> None:
    assert uses_keras(with_imports(master_text, imports)) is expected


def test_requirements_agree_with_the_kits_own(master_text: str) -> None:
    """Students get the ranges the kit itself is installed with."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    imports = "import keras\nimport numpy as np\nfrom matplotlib import pyplot\ngrader.drawing_board(read)"
    text = requirements_file([lab_requirements(with_imports(master_text, imports))]).decode()
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert [line.split(">")[0] for line in lines] == [
        "anywidget",
        "matplotlib",
        "numpy",
        "otter-grader",
        "tensorboard",
        "tensorflow",
    ]
    assert set(lines) <= {*project["dependencies"], *project["optional-dependencies"]["dev"]}
    assert OTTER in lines
