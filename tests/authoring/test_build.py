"""Building a lab: the files' content, reproducibility, and what is refused."""

from __future__ import annotations

import ast
import base64
import bz2
import gzip
import json
import lzma
import os
import re
import subprocess
import sys
import tomllib
import zipfile
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest

from autograder.authoring import build_labs
from autograder.authoring.bundle import without_comments
from autograder.authoring.leaks import check_leaks
from autograder.authoring.master import Master, read_master
from autograder.authoring.normalize import complete_test
from autograder.authoring.setup_cell import SetUp, setup_cell
from autograder.errors import BuildDriftError, MasterError, UsageError
from autograder.grading.grader import Grader
from autograder.labs.assignment import load_assignment
from autograder.labs.lateness import LatePolicy, policy_from
from autograder.sandbox.client import ForkServer
from tests.fixtures.builders import notebook_json
from tests.student.unpacked import public_tests, unpacked

REPOSITORY = Path(__file__).resolve().parents[2]


def rebuild(root: Path, *names: str, check: bool = False) -> list[str]:
    """Build quietly; the lines of the report."""
    lines: list[str] = []
    build_labs(root, names, check=check, report=lines.append)
    return lines


def contents(root: Path) -> dict[str, bytes]:
    """Every generated file under a course."""
    files = (path for folder in ("assignment", "dist") for path in (root / folder).rglob("*"))
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files if path.is_file()}


def notebook(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


def change_master(root: Path, old: str, new: str) -> None:
    path = root / "solutions" / "fractions.py"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


# ---------------------------------------------------------------- the files


@pytest.mark.slow
def test_two_builds_are_identical(built: Path, tmp_path: Path) -> None:
    """In another folder and in a process with another hash seed, too."""
    other = tmp_path / "elsewhere" / "course"
    (other / "solutions").mkdir(parents=True)
    (other / "solutions" / "fractions.py").write_bytes((built / "solutions" / "fractions.py").read_bytes())
    code = "import sys; from pathlib import Path; from autograder.authoring import build_labs\n"
    code += "build_labs(Path(sys.argv[1]), (), check=False, report=print)"
    environment = {**os.environ, "PYTHONHASHSEED": "77", "TZ": "Asia/Tokyo"}
    subprocess.run([sys.executable, "-c", code, str(other)], check=True, env=environment, cwd=REPOSITORY)
    assert contents(other) == contents(built)


def test_the_files_are_the_promised_ones(built: Path) -> None:
    assert sorted(contents(built)) == [
        "assignment/README.md",
        "assignment/fractions.ipynb",
        "assignment/requirements.txt",
        "dist/fractions-autograder.zip",
        "dist/fractions-gradescope.zip",
        "dist/fractions-solution.ipynb",
    ]


def test_the_student_notebook_has_gaps_checks_and_no_traces(built: Path) -> None:
    path = built / "assignment" / "fractions.ipynb"
    nbformat.validate(nbformat.read(path, as_version=4))
    cells = notebook(path)["cells"]
    sources = {cell["id"]: "".join(cell["source"]) for cell in cells}
    assert sources["answer-q1"] == "shares = ...\nlargest = ..."
    assert sources["answer-q2"] == "running = ..."
    assert sources["answer-q3"] == "..."
    assert sources["check-q2"].startswith('grader.check("q2")  # NameError?')
    assert len(sources) == len(cells), "cell ids repeat"
    tags = {cell["id"]: cell["metadata"].get("tags", []) for cell in cells}
    assert "answer:q2" in tags["answer-q2"]
    assert not any("test-helpers" in found for found in tags.values())
    text = path.read_text(encoding="utf-8")
    assert text.endswith("}\n")
    for trace in ("lines_to_next_cell", "jupytext", "BEGIN ", "SOLUTION", "test_q1_largest_share"):
        assert trace not in text
    assert "autograder build" in notebook(path)["metadata"]["autograder"]["note"]
    assert notebook(path)["metadata"]["otter"] == {"assignment_name": "fractions"}


def test_the_set_up_cell_stands_first_is_folded_and_names_the_lab(built: Path) -> None:
    """In JupyterLab and in Colab; below the text the notebook begins with."""
    cells = notebook(built / "assignment" / "fractions.ipynb")["cells"]
    assert [cell["cell_type"] for cell in cells[:2]] == ["markdown", "code"]
    cell, source = cells[1], "".join(cells[1]["source"])
    assert cell["metadata"]["jupyter"] == {"source_hidden": True}
    assert cell["metadata"]["cellView"] == "form"
    assert re.search(r'lab="fractions", version="[0-9a-f]{8}", language="en"', source)
    assert {node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)} >= {"_set_up", "grader"}
    names = {target.id for node in ast.parse(source).body if isinstance(node, ast.Assign) for target in node.targets
             if isinstance(target, ast.Name)}  # fmt: skip
    assert names == {"grader"}, "an answer's name here would be taken for an answer"
    assert "grader.check(" not in source, "it would be taken for a check"
    assert sum("otter.Notebook(" in "".join(cell["source"]) for cell in cells) == 1, "otter's own first cell is gone"


