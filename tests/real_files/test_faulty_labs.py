"""One unbuilt or faulty lab does not stop the others, and a stale zip is told."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from autograder.authoring import build_labs
from autograder.errors import MasterError
from tests.fixtures.builders import lab_json, make_zip, notebook_json, question_file
from tests.fixtures.commands import autograder
from tests.fixtures.faults import FAULTS
from tests.platforms.samples import put

pytestmark = pytest.mark.slow

MASTER = (FAULTS / "F13/solutions/fractions.py").read_text(encoding="utf-8")


def test_a_faulty_master_does_not_stop_the_build_of_others(tmp_path: Path) -> None:
    put(
        tmp_path / "solutions",
        {"fractions.py": MASTER.encode(), "broken.py": MASTER.replace("name: fractions", "name: other").encode()},
    )
    told: list[str] = []
    with pytest.raises(MasterError, match=r"solutions/broken\.py"):
        build_labs(tmp_path, (), check=False, report=told.append)
    assert any(line.startswith("fractions: ") for line in told)
    assert (tmp_path / "dist/fractions-autograder.zip").is_file()
    notebook = tmp_path / "assignment/fractions.ipynb"
    notebook.write_text("{}", encoding="utf-8")
    told.clear()
    with pytest.raises(MasterError, match=r"solutions/broken\.py"):
        build_labs(tmp_path, (), check=True, report=told.append)
    assert any("assignment/fractions.ipynb differs from what its master produces" in line for line in told)
    assert notebook.read_text(encoding="utf-8") == "{}"


def test_labs_that_otter_refuses_or_whose_key_fails_do_not_stop_the_build_of_others(tmp_path: Path) -> None:
    damage = {
        "refused": ("values = np.array(", "start = 1  # SEED\nvalues = np.array("),
        "failing": ("- 9.0 / 31.0)", "- 9.0 / 30.0)"),
        "unloadable": ("MEASURED = {}", "import no_such_module\n\nMEASURED = no_such_module.numbers()"),
        "misread": ("points: 1\nhidden: true", "points: one\nhidden: true"),
    }
    masters = {"fractions": MASTER}
    for lab, (old, new) in damage.items():
        assert old in MASTER
        masters[lab] = MASTER.replace("# name: fractions", f"# name: {lab}", 1).replace(old, new, 1)
    put(tmp_path / "solutions", {f"{lab}.py": text.encode() for lab, text in masters.items()})
    done = autograder("build", cwd=tmp_path, code=1)
    assert sorted(path.name for path in (tmp_path / "assignment").iterdir()) == [
        "README.md",
        "fractions.ipynb",
        "requirements.txt",
    ]
    assert {path.name.partition("-")[0] for path in (tmp_path / "dist").iterdir()} == {"fractions"}
    assert "fractions: 3 questions, 4 points, written: " in done.stdout
    readme = (tmp_path / "assignment/README.md").read_text(encoding="utf-8")
    assert [lab for lab in masters if lab in readme] == ["fractions"]
    for lab in damage:
        assert f"solutions/{lab}.py:" in done.stderr
    assert "otter refuses this master" in done.stderr
    assert "the answer key does not pass the test test_q1_largest_share" in done.stderr
    assert "No module named 'no_such_module'" in done.stderr


def test_check_says_what_is_not_built(tmp_path: Path) -> None:
    put(tmp_path / "solutions", {"fractions.py": MASTER.encode()})
    build_labs(tmp_path, (), check=False, report=lambda _: None)
    for path in (tmp_path / "dist").iterdir():
        path.unlink()
    told: list[str] = []
    build_labs(tmp_path, (), check=True, report=told.append)
    assert "not built here: dist/fractions-autograder.zip" in told[0]


def test_other_labs_are_graded_where_one_cannot_be(tmp_path: Path) -> None:
    for lab in ("good", "faulty", "unbuilt"):
        put(tmp_path / "solutions", {f"{lab}.py": b"# %% [markdown]\n"})
        test = "@test_case(points=1, hidden=False)\ndef test_one(a):\n    assert a == 1\n"
        source = question_file("q1", test if lab == "good" else "import no_such_module")
        described = {**lab_json({"q1": (["a"], ["a = ..."])}), "lab": lab}
        if lab != "unbuilt":
            (tmp_path / "dist").mkdir(exist_ok=True)
            make_zip(tmp_path / f"dist/{lab}-autograder.zip", {"q1": source}, lab=described)
        put(tmp_path / "class", {f"{lab}.ipynb": notebook_json(("q1", "a = 1"), lab=lab)})
    os.utime(tmp_path / "solutions/good.py", (4e9, 4e9))
    done = autograder("grade", "class", "-o", "out", cwd=tmp_path, code=1)
    results = {p.parent.name: json.loads(p.read_text()) for p in (tmp_path / "out/submissions").glob("*/result.json")}
    assert {name: (r["status"], r["score"]) for name, r in results.items()} == {
        "good.ipynb": ("graded", 1.0),
        "faulty.ipynb": ("grader_error", 0.0),
        "unbuilt.ipynb": ("grader_error", 0.0),
    }
    assert "autograder build unbuilt" in results["unbuilt.ipynb"]["detail"]
    assert "no_such_module" in results["faulty.ipynb"]["detail"]
    assert "good was built before the last change of solutions/good.py" in done.stderr
    assert "unbuilt cannot be graded" in done.stderr
