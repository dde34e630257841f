"""Bundling copies what a test uses; what cannot be followed is refused."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pytest

from autograder.authoring.bundle import Source, bundle, cleaned, library_sources, read_test, used_names
from autograder.errors import MasterError

CORE = '''"""A module."""

from __future__ import annotations

import functools
import math

TABLE = {"one": 1}  # a comment
LIMIT: int = 3
UNUSED = "unused"


class Failed(AssertionError):
    """A failure."""


def check(test):
    """A decorator."""

    @functools.wraps(test)
    def run(*answers, **named):
        test(*answers, **named)

    return run


def root(value: float, *, least: float = 0.0) -> float:
    """A function."""
    if value < least:
        raise Failed("too small")
    return math.sqrt(value)  # another comment


def unused() -> str:
    return UNUSED
'''
VALUES = """from autograder.checks.core import LIMIT, Failed, root

import numpy as np


def small(value, name):
    if root(value) > LIMIT or np.isnan(value):
        raise Failed(f"{name} is too large")


def recursive(depth):
    return recursive(depth - 1) if depth else later(depth)


def later(depth):
    return depth
"""
REPOSITORY = Path(__file__).resolve().parents[2]
LIBRARY = {
    "autograder.checks.core": Source(CORE, "autograder/checks/core.py"),
    "autograder.checks.values": Source(VALUES, "autograder/checks/values.py"),
}
TEST = """from autograder.checks.core import check
from autograder.checks.values import small

@check
def test_answer(answer):
    small(answer, "answer")
"""


def bundled(
    text: str, *, shared: str | None = None, answers: tuple[str, ...] = (), library: dict[str, Source] = LIBRARY
) -> str:
    """Bundle one test; its cell begins at line 100, the shared cell at line 10."""
    test = read_test(Source(text, "master.py", 100, "q1"))
    cell = None if shared is None else Source(shared, "master.py", 10)
    return f"{bundle([test], shared=cell, library=library, answers=answers)}\n\n\n{test.function}"


def run(text: str) -> dict[str, Any]:
    namespace: dict[str, Any] = {"__name__": "q1"}
    exec(compile(text, "q1.py", "exec"), namespace)  # noqa: S102 - what otter does with a test file
    return namespace


def test_the_test_runs_on_its_own() -> None:
    test = run(bundled(TEST))["test_answer"]
    test(answer=4.0)
    with pytest.raises(AssertionError, match="answer is too large"):
        test(answer=100.0)


def test_only_what_is_used_is_copied_and_once() -> None:
    names = [node.name for node in ast.parse(bundled(TEST)).body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    assert names == ["Failed", "check", "root", "small", "test_answer"]
    assert "UNUSED" not in bundled(TEST)
    assert "TABLE" not in bundled(TEST)


def test_comments_docstrings_annotations_and_library_imports_are_left_out() -> None:
    text = bundled(TEST)
    assert "def root(value, *, least = 0.0):" in text
    assert "LIMIT = 3" in text
    for left_out in ("comment", "A function", "A failure", "autograder", "__future__", "float"):
        assert left_out not in text.replace("test_answer", "")


def test_a_definition_comes_after_what_runs_before_it() -> None:
    library = {
        **LIBRARY,
        "autograder.checks.late": Source(
            "from autograder.checks.core import TABLE\n\n\ndef first():\n    return 1\n\n\nCOPY = dict(TABLE)\n",
            "late.py",
        ),
    }
    text = "from autograder.checks.late import COPY, first\ndef test(a):\n    assert first() and COPY['one'] == a\n"
    run(bundled(text, library=library))["test"](a=1)


def test_functions_that_call_each_other_are_followed() -> None:
    text = "from autograder.checks.values import recursive\ndef test(a):\n    assert recursive(a) == 0\n"
    run(bundled(text))["test"](a=3)


def test_names_come_from_the_shared_cell_too() -> None:
    imports = "from autograder.checks.core import root\nimport numpy as np\n"
    shared = f"{imports}\nRIGHT = 2.0\n\ndef half(x):\n    return root(x) / 2"
    text = bundled("def test(a):\n    assert np.isclose(half(a), RIGHT)\n", shared=shared)
    run(text)["test"](a=16.0)
    assert "numpy" not in bundled("def test(a):\n    assert half(a)\n", shared=shared)


def test_strings_keep_their_blank_lines() -> None:
    text = 'POEM = """one\n\n   two   \n  # three\n"""'
    assert run(cleaned(text))["POEM"] == run(text)["POEM"]


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        (
            "def f(a: int, *b: str, c: dict[str, int] = {}, **d: int) -> list[int]:\n    return []",
            "def f(a, *b, c = {}, **d):\n    return []",
        ),
        ('def f():\n    """Only this."""', "def f():\n    pass"),
        ('class A:\n    """This."""\n\n    x: int\n    y: int = 2', "class A:\n    x: int\n    y: int = 2"),
        (
            "class A:\n    def f(self) -> int:\n        x: int\n        x = 1",
            "class A:\n    def f(self):\n        pass\n        x = 1",
        ),
        ('"""Of a module."""\n\nimport math\n\nHALF: float = 0.5', "import math\nHALF = 0.5"),
        (
            'def f(x):\n    "é"\n    y: str = "ü"  # ö\n\n    return lambda z: y',
            'def f(x):\n    y = "ü"\n    return lambda z: y',
        ),
    ],
)
def test_cleaning_keeps_the_meaning(text: str, clean: str | None) -> None:
    found = cleaned(text)
    ast.parse(found)
    if clean is not None:
        assert [line.rstrip() for line in found.split("\n") if line.strip()] == clean.split("\n")


