"""F01, F08 and F09: whose files they are, and that nobody is lost."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from pathlib import Path

import pytest

from autograder.errors import UsageError
from autograder.intake.submissions import Intake, take_in
from autograder.results.handin import Source
from tests.fixtures.faults import FAULTS
from tests.platforms.samples import notebook, put, zipped

NOTEBOOK = notebook(1, 2)


def people(intake: Intake) -> list[str]:
    return sorted(s.handin.names for s in intake.submissions if s.handin)


def problems(intake: Intake) -> dict[str, str]:
    return {s.handin.names if s.handin else s.name: s.problem or "" for s in intake.submissions}


# --- F01: is it Canvas? ----------------------------------------------------------------------------------------------


def test_group_numbers_are_not_taken_for_canvas_users() -> None:
    intake = take_in([FAULTS / "F01/class"])
    assert len(intake.submissions) == 3
    assert intake.set_aside == ()
    assert intake.told == ("Recognised: 3 plain files",)


@pytest.mark.parametrize(
    ("names", "rows"),
    [
        (["Smith_1_104233_hw1.ipynb", "Jones_2_104881_hw1.ipynb"], 2),  # capitals: Canvas writes small letters
        (["smith-j_1_104233_hw1.ipynb", "jones_2_104881_hw1.ipynb"], 2),  # a hyphen: Canvas leaves it out
        (["smith_2_104233_hw1.ipynb", "smith_2_104881_hw1.ipynb"], 1),  # one student, two different notebooks
        (["smith_2_104233_hw1.ipynb", "smith_3_104881_hw1.ipynb"], 2),  # namesakes
        (["smith_2_1_hw1.ipynb", "jones_2_2_hw1.ipynb"], 2),  # the numbers are too small
    ],
)
def test_names_that_only_resemble_those_of_canvas(tmp_path: Path, names: list[str], rows: int) -> None:
    files = {name: notebook(1, position) for position, name in enumerate(names)}
    assert len(take_in([put(tmp_path / "class", files)]).submissions) == rows


@pytest.mark.parametrize(
    ("source", "found"), [("plain", []), ("canvas", ["jones", "okafor", "smith"]), (None, [])], ids=str
)
def test_a_person_decides_what_the_files_come_from(source: Source | None, found: list[str]) -> None:
    intake = take_in([FAULTS / "F01/class"], source)
    assert people(intake) == found
    assert len(intake.submissions) == 3, "two names are two students, whatever the ID says"


@pytest.mark.parametrize("source", ["moodle", "gradescope"])
def test_a_platform_that_does_not_fit_is_refused(source: Source) -> None:
    with pytest.raises(UsageError, match=r"Moodle|Gradescope"):
        take_in([FAULTS / "F01/class"], source)


def test_plain_leaves_even_a_moodle_download_as_it_lies() -> None:
    assert people(take_in([FAULTS / "F07/class"], "plain")) == []
    assert people(take_in([FAULTS / "F07/class"])) == ["Mia MarcoPolo", "Sean OBrien"]


@pytest.mark.parametrize(
    ("files", "graded"),
    [
        (["part-1", "part-2"], None),
        (["lab", "lab-1"], "lab-1"),
        (["lab", "lab-1", "lab-2"], "lab-2"),
        (["lab-1", "other"], None),
    ],
    ids=str,
)
def test_numbers_that_people_chose_are_no_newer_uploads(tmp_path: Path, files: list[str], graded: str | None) -> None:
    names = {f"ada_301_900{i}_{file}.ipynb": notebook(1, i) for i, file in enumerate(files)}
    (only,) = take_in([put(tmp_path / "class", names)]).submissions
    if graded is None:
        assert "different notebooks of the same student" in str(only.problem)
    else:
        assert only.name.endswith(f"_{graded}.ipynb")
        assert only.problem is None


# --- F08: names in zips ----------------------------------------------------------------------------------------------


def test_names_in_utf8_without_the_flag_are_read() -> None:
    intake = take_in([FAULTS / "F08/moodle_mac.zip"])
    assert people(intake) == ["Jürgen Öztürk", "Zoë Ångström"]
    assert all("bung" not in s.name or "Übung" in s.name for s in intake.submissions)


def raw_zip(path: Path, name: bytes, *, extra: bytes = b"") -> Path:
    """A zip with one notebook, its name stored as these bytes without UTF-8 flag."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        info = zipfile.ZipInfo("x" * len(name))
        info.extra = extra
        archive.writestr(info, NOTEBOOK)
    path.write_bytes(buffer.getvalue().replace(b"x" * len(name), name))
    return path


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("Übung_301_assignsubmission_file/lab.ipynb".encode(), "Übung"),
        ("U\u0308bung_301_assignsubmission_file/lab.ipynb".encode(), "Übung"),  # decomposed, as macOS writes it
        ("王小明_301_assignsubmission_file/lab.ipynb".encode(), "王小明"),
        ("Müller_301_assignsubmission_file/lab.ipynb".encode("cp437"), "Müller"),  # what the format prescribes
    ],
    ids=["composed", "decomposed", "Chinese", "code page 437"],
)
def test_names_in_other_encodings(tmp_path: Path, raw: bytes, shown: str) -> None:
    assert people(take_in([raw_zip(tmp_path / "moodle.zip", raw)])) == [shown]


