"""All odd files of a layout in one folder: a row for everybody, exit code 0."""

from __future__ import annotations

import json
import resource
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.fixtures.commands import Command, autograder
from tests.fixtures.faults import FAULTS, SMALL_LAB
from tests.platforms.samples import notebook, put, table, zipped

pytestmark = pytest.mark.slow

WHOLE = notebook(1, 2)
# Each kind of odd file, under the name that a student gave it.
ODD: dict[str, bytes] = {
    "nul padded.ipynb": (FAULTS / "F17/in/nul_padded.ipynb").read_bytes(),
    "lfs pointer.ipynb": (FAULTS / "F17/in/lfs_pointer.ipynb").read_bytes(),
    "c sharp.ipynb": (FAULTS / "F15/lab.ipynb").read_bytes(),
    "check all.ipynb": (FAULTS / "F06/lab.ipynb").read_bytes(),
    "renamed.ipynb": (FAULTS / "F10/renamed.ipynb").read_bytes(),
    "markdown.ipynb": (FAULTS / "F10/now_markdown.ipynb").read_bytes(),
    "deleted.ipynb": (FAULTS / "F10/deleted.ipynb").read_bytes(),
    "cut short.ipynb": WHOLE[:-20],
    "empty.ipynb": b"",
    "web page.ipynb": b"<!doctype html><p>sign in</p>",
    "report.pdf": b"%PDF-1.7",
    "otter export.zip": zipped({"lab.ipynb": WHOLE, "__zip_filename__": b"x"}),
    "no notebook.zip": zipped({"__MACOSX/._lab.ipynb": b"x"}),
    "damaged.zip": zipped({"lab.ipynb": WHOLE})[:-30],
    "download.ipynb.crdownload": WHOLE,
    "Ünïcode 王.ipynb": WHOLE,
}
GOOD = {"nul padded", "c sharp", "check all", "otter export", "Ünïcode 王"}
HIDDEN = [".ipynb", ".ipynb_checkpoints/lab-checkpoint.ipynb", "__MACOSX/._lab.ipynb", ".lab.ipynb.icloud"]


def graded(run: Command, home: Path, given: str, *more: str) -> dict[str, dict[str, str]]:
    """Grade and return the rows of scores.csv by what identifies a student in them."""
    run("grade", given, "-a", str(SMALL_LAB), "-o", "out", *more, cwd=home)
    rows = table(home / "out/scores.csv")
    results = [json.loads(path.read_text()) for path in (home / "out/submissions").glob("*/result.json")]
    assert len(rows) == len(results)
    unreadable = [result for result in results if result["status"] == "unreadable"]
    assert all(result["detail"] and "Traceback" not in result["detail"] for result in unreadable)
    return {row.get("student_id") or row["submission"]: row for row in rows}


def full_marks(rows: Mapping[str, dict[str, str]]) -> set[str]:
    return {name for name, row in rows.items() if row["score"] == "5"}


def test_plain_files(tmp_path: Path, autograder_here: Command) -> None:
    put(tmp_path / "class", {**ODD, "smith_2_104233_hw1.ipynb": WHOLE, "okafor_2_110200_hw1.ipynb": WHOLE})
    put(tmp_path / "class/dan", {".ipynb_checkpoints/lab-checkpoint.ipynb": WHOLE})
    put(tmp_path / "class", {".DS_Store": b"x", "__MACOSX/._a.ipynb": b"x"})
    rows = graded(autograder_here, tmp_path, "class")
    assert len(rows) == len(ODD) + 3
    assert full_marks(rows) == {name for name in rows if name.split(".")[0] in GOOD} | {
        "smith_2_104233_hw1.ipynb",
        "okafor_2_110200_hw1.ipynb",
    }
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    autograder("grade", "class/c sharp.ipynb", "-a", str(SMALL_LAB), "-o", "out", cwd=tmp_path)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime - before.ru_utime < 2.5, "TensorFlow, which takes longer, is not started for nothing"


