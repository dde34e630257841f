"""A notebook's functions, classes and figures behave in tests as they do there."""

from __future__ import annotations

import collections
import contextlib
import copy
import inspect
import io
import math
import random
import types
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import matplotlib.axes
import matplotlib.figure
import numpy as np
import pandas as pd
import pytest

from autograder.handover.live_protocol import LIMITS
from tests.live.notebook import serving

NOTEBOOK = '''
import collections, dataclasses, functools, math, random, statistics, types
import numpy as np, pandas as pd

def square(n): return n * n
def softmax(scores):
    """Rows to probabilities."""
    e = np.exp(scores - scores.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)
def same(x): return x
def apply(f, *arguments, **keywords): return f(*arguments, **keywords)
def fail(n): raise ValueError("n must be positive", n)
class OwnError(ValueError): pass
def fail_own(): raise OwnError("own")
class Done(StopIteration): pass
def stop(kind): raise {"own": Done, "builtin": StopIteration}[kind]
def fail_key(): return {}["missing"]
def exits(): raise SystemExit(3)
def shout(text):
    print("HELLO", text)
    import sys; print("oops", file=sys.stderr)
def append(items): items.append(4)
def grow(table): table["new"] = {1}
def discard(items): items.discard(1)
def double(array): array *= 2
def clean(frame): frame["twice"] = frame["a"] * 2; return frame
def nested(rows): rows[0].append("x")
def draw(): return random.random(), float(np.random.rand())
def keywords(a, /, b=2, *rest, c, d=None, **more): return [a, b, rest, c, d, more]
adder = lambda a, b=1: a + b
def outer():
    count = 0
    def step():
        nonlocal count
        count += 1
        return count
    return step
def countdown(n):
    while n:
        yield n
        n -= 1
endless = iter(int, 1)
class Account:
    """An account."""
    bank = "Otter"
    def __init__(self, owner, balance=0): self.owner, self.balance, self._secret = owner, balance, 7
    def deposit(self, amount):
        if amount <= 0: raise ValueError("amount")
        self.balance += amount
        return self
    @property
    def rich(self): return self.balance > 100
    @classmethod
    def empty(cls): return cls("nobody")
    def __repr__(self): return f"Account({self.owner!r})"
    def __str__(self): return self.owner
    def __eq__(self, other): return isinstance(other, Account) and self.owner == other.owner
    def __hash__(self): return hash(self.owner)
    def __lt__(self, other): return self.balance < other.balance
class Savings(Account): pass
class Vector:
    def __init__(self, x): self.x = x
    def __add__(self, other): return Vector(self.x + other.x)
    def __mul__(self, other): return self.x * other.x
    def __neg__(self): return Vector(-self.x)
    def __abs__(self): return abs(self.x)
    def __bool__(self): return self.x != 0
class Stack(list):
    def push(self, item): self.append(item); return self
class Box:
    def __init__(self): self.items = {}
    def __len__(self): return len(self.items)
    def __getitem__(self, key): return self.items[key]
    def __setitem__(self, key, value): self.items[key] = value
    def __delitem__(self, key): del self.items[key]
    def __contains__(self, key): return key in self.items
    def __iter__(self): return iter(self.items)
class Manager:
    def __init__(self): self.log = []
    def __enter__(self): self.log.append("in"); return self
    def __exit__(self, kind, error, trace): self.log.append(kind and kind.__name__); return kind is KeyError
Point = collections.namedtuple("Point", "x y")
def norm(point): return math.hypot(point.x, point.y)
def mirror(point): return Point(point.y, point.x)
@dataclasses.dataclass
class Person:
    name: str
    age: int = 0
def older(person): return dataclasses.replace(person, age=person.age + 1)
def is_person(x): return type(x) is Person
account = Account("Ada", 5)
functions = {"square": square, "numbers": [1, 2]}
own_module = types.ModuleType("own_module"); own_module.value = 5
'''
NAMES = [
    line.split("(")[0].split(":")[0].split("=")[0].split()[-1]
    for line in NOTEBOOK.splitlines()
    if line.startswith(("def ", "class "))
] + "adder endless Point account functions own_module np pd math env".split()


