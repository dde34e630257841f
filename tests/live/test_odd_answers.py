"""Odd answers of one student stop nobody and are listed, with a foreign zip."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.fixtures.builders import make_zip, notebook_json, question_file
from tests.fixtures.commands import Command

# Values of `answer`, where 3 is expected, by kind.
ODD = {
    "huge number": "answer = 1 << 5000",
    "very long text": "answer = 'x' * 1_000_001",
    "very long list": "answer = [0.5] * 1_000_001",
    "contains itself": "answer = []; answer.append(answer)",
    "array of another dtype": "import numpy; answer = numpy.zeros(2, 'V3')",
    "table of another type": "import pandas; answer = pandas.DataFrame({'p': pandas.period_range('2024', periods=2)})",
    "thread": "import threading; answer = threading.current_thread()",
    "lock": "import threading; answer = threading.Lock()",
    "socket": "import socket; answer = socket.socketpair()[0]",
    "open file": "answer = open('/dev/null')",
    "coroutine": "async def work(): pass\nanswer = work()",
    "generator": "answer = (n for n in iter(int, 1))",
    "module": "import types; answer = types.ModuleType('own')",
    "class": "class answer: pass",
    "frame": "import sys; answer = sys._getframe()",
    "weak reference": "import weakref\nclass A: pass\nkept = A(); answer = weakref.ref(kept)",
    "iterator": "answer = iter([3])",
    "error": "answer = ValueError(3)",
    "not implemented": "answer = NotImplemented",
    "equals everything": "class A:\n    def __eq__(self, other): return True\nanswer = A()",
    "raises when looked at": "class A:\n    def __getattribute__(self, name): raise SystemExit\nanswer = A()",
    "class that raises": "class M(type):\n    def __getattribute__(self, name): raise KeyboardInterrupt\n"
    "class A(metaclass=M): pass\nanswer = A()",
    "lies about its class": "class A:\n    __class__ = property(lambda self: 1 / 0)\nanswer = A()",
    "list that lies": "class A(list):\n    def __iter__(self): return iter(int, 1)\n"
    "    def __len__(self): return 1 << 60\nanswer = A()",
    "deleted": "answer = 3\ndel answer",
    "surrogate": "answer = '\\ud800'",
    "not a number": "answer = float('nan')",
    "own tuple": "class A(tuple):\n    def go(self): pass\nanswer = A((1,))",
    "own exception": "class E(Exception):\n    def __str__(self): raise MemoryError\nanswer = E()",
}
NEVER_REACHES_A_TEST = {
    "huge number": "a whole number of more than a thousand digits",
    "very long text": "a text of more than a million characters",
    "very long list": "more than a million items",
    "contains itself": "nested more than 20 levels deep",
    "array of another dtype": "an array of numbers is needed",
    "table of another type": "numbers, text, dates or categories are needed",
}


@pytest.mark.slow
def test_odd_answers_of_one_student_stop_nobody_and_are_listed(tmp_path: Path, autograder_here: Command) -> None:
    head = 'import otter\ngrader = otter.Notebook("a.ipynb")'
    tests, sound, odd = {}, [head], [head]
    for number, source in enumerate(ODD.values(), start=1):
        name = f"answer{number}"
        function = f"@test_case(points=1)\ndef test_{number}({name}):\n    assert abs({name} - 3) < 1\n"
        tests[f"q{number}"] = question_file(f"q{number}", function)
        sound += [f"{name} = 3", f'grader.check("q{number}")']
        odd += [source.replace("answer", name), f'grader.check("q{number}")']
    archive = make_zip(tmp_path / "stock.zip", tests)
    class_ = tmp_path / "class"
    class_.mkdir()
    for student, cells in (("ada", sound), ("odd", odd), ("chen", sound)):
        (class_ / f"{student}.ipynb").write_bytes(notebook_json(*cells, lab=None))
    done = autograder_here("grade", class_, "-a", archive, "-o", tmp_path / "out", cwd=tmp_path)

    results = [json.loads(path.read_text("utf-8")) for path in (tmp_path / "out").glob("submissions/*/result.json")]
    marks = {result["submission"].removesuffix(".ipynb"): (result["status"], result["score"]) for result in results}
    assert marks == {"ada": ("graded", len(ODD)), "odd": ("graded", 0), "chen": ("graded", len(ODD))}
    assert "Tests that could not use an answer" in done.stdout
    report = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    listed = report.partition("Tests that could not use an answer")[2].partition("</table>")[0]
    for number, kind in enumerate(ODD, start=1):
        if kind in NEVER_REACHES_A_TEST:
            assert f"test_{number}<" in listed
            assert NEVER_REACHES_A_TEST[kind] in listed