def test_a_zip_of_plain_files(tmp_path: Path, autograder_here: Command) -> None:
    (tmp_path / "class.zip").write_bytes(zipped({**ODD, ".DS_Store": b"x", "dan/.ipynb": WHOLE}))
    rows = graded(autograder_here, tmp_path, "class.zip")
    assert len(rows) == len(ODD) + 1
    assert {name.split(".")[0] for name in full_marks(rows)} == GOOD | {"dan/"}


def test_canvas(tmp_path: Path, autograder_here: Command) -> None:
    files = {f"ada_{300 + i}_{9000 + i}_{name}": data for i, (name, data) in enumerate(ODD.items())}
    files |= {"bea_400_9100_part-1.ipynb": WHOLE, "bea_400_9101_part-2.ipynb": notebook(1, 0)}
    files |= {"cal_LATE_401_9102_lab.ipynb": notebook(0, 0), "cal_LATE_401_9103_lab-1.ipynb": WHOLE}
    files |= {"dan_402_9104_.ipynb": WHOLE, "eve_403_text.html": b"<p>hi</p>", "fay_404_9105_.x.ipynb.icloud": b"x"}
    put(tmp_path / "class", files)
    rows = graded(autograder_here, tmp_path, "class")
    assert len(rows) == len(ODD) + 5
    good = {str(300 + i) for i, name in enumerate(ODD) if name.split(".")[0] in GOOD}
    assert full_marks(rows) == good | {"401", "402"}


@pytest.mark.parametrize("as_zip", [False, True], ids=["folder", "zip"])
def test_moodle(tmp_path: Path, autograder_here: Command, *, as_zip: bool) -> None:
    home = "assignsubmission_file"
    files = {f"Ada O'Brien_{300 + i}_{home}/{name}": data for i, (name, data) in enumerate(ODD.items())}
    files |= {f"Bea_{400 + i}_{home}/{name}": WHOLE for i, name in enumerate(HIDDEN)}
    files |= {f"Cal_410_{home}/.DS_Store": b"x", f"Cal_410_{home}/lab.ipynb": WHOLE}
    files |= {"Dan_411_assignsubmission_onlinetext/onlinetext.html": b"<p>hi</p>"}
    if as_zip:
        (tmp_path / "class.zip").write_bytes(zipped(files))
    else:
        put(tmp_path / "class", files)
    rows = graded(autograder_here, tmp_path, "class.zip" if as_zip else "class")
    assert len(rows) == len(ODD) + len(HIDDEN) + 2
    good = {str(300 + i) for i, name in enumerate(ODD) if name.split(".")[0] in GOOD}
    assert full_marks(rows) == good | {"400", "410"}, "400 handed in a notebook without a name"


def test_gradescope(tmp_path: Path, autograder_here: Command) -> None:
    handed_in = [*ODD.items(), *((name, WHOLE) for name in HIDDEN)]
    entries = [f"submission_{i}:\n  :submitters:\n  - :name: Student {i}\n    :sid: 'S{i}'\n" for i in range(30)]
    put(tmp_path / "class", {"submission_metadata.yml": "".join(entries).encode()})
    put(tmp_path / "class", {f"submission_{i}/{name}": data for i, (name, data) in enumerate(handed_in)})
    rows = graded(autograder_here, tmp_path, "class")
    assert len(rows) == 30, "also those whose folder is missing"
    assert full_marks(rows) == {
        f"S{i}" for i, (name, _) in enumerate(handed_in) if name.split(".")[0] in GOOD or name == ".ipynb"
    }


def test_results_inside_the_class_folder_are_no_submissions(tmp_path: Path, autograder_here: Command) -> None:
    put(tmp_path / "hw", {"ada.ipynb": WHOLE})
    for _ in range(2):
        autograder_here("grade", "hw", "-o", "hw/results", "-a", str(SMALL_LAB), cwd=tmp_path)
        assert [row["submission"] for row in table(tmp_path / "hw/results/scores.csv")] == ["ada.ipynb"]
    shutil.copytree(tmp_path / "hw/results", tmp_path / "hw/older results")
    autograder_here("grade", "hw", "-o", "elsewhere", "-a", str(SMALL_LAB), cwd=tmp_path)
    assert [row["submission"] for row in table(tmp_path / "elsewhere/scores.csv")] == ["ada.ipynb"]