@pytest.fixture(scope="module")
def names() -> Iterator[types.SimpleNamespace]:
    """The notebook's answers, by name."""
    with serving(NOTEBOOK, *NAMES) as (_, values):
        assert set(NAMES) <= set(values)
        yield types.SimpleNamespace(**values)


def test_functions_take_and_give_values(names: Any) -> None:
    assert names.square(3) == 9
    np.testing.assert_allclose(names.softmax(np.array([[1000.0, 1000.0]])), [[0.5, 0.5]])
    assert names.keywords(1, 5, 6, c={1}, z=2.5) == [1, 5, (6,), {1}, None, {"z": 2.5}]
    assert names.adder(2) == 3
    assert names.square(n=True) == 1


@pytest.mark.parametrize(
    "value",
    [None, ..., 3, "ö", [1, [2.5, "x"]], (1,), {"a": {1, 2}}, 1j, b"x", range(3), collections.Counter("aab"),
     collections.deque([1], 3), frozenset({1}), float("inf"), np.float32(1.5), 2**70],
)  # fmt: skip
def test_values_come_back_as_they_were_sent(names: Any, value: Any) -> None:
    back = names.same(value)
    assert back == value
    assert type(back) is type(value)


def test_tables_and_arrays_come_back(names: Any) -> None:
    frame = pd.DataFrame({"a": [1, 2], "t": ["x", None]})
    pd.testing.assert_frame_equal(names.same(frame), frame)
    records = np.array([(1, "a")], dtype=[("n", "i4"), ("t", "U1")])
    np.testing.assert_array_equal(names.same(records), records)


def test_what_is_passed_and_returned_is_the_same_object(names: Any) -> None:
    items = [1]
    assert names.same(items) is items
    assert names.same(names.account) is names.account


def test_errors_arrive_as_the_same_class(names: Any) -> None:
    with pytest.raises(ValueError, match="positive") as caught:
        names.fail(-1)
    assert caught.value.args == ("n must be positive", -1)
    with pytest.raises(KeyError, match="missing"):
        names.fail_key()
    with pytest.raises(TypeError, match="argument"):
        names.square()
    with pytest.raises(SystemExit):
        names.exits()
    with pytest.raises(names.OwnError, match="own"):
        names.fail_own()
    with pytest.raises(ValueError, match="own"):
        names.fail_own()


def test_output_can_be_captured(names: Any) -> None:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        names.shout("Ada")
    assert (out.getvalue(), err.getvalue()) == ("HELLO Ada\n", "oops\n")


def test_changes_to_arguments_are_copied_back(names: Any) -> None:
    items, table, numbers = [1, 2], {"old": 1}, {1, 2}
    names.append(items)
    names.grow(table)
    names.discard(numbers)
    assert (items, table, numbers) == ([1, 2, 4], {"old": 1, "new": {1}}, {2})
    array = np.arange(4.0)
    view = array[1:3]
    names.double(view)
    assert array.tolist() == [0, 2, 4, 3]
    frame = pd.DataFrame({"a": [1, 2]})
    assert names.clean(frame) is frame
    assert frame["twice"].tolist() == [2, 4]
    rows: list[list[Any]] = [[1], [2]]
    first = rows[0]
    names.nested(rows)
    assert first == [1, "x"]


def test_arguments_that_are_not_changed_stay_as_they_are(names: Any) -> None:
    items = [[1, 2], {3}]
    inside = list(items)
    names.square(n=3)
    names.same(items)
    assert all(one is other for one, other in zip(items, inside, strict=True))


def test_random_numbers_follow_the_tests_seed(names: Any) -> None:
    random.seed(5)
    np.random.seed(5)
    expected = random.random(), float(np.random.rand())  # noqa: S311
    random.seed(5)
    np.random.seed(5)
    assert names.draw() == expected
    assert names.draw() != expected
    random.seed(5)
    np.random.seed(5)
    assert names.draw() == expected
    random.seed(5)
    np.random.seed(5)
    drawn = random.random(), float(np.random.rand())  # noqa: S311
    again = names.draw()
    random.seed(5)
    np.random.seed(5)
    assert (random.random(), float(np.random.rand())) == drawn == expected  # noqa: S311
    assert names.draw() == again


