"""F13 and F14: masters and settings as editors save them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from autograder.authoring import build_labs
from autograder.errors import MasterError
from tests.fixtures.faults import FAULTS


def course(home: Path, master: bytes, toml: bytes | None = None) -> Path:
    (home / "solutions").mkdir()
    (home / "solutions/fractions.py").write_bytes(master)
    if toml is not None:
        (home / "solutions/fractions.toml").write_bytes(toml)
    return home


def refusal(root: Path) -> str:
    with pytest.raises(MasterError) as caught:
        build_labs(root, (), check=False, report=lambda _: None)
    return str(caught.value)


def test_settings_in_latin_1_are_refused_in_one_true_sentence(tmp_path: Path) -> None:
    shutil.copytree(FAULTS / "F13/solutions", tmp_path / "solutions")
    said = refusal(tmp_path)
    assert said.startswith("solutions/fractions.toml:1: this file is not UTF-8 text (byte 0xfc), probably Latin-1")


MASTER = (FAULTS / "F13/solutions/fractions.py").read_bytes()


@pytest.mark.parametrize(
    ("master", "toml", "says"),
    [
        (MASTER + "\n# für\n".encode("latin-1"), None, "solutions/fractions.py:"),
        (MASTER.decode().encode("utf-16"), None, "probably UTF-16"),
        (MASTER, "seed = 7\n".encode("utf-16"), "probably UTF-16"),
        (MASTER, b"seed = 7\n# \x80\n", "solutions/fractions.toml:2"),
    ],
)
def test_other_encodings_are_named(tmp_path: Path, master: bytes, toml: bytes | None, says: str) -> None:
    assert says in refusal(course(tmp_path, master, toml))


@pytest.mark.slow
@pytest.mark.parametrize("newline", [b"\n", b"\r\n"], ids=repr)
def test_a_master_with_a_byte_order_mark_is_built(tmp_path: Path, newline: bytes) -> None:
    master = (FAULTS / "F14/solutions/fractions.py").read_bytes()
    assert master.startswith(b"\xef\xbb\xbf")
    root = course(tmp_path, master.replace(b"\n", newline), b"\xef\xbb\xbfseed = 7" + newline)
    (built,) = build_labs(root, (), check=False, report=lambda _: None)
    assert built.name == "fractions"
    assert b"\xef\xbb\xbf" not in (root / "assignment/fractions.ipynb").read_bytes()
