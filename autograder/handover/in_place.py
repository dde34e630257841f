"""Change an object in place so that it equals another one.

A call changes copies of its arguments; this applies the changes to the caller's arguments.
"""

from __future__ import annotations

import collections
import sys
from typing import Any

import numpy as np


def is_mutable(value: Any) -> bool:
    """Whether a value, or anything that it contains, can be changed in place."""
    if isinstance(value, tuple):
        return any(is_mutable(item) for item in value)
    kinds = (list, dict, set, bytearray, collections.deque, np.ndarray)
    return isinstance(value, kinds) or _is_table(value)


def _is_table(value: Any) -> bool:
    pandas: Any = sys.modules.get("pandas")
    return pandas is not None and isinstance(value, (pandas.DataFrame, pandas.Series))


def update(old: Any, new: Any) -> bool:
    """Make `old` equal to `new` where it can be changed; return whether it now is.

    Mutable items of a container keep their identity as well.
    """
    if type(old) is not type(new):
        return False
    if isinstance(old, list):
        old[:] = [_updated(old[place], item) if place < len(old) else item for place, item in enumerate(new)]
    elif isinstance(old, dict):
        merged = {key: _updated(old[key], item) if key in old else item for key, item in new.items()}
        old.clear()
        old.update(merged)
    elif isinstance(old, set):
        old.clear()
        old.update(new)
    elif isinstance(old, bytearray):
        old[:] = new
    elif isinstance(old, collections.deque):
        old.clear()
        old.extend(new)
    elif isinstance(old, tuple):
        return False  # it is immutable, so that the new one replaces it
    elif isinstance(old, np.ndarray):
        return _update_array(old, new)
    elif _is_table(old):
        type(old).__init__(old, new)
    else:
        return False
    return True


def _updated(old: Any, new: Any) -> Any:
    return old if update(old, new) else new


def _update_array(old: np.ndarray[Any, Any], new: np.ndarray[Any, Any]) -> bool:
    if old.shape != new.shape or old.dtype != new.dtype or not old.flags.writeable:
        return False
    old[...] = new
    return True