@pytest.mark.slow
def test_the_last_cell_hands_in_with_the_authors_words(built: Path) -> None:
    change_master(built, "#   pdf: false", "#   pdf: false\n#   instructions: Hand it in on Moodle.")
    rebuild(built)
    cells = notebook(built / "assignment" / "fractions.ipynb")["cells"]
    text, code = ("".join(cell["source"]) for cell in cells[-2:])
    assert text.startswith("## Hand in\n")
    assert text.endswith("Hand it in on Moodle.")
    assert code.endswith("\ngrader.export()")


@pytest.mark.slow
def test_a_lab_without_a_hand_in_cell_gets_none(built: Path) -> None:
    change_master(built, "# export_cell:\n#   pdf: false\n#   run_tests: false", "# export_cell: false")
    rebuild(built)
    cells = notebook(built / "assignment" / "fractions.ipynb")["cells"]
    assert not any("grader.export" in "".join(cell["source"]) for cell in cells)


@pytest.mark.slow
def test_the_set_up_cell_describes_the_lab(built: Path) -> None:
    change_master(built, "def test_q2_running_total(running, shares):", "def test_q2_running_total(running, shares):\n"
                  '    "The steps of running are the shares.\\n\\nMore."')  # fmt: skip
    (built / "solutions" / "fractions.toml").write_text('hand_in = "Moodle, Lab 1"', encoding="utf-8")
    rebuild(built)
    described = json.loads(unpacked(notebook(built / "assignment" / "fractions.ipynb"))["lab.json"])
    assert (described["lab"], described["hand_in"], described["imports"]) == ("fractions", "Moodle, Lab 1", ["numpy"])
    assert described["digests"] == {}
    assert [(entry["name"], entry["points"], entry["checks"]) for entry in described["questions"]] == [
        ("q1", 2.0, [""]), ("q2", 1.5, ["The steps of running are the shares"]), ("q3", 0.5, [""])
    ]  # fmt: skip
    assert "Where to hand in:\n\n- fractions: Moodle, Lab 1\n" in (built / "assignment" / "README.md").read_text(
        "utf-8"
    )


@pytest.mark.slow
def test_a_published_course_gets_a_badge_and_a_wrong_address_is_refused(built: Path) -> None:
    course = built / "solutions" / "course.toml"
    course.write_text('published = "https://github.com/me/labs/tree/main/assignment"', encoding="utf-8")
    rebuild(built)
    readme = (built / "assignment" / "README.md").read_text(encoding="utf-8")
    assert "https://colab.research.google.com/github/me/labs/blob/main/assignment/fractions.ipynb" in readme
    for text, says in (
        ('published = "https://gitlab.com/me"', r"course\.toml.*not a folder on GitHub"),
        ("publish = 1", "unknown setting `publish`"),
        ("published = 1", "must be a text"),
        ("published =", "not TOML"),
        ('order = "fractions"', "must be a list"),
        ('order = ["fraction"]', "lab `fraction`, which does not exist: is `fractions` meant"),
    ):
        course.write_text(text, encoding="utf-8")
        with pytest.raises(MasterError, match=says):
            rebuild(built)


@pytest.mark.slow
def test_the_page_for_students_lists_the_labs_in_the_order_of_the_course(course: Path) -> None:
    order = tomllib.loads((course / "solutions" / "course.toml").read_text(encoding="utf-8"))["order"]
    assert order != sorted(order)
    for name in ("README.md", "README.zh.md"):
        page = (course / "assignment" / name).read_text(encoding="utf-8")
        assert sorted(order, key=lambda lab: page.index(f"{lab}.ipynb`")) == order


