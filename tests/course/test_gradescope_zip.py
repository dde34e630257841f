"""The zip for Gradescope in its folder layout and a clean environment, as root.

Gradescope's servers are out of reach; its folders are rebuilt here. In the usual run set-up takes the Python of the
tests (AUTOGRADER_PYTHON) and a copy of this machine's cache; `make prove` sets everything up from nothing.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from autograder.cli.demo import write_class
from autograder.datasets import mnist as data
from autograder.sandbox import credentials as identity
from tests.course.gradescope_container import Container, lay_out, like_docker

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(not identity.runs_as_root(), reason="Gradescope runs everything as root"),
]

# Tries to read what it must not, and to write marks; what it could do stands in its error.
_SPY = """
import os
def reach(path, mode):
    try:
        with open(path, mode):
            return True
    except OSError:
        return False
base = {base!r}
secrets = ["source/lab/autograder.zip", "source/lab/solution.ipynb", "source/withheld.json", "results/results.json",
           "submission_metadata.json", "submission/" + {name!r}, "kit/home/rehearsal.json", "kit/cache/mnist.npz",
           "cache/mnist.npz"]
found = [path for path in secrets if reach(f"{{base}}/{{path}}", "rb")]
targets = ["results/results.json", "kit/lib/autograder/x.py", "kit/x", "source/x"]
found += [path for path in targets if reach(f"{{base}}/{{path}}", "wb")]
found += [path for path in ("mem", "environ") if reach(f"/proc/{{os.getppid()}}/{{path}}", "rb")]
raise RuntimeError(f"user {{os.getuid()}} reached {{found}}")
"""


@pytest.fixture(scope="module")
def empty(course: Path) -> Iterator[Container]:
    """Laid out, but not set up, with what set-up takes from this machine."""
    base = Path(tempfile.mkdtemp(prefix="gradescope-"))  # not in pytest's folder, which is closed to other users
    lay_out(base, course / "dist" / "mnist_dense-gradescope.zip")
    cache = base / "cache"
    cache.mkdir(mode=0o700)
    shutil.copy(data.npz_path(), cache)
    with contextlib.suppress(FileNotFoundError):  # without recorded trainings the rehearsal makes them
        shutil.copytree(data.cache_file().parent / "trainings", cache / "trainings")
    yield Container(base, (f"AUTOGRADER_PYTHON={sys.executable}", f"MNIST_LAB_KIT_CACHE={cache}"))
    shutil.rmtree(base)


@pytest.fixture(scope="module")
def container(empty: Container) -> Container:
    """Set up with the Python and the cache of this machine."""
    assert "solution.ipynb: 20 / 20 points" in empty.setup()
    return empty


@pytest.fixture(scope="module")
def handed_in(course: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's class."""
    folder = tmp_path_factory.mktemp("handed") / "class"
    write_class(course, folder)
    return folder


def with_spy(notebook: Path, base: Path) -> Path:
    """The same notebook with a first cell that looks around."""
    content = json.loads(notebook.read_text(encoding="utf-8"))
    path = notebook.with_name("spy.ipynb")
    spy: dict[str, Any] = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
    content["cells"].insert(0, {**spy, "source": _SPY.format(base=str(base), name=path.name)})
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def graded(course: Path, paths: Sequence[Path], output: Path) -> dict[str, dict[str, Any]]:
    """What `autograder grade` gives the same files, by name."""
    command = [sys.executable, "-m", "autograder", "grade", *map(str, paths), "-o", str(output), "--lab", "mnist_dense"]
    subprocess.run(command, cwd=course, check=True, capture_output=True)
    results = [json.loads(path.read_text(encoding="utf-8")) for path in output.glob("submissions/*/result.json")]
    return {result["submission"]: result for result in results}


def assert_same_marks(content: dict[str, Any], result: dict[str, Any]) -> None:
    assert content["score"] == result["score"]
    assert content["extra_data"]["status"] == result["status"]
    assert content["score"] == pytest.approx(sum(test.get("score", 0) for test in content["tests"]))
    numbered = [test for test in content["tests"] if "." in test.get("number", "")]
    expected = [(test["passed"], test["message"]) for question in result["questions"] for test in question["tests"]]
    assert [test["status"] == "passed" for test in numbered] == [passed for passed, _ in expected]
    assert [test["output"] for test in numbered if test["status"] == "failed"] == [
        message for passed, message in expected if not passed
    ]


