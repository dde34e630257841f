"""Write the first code cell of a student notebook.

It holds the student package and the public checks, compressed.
"""

from __future__ import annotations

import ast
import base64
import bz2
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autograder.authoring.bundle import without_comments

PACKAGE = "lab_kit_student"

_BOARD = "board"  # the module of the drawing board and its front end, which few labs use
_STUDENT = Path(__file__).resolve().parents[1] / "student"
# bzip2, because its output is the same everywhere: zlib's differs between its versions, and a build must not.
_CELL = '''\
# @title Set-up: run this cell first. It loads the checks of this lab.
def _set_up(packed, lab, version, language):
    import base64, bz2, importlib, json, pathlib, sys, tempfile

    otter = sys.modules.get("otter")
    if otter is not None and getattr(otter.Notebook, "_grading_mode", False):
        return otter.Notebook()  # this notebook is being graded: the grader brings its own checks
    folder = tempfile.TemporaryDirectory(prefix="lab-kit-", ignore_cleanup_errors=True)
    blocks, files = json.loads(bz2.decompress(base64.b85decode("".join(packed.split()))))
    for name, numbers in files.items():
        path = pathlib.Path(folder.name, name)
        path.parent.mkdir(exist_ok=True)
        path.write_text("\\n\\n\\n".join(blocks[number] for number in numbers), encoding="utf-8")
    for name in [name for name in sys.modules if name.partition(".")[0] == "{package}"]:
        del sys.modules[name]
    sys.path.insert(0, folder.name)
    try:
        return importlib.import_module("{package}.setup").start(folder)
    finally:
        sys.path.remove(folder.name)


grader = _set_up(lab="{lab}", version="{version}", language="{language}", packed="""
{packed}
""")
'''


@dataclass(frozen=True)
class SetUp:
    """What a set-up cell is made from.

    Attributes:
        lab: the lab's name.
        questions: per question `name`, `title`, `points`, `variables`, `stubs`, and `checks`,
            which says what each public check looks at.
        tests: the public checks, test files by question.
        imports: modules the cell loads quietly.
        requires: what pip installs where otter is missing.
        hand_in: where students hand in; may be empty.
        digests: SHA-256 of MNIST's arrays, empty where the lab does not load MNIST.
        drawing_board: whether the lab uses `grader.drawing_board`.
        language: the notebook's language.
        catalog: translations of the student package's texts, by English text.
        versions: the notebook's version by language; results compare it with that of the lab.
    """

    lab: str
    questions: tuple[Mapping[str, Any], ...]
    tests: Mapping[str, str]
    imports: tuple[str, ...]
    requires: str
    hand_in: str = ""
    digests: Mapping[str, str] = field(default_factory=dict)
    drawing_board: bool = False
    language: str = "en"
    catalog: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)


def setup_cell(contents: SetUp) -> dict[str, Any]:
    """Make the cell, folded in JupyterLab and Colab and reproducible."""
    files = {
        **{
            f"{PACKAGE}/{path.name}": _packed_source(path)
            for path in sorted(_STUDENT.iterdir())
            if path.is_file() and (path.stem != _BOARD or contents.drawing_board)
        },
        **{f"tests/{name}.py": source for name, source in contents.tests.items()},
    }
    described = {
        "lab": contents.lab,
        "questions": list(contents.questions),
        "imports": list(contents.imports),
        "requires": contents.requires,
        "hand_in": contents.hand_in,
        "digests": dict(contents.digests),
        "catalog": dict(contents.catalog),
    }
    version = contents.versions.get(contents.language, "")
    everything = _in_blocks({**files, "lab.json": _json({**described, "version": version})})
    packed = base64.b85encode(bz2.compress(_json(everything).encode())).decode()
    source = _CELL
    for name, value in {
        "package": PACKAGE,
        "lab": contents.lab,
        "version": version,
        "language": contents.language,
        "packed": "\n".join(packed[start : start + 120] for start in range(0, len(packed), 120)),
    }.items():
        source = source.replace(f"{{{name}}}", value)
    return {
        "cell_type": "code",
        "id": "set-up",
        "metadata": {
            "cellView": "form",
            "deletable": False,
            "editable": False,
            "jupyter": {"source_hidden": True},
        },
        "source": source.rstrip("\n"),
        "outputs": [],
        "execution_count": None,
    }


def _in_blocks(files: Mapping[str, str]) -> tuple[list[str], dict[str, list[int]]]:
    """Split files at two empty lines and store each block once.

    Test files share most of their definitions.

    Returns:
        The distinct blocks, and for each file the numbers of its blocks.
    """
    numbers: dict[str, int] = {}
    listed = {
        name: [numbers.setdefault(block, len(numbers)) for block in text.split("\n\n\n")]
        for name, text in files.items()
    }
    return list(numbers), listed


def _packed_source(path: Path) -> str:
    """Return a file of the student package without what only its authors need."""
    source = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        return _without_docstrings(source)
    lines = (line.strip() for line in source.splitlines())  # .js and .css, where indentation has no meaning
    return "\n".join(line for line in lines if line and not line.startswith(("//", "/*")))


def _without_docstrings(source: str) -> str:
    """Return Python source without docstrings and comments: they stay in the kit."""
    lines = source.split("\n")
    documented = [
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node)
    ]
    for node in sorted(documented, key=lambda node: node.body[0].lineno, reverse=True):
        docstring = node.body[0]
        rest = [] if len(node.body) > 1 or isinstance(node, ast.Module) else [f"{' ' * docstring.col_offset}pass"]
        lines[docstring.lineno - 1 : docstring.end_lineno] = rest
    return without_comments("\n".join(lines)) + "\n"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