def test_every_test_carries_the_helpers_and_stock_otter_reads_it(built: Path) -> None:
    from otter.test_files.exception_test import ExceptionTestFile

    public = public_tests(notebook(built / "assignment" / "fractions.ipynb"))
    with zipfile.ZipFile(built / "dist" / "fractions-autograder.zip") as archive:
        hidden = {name: archive.read(f"tests/{name}.py").decode() for name in ("q1", "q2", "q3")}
    for name, text in hidden.items():
        for source in (public[name], text):
            assert "def array_of(value, name):" in source
            read = ExceptionTestFile.from_string(source)
            assert read.name == name
    assert len(ExceptionTestFile.from_string(public["q1"]).test_cases) == 1
    assert [case.hidden for case in ExceptionTestFile.from_string(hidden["q1"]).test_cases] == [False, True]


@pytest.mark.parametrize(("largest", "kit", "stock"), [(9 / 31, 2.0, 2.0), (0.29, 1.5, 1.0), (0.5, 1.0, 1.0)])
def test_stock_otter_gives_coarser_marks_where_a_test_gives_a_part(
    built: Path, fork_server: ForkServer, largest: float, kit: float, stock: float
) -> None:
    """The same zip, read by both."""
    from otter.test_files.exception_test import ExceptionTestFile

    archive = built / "dist" / "fractions-autograder.zip"
    shares = np.array([3.0, 1, 4, 1, 5, 9, 2, 6]) / 31
    read = ExceptionTestFile.from_string(zipfile.ZipFile(archive).read("tests/q1.py").decode())
    read.run({"shares": shares, "largest": largest})
    assert read.score == stock
    assert read.test_case_results[1].passed == (kit == 2.0)
    assert ("not the share of the greatest value" in read.test_case_results[1].message) == (kit < 2.0)
    cell = f"import numpy as np\nshares = np.array({shares.tolist()})\nlargest = {largest}"
    lab = load_assignment(archive, fork_server)
    result = Grader({"fractions": lab}, fork_server).grade("x", lambda: notebook_json(("q1", cell), lab="fractions"))
    assert result.questions[0].score == kit
    assert result.measured == {"sum_of_shares": 1.0}


def test_the_autograder_is_otters_with_a_description(built: Path) -> None:
    with zipfile.ZipFile(built / "dist" / "fractions-autograder.zip") as archive:
        names = archive.namelist()
        assert names == sorted(names)
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {"otter_config.json", "run_autograder", "setup.sh", "environment.yml", "tests/q1.py"} <= set(names)
        assert "numpy" in archive.read("environment.yml").decode()
        description = json.loads(archive.read("lab.json"))
    assert list(description.pop("versions")) == ["en"]
    assert description == {
        "schema": 1,
        "lab": "fractions",
        "title": "Fractions of an array",
        "questions": [
            {"name": "q1", "title": "shares", "points": 2.0,
             "variables": ["shares", "largest"], "stubs": ["shares = ...\nlargest = ..."]},
            {"name": "q2", "title": "the running total", "depends_on": ["q1"], "points": 1.5,
             "variables": ["running"], "stubs": ["running = ..."]},
            {"name": "q3", "title": "in order", "depends_on": ["q1", "q2"], "points": 0.5,
             "variables": [], "stubs": ["..."]},
        ],
        "limits": {"seconds": 300, "memory_mb": 4096},
        "seed": 1234,
        "keras": False,
    }  # fmt: skip


@pytest.mark.slow
def test_a_labs_toml_sets_its_limits_and_what_late_costs(built: Path) -> None:
    settings = "seed = 5\n[limits]\nseconds = 30\n[late]\ndue = 2026-10-05T23:59:00+02:00\npercent_per_day = 10\n"
    (built / "solutions" / "fractions.toml").write_text(settings, encoding="utf-8")
    assert rebuild(built) == [
        "fractions: 3 questions, 4 points, written: dist/fractions-autograder.zip, dist/fractions-gradescope.zip"
    ]
    with zipfile.ZipFile(built / "dist" / "fractions-autograder.zip") as archive:
        description = json.loads(archive.read("lab.json"))
    assert (description["limits"], description["seed"]) == ({"seconds": 30, "memory_mb": 4096}, 5)
    assert policy_from(description["late"]) == LatePolicy(datetime(2026, 10, 5, 21, 59, tzinfo=UTC), percent_per_day=10)