def test_marks_are_those_of_autograder_grade(
    container: Container, course: Path, handed_in: Path, tmp_path: Path
) -> None:
    """A right notebook, and a wrong one that spies in a container with few layers.

    `make prove` runs more.
    """
    right, wrong = handed_in / "ada_right.ipynb", with_spy(handed_in / "hugo_slips.ipynb", container.base)
    expected = graded(course, [right, wrong], tmp_path / "out")

    content = container.grade(right)
    assert (content["score"], content["extra_data"]["isolation"]) == (20.0, "full")
    assert "reused: identical to the solution's training" in content["tests"][-1]["output"]
    assert_same_marks(content, expected[right.name])

    content = container.grade(wrong, wrapped_in=like_docker())
    assert content["score"] == 14.75
    lacking = "basic (without user, net, ipc, uts, pid, mount, landlock)"
    assert content["extra_data"]["isolation"] == lacking
    assert lacking in content["tests"][-1]["output"]
    assert f"user {identity.UNPRIVILEGED} reached []" in content["output"]
    assert_same_marks(content, expected[wrong.name])


def test_without_set_up_marks_are_withheld(empty: Container, handed_in: Path) -> None:
    kit = empty.base / "kit"
    if kit.exists():
        kit.rename(empty.base / "aside")
    content = empty.grade(handed_in / "ada_right.ipynb")
    if (empty.base / "aside").exists():
        (empty.base / "aside").rename(kit)
    assert "withheld" in content["output"]
    assert content["tests"][0]["max_score"] == 20.0


@pytest.mark.parametrize("served", [True, False])
def test_set_up_gets_a_python_where_there_is_none_that_fits(served: bool, course: Path, tmp_path: Path) -> None:
    """Set-up as on Ubuntu 22.04, whose own Python is too old.

    Its package tools, which cannot run here, have stand-ins.
    """
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("bash", "chmod", "mkdir", "rm", "cat", "cp"):
        (tools / name).symlink_to(shutil.which(name) or name)
    scripts = {"python3": "exit 1", "apt-get": 'echo "apt-get $*"', "add-apt-repository": 'echo "repository $*"'}
    if served:
        newer = f"printf '#!/bin/bash\\n[ \"$1\" = -c ] || exit 7\\n' >{tools}/python3.12; chmod +x {tools}/python3.12"
        scripts["apt-get"] += f"; [[ $* != *python3.12-venv* ]] || {{ {newer}; }}"
    for name, script in scripts.items():
        (tools / name).write_text(f"#!/bin/bash\n{script}\n", encoding="utf-8")
        (tools / name).chmod(0o755)
    lay_out(tmp_path, course / "dist" / "mnist_dense-gradescope.zip")
    environment = {"PATH": str(tools), "AUTOGRADER_BASE": str(tmp_path)}
    done = subprocess.run(
        [str(tools / "bash"), str(tmp_path / "source" / "setup.sh")],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "repository -y ppa:deadsnakes/ppa" in done.stderr
    assert "This autograder could not be set up." in done.stderr
    if served:
        assert f"--- making an environment with {tools}/python3.12" in done.stdout
        assert done.returncode == 7
    else:
        assert "No Python from 3.11 to 3.13 is here, and none could be installed" in done.stderr
        assert done.returncode == 1
    assert (tmp_path / "source").stat().st_mode & 0o077 == 0


# --- from nothing: `make prove` ---------------------------------------------------------------------------------------

_ALL = ("ada_right", "bela_half", "chen_empty", "dora_twice", "emil_raises", "hugo_slips", "gus_essay")


@pytest.mark.rare
def test_set_up_from_nothing_gives_the_same_marks(course: Path, handed_in: Path, tmp_path: Path) -> None:
    """The zip as uploaded: new environment, MNIST fetched, solution trained."""
    base = Path(tempfile.mkdtemp(prefix="gradescope-"))
    lay_out(base, course / "dist" / "mnist_dense-gradescope.zip")
    # How this machine reaches its package index is its own business.
    container = Container(base, tuple(f"{k}={v}" for k, v in os.environ.items() if k.startswith(("PIP_", "SSL_"))))
    try:
        assert "solution.ipynb: 20 / 20 points" in container.setup()
        spy = with_spy(handed_in / "ada_right.ipynb", base)
        files = [*(handed_in / f"{name}.ipynb" for name in _ALL), spy]
        expected = graded(course, files, tmp_path / "out")
        for file in files:
            content = container.grade(file, wrapped_in=like_docker() if file == spy else ())
            assert_same_marks(content, expected[file.name])
        assert "reached []" in content["output"]
        assert "basic (without" in content["extra_data"]["isolation"]
    finally:
        shutil.rmtree(base)
