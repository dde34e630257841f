"""Build: masters in `solutions/` -> notebooks in `assignment/`, autograders and answer keys in `dist/`.

master     reads a master: cells with lines, questions, tests
rules      what a master must keep to
outline    titles of the questions, and what each builds on
otter_step runs `otter assign` in a child process
gaps       the gaps of the student notebook
normalise  the same bytes on every build; helpers into the tests
leaks      no solution and no hidden test in a student notebook
pack       the autograder zip with lab.json
gradescope_zip  the zip for Gradescope
files      atomic writes; the comparison of `--check`
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from autograder.authoring.generated_files import check_current, write_if_changed
from autograder.authoring.gradescope_zip import pack_gradescope
from autograder.authoring.leaks import check_leaks
from autograder.authoring.master import Master, read_master
from autograder.authoring.normalize import dump_notebook, normalise, rename, without_marks
from autograder.authoring.otter import OtterOutput, run_otter_assign
from autograder.authoring.package import lab_description, pack_autograder
from autograder.authoring.requirements import lab_requirements, requirements_file
from autograder.authoring.settings import LabSettings, read_settings
from autograder.authoring.stubs import read_gaps
from autograder.authoring.support import merged, support_files
from autograder.authoring.validate import check_master
from autograder.errors import MasterError, UsageError
from autograder.labs.course import lab_names

__all__ = ["BuiltLab", "build_labs", "generate"]


@dataclass(frozen=True)
class BuiltLab:
    """One lab as built. `files` are paths relative to the root; `changed` are those that were written anew."""

    name: str
    title: str
    questions: int
    points: float
    files: tuple[str, ...]
    changed: tuple[str, ...]


@dataclass(frozen=True)
class _Source:
    master: Master
    settings: LabSettings
    files: dict[str, bytes]

    @property
    def requirements(self) -> tuple[str, ...]:
        return lab_requirements(self.master, self.files)


def build_labs(root: Path, names: Sequence[str], *, check: bool, report: Callable[[str], None]) -> tuple[BuiltLab, ...]:
    """Build labs, or with `check` compare what they would give with the files that are there.

    Args:
        root: the folder that holds `solutions/`; `assignment/` and `dist/` are made beside it.
        names: the labs to build; none means all.
        check: write nothing, raise where a file is not current.
        report: takes one line of progress per lab.

    Raises:
        MasterError: a fault in a master, with its place.
        BuildDriftError: with `check`, generated files are not current.
        UsageError: no such lab.
        WorkerError: otter could not run.
    """
    known = lab_names(root)
    chosen = _choose(names, known, root)
    sources = {name: _read_source(root, name) for name in chosen}
    outputs = run_otter_assign(
        [source.master for source in sources.values()],
        {name: source.requirements for name, source in sources.items()},
        {name: source.files for name, source in sources.items()},
    )
    products = {name: generate(source.master, source.settings, outputs[name]) for name, source in sources.items()}
    shared = _shared_files(root, known, sources)
    if check:
        everything = {path: content for files in (*products.values(), shared) for path, content in files.items()}
        unlisted = _unlisted(root, everything) if set(chosen) == set(known) else []
        check_current(root, everything, unlisted)
        changed: set[str] = set()
    else:
        changed = {
            path
            for files in (*products.values(), shared)
            for path, content in files.items()
            if write_if_changed(root / path, content)
        }
    built = tuple(_built(sources[name].master, products[name], changed) for name in chosen)
    for lab in built:
        report(_line(lab, check=check))
    for path in sorted(shared.keys() & changed):
        report(f"{path}: written")
    return built


def generate(master: Master, settings: LabSettings, output: OtterOutput) -> dict[str, bytes]:
    """All files of one lab, by path relative to the root, from what otter made of its master.

    Raises:
        MasterError: the student notebook is not what students may get.
    """
    student, solution = normalise(output.student, master), normalise(output.solution, master)
    gaps = read_gaps(student["cells"], master)
    check_leaks(student, master)
    description = lab_description(master, gaps, settings)
    solution = rename(without_marks(solution), f"{master.name}.ipynb", f"{master.name}-solution.ipynb")
    autograder, answer_key = pack_autograder(output.archive, master, description), dump_notebook(solution)
    return {
        f"assignment/{master.name}.ipynb": dump_notebook(student),
        f"dist/{master.name}-autograder.zip": autograder,
        f"dist/{master.name}-gradescope.zip": pack_gradescope(autograder, answer_key, _points(master)),
        f"dist/{master.name}-solution.ipynb": answer_key,
    }


def _choose(names: Sequence[str], known: Sequence[str], root: Path) -> list[str]:
    if not known:
        raise UsageError(
            f"There is no master in {root / 'solutions'}: a lab is one file `solutions/NAME.py` in percent format.",
            hint="write one, as CONTRIBUTING.md says, then: autograder build",
        )
    for name in names:
        if name not in known:
            raise UsageError(
                f"There is no lab {name} in solutions/: there is {', '.join(known)}.", hint="autograder build"
            )
    return [name for name in known if not names or name in names]


def _read_master_text(root: Path, name: str) -> str:
    try:
        return (root / "solutions" / f"{name}.py").read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise MasterError(f"this file is not UTF-8 text: {error.reason}", file=f"solutions/{name}.py") from error


def _read_source(root: Path, name: str) -> _Source:
    text = _read_master_text(root, name)
    master = read_master(text, name=name, file=f"solutions/{name}.py")
    check_master(master)
    toml = root / "solutions" / f"{name}.toml"
    settings = LabSettings()
    if toml.is_file():
        settings = read_settings(toml.read_text(encoding="utf-8"), file=f"solutions/{name}.toml")
    return _Source(master, settings, support_files(root, master))


def _shared_files(root: Path, known: Sequence[str], sources: Mapping[str, _Source]) -> dict[str, bytes]:
    """Return the files that all labs share; none while a lab that is not being built cannot be read."""
    try:
        everybody = [sources.get(name) or _read_source(root, name) for name in known]
    except MasterError:
        return {}
    handed_out = merged({source.master.name: source.files for source in everybody})
    return {
        **{f"assignment/{name}": content for name, content in handed_out.items()},
        "assignment/requirements.txt": requirements_file(source.requirements for source in everybody),
    }


def _unlisted(root: Path, generated: dict[str, bytes]) -> list[str]:
    found = (f"assignment/{path.name}" for path in (root / "assignment").glob("*.ipynb"))
    return sorted(name for name in found if name not in generated)


def _built(master: Master, files: dict[str, bytes], changed: set[str]) -> BuiltLab:
    paths = tuple(sorted(files))
    return BuiltLab(
        master.name,
        master.title,
        len(master.questions),
        _points(master),
        paths,
        tuple(path for path in paths if path in changed),
    )


def _points(master: Master) -> float:
    return sum(float(question.config["points"]) for question in master.questions)


def _line(lab: BuiltLab, *, check: bool) -> str:
    what = f"{lab.name}: {lab.questions} questions, {lab.points:g} points"
    if check or not lab.changed:
        return f"{what}, up to date"
    return f"{what}, written: {', '.join(lab.changed)}"