@pytest.mark.parametrize("kind", ["own", "builtin"])
def test_a_call_does_not_end_a_loop_of_the_test(names: Any, kind: str) -> None:
    with pytest.raises(RuntimeError, match="StopIteration"):
        list(map(names.stop, [kind]))
    assert list(names.countdown(2)) == [2, 1]


def test_calls_do_not_change_the_tests_random_numbers(names: Any) -> None:
    own, numpys = random.Random(6), np.random.RandomState(6)  # noqa: S311
    random.seed(6)
    np.random.seed(6)
    for _ in range(1_000):  # more than the generators hold at once
        names.draw()
        assert (random.random(), np.random.rand()) == (own.random(), numpys.rand())  # noqa: S311


def test_functions_are_passed_to_functions(names: Any) -> None:
    assert names.apply(names.square, 4) == 16
    assert names.apply(names.adder, 4, b=3) == 7
    assert names.apply(len, [1, 2]) == 2
    assert names.apply(np.sum, np.array([1, 2])) == 3
    assert names.apply(math.sqrt, 4.0) == 2.0
    assert names.apply(str.upper, "a") == "A"


def test_closures_keep_their_state(names: Any) -> None:
    step = names.outer()
    other = names.outer()
    assert [step(), step(), other()] == [1, 2, 1]


def test_functions_can_be_inspected(names: Any) -> None:
    assert names.softmax.__name__ == "softmax"
    assert names.softmax.__doc__ == "Rows to probabilities."
    assert list(inspect.signature(names.keywords).parameters) == ["a", "b", "rest", "c", "d", "more"]
    assert inspect.signature(names.adder).parameters["b"].default == 1
    assert callable(names.square)
    assert not callable(names.account)
    assert isinstance(names.square, types.FunctionType)
    assert names.square == names.square
    assert names.square != names.same


def test_instances_behave(names: Any) -> None:
    account = names.Account("Bob", balance=10)
    assert account.deposit(5) is account
    assert (account.balance, account.owner, account.rich, account.bank) == (15, "Bob", False, "Otter")
    account.balance = 200
    assert account.rich
    with pytest.raises(ValueError, match="amount"):
        account.deposit(0)
    assert isinstance(account, names.Account)
    assert not isinstance(account, names.Vector)
    assert not isinstance(3, names.Account)
    assert issubclass(names.Savings, names.Account)
    assert (repr(account), str(account), f"{account}") == ("Account('Bob')", "Bob", "Bob")
    assert type(account).__name__ == "Account"
    assert vars(account)["owner"] == "Bob"
    assert names.Account.empty().owner == "nobody"
    assert names.Account.__name__ == "Account"
    assert hasattr(account, "deposit")
    assert not hasattr(account, "withdraw")
    with pytest.raises(AttributeError, match="no attribute"):
        account.withdraw(1)


@pytest.mark.parametrize("name", ["_secret", "__globals__", "__code__", "__self__", "__array__"])
def test_private_attributes_do_not_exist(names: Any, name: str) -> None:
    assert not hasattr(names.account, name)
    assert not hasattr(names.square, name)


def test_the_students_objects_are_compared_by_their_own_methods(names: Any) -> None:
    one, two, rich = names.Account("A"), names.Account("A"), names.Account("C", 5)
    assert one == two
    assert one != rich
    assert hash(one) == hash(two)
    assert len({one, two, rich}) == 2
    assert one < rich
    assert sorted([rich, one], key=lambda account: account.balance) == [one, rich]
    assert (names.Vector(1) + names.Vector(2)).x == 3
    assert names.Vector(2) * names.Vector(3) == 6
    assert abs(-names.Vector(4)) == 4
    assert not names.Vector(0)