def test_a_cleaned_dataclass_has_its_fields() -> None:
    text = '@dataclass(frozen=True)\nclass A:\n    """This."""\n\n    x: int\n    y: tuple[int, ...] = (2,)'
    names: dict[str, Any] = {"dataclass": dataclass}
    exec(cleaned(text), names)  # noqa: S102
    assert [field.name for field in fields(names["A"])] == ["x", "y"]


def test_used_names_are_global_names_only() -> None:
    body = "    global counter\n    c = [x for x in a if other(x)]\n    return len(c) + f(b) + counter"
    text = f"@mark\ndef f(a, b=DEFAULT):\n{body}"
    assert used_names(text) == {"mark", "DEFAULT", "other", "counter"}


FAULTS = {
    "name defined nowhere": (
        "def test(a):\n    x = 1\n    assert close(a, x)",
        None,
        "master.py:102, question q1",
        "`close`, which is defined nowhere",
    ),
    "no such name in the library": (
        "from autograder.checks.core import roof\ndef test(a):\n    assert roof(a)",
        None,
        "master.py:100, question q1",
        "no `roof` in autograder.checks.core",
    ),
    "no such module": (
        "from autograder.checks.kerras import roof\ndef test(a):\n    assert roof(a)",
        None,
        "master.py:100",
        "no module",
    ),
    "parameter hides a check": (
        "from autograder.checks.core import check, root\n@check\ndef test(root):\n    assert root",
        None,
        "master.py:101",
        "`root` hides",
    ),
    "parameter hides a shared function": (
        "def test(half):\n    assert half",
        "def half(x):\n    return x",
        "master.py:100",
        "`half` hides",
    ),
    "check has the name of an answer": (
        "from autograder.checks.values import small\ndef test(a):\n    small(a, 'a')",
        None,
        "autograder/checks/core.py:",
        "also the name of an answer",
    ),
    "import that is not used": (
        "from autograder.checks.core import root\ndef test(a):\n    assert a",
        None,
        "master.py:100",
        "not used",
    ),
    "renamed import": (
        "from autograder.checks.core import root as r\ndef test(a):\n    assert r(a)",
        None,
        "master.py:100",
        "own name",
    ),
    "module import": (
        "import autograder.checks.core\ndef test(a):\n    assert autograder.checks.core.root(a)",
        None,
        "master.py:100",
        "import names",
    ),
    "two functions": ("def one(a):\n    pass\ndef two(a):\n    pass", None, "master.py:100", "exactly one function"),
    "statement beside the function": ("X = 1\ndef two(a):\n    pass", None, "master.py:100", "exactly one function"),
    "item assignment": (
        "def test(a):\n    assert T[a]",
        "T = {}\nT['x'] = 1",
        "master.py:11",
        "cannot be copied",
    ),
    "if statement": ("def test(a):\n    assert T", "if True:\n    T = 1", "master.py:10", "cannot be copied"),
    "try statement": (
        "def test(a):\n    assert T",
        "try:\n    T = 1\nexcept Exception:\n    T = 2",
        "master.py:10",
        "cannot be copied",
    ),
    "call": ("def test(a):\n    assert T", "T = 1\nprint(T)", "master.py:11", "cannot be copied"),
    "two names": ("def test(a):\n    assert T", "T, U = 1, 2", "master.py:10", "cannot be copied"),
    "names by text": (
        "def test(a):\n    assert f()",
        "T = 1\ndef f():\n    return globals()['T']",
        "master.py:11",
        "`globals`",
    ),
    "two meanings": (
        "from autograder.checks.values import small\ndef test(a):\n    small(a, root)",
        "root = 1",
        "core.py",
        "two things",
    ),
    "defined twice": ("def test(a):\n    assert f()", "f = 1\ndef f():\n    return 1", "master.py:11", "defined twice"),
    "undefined in the shared cell": ("def test(a):\n    assert f()", "def f():\n    return g()", "master.py:10", "`g`"),
    "not Python": ("def test(a):\n    assert f(", None, "master.py:10", "Python cannot read"),
}


