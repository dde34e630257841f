"""Six small assignments for otter-assign, with right and wrong answers."""

# ruff: noqa: E501 - sources of cells

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Task:
    """A question: a right answer, a wrong one, and its tests without their `def`.

    The last test is hidden.
    """

    right: str
    wrong: str
    tests: Sequence[str]


@dataclass(frozen=True)
class StockAssignment:
    """An assignment; `given` is its first cell, `files` are handed out with it."""

    name: str
    given: str
    tasks: Sequence[Task]
    files: Mapping[str, str] = field(default_factory=dict)


FUNCTIONS = StockAssignment(
    "functions",
    "import math\nimport numpy as np",
    (
        Task(
            "def square(n):\n    return n * n",
            "def square(n):\n    return n + n",
            (
                "(square):\n    assert square(2) == 4",
                "(square):\n    assert [square(n) for n in range(4)] == [0, 1, 4, 9]",
            ),
        ),
        Task(
            "def softmax(x):\n    e = np.exp(x - np.max(x))\n    return e / e.sum()",
            "def softmax(x):\n    return np.exp(x) / np.exp(x).sum()",
            (
                "(softmax, np):\n    assert np.isclose(softmax(np.array([1.0, 2.0])).sum(), 1)",
                "(softmax, np):\n    assert np.allclose(softmax(np.array([1000.0, 1000.0])), 0.5)",
            ),
        ),
        Task(
            "def root(x):\n    if x < 0:\n        raise ValueError('negative')\n    return math.sqrt(x)",
            "def root(x):\n    return math.sqrt(abs(x))",
            (
                "(root):\n    assert root(9) == 3",
                "(root):\n    try:\n        root(-1)\n        assert False\n    except ValueError:\n        pass",
            ),
        ),
        Task(
            "def add_all(items, more):\n    items.extend(more)\ndef twice(f, x):\n    return f(f(x))",
            "def add_all(items, more):\n    items = items + more\ndef twice(f, x):\n    return f(f(x))",
            (
                "(twice):\n    assert twice(str.upper, 'a') == 'A'",
                "(add_all):\n    items = [1]\n    assert add_all(items, [2, 3]) is None\n    assert items == [1, 2, 3]",
            ),
        ),
    ),
)
CLASSES = StockAssignment(
    "classes",
    "import dataclasses",
    (
        Task(
            "class Account:\n    def __init__(self, owner, balance=0):\n        self.owner, self.balance = owner, balance\n"
            "    def deposit(self, n):\n        if n <= 0:\n            raise ValueError(n)\n        self.balance += n\n"
            "        return self\n    def __repr__(self):\n        return f'Account({self.owner!r}, {self.balance})'",
            "class Account:\n    def __init__(self, owner, balance=0):\n        self.owner, self.balance = owner, balance\n"
            "    def deposit(self, n):\n        self.balance += n\n    def __repr__(self):\n        return self.owner",
            (
                "(Account):\n    a = Account('Ada', 5)\n    a.deposit(3)\n    assert a.balance == 8\n"
                "    assert isinstance(a, Account)",
                "(Account):\n    a = Account('Ada')\n    assert repr(a.deposit(2)) == \"Account('Ada', 2)\"\n"
                "    try:\n        a.deposit(0)\n        assert False\n    except ValueError:\n        pass",
            ),
        ),
        Task(
            "class Stack:\n    def __init__(self):\n        self.items = []\n    def push(self, x):\n"
            "        self.items.append(x)\n    def pop(self):\n        return self.items.pop()\n"
            "    def __len__(self):\n        return len(self.items)\n    def __iter__(self):\n"
            "        return reversed(self.items)\n    def __contains__(self, x):\n        return x in self.items",
            "class Stack:\n    def __init__(self):\n        self.items = []\n    def push(self, x):\n"
            "        self.items.append(x)\n    def pop(self):\n        return self.items.pop(0)\n"
            "    def __len__(self):\n        return len(self.items)\n    def __iter__(self):\n"
            "        return iter(self.items)\n    def __contains__(self, x):\n        return x in self.items",
            (
                "(Stack):\n    s = Stack()\n    s.push(1)\n    s.push(2)\n    assert len(s) == 2 and 1 in s and 5 not in s",
                "(Stack):\n    s = Stack()\n    for n in (1, 2, 3):\n        s.push(n)\n    assert list(s) == [3, 2, 1]\n"
                "    assert s.pop() == 3",
            ),
        ),
        Task(
            "@dataclasses.dataclass\nclass Point:\n    x: float\n    y: float\n"
            "def mirror(p):\n    return Point(p.y, p.x)\ndef evens(n):\n    for i in range(0, n, 2):\n        yield i",
            "@dataclasses.dataclass\nclass Point:\n    x: float\n    y: float\n"
            "def mirror(p):\n    return Point(p.x, p.y)\ndef evens(n):\n    for i in range(0, n, 2):\n        yield i",
            (
                "(evens):\n    g = evens(5)\n    assert next(g) == 0 and list(g) == [2, 4]",
                "(Point, mirror):\n    assert mirror(Point(1, 2)) == Point(2, 1)",
            ),
        ),
    ),
)
TABLES = StockAssignment(
    "tables",
    "import numpy as np\nimport pandas as pd\nsales = pd.DataFrame({'shop': ['a', 'b', 'a'], 'n': [1, 2, 3]})",
    (
        Task(
            "totals = sales.groupby('shop')['n'].sum()",
            "totals = sales.groupby('shop')['n'].mean()",
            (
                "(totals):\n    assert list(totals.index) == ['a', 'b']",
                "(totals, pd):\n    assert isinstance(totals, pd.Series) and totals.to_dict() == {'a': 4, 'b': 2}",
            ),
        ),
        Task(
            "def clean(frame):\n    return frame.dropna().assign(double=lambda f: f['n'] * 2)",
            "def clean(frame):\n    return frame.assign(double=lambda f: f['n'] * 2)",
            (
                "(clean, sales):\n    assert clean(sales)['double'].tolist() == [2, 4, 6]",
                "(clean, pd):\n    frame = pd.DataFrame({'n': [1.0, None]})\n"
                "    pd.testing.assert_frame_equal(clean(frame), pd.DataFrame({'n': [1.0], 'double': [2.0]}))\n"
                "    assert list(frame.columns) == ['n']",
            ),
        ),
        Task(
            "shops = set(sales['shop'])\nlookup = {shop: sales[sales['shop'] == shop] for shop in shops}",
            "shops = list(sales['shop'])\nlookup = {shop: sales[sales['shop'] == shop] for shop in shops}",
            ("(lookup):\n    assert lookup['a'].shape == (2, 2)", "(shops):\n    assert shops == {'a', 'b'}"),
        ),
    ),
)
FILES = StockAssignment(
    "files",
    "import csv",
    (
        Task(
            "def total(path):\n    with open(path, newline='') as file:\n"
            "        return sum(float(row['n']) for row in csv.DictReader(file))",
            "def total(path):\n    with open(path, newline='') as file:\n"
            "        return sum(1 for row in csv.DictReader(file))",
            ("(total):\n    assert total('data.csv') > 0", "(total):\n    assert total('data.csv') == 6.5"),
        ),
        Task(
            "def save(path, text):\n    with open(path, 'w') as file:\n        file.write(text)\n"
            "def load(path):\n    with open(path) as file:\n        return file.read()",
            "def save(path, text):\n    with open(path, 'w') as file:\n        file.write(text)\n"
            "def load(path):\n    with open(path) as file:\n        return file.readline()",
            (
                "(save, load):\n    save('note.txt', 'one')\n    assert load('note.txt') == 'one'",
                "(save, load):\n    save('note.txt', 'one\\ntwo')\n    assert load('note.txt') == 'one\\ntwo'",
            ),
        ),
    ),
    {"data.csv": "name,n\na,1.5\nb,5\n"},
)
ENVIRONMENT = StockAssignment(
    "environment",
    "import math",
    (
        Task(
            "radius = 2\narea = math.pi * radius ** 2",
            "radius = 2\narea = 3.14 * radius ** 2",
            (
                "(env):\n    assert env['radius'] == 2 and 'area' in env",
                "(env):\n    assert abs(env['area'] - 12.566370614359172) < 1e-9",
            ),
        ),
        Task(
            "def circumference(r):\n    return 2 * math.pi * r",
            "def circumference(r):\n    return math.pi * r",
            (
                "(env):\n    assert callable(env['circumference'])",
                "(env):\n    assert round(env['circumference'](1), 3) == 6.283 and env.get('nothing') is None",
            ),
        ),
    ),
)
PRINTED = StockAssignment(
    "printed",
    "import random",
    (
        Task(
            "def greet(name):\n    print('Hello,', name)",
            "def greet(name):\n    print('hello', name)",
            (
                "(greet):\n    assert greet('Ada') is None",
                "(greet):\n    import contextlib, io\n    out = io.StringIO()\n"
                "    with contextlib.redirect_stdout(out):\n        greet('Ada')\n"
                "    assert out.getvalue() == 'Hello, Ada\\n'",
            ),
        ),
        Task(
            "def roll():\n    return random.randint(1, 6)",
            "def roll():\n    return 4",
            (
                "(roll):\n    assert all(1 <= roll() <= 6 for _ in range(20))",
                "(roll):\n    import random\n    random.seed(3)\n"
                "    expected = [random.randint(1, 6) for _ in range(5)]\n    random.seed(3)\n    assert [roll() for _ in range(5)] == expected",
            ),
        ),
    ),
)
ASSIGNMENTS = (FUNCTIONS, CLASSES, TABLES, FILES, ENVIRONMENT, PRINTED)


