"""Stubs: names to assign, functions and classes with a signature.

Nothing else may be left in an answer cell.
"""

from __future__ import annotations

import pytest

from autograder.authoring.stubs import stub_variables


@pytest.mark.parametrize(
    ("stub", "names"),
    [
        ("a = ...", ("a",)),
        ("a = ...\nb = ...", ("a", "b")),
        ("...", ()),
        ("\na = ...\n\nb = ...\n", ("a", "b")),
        ("def softmax(scores):\n    ...", ("softmax",)),
        ('def softmax(scores):\n    """Return the rows as probabilities."""\n    ...', ("softmax",)),
        ("def f(a, *, b=1) -> int:\n    ...\n\nx = ...", ("f", "x")),
        (
            "class Account:\n    def deposit(self, amount):\n        ...\n\n    def total(self):\n        ...",
            ("Account",),
        ),
        ("class Empty:\n    ...", ("Empty",)),
        ("@staticmethod\ndef f():\n    ...", ("f",)),
    ],
)
def test_stubs_are_read(stub: str, names: tuple[str, ...]) -> None:
    assert stub_variables(stub) == names


@pytest.mark.parametrize(
    "stub",
    ["", "a = 1", "a, b = ...", "a = b = ...", "a = ...\n...", "a.b = ...", "# a hint\na = ...", "a = ", "print()"],
)
def test_anything_but_stubs_is_refused(stub: str) -> None:
    with pytest.raises(ValueError, match="nothing but stubs"):
        stub_variables(stub)


@pytest.mark.parametrize("mark", ["# solution", "#Solution", "# SOLUTON", "# Begin solution"])
def test_a_mark_that_is_misspelt_is_named(mark: str) -> None:
    with pytest.raises(ValueError, match=f"`{mark}` marks no solution: write `# SOLUTION`"):
        stub_variables(f"a = 1  {mark}")


def test_a_marked_line_that_assigns_nothing_is_refused_with_the_remedy() -> None:
    """Of `time.sleep(1)  # SOLUTION`, otter leaves `...`."""
    with pytest.raises(ValueError, match="BEGIN SOLUTION NO PROMPT"):
        stub_variables("...\na = ...")


@pytest.mark.parametrize(
    ("stub", "left"),
    [
        ("def f(x):\n    return x", "return x"),
        ("def f(x):\n    y = 2\n    ...", "y = 2"),
        ('def f(x):\n    """Only a docstring."""', "Only a docstring"),
        ("class A:\n    size = 3", "size = 3"),
        ("class A:\n    def f(self):\n        return 1", "def f(self):"),
    ],
)
def test_a_definition_that_keeps_its_body_is_refused_with_the_remedy(stub: str, left: str) -> None:
    with pytest.raises(ValueError, match="between `# BEGIN SOLUTION` and `# END SOLUTION`") as caught:
        stub_variables(stub)
    assert left in str(caught.value)
