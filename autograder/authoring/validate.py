"""Validation rules for masters.

Each is a pure function that yields the faults it finds, with their lines.
"""

from __future__ import annotations

import ast
import difflib
import math
import re
from collections.abc import Iterator
from typing import Any

from autograder.authoring.bundle import read_test
from autograder.authoring.master import HELPERS_TAG, Cell, Master, Question, TestCell, parse_python
from autograder.authoring.outline import outline_faults
from autograder.authoring.own_functions import helper_functions, own_functions_passed
from autograder.authoring.test_sources import prelude, set_in_notebook, source_of
from autograder.errors import MasterError, known_names, raise_faults

# Names otter's test files use themselves: a helper of that name would change what the file says.
_RESERVED = frozenset({"name", "points", "all_or_nothing", "OK_FORMAT", "test_case"})
# Otter's keys that have a meaning here. Data goes into `files:`, the rest of otter's packaging is the kit's.
_CONFIG_KEYS = frozenset(
    {"name", "requirements", "init_cell", "check_all_cell", "export_cell", "files", "tests", "generate", "plugins",
     "seed", "show_question_points", "run_tests", "solutions_pdf", "template_pdf", "runs_on", "python_version",
     "overwrite_requirements", "environment", "save_environment", "ignore_modules", "channel_priority_strict",
     "suppress_no_tests_warning"}
)  # fmt: skip
_TEST_KEYS = frozenset({"points", "hidden", "success_message", "failure_message"})
_BEGIN_SOLUTION = re.compile(r"\s*#\s*BEGIN\s+SOLUTION(\s+NO\s+PROMPT)?\s*$")
_END_SOLUTION = re.compile(r"\s*#\s*END\s+SOLUTION\s*$")
_BEGIN_PROMPT = re.compile(r'\s*"""\s*#\s*BEGIN\s+PROMPT\s*$')
_END_PROMPT = re.compile(r'\s*""";?\s*#\s*END\s+PROMPT\s*$')
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")
_SOLUTION_MARK = re.compile(r"#\s*(BEGIN |END )?SOLUTION\b")


def check_master(master: Master) -> None:
    """Check a master against every rule.

    Raises:
        MasterError: all faults found, in the order in which an author would want to hear of them.
    """
    faults = [*_config(master), *_characters(master)]
    unreadable = [*_syntax(master)]
    if unreadable:  # what follows reads the Python of the cells
        faults += [*unreadable, *_answers(master), *_marks_outside_answers(master), *_points(master)]
    else:
        faults += [*_helpers(master), *_answers(master), *_marks_outside_answers(master)]
        misshapen = [*_tests(master)]
        faults += misshapen or [*_names(master), *_used_names(master)]
        faults += _points(master)
    raise_faults([*faults, *outline_faults(master)])


def test_function(test: TestCell) -> ast.FunctionDef:
    """Return the function of a valid test cell."""
    function = ast.parse(test.body).body[-1]
    if not isinstance(function, ast.FunctionDef):
        raise TypeError("a test cell was not checked before it was used")
    return function


def check_description(test: TestCell) -> str:
    """Return what a test looks at: the first line of its docstring, or nothing."""
    return (ast.get_docstring(test_function(test)) or "").strip().split("\n")[0].rstrip(".")


def _fault(master: Master, question: Question | None, line: int | None, message: str) -> MasterError:
    return MasterError(message, file=master.file, question=question.name if question else None, line=line)


def _config(master: Master) -> Iterator[MasterError]:
    tests = master.config.get("tests")
    if not isinstance(tests, dict) or tests.get("ok_format") is not False:
        yield _fault(
            master, None, master.config_line, "tests are exception-based here: set `tests:` with `ok_format: false`"
        )
    elif tests.get("files"):
        yield _fault(master, None, master.config_line, "tests live in the notebook here: remove `files:` from `tests:`")
    if master.config.get("name") != master.name:
        found = master.config.get("name")
        yield _fault(
            master, None, master.config_line, f"`name:` is {found!r}: it must be the file's name, `name: {master.name}`"
        )
    for key in sorted(set(map(str, master.config)) - _CONFIG_KEYS):
        advice = known_names(key, _CONFIG_KEYS)
        yield _fault(
            master, None, master.config_line, f"the assignment configuration has an unknown key `{key}`: {advice}"
        )
    if not master.questions:
        yield _fault(master, None, None, "there is no question: add one between BEGIN QUESTION and END QUESTION")


def _question_of(master: Master, cell: Cell) -> Question | None:
    for question in master.questions:
        if cell in question.answers or any(test.cell is cell for test in question.tests):
            return question
    return None