@pytest.mark.parametrize("fault", sorted(FAULTS))
def test_what_cannot_be_followed_is_refused_with_its_place(fault: str) -> None:
    text, shared, place, message = FAULTS[fault]
    with pytest.raises(MasterError, match=re.escape(message)) as caught:
        bundled(text, shared=shared, answers=("root", "a") if "answer" in fault else ("a",))
    assert place in str(caught.value)


def test_a_module_as_a_parameter_is_allowed() -> None:
    run(bundled("import numpy as np\ndef test(np, a):\n    assert np.pi > a".replace("import numpy as np\n", "")))


def test_circular_imports_are_refused() -> None:
    library = {
        "autograder.checks.one": Source("from autograder.checks.two import g\ndef f():\n    return g", "one.py"),
        "autograder.checks.two": Source("from autograder.checks.one import f\ndef g():\n    return f", "two.py"),
    }
    with pytest.raises(MasterError, match="circle"):
        bundled("from autograder.checks.one import f\ndef test(a):\n    f()", library=library)


def test_every_definition_of_the_real_library_can_be_bundled() -> None:
    """Each alone, so that no definition relies on another that happens to be there."""
    library = library_sources()
    assert len(library) >= 4
    for module, source in library.items():
        names = [node.name for node in ast.parse(source.text).body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
        for name in names:
            text = f"from {module} import {name}\ndef test_it(answer):\n    {name}(answer)\n"
            compile(bundled(text, library=library), name, "exec")


def test_numeric_checks_need_no_keras() -> None:
    """Neither as modules nor bundled."""
    library = library_sources()
    imports = (
        "from autograder.checks.core import check\nfrom autograder.checks.values import array, choice, result_of\n"
    )
    body = "    check(array); choice(a, 'a', 'ab'); result_of(a, 'a')\n"
    text = bundled(f"{imports}def test_it(a):\n{body}", library=library)
    loaded = "import sys, autograder.checks.core, autograder.checks.values"
    code = f"{loaded}\n{text}\nassert not {{'keras', 'tensorflow'}} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=REPOSITORY)


def test_one_test_can_use_the_whole_library() -> None:
    """A test file has one namespace: no two modules may define the same name."""
    imports, calls = [], []
    for name, source in library_sources().items():
        public = [node.name for node in ast.parse(source.text).body if isinstance(node, ast.FunctionDef)]
        public = [function for function in public if not function.startswith("_")]
        if public:
            imports.append(f"from {name} import {', '.join(public)}")
            calls += public
    assert {"same", "same_table", "line", "keras_model"} <= set(calls)
    text = "\n".join([*imports, "def test_answer(answer):", *(f"    {function}(answer)" for function in calls)])
    defined = run(bundled(text, library=library_sources()))
    assert defined.keys() >= {*calls, "test_answer"}