def test_the_extra_field_for_unicode_names_is_read(tmp_path: Path) -> None:
    raw = b"J_rgen_301_assignsubmission_file/lab.ipynb".replace(b"_r", b"\x81r", 1)
    name = "Jürgen_301_assignsubmission_file/lab.ipynb".encode()
    content = struct.pack("<BL", 1, zlib.crc32(raw)) + name
    extra = struct.pack("<HH", 0x7075, len(content)) + content
    assert people(take_in([raw_zip(tmp_path / "moodle.zip", raw, extra=extra)])) == ["Jürgen"]


# --- F09: nobody disappears ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("platform", ["moodle", "gradescope"])
@pytest.mark.parametrize("as_zip", [False, True], ids=["folder", "zip"])
def test_hidden_files_alone_leave_a_row_with_the_reason(tmp_path: Path, platform: str, as_zip: bool) -> None:
    path = FAULTS / "F09" / platform
    if as_zip:
        files = {p.relative_to(path).as_posix(): p.read_bytes() for p in path.rglob("*") if p.is_file()}
        path = tmp_path / "download.zip"
        path.write_bytes(zipped(files))
    intake = take_in([path])
    assert len(people(intake)) == 3
    found = sorted(problem for problem in problems(intake).values())
    assert found[:2] == ["", ""], "a notebook without a name is graded"
    assert "only a checkpoint" in found[2]


@pytest.mark.parametrize(
    ("file", "says"),
    [
        ("__MACOSX/._lab.ipynb", "metadata of macOS"),
        ("._lab.ipynb", "metadata of macOS"),
        (".lab.ipynb.icloud", "iCloud placeholder"),
        (".lab.ipynb", "hidden notebook"),
        (".DS_Store", "hidden files"),
        (".git/config", "hidden files"),
        ("lab.ipynb.crdownload", "incomplete download"),
        ("lab.lnk", "shortcut"),
    ],
)
@pytest.mark.parametrize("as_zip", [False, True], ids=["folder", "zip"])
def test_what_a_student_may_hand_in_instead(tmp_path: Path, file: str, says: str, as_zip: bool) -> None:
    files = {
        "Ada Test_101_assignsubmission_file/lab.ipynb": NOTEBOOK,
        f"Ben Test_102_assignsubmission_file/{file}": b"x",
    }
    path = put(tmp_path / "class", files)
    if as_zip:
        path = tmp_path / "class.zip"
        path.write_bytes(zipped(files))
    found = problems(take_in([path]))
    assert found["Ada Test"] == ""
    assert says in found["Ben Test"]


def test_macos_copies_of_a_download_add_no_rows(tmp_path: Path) -> None:
    files = {
        "Ada Test_101_assignsubmission_file/lab.ipynb": NOTEBOOK,
        "__MACOSX/Ada Test_101_assignsubmission_file/._lab.ipynb": b"x",
        "__MACOSX/._Ada Test_101_assignsubmission_file": b"x",
        "Ada Test_101_assignsubmission_file/.ipynb_checkpoints/lab-checkpoint.ipynb": NOTEBOOK,
        "Ada Test_101_assignsubmission_file/.DS_Store": b"x",
    }
    for number, path in enumerate([put(tmp_path / "class", files), tmp_path / "class.zip"]):
        if number:
            path.write_bytes(zipped(files))
        intake = take_in([path])
        assert people(intake) == ["Ada Test"]
        assert len(intake.submissions) == 1
        assert intake.set_aside == ()


def test_canvas_zips_without_a_notebook_say_what_is_in_them(tmp_path: Path) -> None:
    files = {
        "ada_301_9001_lab.ipynb": NOTEBOOK,
        "ben_302_9002_lab.zip": zipped({"__MACOSX/._lab.ipynb": b"x"}),
        "cai_303_9003_lab.zip": zipped({".ipynb_checkpoints/lab-checkpoint.ipynb": NOTEBOOK}),
        "dan_304_9004_.ipynb": NOTEBOOK,
    }
    found = problems(take_in([put(tmp_path / "class", files)]))
    assert (found["ada"], found["dan"]) == ("", "")
    assert "metadata of macOS" in found["ben"]
    assert "only a checkpoint" in found["cai"]


