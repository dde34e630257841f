"""Stand-ins for packages of notebook hosts, such as `google.colab`."""

from __future__ import annotations

import importlib
import sys
import types
from typing import Any

_COLAB = "google.colab"
_PARTS = ("drive", "files", "output", "userdata", "auth", "data_table", "patches", "widgets", "runtime")
_CAUSE = (
    "Google Colab is not available while a notebook is graded: nothing was mounted, uploaded or downloaded. Files must "
    "be handed in with the notebook, or come with the lab."
)


def install() -> None:
    """Add a harmless `google.colab` to this process unless a real one exists."""
    told: list[str] = []

    def nothing(*_: Any, **__: Any) -> Any:
        # Said once: a notebook may call many of these functions.
        if not told:
            told.append(_CAUSE)
            print(_CAUSE, file=sys.stderr)  # shown to the student with the cell's outputs
        return {}

    def module(name: str) -> types.ModuleType:
        made = types.ModuleType(name, "Stand-in while a notebook is graded.")
        made.__dict__["__getattr__"] = lambda attribute: _unknown(name, attribute, nothing)
        made.__dict__["__path__"] = []
        sys.modules[name] = made
        return made

    if _COLAB in sys.modules:
        return
    package = module(_COLAB)
    for part in _PARTS:
        package.__dict__[part] = module(f"{_COLAB}.{part}")
    try:
        google = importlib.import_module("google")  # protobuf, which TensorFlow needs, lies in it
    except ImportError:
        google = module("google")
    google.__dict__["colab"] = package


def _unknown(module: str, attribute: str, nothing: Any) -> Any:
    if attribute.startswith("__"):
        raise AttributeError(f"module {module!r} has no attribute {attribute!r}")
    return nothing