def test_the_answer_key_has_the_same_set_up_and_holds_no_outputs(built: Path) -> None:
    cells = notebook(built / "dist" / "fractions-solution.ipynb")["cells"]
    assert cells[1] == notebook(built / "assignment" / "fractions.ipynb")["cells"][1]
    answers = "\n".join("".join(cell["source"]) for cell in cells)
    assert "shares = values / values.sum()\n" in answers
    assert not re.search(r"SOLUTION|PROMPT", answers), "an answer key shows no marks of the tool that cut it"
    assert all(cell["outputs"] == [] for cell in cells if cell["cell_type"] == "code")


# ---------------------------------------------------------------- current or not


@pytest.mark.slow
def test_an_untouched_course_is_current_with_or_without_dist(built: Path) -> None:
    archive = "dist/fractions-autograder.zip"
    content = (built / archive).read_bytes()
    (built / archive).unlink()
    (line,) = rebuild(built, check=True)
    assert line.startswith("fractions: 3 questions, 4 points, up to date")
    before = {name: (built / name).stat().st_mtime_ns for name in contents(built)}
    assert archive not in before
    assert rebuild(built) == [f"fractions: 3 questions, 4 points, written: {archive}"]
    assert (built / archive).read_bytes() == content
    assert {name: (built / name).stat().st_mtime_ns for name in before} == before


@pytest.mark.slow
def test_every_stale_file_is_named_and_none_is_written(built: Path) -> None:
    answer_key = built / "dist" / "fractions-solution.ipynb"
    answer_key.write_bytes(answer_key.read_bytes() + b"\n")
    change_master(built, "# A small lab", "# A tiny lab")
    (built / "assignment" / "requirements.txt").unlink()
    (built / "assignment" / "old_lab.ipynb").write_text("{}", encoding="utf-8")
    before = contents(built)
    with pytest.raises(BuildDriftError) as caught:
        rebuild(built, check=True)
    message = str(caught.value)
    assert "assignment/fractions.ipynb differs from what its master produces" in message
    assert "dist/fractions-solution.ipynb differs from what its master produces" in message
    assert "assignment/requirements.txt is missing" in message
    assert "assignment/old_lab.ipynb has no master" in message
    assert "dist/fractions-autograder.zip differs" in message, "it names the version of the notebook"
    assert caught.value.hint == "autograder build"
    assert contents(built) == before