def test_plain_folders_of_students_keep_a_row_each(tmp_path: Path) -> None:
    files = {
        "ada/lab.ipynb": NOTEBOOK,
        "ben/.ipynb_checkpoints/lab-checkpoint.ipynb": NOTEBOOK,
        "cai/.lab.ipynb.icloud": b"bplist00",
        ".ipynb_checkpoints/lab-checkpoint.ipynb": NOTEBOOK,
        ".git/objects/lab.ipynb": NOTEBOOK,
        "pictures/.DS_Store": b"x",
    }
    found = problems(take_in([put(tmp_path / "class", files)]))
    assert sorted(name.split("/")[0] for name in found) == ["ada", "ben", "cai"]
    assert [bool(problem) for _, problem in sorted(found.items())] == [False, True, True]


# A notebook without a name is graded, wherever it lies; other hidden files are not.
@pytest.mark.parametrize("name", [".ipynb", ".IPYNB", ".ipynb.txt", ".ipynb.json"])
@pytest.mark.parametrize("as_zip", [False, True], ids=["folder", "zip"])
def test_a_notebook_without_a_name_is_graded(tmp_path: Path, name: str, as_zip: bool) -> None:
    files = {
        "ada/lab.ipynb": NOTEBOOK,
        "ada/.ipynb": b"an older one",
        f"ben/{name}": NOTEBOOK,
        f"cai/{name}": NOTEBOOK,
        "cai/data.csv": b"1",
        f"dan/.ipynb_checkpoints/{name}": NOTEBOOK,
        "eve/.hidden.ipynb": NOTEBOOK,
        "fay/lab.ipynb": NOTEBOOK,
    }
    path = put(tmp_path / "class", files)
    if as_zip:
        path = tmp_path / "class.zip"
        path.write_bytes(zipped(files))
    intake = take_in([path])
    found = problems(intake)
    assert {n.split("/")[0]: bool(p) for n, p in found.items()} == {
        "ada": False, "ben": False, "cai": False, "dan": True, "eve": True, "fay": False
    }  # fmt: skip
    (cai,) = (submission for submission in intake.submissions if submission.name.startswith("cai"))
    assert [file.name for file in cai.beside] == ["data.csv"]


def test_a_notebook_without_a_name_in_zips_and_downloads(tmp_path: Path) -> None:
    files = {
        "ada_301_9001_hw.zip": zipped({".ipynb": NOTEBOOK, "data.csv": b"1", "__MACOSX/._.ipynb": b"x"}),
        "ben_302_9002_hw.zip": zipped({"hw/.ipynb": NOTEBOOK, ".ipynb": NOTEBOOK}),
    }
    found = problems(take_in([put(tmp_path / "canvas", files)]))
    assert found["ada"] == ""
    assert "without a name" in found["ben"], "there are two"
    home = "Ada_301_assignsubmission_file"
    moodle = put(tmp_path / "moodle", {f"{home}/.ipynb": NOTEBOOK, f"{home}/data.csv": b"1"})
    (ada,) = take_in([moodle]).submissions
    assert (ada.problem, [file.name for file in ada.beside]) == (None, ["data.csv"])


def test_a_link_without_a_name_is_not_followed(tmp_path: Path) -> None:
    put(tmp_path, {"secret.ipynb": NOTEBOOK, "class/bo/lab.ipynb": NOTEBOOK})
    (tmp_path / "class/ada").mkdir()
    (tmp_path / "class/ada/.ipynb").symlink_to(tmp_path / "secret.ipynb")
    found = problems(take_in([tmp_path / "class"]))
    assert found["bo/lab.ipynb"] == ""
    assert "a link" in found["ada/.ipynb"]


def test_an_export_whose_folder_is_empty_is_reported(tmp_path: Path) -> None:
    folder = put(
        tmp_path, {"submission_metadata.yml": (FAULTS / "F09/gradescope/submission_metadata.yml").read_bytes()}
    )
    (folder / "submission_1").mkdir()
    found = problems(take_in([folder]))
    assert len(found) == 3
    assert all("is missing or empty" in problem for problem in found.values())


def test_a_results_folder_is_not_a_class(tmp_path: Path) -> None:
    put(tmp_path / "out", {"run.json": b"{}", "submissions/ada.ipynb/executed.ipynb": NOTEBOOK})
    with pytest.raises(UsageError, match="results of an earlier"):
        take_in([tmp_path / "out"])
