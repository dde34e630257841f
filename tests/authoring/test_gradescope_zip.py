"""dist/NAME-gradescope.zip meets Gradescope's "Autograder Specifications"."""

from __future__ import annotations

import json
import re
import subprocess
import zipfile
from pathlib import Path

import autograder

PACKAGE = Path(autograder.__file__).parent


def opened(course: Path) -> zipfile.ZipFile:
    return zipfile.ZipFile(course / "dist" / "fractions-gradescope.zip")


def test_the_scripts_stand_at_its_root_and_can_be_executed(built_once: Path, tmp_path: Path) -> None:
    with opened(built_once) as archive:
        for name in ("setup.sh", "run_autograder"):
            assert archive.getinfo(name).external_attr >> 16 & 0o111
            script = archive.read(name)
            assert script.startswith(b"#!")
            (tmp_path / name).write_bytes(script)
            subprocess.run(["bash", "-n", str(tmp_path / name)], check=True)  # noqa: S607


def test_the_kit_in_it_is_this_one_without_what_builds(built_once: Path) -> None:
    with opened(built_once) as archive:
        packed = {name: archive.read(name) for name in archive.namelist() if name.startswith("kit/")}
    files = [path for path in PACKAGE.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    expected = {f"kit/autograder/{path.relative_to(PACKAGE).as_posix()}": path.read_bytes() for path in files}
    assert packed == {name: content for name, content in expected.items() if "/authoring/" not in name}
    assert "kit/autograder/render/templates/style.css" in packed


def test_the_lab_in_it_is_the_built_one(built_once: Path) -> None:
    dist = built_once / "dist"
    with opened(built_once) as archive:
        assert archive.read("lab/autograder.zip") == (dist / "fractions-autograder.zip").read_bytes()
        assert archive.read("lab/solution.ipynb") == (dist / "fractions-solution.ipynb").read_bytes()


def test_tests_and_solution_are_in_its_folder_lab_only(built_once: Path) -> None:
    with zipfile.ZipFile(built_once / "dist" / "fractions-autograder.zip") as archive:
        hidden = set(re.findall(r"def (test_\w+)", "".join(archive.read(n).decode() for n in archive.namelist())))
    assert hidden
    with opened(built_once) as archive:
        elsewhere = [archive.read(name).decode() for name in archive.namelist() if not name.startswith("lab/")]
    assert not [name for name in hidden for text in elsewhere if name in text]


def test_what_is_written_before_there_are_marks_withholds_them(built_once: Path) -> None:
    with opened(built_once) as archive:
        content = json.loads(archive.read("withheld.json"))
    assert "withheld" in content["output"]
    assert content["tests"][0]["max_score"] > 0
    assert content["tests"][0]["visibility"] == "after_published"