def test_unknown_labs_and_empty_courses_are_wrong_use(built: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no lab algebra.*there is fractions"):
        rebuild(built, "algebra")
    (tmp_path / "empty" / "solutions").mkdir(parents=True)
    with pytest.raises(UsageError, match="no master"):
        rebuild(tmp_path / "empty")


# ---------------------------------------------------------------- what only shows after otter


@pytest.mark.slow
@pytest.mark.parametrize(
    ("old", "new", "says", "question"),
    [
        ("shares = values / values.sum()  # SOLUTION", "shares = values / values.sum()", "nothing but stubs", "q1"),
        ("values = np.array(", "start = 1  # SEED\nvalues = np.array(", "otter refuses this master", None),
        ("# A small lab", "# Hint: `shares=values / values.sum()`. A small lab", "statement of its solution", "q1"),
    ],
)
def test_faults_found_after_otter_name_the_place(built: Path, old: str, new: str, says: str, question: str) -> None:
    before = contents(built)
    change_master(built, old, new)
    with pytest.raises(MasterError, match=r"solutions/fractions\.py:\d+") as caught:
        rebuild(built)
    assert says in str(caught.value)
    assert caught.value.question == question
    assert contents(built) == before


@pytest.fixture
def master(master_text: str) -> Master:
    return read_master(master_text, name="fractions", file="solutions/fractions.py")


def _wrapped(data: bytes, encode: Callable[[bytes], bytes]) -> str:
    return 'packed="""\n' + "\n".join(re.findall(".{1,120}", encode(data).decode())) + '\n"""'


SECRETS = (
    "shares = values / values.sum()",
    "shares=values/values.sum()",
    "largest = shares.max()",
    "running[position] = shares[: position + 1].sum()",
    "test_q1_largest_share",
    "largest is not the share of the greatest value",
)


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("form", ["plain", "base64", "hex", "key", "zlib", "gzip", "bzip2", "xz", "wrapped", "set-up"])
def test_a_leak_stops_the_build(master: Master, secret: str, form: str) -> None:
    packed = f'say("é")\n{secret}\n{os.urandom(99).hex()}'.encode()
    text = {
        "plain": f"look: {secret} !",
        "base64": base64.b64encode(secret.encode()).decode(),
        "hex": secret.encode().hex(),
        "key": secret,
        "zlib": base64.b64encode(zlib.compress(secret.encode())).decode(),
        "gzip": base64.b64encode(gzip.compress(secret.encode())).decode(),
        "bzip2": base64.b64encode(bz2.compress(secret.encode())).decode(),
        "xz": lzma.compress(secret.encode()).hex(),
        "wrapped": _wrapped(bz2.compress(packed), base64.b64encode),
        "set-up": setup_cell(SetUp("x", (), {"q1": packed.decode()}, (), "otter"))["source"],
    }[form]
    cell = {"cell_type": "markdown", "metadata": {text: 1} if form == "key" else {}, "source": text}
    with pytest.raises(MasterError, match="would be in the student notebook"):
        check_leaks({"cells": [cell]}, master)


def test_a_leak_names_the_text(master: Master) -> None:
    text = "Note: largest is not the share of the greatest value, or is it?"
    with pytest.raises(MasterError, match="`largest is not the share of the greatest value`") as caught:
        check_leaks({"cells": [{"cell_type": "markdown", "metadata": {}, "source": text}]}, master)
    assert "test_q1_largest_share" in str(caught.value)


def test_short_titles_of_tests_and_names_of_answers_are_no_leaks(master_text: str) -> None:
    head = "def test_q1_largest_share(largest):\n"
    text = master_text.replace(head, f'{head}    """the largest share"""\n    array_of(largest, "largest_of_all")\n', 1)
    text = text.replace("values = np.array(", "largest_of_all = 9.0\nvalues = np.array(", 1)
    master = read_master(text, name="fractions", file="solutions/fractions.py")
    prose = "What is the largest share? See `largest_of_all`."
    check_leaks({"cells": [{"cell_type": "markdown", "metadata": {}, "source": prose}]}, master)


def test_what_is_public_on_purpose_is_no_leak(master: Master) -> None:
    harmless = [
        "values.sum()",
        "running = ...",
        "shares sum to one",
        "def array_of(value, name):",
        "def test_q3_sorted",
    ]
    check_leaks({"cells": [{"cell_type": "markdown", "metadata": {}, "source": text} for text in harmless]}, master)


def test_the_notebooks_of_the_kit_are_small() -> None:
    """The longest lab has 80 kB in English; lines stay short enough for editors."""
    texts = [path.read_text(encoding="utf-8") for path in (REPOSITORY / "assignment").glob("*.ipynb")]
    assert len(texts) == 3
    assert max(len(text.encode()) for text in texts) < 80_000
    assert max(len(line) for text in texts for line in text.splitlines()) < 3000


def test_a_test_that_does_not_compile_is_refused(master: Master) -> None:
    with pytest.raises(MasterError, match=r"solutions/fractions\.py:\d+, question q1.*is not Python"):
        complete_test('failure_message="say "hello""', master, "q1")


def test_comments_vanish_and_nothing_else() -> None:
    source = 'def f(x):\n    # alone\n    text = "# no comment"  # behind\n    return f"{x}#"  # end\n'
    assert without_comments(source) == 'def f(x):\n    text = "# no comment"\n    return f"{x}#"'
    assert ast.dump(ast.parse(without_comments(source))) == ast.dump(ast.parse(source))


@pytest.mark.slow
def test_stock_otter_gives_the_answer_key_full_marks(built: Path, tmp_path: Path) -> None:
    command = [str(Path(sys.executable).with_name("otter")), "run", "-a", "fractions-autograder.zip"]
    subprocess.run(
        [*command, "-o", str(tmp_path), "fractions-solution.ipynb"], cwd=built / "dist", check=True, capture_output=True
    )
    tests = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))["tests"]
    assert [(test["score"], test["max_score"]) for test in tests if "score" in test] == [(2, 2), (1.5, 1.5), (0.5, 0.5)]