def _characters(master: Master) -> Iterator[MasterError]:
    r"""Refuse tabs and form feeds, left by `\times` or `\frac` read as escapes."""
    for cell in master.cells:
        for number, line in enumerate(cell.source.split("\n"), start=1):
            found = _CONTROL.search(line)
            if found:
                message = (
                    f"the control character {found.group()!r} stands in this line, probably left of a backslash and a "
                    "letter: write spaces, or the backslash again"
                )
                yield _fault(master, _question_of(master, cell), cell.line_of(number), message)


def _syntax(master: Master) -> Iterator[MasterError]:
    for cell in master.cells:
        if cell.kind != "code":
            continue
        try:
            parse_python(cell.source)
        except SyntaxError as error:
            line = cell.line_of(error.lineno)
            yield _fault(master, _question_of(master, cell), line, f"Python cannot read this: {error.msg}")


def _helpers(master: Master) -> Iterator[MasterError]:
    found = master.helpers
    if len(found) > 1:
        message = f"{len(found)} cells are tagged `{HELPERS_TAG}`: keep one, with all that the tests share"
        yield _fault(master, None, found[1].line, message)
    if not found:
        return
    for statement in parse_python(found[0].source).body:
        for name in _bound_names(statement) & _RESERVED:
            yield _fault(
                master,
                None,
                found[0].line_of(statement.lineno),
                f"a test helper is named `{name}`, which otter's test files use themselves: rename it",
            )


