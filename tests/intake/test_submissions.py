"""Finding and reading submissions: real zips, hostile zips, odd names, odd files."""

from __future__ import annotations

import io
import json
import os
import random
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.errors import SubmissionError, UsageError
from autograder.intake import listing
from autograder.intake.naming import folder_names, numbered, readable_name
from autograder.intake.submissions import Submission, find_submissions, read_submission, take_in
from autograder.util import zips as archives

NOTEBOOK = json.dumps(
    {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{"cell_type": "code", "source": "x = 1"}]}
).encode()


def make_zip(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def put(folder: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def names(found: tuple[Submission, ...]) -> list[str]:
    return [submission.name for submission in found]


def reason(submission: Submission) -> str:
    with pytest.raises(SubmissionError) as caught:
        read_submission(submission)
    return str(caught.value)


# What is found


def test_a_notebook_by_itself(tmp_path: Path) -> None:
    put(tmp_path, {"ada.ipynb": NOTEBOOK})
    (found,) = find_submissions([tmp_path / "ada.ipynb"])
    assert (found.id, found.name, found.member) == ("ada.ipynb", "ada.ipynb", None)
    assert read_submission(found) == NOTEBOOK


def test_a_folder_is_searched_in_depth_and_sorted(tmp_path: Path) -> None:
    put(tmp_path, {"b.ipynb": NOTEBOOK, "a/c.ipynb": NOTEBOOK, "Z.ipynb": NOTEBOOK, "a/b/d.IPYNB": NOTEBOOK})
    assert names(find_submissions([tmp_path])) == ["a/b/d.IPYNB", "a/c.ipynb", "b.ipynb", "Z.ipynb"]


def test_system_files_are_passed_over(tmp_path: Path) -> None:
    junk = [".DS_Store", "Thumbs.db", ".hidden.ipynb", "~$essay.docx", ".ipynb_checkpoints/a-checkpoint.ipynb"]
    junk += ["__MACOSX/a.ipynb", "__pycache__/a.pyc", ".OTTER_LOG", "__zip_filename__"]
    put(tmp_path, {"a.ipynb": NOTEBOOK, **dict.fromkeys(junk, NOTEBOOK)})
    assert names(find_submissions([tmp_path])) == ["a.ipynb"]
    zipped = tmp_path / "class.zip"
    zipped.write_bytes(make_zip({"a.ipynb": NOTEBOOK, "b.ipynb": NOTEBOOK, **dict.fromkeys(junk[:-1], NOTEBOOK)}))
    assert names(find_submissions([zipped])) == ["a.ipynb", "b.ipynb"]


def test_hidden_notebooks_among_others_are_named(tmp_path: Path) -> None:
    """They are not graded, but somebody's work does not vanish without a word."""
    hidden = [".ada.ipynb", "...ipynb", "sub/.ipynb"]
    junk = ["._a.ipynb", ".~a.ipynb", ".DS_Store", ".ipynb_checkpoints/a-checkpoint.ipynb", "__MACOSX/._b.ipynb"]
    put(tmp_path, dict.fromkeys(["a.ipynb", "sub/b.ipynb", *hidden, *junk], NOTEBOOK))
    found = take_in([tmp_path])
    assert sorted(one.name for one in found.submissions) == ["a.ipynb", "sub/b.ipynb"]
    assert sorted(one.file for one in found.set_aside) == sorted(hidden)
    assert "Not graded: 3 other files (a hidden file: 3)" in found.told


def test_a_file_that_is_neither_gets_a_row(tmp_path: Path) -> None:
    put(tmp_path, {"a.ipynb": NOTEBOOK, "essay.docx": b"PK", "lab.py": b"x = 1", "README": b"hello"})
    found = find_submissions([tmp_path])
    assert names(found) == ["a.ipynb", "essay.docx", "lab.py", "README"]
    assert "a .docx file is neither" in reason(found[1])
    assert "without an extension" in reason(found[3])


def test_a_pdf_beside_its_notebook_is_no_submission(tmp_path: Path) -> None:
    put(tmp_path, {"ada.ipynb": NOTEBOOK, "ada.pdf": b"%PDF", "eve.pdf": b"%PDF", "x/bob.zip": make_zip({"b": b""})})
    assert names(find_submissions([tmp_path])) == ["ada.ipynb", "eve.pdf", "x/bob.zip"]


@pytest.mark.parametrize("name", ["ada.ipynb.txt", "ada.ipynb.json", "ada (1).ipynb"])
def test_names_that_browsers_give(tmp_path: Path, name: str) -> None:
    (found,) = find_submissions([put(tmp_path, {name: NOTEBOOK})])
    assert read_submission(found) == NOTEBOOK


def test_a_path_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        find_submissions([tmp_path / "nothing"])


def test_an_empty_folder_says_what_to_give(tmp_path: Path) -> None:
    put(tmp_path, {".DS_Store": b"", "sub/.hidden": b""})
    with pytest.raises(UsageError, match="There is nothing to grade") as caught:
        find_submissions([tmp_path])
    assert caught.value.hint is not None
    assert ".ipynb" in caught.value.hint


def test_the_same_file_twice_is_one_submission(tmp_path: Path) -> None:
    put(tmp_path, {"ada.ipynb": NOTEBOOK})
    assert len(find_submissions([tmp_path / "ada.ipynb", tmp_path])) == 1


def test_same_names_in_different_folders(tmp_path: Path) -> None:
    put(tmp_path, {"one/lab.ipynb": NOTEBOOK, "two/lab.ipynb": NOTEBOOK})
    for paths in ([tmp_path], [tmp_path / "one", tmp_path / "two"]):
        found = find_submissions(paths)
        assert len({s.id for s in found}) == len({s.name for s in found}) == 2


def test_the_order_of_the_command_line_does_not_matter(tmp_path: Path) -> None:
    put(tmp_path, {"one/lab.ipynb": NOTEBOOK, "two/lab.ipynb": NOTEBOOK, "two/a.ipynb": NOTEBOOK})
    paths = [tmp_path / "one", tmp_path / "two"]
    assert find_submissions(paths) == find_submissions(paths[::-1])


def test_links_in_a_folder_are_refused(tmp_path: Path) -> None:
    outside = put(tmp_path / "outside", {"secret.ipynb": NOTEBOOK})
    folder = put(tmp_path / "class", {"bob/lab.ipynb": NOTEBOOK})
    (folder / "ada.ipynb").symlink_to(folder / "bob" / "lab.ipynb")
    (folder / "eve.ipynb").symlink_to(outside / "secret.ipynb")
    (folder / "mal").symlink_to(outside)
    (folder / "zoe.ipynb").symlink_to(folder / "gone.ipynb")
    found = find_submissions([folder])
    assert names(found) == ["ada.ipynb", "bob/lab.ipynb", "eve.ipynb", "mal", "zoe.ipynb"]
    assert all("a link" in reason(s) for s in found if s.name != "bob/lab.ipynb")


def test_a_named_pipe_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.ipynb")
    (found,) = find_submissions([tmp_path])
    assert "not a regular file" in reason(found)
    assert "not a regular file" in reason(Submission("x", "x", tmp_path / "pipe.ipynb"))


def test_a_file_that_vanishes_before_it_is_read(tmp_path: Path) -> None:
    (found,) = find_submissions([put(tmp_path, {"ada.ipynb": NOTEBOOK})])
    found.path.unlink()
    assert "cannot be read" in reason(found)


def test_a_notebook_beyond_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "MAX_NOTEBOOK_BYTES", 1024 * 1024)
    big = NOTEBOOK + b" " * 1024 * 1024
    put(tmp_path, {"big.ipynb": big, "ok.ipynb": NOTEBOOK, "zipped.zip": make_zip({"big.ipynb": big})})
    big_one, ok, zipped = find_submissions([tmp_path])
    assert "larger than 1 MB" in reason(big_one)
    assert "larger than 1 MB" in reason(zipped)
    assert read_submission(ok) == NOTEBOOK


# Zips


@pytest.mark.slow
def test_a_real_export_of_otter_run_in_a_stock_kernel(tmp_path: Path) -> None:
    cells = [
        "import otter\ngrader = otter.Notebook('lab.ipynb')",
        "with open('notes.ipynb', 'w') as f:\n    f.write('{}')",
        "grader.export(pdf=False, files=['notes.ipynb'])",
    ]
    document = {
        "nbformat": 4,
        "nbformat_minor": 4,
        "metadata": {"otter": {"assignment_name": "lab", "tests": {}, "OK_FORMAT": True}},
        "cells": [
            {"cell_type": "code", "source": source, "metadata": {}, "outputs": [], "execution_count": None}
            for source in cells
        ],
    }
    (tmp_path / "lab.ipynb").write_text(json.dumps(document))
    command = [sys.executable, "-m", "jupyter", "execute", "lab.ipynb"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=120)
    (exported,) = tmp_path.glob("lab_*.zip")
    with zipfile.ZipFile(exported) as archive:
        assert {"lab.ipynb", ".OTTER_LOG", "__zip_filename__", "notes.ipynb"} <= set(archive.namelist())
    (found,) = find_submissions([exported])
    assert (found.name, found.member) == (exported.name, "lab.ipynb")
    assert json.loads(read_submission(found))["metadata"]["otter"]["assignment_name"] == "lab"


def export(notebook: bytes = NOTEBOOK) -> bytes:
    """A zip laid out as otter's export does, as the slow test above found it."""
    return make_zip(
        {
            "lab.ipynb": notebook,
            "lab.pdf": b"%PDF",
            ".OTTER_LOG": b"log",
            "__zip_filename__": b"lab_2024.zip",
            "helper.ipynb": NOTEBOOK,
        }
    )


def test_a_class_download_holds_exports_notebooks_and_strays(tmp_path: Path) -> None:
    inner = make_zip({"p.ipynb": NOTEBOOK, "q.ipynb": NOTEBOOK, "deep.zip": export()})
    content = {"ada/lab.zip": export(b"ada"), "bob.ipynb": b"bob", "eve.docx": b"", "kim.zip": inner, "lee.zip": b"no"}
    path = put(tmp_path, {"class.zip": make_zip(content)}) / "class.zip"
    found = {s.name: s for s in find_submissions([path])}
    assert set(found) == {
        *("ada/lab.zip", "bob.ipynb", "eve.docx", "lee.zip"),
        *("kim.zip/p.ipynb", "kim.zip/q.ipynb", "kim.zip/deep.zip"),
    }
    assert read_submission(found["ada/lab.zip"]) == b"ada"
    assert read_submission(found["bob.ipynb"]) == b"bob"
    assert read_submission(found["kim.zip/q.ipynb"]) == NOTEBOOK
    assert "neither" in reason(found["eve.docx"])
    assert "not a zip" in reason(found["lee.zip"])
    assert "zip inside a zip inside a zip" in reason(found["kim.zip/deep.zip"])


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "not a zip"),
        (b"PK\x03\x04 cut short", "not a zip"),
        (export()[:-40], "not a zip"),
        (make_zip({}), "empty"),
        (make_zip({"lab.py": b"", "a.csv": b""}), "contains no notebook"),
        (make_zip({".DS_Store": b""}), "only hidden files"),
        (make_zip({"otter_config.json": b"{}", "run_autograder": b""}), "autograder zip"),
        (make_zip({"../../etc/lab.ipynb": NOTEBOOK}), "outside the zip"),
        (make_zip({"C:\\lab.ipynb": NOTEBOOK}), "outside the zip"),
    ],
)
def test_zips_that_hold_no_submission_say_why(tmp_path: Path, data: bytes, says: str) -> None:
    (found,) = find_submissions([put(tmp_path, {"ada.zip": data})])
    assert says in reason(found)