def master(assignment: StockAssignment) -> list[tuple[str, str]]:
    """The cells of a master for otter-assign: kind and source."""
    config = (
        f"# ASSIGNMENT CONFIG\nname: {assignment.name}\ninit_cell: true\nexport_cell: false\ntests:\n  ok_format: false"
    )
    if assignment.files:
        config += "\nfiles:\n" + "\n".join(f"  - {name}" for name in assignment.files)
    cells = [("raw", config), ("code", assignment.given)]
    for number, task in enumerate(assignment.tasks, start=1):
        cells += [
            ("raw", f"# BEGIN QUESTION\nname: q{number}"),
            ("markdown", f"Question {number}"),
            ("raw", "# BEGIN SOLUTION"),
            ("code", task.right),
            ("raw", "# END SOLUTION"),
            ("raw", "# BEGIN TESTS"),
        ]
        for place, test in enumerate(task.tests):
            hidden = str(place == len(task.tests) - 1).lower()
            head = f'""" # BEGIN TEST CONFIG\npoints: 1\nhidden: {hidden}\n""" # END TEST CONFIG\n'
            cells.append(("code", f"{head}def test_{assignment.name}_{number}_{place}{test}"))
        cells += [("raw", "# END TESTS"), ("raw", "# END QUESTION")]
    return cells