def _bound_names(statement: ast.stmt) -> set[str]:
    """Return the names a top-level statement gives a meaning to."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {statement.name}
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return {(alias.asname or alias.name).split(".")[0] for alias in statement.names}
    return {node.id for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}


def _answers(master: Master) -> Iterator[MasterError]:
    for question in master.questions:
        if question.manual and not (question.written or question.answers):
            yield _fault(
                master,
                question,
                question.line,
                "there is no model answer: add a text cell between BEGIN SOLUTION and END SOLUTION, `# %% [markdown]`; "
                "students get an empty answer cell in its place",
            )
        elif not question.manual and not question.answers:
            yield _fault(
                master,
                question,
                question.line,
                "there is no answer cell: add a code cell between BEGIN SOLUTION and END SOLUTION, "
                f'`# %% tags=["answer:{question.name}"]`',
            )
        for cell in question.answers:
            yield from _inline_blocks(master, question, cell)


def _inline_blocks(master: Master, question: Question, cell: Cell) -> Iterator[MasterError]:
    """Refuse solution and prompt comments that do not open and close in turn."""
    opened: tuple[str, int] | None = None
    for number, line in enumerate(cell.source.split("\n"), start=1):
        for kind, begin, end in (("SOLUTION", _BEGIN_SOLUTION, _END_SOLUTION), ("PROMPT", _BEGIN_PROMPT, _END_PROMPT)):
            if begin.match(line):
                if opened is not None:
                    yield _fault(
                        master, question, cell.line_of(number), f"BEGIN {kind} before END {opened[0]}: close that first"
                    )
                    return
                opened = (kind, number)
            elif end.match(line):
                if opened is None or opened[0] != kind:
                    yield _fault(master, question, cell.line_of(number), f"END {kind} without a BEGIN {kind} before it")
                    return
                opened = None
    if opened is not None:
        kind, number = opened
        yield _fault(master, question, cell.line_of(number), f"BEGIN {kind} is never closed: add END {kind} below it")


def _marks_outside_answers(master: Master) -> Iterator[MasterError]:
    """Refuse SOLUTION marks that otter ignores, which would reveal the solution."""
    answers = {id(cell) for question in master.questions for cell in question.answers}
    for cell in master.cells:
        if cell.kind != "code" or id(cell) in answers:
            continue
        for number, line in enumerate(cell.source.split("\n"), start=1):
            if _SOLUTION_MARK.search(line):
                yield _fault(
                    master,
                    _question_of(master, cell),
                    cell.line_of(number),
                    "a SOLUTION mark outside an answer cell: otter would leave this line in the student notebook; "
                    "move it between BEGIN SOLUTION and END SOLUTION",
                )


def _tests(master: Master) -> Iterator[MasterError]:
    for question in master.questions:
        if not isinstance(question.config.get("manual", False), bool):
            yield _fault(master, question, question.line, "`manual:` must be true or false")
        if question.manual:
            yield from _manual(master, question)
            continue
        for test in question.tests:
            yield from _test_shape(master, question, test)
            yield from _test_config(master, question, test)
        if all(test.config.get("hidden", False) for test in question.tests):
            yield _fault(
                master,
                question,
                question.line,
                "there is no public test, so otter writes no check cell: add one with `hidden: false`",
            )


def _manual(master: Master, question: Question) -> Iterator[MasterError]:
    """Check a question that a person marks."""
    if question.tests:
        yield _fault(
            master,
            question,
            question.tests[0].cell.line,
            "a question with `manual: true` is marked by a person and has no tests: remove the tests, or make two "
            "questions of it",
        )
    if all(other.manual for other in master.questions):
        yield _fault(
            master,
            question,
            question.line,
            "every question is marked by a person, so there is nothing to grade: add one with tests",
        )
    for cell in question.prompts:
        if not cell.source.strip():
            yield _fault(master, question, cell.line, "the prompt is empty: write what students replace")


def _test_shape(master: Master, question: Question, test: TestCell) -> Iterator[MasterError]:
    try:
        read_test(source_of(master, question, test))
    except MasterError as fault:
        yield fault
        return
    arguments = test_function(test).args
    if arguments.vararg or arguments.kwarg or arguments.posonlyargs:
        yield _fault(
            master,
            question,
            test.body_line,
            "a test takes answer variables by name: no *args, no **kwargs, no `/`",
        )
    for name, argument in own_functions_passed(test_function(test), helper_functions(master)):
        yield _fault(
            master,
            question,
            (test.body_line or 1) + argument.lineno - 1,
            f"a test passes a function of its own, `{ast.unparse(argument)}`, to `{name}`, which runs in the student's "
            "process, where no code of a test ever goes: pass a function of Python, of NumPy or of the student's",
        )


def _test_config(master: Master, question: Question, test: TestCell) -> Iterator[MasterError]:
    for key in sorted(set(map(str, test.config)) - _TEST_KEYS):
        advice = known_names(key, _TEST_KEYS)
        yield _fault(master, question, test.cell.line, f"the test configuration has an unknown key `{key}`: {advice}")
    if not _is_points(points := test.config.get("points")):
        yield _fault(master, question, test.cell.line, f"the test {_no_points(points)} `points: 1`")
    if not isinstance(test.config.get("hidden", False), bool):
        yield _fault(master, question, test.cell.line, "`hidden:` must be true or false")
    for key in ("success_message", "failure_message"):
        text = test.config.get(key)
        if text is not None and (not isinstance(text, str) or any(sign in text for sign in '"\\\n')):
            yield _fault(
                master,
                question,
                test.cell.line,
                f'{key} must be one line of text without `"` and `\\`, which would break the generated test: '
                "use single quotes",
            )


def _names(master: Master) -> Iterator[MasterError]:
    seen: dict[str, str] = {}
    for question in master.questions:
        for test in question.tests:
            name = test_function(test).name
            if name in seen:
                yield _fault(
                    master,
                    question,
                    test.body_line,
                    f"there is already a test named {name} (question {seen[name]}): test names must differ in a lab",
                )
            if name in _RESERVED:
                yield _fault(master, question, test.body_line, f"a test cannot be named {name}: otter uses that name")
            seen.setdefault(name, question.name)


def _used_names(master: Master) -> Iterator[MasterError]:
    """Refuse tests that take unset variables or use undefined names."""
    known = set_in_notebook(master)
    for question in master.questions:
        for test in question.tests:
            for argument in (*test_function(test).args.args, *test_function(test).args.kwonlyargs):
                if argument.arg not in known:
                    line = None if test.body_line is None else test.body_line + argument.lineno - 1
                    near = difflib.get_close_matches(argument.arg, known, n=1)
                    advice = f"is `{near[0]}` meant?" if near else "is the name spelt as in the answer?"
                    yield _fault(
                        master, question, line, f"the test takes `{argument.arg}`, which no cell sets: {advice}"
                    )
        try:
            prelude(master, question)
        except MasterError as fault:
            yield fault


def _points(master: Master) -> Iterator[MasterError]:
    for question in master.questions:
        points: Any = question.config.get("points")
        parts = [test.config.get("points") for test in question.tests]
        if question.manual and (not _is_points(points) or not points):
            yield _fault(
                master, question, question.line, "a person can give no points here: add a line such as `points: 2`"
            )
        elif question.manual:
            continue
        elif not _is_points(points):
            yield _fault(master, question, question.line, f"the question {_no_points(points)} `points: 2`")
        elif all(map(_is_points, parts)):
            total = math.fsum(map(float, parts))  # type: ignore[arg-type]
            if not math.isclose(total, float(points), abs_tol=1e-9):
                yield _fault(
                    master,
                    question,
                    question.line,
                    f"its tests give {total:g} points, the question says {points:g}: make them add up",
                )


def _no_points(value: Any) -> str:
    if value is None:
        return "has no points: add a line such as"
    return f"has no points, as `points:` is {value!r}: write a number, such as"


def _is_points(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value >= 0