def test_a_link_in_a_zip(tmp_path: Path) -> None:
    info = zipfile.ZipInfo("lab.ipynb")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "ada.zip", "w") as archive:
        archive.writestr(info, "/etc/passwd")
    (found,) = find_submissions([tmp_path])
    assert "is a link" in reason(found)


def test_a_locked_member(tmp_path: Path) -> None:
    data = bytearray(make_zip({"lab.ipynb": NOTEBOOK}))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    (found,) = find_submissions([put(tmp_path, {"ada.zip": bytes(data)})])
    assert "password" in reason(found)


def test_a_member_packed_by_an_unknown_method(tmp_path: Path) -> None:
    data = bytearray(make_zip({"lab.ipynb": NOTEBOOK}))
    data[8] = data[data.index(b"PK\x01\x02") + 10] = 9
    (found,) = find_submissions([put(tmp_path, {"ada.zip": bytes(data)})])
    assert "ordinary zip" in reason(found)


def test_a_member_damaged_in_transit(tmp_path: Path) -> None:
    data = bytearray(make_zip({"lab.ipynb": NOTEBOOK}))
    data[45:60] = b"\xff" * 15
    (found,) = find_submissions([put(tmp_path, {"ada.zip": bytes(data)})])
    assert "damaged" in reason(found)