def test_containers_behave(names: Any) -> None:
    box = names.Box()
    box["a"] = [1]
    box["b"] = 2
    assert (len(box), box["a"], "a" in box, list(box), bool(box)) == (2, [1], True, ["a", "b"], True)
    del box["a"]
    assert "a" not in box
    with pytest.raises(KeyError):
        box["a"]
    stack = names.Stack()
    assert stack.push(1).push(2) is stack
    assert (list(stack), len(stack), stack[-1]) == ([1, 2], 2, 2)
    with pytest.raises(TypeError):
        len(names.account)
    with pytest.raises(TypeError):
        iter(names.account)


def test_generators_give_their_items(names: Any) -> None:
    assert list(names.countdown(3)) == [3, 2, 1]
    items = names.countdown(2)
    assert (next(items), next(items), next(items, "end")) == (2, 1, "end")
    assert isinstance(items, types.GeneratorType)
    assert [next(names.endless) for _ in range(3)] == [0, 0, 0]


def test_context_managers_enter_and_exit(names: Any) -> None:
    manager = names.Manager()
    with manager as entered:
        assert entered is manager
    with manager:
        raise KeyError("swallowed by the manager")
    with pytest.raises(ZeroDivisionError), manager:
        raise ZeroDivisionError
    assert manager.log == ["in", None, "in", "KeyError", "in", "ZeroDivisionError"]


def test_records_cross_by_value_and_are_the_notebooks_own_there(names: Any) -> None:
    point = names.Point(3, 4)
    assert point == (3, 4)
    assert isinstance(point, names.Point)
    assert names.norm(point) == 5
    assert names.mirror(point) == names.Point(4, 3)
    person = names.Person("Ada", age=36)
    assert names.older(person) == names.Person("Ada", 37)
    assert names.is_person(person)
    assert person.name == "Ada"


def test_copies_are_made_there(names: Any) -> None:
    other = copy.deepcopy(names.account)
    other.owner = "Eve"
    assert names.account.owner == "Ada"


def test_modules_are_the_checkers_own(names: Any) -> None:
    assert names.np is np
    assert names.pd is pd
    assert names.math is math
    assert names.own_module.value == 5


def test_env_is_a_mapping_of_all_variables(names: Any) -> None:
    assert names.env["square"](5) == 25
    assert names.env["functions"]["numbers"] == [1, 2]
    assert "softmax" in names.env
    assert names.env.get("nothing") is None
    with pytest.raises(KeyError):
        names.env["nothing"]


def test_containers_may_hold_both_values_and_functions(names: Any) -> None:
    assert names.functions["square"](2) == 4
    assert names.functions["numbers"] == [1, 2]


FIGURE = """
import matplotlib; matplotlib.use("agg")
import matplotlib.pyplot as plt
fig, ax = plt.subplots()
ax.plot([1, 2, 3], [4, 5, 6], label="line")
ax.bar(["a", "b"], [1, 2])
ax.set_title("Title"); ax.set_xlabel("x")
ax.legend()
"""


def test_figures_can_be_looked_at() -> None:
    with serving(FIGURE, "fig", "ax") as (_, values):
        fig, ax = values["fig"], values["ax"]
        assert [isinstance(fig, matplotlib.figure.Figure), isinstance(ax, matplotlib.axes.Axes)] == [True, True]
        assert (ax.get_title(), ax.get_xlabel()) == ("Title", "x")
        assert len(ax.lines) == 1
        np.testing.assert_array_equal(ax.lines[0].get_ydata(), [4, 5, 6])
        assert [bar.get_height() for bar in ax.patches] == [1, 2]
        assert [text.get_text() for text in ax.get_legend().get_texts()] == ["line"]
        assert len(fig.axes) == 1
        assert fig.axes[0] is ax


def test_a_function_may_check_its_own_question() -> None:
    source = "def square(n):\n    check()\n    return n * n"
    with serving(source, "square", limits=replace(LIMITS, call_seconds=2.0)) as (_, answers):
        assert [answers["square"](n) for n in (2, 3)] == [4, 9]


def test_a_lambda_is_called_by_the_name_of_its_variable() -> None:
    with serving("triple = lambda n: next(iter([]))", "triple") as (_, answers):
        with pytest.raises(RuntimeError, match=r"^triple\(\) raised StopIteration"):
            answers["triple"](1)
        assert answers["triple"].__name__ == "<lambda>"
