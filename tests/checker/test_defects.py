"""Whose fault an error in a test is, and the template of a failure's message."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from autograder.authoring.bundle import Source, bundle, library_sources, read_test
from autograder.checker.defects import defect_of
from autograder.checker.partial_credit import share_of, template_of

IMPORTS = "from autograder.checks.core import CheckDefective, CheckFailed, check, explain\n"


def raised(body: str, answer: Any = 1, *, decorated: bool = True) -> tuple[BaseException, Any]:
    """The error of a test with this body, as the checker meets it, and the test."""
    used = ", ".join(name for name in ("CheckDefective", "CheckFailed", "check", "explain") if name in body)
    names = f"{used}, check" if used and decorated else used or ("check" if decorated else "")
    imports = f"from autograder.checks.core import {names}\n" if names else ""
    test = read_test(Source(f"{imports}{'@check' if decorated else ''}\ndef test_it(answer):\n    {body}\n", "m.py"))
    namespace: dict[str, Any] = {}
    exec(f"{bundle([test], library=library_sources())}\n{test.function}", namespace)  # noqa: S102
    with pytest.raises(BaseException) as caught:  # noqa: PT011 - the tests look at what it is
        namespace["test_it"](answer)
    return caught.value, inspect.unwrap(namespace["test_it"])


def defect(body: str, answer: Any = 1, *, decorated: bool = True) -> str:
    error, function = raised(body, answer, decorated=decorated)
    return defect_of(getattr(error, "cause", None) if isinstance(error, AssertionError) else error, function)


def student_function(code: str) -> Any:
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102 - stands for a notebook
    return names["f"]


@pytest.mark.parametrize("decorated", [True, False])
@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("import no_such_package", "no_such_package"),
        ("from math import no_such_name", "no_such_name"),
        ("explain(answer, {1: 'x'}, nmae=1)", "nmae"),
        ("explain(answer)", "explain"),
        ("raise CheckFailed(text='x')", "text"),
        ("raise CheckDefective('No data.')", "No data."),
        ("y = y + 1", "y"),
    ],
)
def test_errors_of_the_tests_own_code_are_defects(body: str, says: str, decorated: bool) -> None:
    assert says in defect(body, decorated=decorated)


@pytest.mark.parametrize("decorated", [True, False])
@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ("answer['x'] + 1", 3),
        ("answer.shape", 3),
        ("assert answer == 4", 3),
        ("raise ValueError('odd answer')", 3),
        ("answer(1)", student_function("def f(x):\n    return no_such_name")),
        ("answer(1)", student_function("def f(x):\n    import no_such_package")),
        ("answer(1)", student_function("def f():\n    return 1")),
        ("answer(1, key=2)", student_function("def f(x):\n    return 1")),
        ("int(answer)", None),
        ("explain(*answer)", (1, {}, {}, 2)),
        ("explain(1, {}, **answer)", {"more": 3}),
    ],
)
def test_errors_over_an_answer_are_not(body: str, answer: Any, decorated: bool) -> None:
    assert defect(body, answer, decorated=decorated) == ""


def test_a_failure_hands_over_its_template() -> None:
    error, _ = raised("raise CheckFailed('{name} is {found}.', {'name': 'n', 'found': answer}, credit=0.5)")
    assert isinstance(error, AssertionError)
    assert template_of(error) == ("{name} is {found}.", {"name": "n", "found": 1})
    assert share_of(error) == 0.5
    assert str(error) == "n is 1."


class Told(AssertionError):  # noqa: N818
    def __init__(self, text: str, template: Any, values: Any) -> None:
        super().__init__(text)
        self.message_id, self.values = template, values


@pytest.mark.parametrize(
    ("text", "template", "values"),
    [
        ("n is 1.", "{name} is {found}.", {"name": "n"}),
        ("n is 1.", "{name} is {found}.", {"name": "m", "found": 1}),
        ("n is 1.", "{0} is 1.", {"name": "n"}),
        ("n is 1.", "{name is 1.", {"name": "n"}),
        ("n is 1.", "{name.secret} is 1.", {"name": "n"}),
        ("n is 1.", 7, {"name": "n"}),
        ("n is 1.", "n is 1.", ["n"]),
        ("n is nan.", "{name} is {found}.", {"name": "n", "found": float("nan")}),
        ("n is [1].", "{name} is {found}.", {"name": "n", "found": [1]}),
    ],
)
def test_a_template_that_does_not_give_the_message_is_left_out(text: str, template: Any, values: Any) -> None:
    assert template_of(Told(text, template, values)) == ("", {})


def test_long_values_are_cut() -> None:
    _, values = template_of(Told("x" * 9000, "{name}", {"name": "x" * 9000}))
    assert len(values["name"]) <= 600