def test_a_bomb_is_refused_and_a_long_notebook_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "RATIO_COUNTS_FROM", 3 * archives.MB)
    zeros = b"0" * archives.MB * 2
    put(
        tmp_path,
        {"bomb.zip": make_zip({f"{i}.ipynb": zeros for i in range(3)}), "ok.zip": make_zip({"a.ipynb": zeros})},
    )
    bomb, honest = find_submissions([tmp_path])
    assert "which is implausible" in reason(bomb)
    assert read_submission(honest) == zeros


def test_a_zip_of_too_many_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_MEMBERS", 3)
    (found,) = find_submissions([put(tmp_path, {"a.zip": make_zip({f"{i}.ipynb": b"" for i in range(4)})})])
    assert "contains 4 files" in reason(found)


def test_backslashes_from_old_windows_programs(tmp_path: Path) -> None:
    data = make_zip({"ada\\lab.ipynb": b"ada", "bob\\lab.ipynb": b"bob", "__MACOSX\\x.ipynb": b""})
    found = find_submissions([put(tmp_path, {"class.zip": data})])
    assert names(found) == ["class.zip/ada/lab.ipynb", "class.zip/bob/lab.ipynb"]
    assert read_submission(found[1]) == b"bob"


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_no_damage_to_a_zip_escapes_as_another_error(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311 - not for secrets
    data = bytearray(make_zip({"a.zip": export(), "b.ipynb": NOTEBOOK * 20, "c.ipynb": NOTEBOOK}))
    for _ in range(rng.randint(1, 8)):
        data[rng.randrange(len(data))] = rng.randrange(256)
    path = tmp_path_factory.mktemp("damaged") / "class.zip"
    path.write_bytes(data)
    for submission in find_submissions([path]):
        try:
            read_submission(submission)
        except SubmissionError as error:
            assert str(error)  # noqa: PT017 - either outcome is right, another exception is not


# Names


ODD_NAMES = [
    "with space.ipynb",
    "quote\"'.ipynb",
    "<b>bold<script>.ipynb",
    "=cmd()|'A'.ipynb",
    "作业一.ipynb",
    "été.ipynb",
    "line\nbreak.ipynb",
    "x" * 240 + ".ipynb",
    "-rf.ipynb",
    "a..b.ipynb",
    "tab\there.ipynb",
    "\u202egnp.ipynb",
]


def test_odd_names_on_disk(tmp_path: Path) -> None:
    found = find_submissions([put(tmp_path, dict.fromkeys(ODD_NAMES, NOTEBOOK))])
    assert sorted(names(found)) == sorted(ODD_NAMES)
    for submission in found:
        assert read_submission(submission) == NOTEBOOK
        (tmp_path / "out" / submission.id).mkdir(parents=True)


def test_a_name_that_is_no_text(tmp_path: Path) -> None:
    for raw in (b"caf\xe9.ipynb", b"caf\xe8.ipynb"):
        (tmp_path / os.fsdecode(raw)).write_bytes(NOTEBOOK)
    found = find_submissions([tmp_path])
    assert len({s.id for s in found}) == len({s.name for s in found}) == 2
    assert all(s.name.encode() and read_submission(s) == NOTEBOOK for s in found)


@given(st.lists(st.text(st.characters(blacklist_categories=["Cs"]), min_size=1), min_size=1, max_size=20))
def test_every_name_gets_a_safe_folder_of_its_own(raw: list[str]) -> None:
    ids = folder_names(numbered([readable_name(name) for name in raw]))
    assert len({i.casefold() for i in ids}) == len(ids)
    for identity in ids:
        assert identity.isascii()
        assert len(identity) <= 100
        assert identity not in {"", ".", ".."}
        assert identity[0] not in ".-"
        assert not set(identity) & set("/\\\0 :<>\"'|?*\n")


def test_nobody_can_choose_anothers_folder() -> None:
    (victim,) = folder_names(["été"])
    assert len(set(folder_names(["été", victim]))) == 2


def test_a_folder_name_does_not_hang_on_the_other_submissions() -> None:
    alone = folder_names(["été.ipynb"])[0]
    assert alone == folder_names(["a.ipynb", "été.ipynb", "ete.ipynb"])[1]
