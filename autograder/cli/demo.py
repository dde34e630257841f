"""The demo: a small example class with known outcomes, graded and shown."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.cli.commands import ClassOptions, GradingOptions, build_course, grade_class
from autograder.cli.console import say, show_whole
from autograder.errors import UsageError
from autograder.labs.course import find_root, lab_names
from autograder.notebooks.filling import fill_stubs
from autograder.results.folder import ResultsFolder

# Short, because one notebook never ends; training takes half of this on one processor.
_SECONDS = 45.0
_COURSE = "course"


@dataclass(frozen=True)
class Example:
    """An example submission.

    Args:
        file: its file name.
        lab: its lab.
        fills: code for stubs, by variable; other stubs get the solution.
        questions: the questions answered; None for all.
    """

    file: str
    lab: str
    fills: Mapping[str, str]
    questions: tuple[str, ...] | None = None


EXAMPLES = (
    Example("ada_right.ipynb", "mnist_dense", {}),
    Example("bela_half.ipynb", "mnist_dense", {}, ("q1", "q2", "q3", "q4")),
    Example("chen_empty.ipynb", "mnist_dense", {}, ()),
    Example(
        "dora_twice.ipynb",
        "mnist_dense",
        {
            "x_train": "x_train = train_images / 255\nx_train /= 255",
            "x_test": "x_test = test_images / 255\nx_test /= 255",
        },
    ),
    Example("emil_raises.ipynb", "mnist_dense", {"model": "model = keras.Sequental([keras.Input((28, 28))])"}),
    Example("fay_endless.ipynb", "mnist_dense", {"steps_per_epoch": "import time\n\nwhile True:\n    time.sleep(1)"}),
    Example(
        "hugo_slips.ipynb",
        "mnist_dense",
        {
            "predicted_labels": "predicted_labels = predictions.argmax(axis=0)",
            "overfitting_gap": 'overfitting_gap = test_acc - history.history["accuracy"][-1]',
            "hidden_params": "hidden_params = 784 * 512",
        },
    ),
    Example("ines_layer.zip", "single_layer", {}),
)
_NOT_A_NOTEBOOK = ("gus_essay.ipynb", "Dear teacher, my computer has eaten my notebook.\n")


def run_demo(output: Path, *, jobs: int | None) -> int:
    """Run `autograder demo`: build the labs, grade an example class.

    Return the exit code. Outside a course, the labs are copied from the package to `course/` in the output folder.

    Args:
        output: folder for the class (`class/`) and its results (`results/`).
        jobs: submissions graded in parallel; None for one per processor.
    """
    root = _course(output)
    say("1. Building the labs from solutions/")
    build_course((), check=False, run_keys=False, root=root)
    handed_in, results = output / "class", output / "results"
    for folder in (handed_in, results):
        shutil.rmtree(folder, ignore_errors=True)
    say(f"2. Writing {len(EXAMPLES) + 1} example submissions to {handed_in}")
    write_class(root, handed_in)
    say(f"3. Grading them (at most {_SECONDS:g} seconds per notebook)")
    options = GradingOptions(seconds=_SECONDS, root=root)
    code = grade_class([handed_in], results, options, ClassOptions(jobs=jobs), as_json=False)
    show_whole(
        f"\nReasons for lost points: {_check_command(root, output, handed_in / EXAMPLES[3].file)}",
        f"Feedback for a student:  {ResultsFolder(results).submission(EXAMPLES[3].file).feedback}",
        f"Report for instructors:  {ResultsFolder(results).report}",
    )
    return code


def _course(output: Path) -> Path:
    """Return the current course if it has the demo's labs, else create OUTPUT/course."""
    from autograder.authoring.new import copy_labs

    needed = tuple(dict.fromkeys(example.lab for example in EXAMPLES))
    try:
        root = find_root()
    except UsageError:
        pass
    else:
        if set(needed) <= set(lab_names(root)):
            return root
    root = output / _COURSE
    shutil.rmtree(root, ignore_errors=True)
    copy_labs(root, needed)
    return root


def _check_command(root: Path, output: Path, notebook: Path) -> str:
    if root == output / _COURSE:
        return f"cd {root} && autograder check {Path('..', notebook.relative_to(output))}"
    return f"autograder check {notebook}"


def write_class(root: Path, folder: Path) -> None:
    """Write the example submissions; `root` is a course whose labs are built."""
    folder.mkdir(parents=True)
    for example in EXAMPLES:
        student = json.loads((root / "assignment" / f"{example.lab}.ipynb").read_text(encoding="utf-8"))
        solution = json.loads((root / "dist" / f"{example.lab}-solution.ipynb").read_text(encoding="utf-8"))
        filled = fill_stubs(student, solution, example.fills, questions=example.questions)
        write = _write_export if example.file.endswith(".zip") else _write_notebook
        write(folder / example.file, example.lab, filled)
    name, text = _NOT_A_NOTEBOOK
    (folder / name).write_text(text, encoding="utf-8")


def _write_notebook(path: Path, _: str, notebook: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False), encoding="utf-8")


def _write_export(path: Path, lab: str, notebook: Mapping[str, Any]) -> None:
    """Write a zip with a notebook and its own name, as `grader.export()` does."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{lab}.ipynb", json.dumps(notebook, ensure_ascii=False))
        archive.writestr("__zip_filename__", path.name)
    path.write_bytes(buffer.getvalue())
