"""Isolation and limits as the command takes them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from autograder.cli import commands
from autograder.cli.commands import ClassOptions, GradingOptions
from autograder.cli.doctor import Finding, examine, findings_view
from autograder.errors import IsolationError, UsageError
from autograder.labs.assignment import Assignment
from autograder.sandbox import client as warm_module
from autograder.sandbox.layers import LAYERS
from autograder.sandbox.probe import Found
from tests.fixtures.commands import Command, autograder
from tests.fixtures.terminal import shown

WITHOUT_LANDLOCK = tuple(Found(name, True, "too old" if name == "landlock" else "") for name in LAYERS)


@pytest.mark.slow
def test_result_records_the_level_that_was_asked_for(course: Path) -> None:
    notebook = course / "assignment" / "single_layer.ipynb"
    done = autograder("check", notebook, "--json", "--isolation", "none", cwd=course)
    assert json.loads(done.stdout)["isolation"] == "none"


@pytest.mark.slow
def test_grading_is_refused_where_a_layer_is_missing_and_goes_on_where_a_weaker_level_is_asked_for(
    course: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warm_module, "probe", lambda: WITHOUT_LANDLOCK)
    monkeypatch.chdir(course)
    notebook = course / "assignment" / "single_layer.ipynb"
    with pytest.raises(IsolationError, match="landlock: too old") as caught:
        commands.grade_class([notebook], tmp_path / "out", GradingOptions(), ClassOptions(jobs=1), as_json=True)
    assert "lsm=" in str(caught.value.hint)
    assert not list((tmp_path / "out").glob("submissions/*"))
    code = commands.grade_class(
        [notebook], tmp_path / "out", GradingOptions(isolation="basic"), ClassOptions(jobs=1), as_json=True
    )
    assert code == 0
    (file,) = (tmp_path / "out").glob("submissions/*/result.json")
    assert json.loads(file.read_text(encoding="utf-8"))["isolation"] == "basic (without landlock)"


@pytest.mark.slow
def test_doctor_names_every_layer(
    course: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(course)
    assert examine() == 0
    told = capsys.readouterr().out
    assert all(f"  {name} " in told for name in LAYERS)
    assert "not ok" not in told
    assert told.splitlines()[-1] == "✓ This machine has everything that the grader needs."
    monkeypatch.setattr("autograder.cli.doctor.probe", lambda: WITHOUT_LANDLOCK)
    assert examine(as_json=True) == 1
    found = json.loads(capsys.readouterr().out)
    assert not found["well"]
    amiss = {finding["topic"]: finding for finding in found["findings"] if not finding["well"]}
    assert set(amiss) == {"isolation", "landlock"}
    assert amiss["isolation"]["found"] == "basic (without landlock)"
    assert "lsm=" in amiss["landlock"]["hint"]


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_problems_are_shown_with_a_remedy(width: int) -> None:
    findings = (
        Finding("Machine", "Python", True, "3.12"),
        Finding("Course", "MNIST", False, "it is not in the cache", "autograder data"),
        Finding("Course", "labs", False, "not built: " + "a_lab_with_a_long_name, " * 9, "autograder build"),
    )
    text = shown(findings_view(findings), width)
    flat = " ".join(text.split())
    assert "✓ ok Python 3.12" in flat
    assert "✗ not ok MNIST it is not in the cache Try: autograder data" in flat
    assert flat.endswith("✗ 2 problems found; see the hint below each.")
    assert text.index("Machine") < text.index("Course")


@pytest.mark.parametrize("text", ["speed=3", "processes", "processes=none", "processes=0", "processes=-1"])
def test_a_limit_that_is_none_is_refused(text: str, assignments: dict[str, Assignment]) -> None:
    with pytest.raises(UsageError, match="limit"):
        commands.with_limits(assignments["single_layer"], GradingOptions(limits=(text,)))


def test_limits_of_the_command_override_the_labs(assignments: dict[str, Assignment]) -> None:
    options = GradingOptions(seconds=9, limits=("processes=40", "output_mb=2"))
    limits = commands.with_limits(assignments["single_layer"], options).limits
    assert (limits.seconds, limits.processes, limits.output_mb) == (9, 40, 2)
    assert limits.memory_mb == assignments["single_layer"].limits.memory_mb


def test_a_curious_notebook_is_graded_like_any_other(course: Path, tmp_path: Path, autograder_here: Command) -> None:
    """It looks for the tests where they lie, and there is nothing."""
    document = json.loads((course / "assignment" / "single_layer.ipynb").read_text(encoding="utf-8"))
    attack = f"open({str(course / 'dist' / 'single_layer-autograder.zip')!r}, 'rb').read()"
    cell: dict[str, object] = {
        "cell_type": "code",
        "metadata": {},
        "outputs": [],
        "execution_count": None,
        "source": attack,
    }
    document["cells"].insert(0, cell)
    notebook = tmp_path / "curious.ipynb"
    notebook.write_text(json.dumps(document), encoding="utf-8")
    result = json.loads(autograder_here("check", notebook, "--json", cwd=course).stdout)
    assert result["isolation"] == "full"
    assert [error["name"] for error in result["errors"]] == ["FileNotFoundError"]
