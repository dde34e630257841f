"""Modules as parameters of tests: the checker imports its own."""

from __future__ import annotations

import importlib
import types
from collections.abc import Mapping
from typing import Any

from autograder.handover.errors import CannotCrossError

# Modules that a test's parameter may stand for: the checker imports its own.
MODULES = frozenset(
    "numpy pandas matplotlib matplotlib.pyplot math random statistics itertools functools collections re json string "
    "datetime time decimal fractions operator cmath calendar textwrap copy scipy scipy.stats scipy.optimize "
    "scipy.linalg scipy.signal sklearn seaborn keras tensorflow numpy.random numpy.linalg sympy networkx".split()
)
# Names that courses give them. A parameter of such a name is the checker's module, whatever the notebook has there.
USUAL_NAMES = {
    "np": "numpy",
    "pd": "pandas",
    "plt": "matplotlib.pyplot",
    "mpl": "matplotlib",
    "sns": "seaborn",
    "tf": "tensorflow",
    **{name: name for name in ("numpy", "pandas", "math", "random", "keras", "statistics", "itertools", "re", "json")},
}


def describe_module(value: Any) -> dict[str, Any] | None:
    """Return the description of a module of a library; None for anything else."""
    if type(value) is types.ModuleType and value.__name__ in MODULES:
        return {"kind": "library", "module": value.__name__}
    return None


def resolve_module(described: Mapping[str, Any]) -> types.ModuleType:
    """Import the module that a description names.

    Raises:
        CannotCrossError: tests cannot take it, or it is not installed here.
    """
    name = described.get("module")
    if name not in MODULES:
        raise CannotCrossError("it is damaged")
    try:
        return importlib.import_module(str(name))
    except ImportError as error:
        raise CannotCrossError(f"the module {name} is not installed where the tests run") from error


def usual_module(parameter: str) -> types.ModuleType | None:
    """Return the installed module that a parameter of this name refers to, or None."""
    try:
        return resolve_module({"module": USUAL_NAMES.get(parameter)})
    except CannotCrossError:
        return None
