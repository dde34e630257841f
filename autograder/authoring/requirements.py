"""What a student has to install: otter and the packages that the labs import."""

from __future__ import annotations

import ast
import sys
from collections.abc import Collection, Iterable
from functools import cache

from autograder.authoring.master import Master, parse_python

OTTER = "otter-grader>=7.0,<7.1"
TENSORFLOW = "tensorflow>=2.20,<2.22"
# For keras.callbacks.TensorBoard; TensorFlow 2.21 no longer installs it.
TENSORBOARD = "tensorboard>=2.20,<2.22"
# With the ranges that the kit is tested with. Others are taken as they are installed where the course is built.
_BY_MODULE = {
    "anywidget": "anywidget>=0.9.13,<1",
    "keras": TENSORFLOW,
    "tensorflow": TENSORFLOW,
    "matplotlib": "matplotlib>=3.8,<4",
    "numpy": "numpy>=1.26,<3",
}
# What the modules of the check library import; their code travels in the tests, the package does not.
_LIBRARY = "autograder"
_BY_LIBRARY_MODULE = {"autograder.checks.keras": "keras", "autograder.checks.mnist": "keras"}
# What otter installs and every Python kernel brings.
_PROVIDED = {"otter", "IPython"}
# What methods of a student notebook's `grader` import when they are called.
_BY_METHOD = {"drawing_board": "anywidget"}


def imported_modules(master: Master) -> frozenset[str]:
    """Return the top-level names of the modules that a master's cells import.

    Test cells are included, and what methods of `grader` import.
    """
    found: set[str] = set()
    for cell in master.cells:
        if cell.kind == "code":
            found |= _imported(cell.source)
    return frozenset(found)


def noisy_modules(master: Master) -> tuple[str, ...]:
    """Return the modules that the set-up cell imports to suppress their log lines."""
    return tuple(sorted(imported_modules(master) & set(_BY_MODULE) - set(_BY_METHOD.values())))


def uses_keras(master: Master) -> bool:
    """Say whether a lab's cells or tests need Keras."""
    return bool(imported_modules(master) & {"keras", "tensorflow"})


def uses_pandas(master: Master) -> bool:
    """Say whether a lab's cells or tests need pandas."""
    return "pandas" in imported_modules(master)


def uses_drawing_board(master: Master) -> bool:
    """Say whether a lab's cells call `grader.drawing_board`."""
    return _BY_METHOD["drawing_board"] in imported_modules(master)


def lab_requirements(master: Master, files: Collection[str] = ()) -> tuple[str, ...]:
    """Return the packages a master imports, without otter and IPython.

    Otter adds itself to its autograders.

    Args:
        master: the lab.
        files: its support files; a module among them is no package.
    """
    own = {name.removesuffix(".py").split("/")[0] for name in files}
    modules = imported_modules(master) - own - sys.stdlib_module_names - _PROVIDED
    return tuple(sorted({requirement for module in modules for requirement in _requirements_of(module)}))


def requirements_file(labs: Iterable[Iterable[str]]) -> bytes:
    """Return the common `assignment/requirements.txt` of all labs."""
    lines = sorted({OTTER, *(line for lab in labs for line in lab)})
    header = (
        "# What the notebooks in this folder need: pip install -r requirements.txt\n"
        "# Generated from solutions/ by `autograder build`: do not edit.\n"
    )
    return (header + "\n".join(lines) + "\n").encode()


def _imported(source: str) -> set[str]:
    try:
        tree = parse_python(source)
    except SyntaxError:  # reported by the rules for masters
        return set()
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "grader":
            names |= {_BY_METHOD[node.attr]} if node.attr in _BY_METHOD else set()
    needed = {_BY_LIBRARY_MODULE[name] for name in names & _BY_LIBRARY_MODULE.keys()}
    return needed | {top for name in names if (top := name.split(".")[0]) != _LIBRARY}


def _requirements_of(module: str) -> list[str]:
    if module in _BY_MODULE:
        needed = _BY_MODULE[module]
        return [needed, TENSORBOARD] if needed == TENSORFLOW else [needed]
    # A module of an unknown package is named as it is imported: the key, which imports it, says if it is missing.
    return _distributions().get(module, [module])[:1]


@cache
def _distributions() -> dict[str, list[str]]:
    import importlib.metadata

    return {module: sorted(set(names)) for module, names in importlib.metadata.packages_distributions().items()}
