"""Write the first code cell of a student notebook.

It holds the student package and the public checks, compressed.
"""

from __future__ import annotations

import base64
import bz2
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from autograder.authoring.bundle import cleaned

PACKAGE = "lab_kit_student"

_LINE = 2000  # characters; each line costs a notebook six bytes, and editors are slow with longer ones
_BOARD = "board"  # the module of the drawing board and its front end, which few labs use
_STUDENT = Path(__file__).resolve().parents[1] / "student"
_TITLE = "Set-up: run this cell first. It loads the checks of this lab."
_GRADED = "This notebook is being graded: the grader brings its own checks."
TEXTS = (_TITLE, _GRADED)  # what translations are needed for
# bzip2, because its output is the same everywhere: zlib's differs between its versions, and a build must not.
_CELL = '''\
# @title {title}
def _set_up(packed, lab, version, language):
    import base64, bz2, importlib, itertools, json, pathlib, sys, tempfile

    otter = sys.modules.get("otter")
    if otter is not None and getattr(otter.Notebook, "_grading_mode", False):
        return otter.Notebook()  # {graded}
    folder = tempfile.TemporaryDirectory(prefix="lab-kit-", ignore_cleanup_errors=True)
    *blocks, files = bz2.decompress(base64.b85decode("".join(packed.split()))).decode().split("\\0")
    for name, steps in json.loads(files).items():
        path = pathlib.Path(folder.name, name)
        path.parent.mkdir(exist_ok=True)
        path.write_text("\\n\\n\\n".join(blocks[number] for number in itertools.accumulate(steps)), encoding="utf-8")
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
    packed = base64.b85encode(bz2.compress(everything.encode())).decode()
    source = _CELL
    for name, value in {
        "title": contents.catalog.get(_TITLE, _TITLE),
        "graded": contents.catalog.get(_GRADED, _GRADED),
        "package": PACKAGE,
        "lab": contents.lab,
        "version": version,
        "language": contents.language,
        "packed": "\n".join(packed[start : start + _LINE] for start in range(0, len(packed), _LINE)),
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


def _in_blocks(files: Mapping[str, str]) -> str:
    """Split files at two empty lines and store each block once.

    Test files share most of their definitions.

    Returns:
        The distinct blocks and, as JSON, for each file the number of its first block and the steps to the others, which
        are mostly 1; separated by a character that no source holds.
    """
    numbers: dict[str, int] = {}
    listed = {
        name: [numbers.setdefault(block, len(numbers)) for block in text.split("\n\n\n")]
        for name, text in files.items()
    }
    steps = {name: [here - before for before, here in pairwise([0, *found])] for name, found in listed.items()}
    return "\0".join([*numbers, _json(steps)])


def _packed_source(path: Path) -> str:
    """Return a file of the student package without what only its authors need."""
    source = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        return cleaned(source)
    lines = (line.strip() for line in source.splitlines())  # .js and .css, where indentation has no meaning
    return "\n".join(line for line in lines if line and not line.startswith(("//", "/*")))


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
