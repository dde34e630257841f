"""Begin a course: the blank lab, or one of the kit's own labs, in a new folder."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from autograder.errors import UsageError
from autograder.labs.course import MASTER_KINDS

_HERE = Path(__file__).resolve().parent
_BLANK = _HERE / "blank" / "solutions"
_BLANK_NAME = "blank"
_README = _HERE / "course_readme.md"


@dataclass(frozen=True)
class NewCourse:
    """A new course: its folder and the names of its labs."""

    folder: Path
    labs: tuple[str, ...]


def examples_folder() -> Path:
    """Return the folder with the kit's own masters.

    It is in the installed package, or beside it in the repository.
    """
    installed = _HERE.parent / "examples"
    return installed if installed.is_dir() else _HERE.parents[1] / "solutions"


def example_names() -> tuple[str, ...]:
    """Return the names of the examples that a course can begin with."""
    folder = examples_folder()
    own = sorted(path.stem for path in folder.glob("*.py")) if folder.is_dir() else []
    return (_BLANK_NAME, *own)


def new_course(folder: Path, example: str = _BLANK_NAME) -> NewCourse:
    """Begin a course in a folder that is new, or empty but for hidden files.

    Args:
        folder: where; its parent folders are made too.
        example: one of `example_names`.

    Raises:
        UsageError: there is no such example, or the folder holds something.
    """
    if example not in example_names():
        raise UsageError(
            f"There is no example {example}: there is {', '.join(example_names())}.",
            hint=f"autograder new {folder} --example {_BLANK_NAME}",
        )
    if folder.exists() and (not folder.is_dir() or any(not path.name.startswith(".") for path in folder.iterdir())):
        raise UsageError(
            f"{folder} is not empty, and nothing in it would be replaced.", hint=f"autograder new {folder / 'course'}"
        )
    labs = copy_labs(folder, (example,))
    solutions = folder / "solutions"
    if not (solutions / "course.toml").exists():
        shutil.copyfile(_BLANK / "course.toml", solutions / "course.toml")
    (folder / ".gitignore").write_text("dist/\n", encoding="utf-8")
    readme = _README.read_text(encoding="utf-8").replace("{{ first }}", labs[0])
    listed = "\n".join(f"- `solutions/{lab}.py`" for lab in labs)
    (folder / "README.md").write_text(readme.replace("{{ labs }}", listed), encoding="utf-8")
    return NewCourse(folder, labs)


def copy_labs(folder: Path, examples: tuple[str, ...]) -> tuple[str, ...]:
    """Copy masters and all that belongs to them; return the names of the labs.

    Settings, support files and known answers belong to a master.
    """
    labs = []
    for example in examples:
        source = _BLANK if example == _BLANK_NAME else examples_folder()
        lab = next(path.stem for path in sorted(source.glob("*.py"))) if example == _BLANK_NAME else example
        target = folder / "solutions"
        target.mkdir(parents=True, exist_ok=True)
        for name in (*(f"{lab}{kind}" for kind in MASTER_KINDS), f"{lab}.toml"):
            if (source / name).is_file():
                shutil.copyfile(source / name, target / name)
        for name in (f"files/{lab}", f"known/{lab}"):
            if (source / name).is_dir():
                shutil.copytree(source / name, target / name, ignore=shutil.ignore_patterns("__pycache__"))
        labs.append(lab)
    return tuple(labs)
