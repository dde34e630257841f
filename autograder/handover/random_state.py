"""The state of Python's and NumPy's global random number generators as plain data."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from autograder.handover.errors import CannotCrossError

_WORDS = 624  # of the Mersenne Twister
_READ_AGAIN = 1 << 31  # the part of the first word that a generator uses after it has passed it
_Array = np.ndarray[Any, Any]


class RandomState:
    """The state of both generators at one moment."""

    def __init__(self) -> None:
        self._python = random.getstate()
        self._numpy: Any = np.random.get_state()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, RandomState):
            return NotImplemented
        one, two = self._numpy, other._numpy
        return self._python == other._python and one[2:] == two[2:] and np.array_equal(one[1], two[1])

    __hash__ = None  # type: ignore[assignment]

    def restore(self) -> None:
        """Set the generators to this state."""
        random.setstate(self._python)
        np.random.set_state(self._numpy)

    def describe(self, save: Callable[[_Array], str]) -> dict[str, Any]:
        """Return this state as JSON data and one array."""
        words = np.array([*self._python[1], *self._numpy[1], self._numpy[2]], np.uint64)
        return {
            "words": save(words),
            "next": [self._python[2], self._numpy[4] if self._numpy[3] else None],
        }


def mark(number: int) -> None:
    """Write a number into the state of both generators; seeding removes it.

    No random number depends on it: it is where a generator does not read any more.
    """
    version, words, following = random.getstate()
    if words[-1] > 0:
        random.setstate((version, (words[0] & _READ_AGAIN | number % _READ_AGAIN, *words[1:]), following))
    state: Any = np.random.get_state()
    name, key, position, *cached = state
    if position > 0:
        first = np.array([int(key[0]) & _READ_AGAIN | number % _READ_AGAIN], key.dtype)
        np.random.set_state((name, np.concatenate([first, key[1:]]), position, *cached))


def restore(described: Mapping[str, Any], load: Callable[[Any], _Array]) -> None:
    """Set both generators to a state that was described.

    Raises:
        CannotCrossError: the description is not valid.
    """
    try:
        words = load(described["words"])
        python, numpy = (None if value is None else float(value) for value in described["next"])
        if words.dtype != np.uint64 or words.shape != (2 * _WORDS + 2,):
            raise CannotCrossError("the state of the random numbers is damaged")
        random.setstate((3, tuple(int(word) for word in words[: _WORDS + 1]), python))
        cached = (0, 0.0) if numpy is None else (1, numpy)
        np.random.set_state(("MT19937", words[_WORDS + 1 : -1].astype(np.uint32), int(words[-1]), *cached))
    except (ValueError, TypeError, KeyError, OverflowError) as error:
        raise CannotCrossError("the state of the random numbers is damaged") from error
