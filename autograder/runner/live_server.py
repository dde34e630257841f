"""Answer a checker's calls in the student's process during `grader.check`.

Student code runs in the same process and can change everything here, so nothing here protects the grader. It makes
honest notebooks behave as if the test ran in their own process.
"""

from __future__ import annotations

import builtins
import contextlib
import copy
import importlib
import inspect
import io
import json
import operator
import os
import signal
import sys
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from autograder.handover import in_place, random_state
from autograder.handover.decode import Decoder, Unusable
from autograder.handover.encode import Encoder
from autograder.handover.equality import same_bytes
from autograder.handover.errors import CannotCrossError
from autograder.handover.live_protocol import (
    CALL,
    CAPABILITIES,
    CHECK,
    END,
    ENVIRONMENT,
    LIMITS,
    REPLY,
    ArrayStore,
    BrokenChannelError,
    LiveLimits,
    Message,
    Wire,
    load_from,
)
from autograder.handover.modules import describe_module
from autograder.handover.plain_values import own_methods
from autograder.handover.random_state import RandomState
from autograder.util.text import text_of

_MAX_PRINTED = 1_000_000
_MAX_MESSAGE = 2_000
_MAX_NAME = 100
_NAMED = (type, types.FunctionType, types.MethodType, types.BuiltinFunctionType, types.ModuleType)


class _TimeIsUpError(BaseException):
    """A call takes too long.

    Not an Exception, so that `except Exception` in student code does not stop it.
    """


class LiveServer:
    """Serves the calls of checks, one check after the other.

    Args:
        channel: the descriptors of the channel, to read and to write.
        namespace: the notebook's variables.
        limits: what the calls of a check may use.
    """

    def __init__(self, channel: Sequence[int], namespace: Mapping[str, Any], limits: LiveLimits = LIMITS) -> None:
        reading, writing = channel
        self._wire = Wire(reading, writing, limits, waits=True)
        self._namespace = namespace
        self._limits = limits
        self._owner = os.getpid()
        self._checks = 0
        self._serving = False
        self.open = True

    def serve(self, question: str, names: Sequence[str]) -> None:
        """Answer the calls of a question's tests; return when they have ended.

        A check that a called function makes returns at once: its calls would wait for each other.
        """
        if not self.open or self._serving or os.getpid() != self._owner:
            return
        self._serving = True
        try:
            self._serve(question, names)
        finally:
            self._serving = False

    def _serve(self, question: str, names: Sequence[str]) -> None:
        self._checks += 1
        self._wire.bytes_used = 0
        objects = _Objects(self._limits.references)
        with _generators_kept(), _interruptible():
            try:
                self._wire.send(Message(CHECK, self._checks, 0, {"question": question}))
                while (message := self._wire.receive()).kind != END:
                    if message.kind == CALL and message.check == self._checks:
                        self._answer(message, objects, names)
            except (BrokenChannelError, CannotCrossError):
                self.open = False  # the grader has ended, or no longer uses the channel

    def _answer(self, message: Message, objects: _Objects, names: Sequence[str]) -> None:
        store = ArrayStore()
        if message.body["operation"] == "values":
            body: dict[str, Any] = {
                "values": self._values(names, Encoder(store.save, objects.refer, objects.own), objects)
            }
        else:
            body = _Call(message, objects, store, self._limits.call_seconds, self._namespace).answer()
        if os.getpid() != self._owner:
            os._exit(0)  # the call has forked, and this is the child
        try:
            self._wire.send(Message(REPLY, message.check, message.number, body, store.arrays))
        except CannotCrossError as error:
            refused = {"result": {"kind": "unusable", "reason": str(error)}}
            self._wire.send(Message(REPLY, message.check, message.number, refused))

    def _values(self, names: Sequence[str], encoder: Encoder, objects: _Objects) -> dict[str, Any]:
        values = {name: encoder.describe(self._namespace[name]) for name in names if name in self._namespace}
        if ENVIRONMENT in names:
            values[ENVIRONMENT] = objects.refer(dict(self._namespace))
        return values


class _Objects:
    """Objects of a check to which a checker has references."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._by_number: dict[int, Any] = {}
        self._numbers: dict[int, int] = {}
        self._next = 1
        self.arguments: list[Any] = []

    def own(self, value: Any) -> dict[str, Any] | None:
        """Describe an object that the checker knows or that has methods; else return None."""
        for place, argument in enumerate(self.arguments):
            if argument is value and in_place.is_mutable(value):
                return {"kind": "argument", "place": place}
        kind = type(value)
        if self._by_number.get(self._numbers.get(id(value), 0)) is value and value is not None:
            return self.refer(value)  # the checker holds it already
        # An object whose class has methods is more than its contents, even if it is a tuple or an exception.
        if kind.__module__ == "__main__" and issubclass(kind, (tuple, Exception)) and own_methods(kind):
            return self.refer(value)
        return None

    def refer(self, value: Any) -> dict[str, Any]:
        """Describe an object by reference."""
        module = describe_module(value)
        if module is not None:
            return module
        number = self._numbers.get(id(value))
        if number is None:
            if len(self._by_number) >= self._limit:
                raise CannotCrossError(f"the test holds more than {self._limit} of the notebook's objects")
            number = self._next
            self._next += 1
            self._by_number[number] = value
            self._numbers[id(value)] = number
        kind = type(value)
        name = value.__name__ if isinstance(value, _NAMED) else kind.__name__
        described = {"id": number, "name": text_of(name, _MAX_NAME), "class": id(kind)}
        if isinstance(value, type) and issubclass(value, BaseException):
            bases = [base.__name__ for base in value.__mro__ if getattr(builtins, base.__name__, None) is base]
            return {"kind": "exception_class", "base": bases[0], **described}
        can = [method for method in CAPABILITIES if _defines(kind, method)]
        return {"kind": "reference", "what": _what(value), "can": can, **described}

    def resolve(self, described: Mapping[str, Any]) -> Any:
        """Return the object of a reference, or a function or module of a library."""
        if described["kind"] == "library":
            found: Any = importlib.import_module(described["module"])
            for part in filter(None, described.get("name", "").split(".")):
                found = getattr(found, part)
            return found
        return self._by_number[described["id"]]

    def release(self, numbers: Sequence[int]) -> None:
        """Forget objects that the checker no longer needs."""
        for number in numbers:
            if number in self._by_number:
                self._numbers.pop(id(self._by_number.pop(number)), None)


class _Call:
    """One call: its arguments, its operation and its effects."""

    def __init__(
        self, message: Message, objects: _Objects, store: ArrayStore, seconds: float, namespace: Mapping[str, Any]
    ) -> None:
        self._message = message
        self._objects = objects
        self._store = store
        self._encoder = Encoder(store.save, objects.refer, objects.own)
        self._seconds = seconds
        self._namespace = namespace
        self._originals: dict[int, tuple[Any, str]] = {}

    def answer(self) -> dict[str, Any]:
        """Perform the operation; return the body of the reply."""
        body = self._message.body
        self._objects.release(body.get("release", ()))
        decoder = Decoder(self._load, self._objects.resolve, self._record_class)
        described = [*body["arguments"], *body["keywords"].values()]
        values = [decoder.value(part) for part in described]
        if lost := [value for value in values if isinstance(value, Unusable)]:
            return {"refused": f"an argument cannot be used: {lost[0].reason}"}
        count = len(body["arguments"])
        arguments, keywords = values[:count], dict(zip(body["keywords"], values[count:], strict=True))
        self._objects.arguments = values
        printed = {"stdout": io.StringIO(), "stderr": io.StringIO()}
        answer: dict[str, Any] = {}
        if "random" in body:
            random_state.restore(body["random"], self._load)
        before = RandomState()
        try:
            with _time_limit(self._seconds), _captured(printed):
                operation = OPERATIONS[body["operation"]]
                answer = self._perform(operation, arguments, keywords)
        except _TimeIsUpError:
            answer = {"late": True}
        except BaseException as error:  # noqa: BLE001 - student code may raise anything, when it is looked at too
            answer = {"refused": f"the result cannot be used: {text_of(error, _MAX_MESSAGE)}"}
        answer["changed"] = self._changes(described, values)
        self._objects.arguments = []
        answer["printed"] = [[name, text_of(_read(stream), _MAX_PRINTED)] for name, stream in printed.items()]
        answer["drew"] = RandomState() != before
        return {name: value for name, value in answer.items() if value}

    def _perform(self, operation: Callable[..., Any], arguments: list[Any], keywords: dict[str, Any]) -> dict[str, Any]:
        try:
            result = operation(*arguments, **keywords)
        except StopIteration:
            return {"stop": True}
        except _TimeIsUpError:
            raise
        except BaseException as error:  # noqa: BLE001 - it is the answer
            return {"raised": self._describe_error(error)}
        if operation is _call and isinstance(arguments[0], type) and own_methods(type(result)):
            return {"result": self._objects.refer(result)}  # a reference, so that the test can call its methods
        return {"result": self._encoder.describe(result)}

    def _describe_error(self, error: BaseException) -> dict[str, Any]:
        described = [self._encoder.describe(argument) for argument in error.args[:10]]
        if any(part["kind"] == "unusable" for part in described):
            described = [{"kind": "str", "value": text_of(error, _MAX_MESSAGE)}]
        kind: type = type(error)
        if getattr(builtins, kind.__name__, None) is kind:
            return {"class": {"kind": "builtin", "name": kind.__name__}, "arguments": described}
        return {"class": self._objects.refer(kind), "arguments": described}

    def _changes(self, described: Sequence[Any], values: Sequence[Any]) -> dict[str, Any]:
        """Return the arguments that the call has changed, by their place."""
        changed = {}
        self._objects.arguments = []
        compared = Encoder(self._save_to_compare, self._objects.refer, self._objects.own)
        for place, (before, value) in enumerate(zip(described, values, strict=True)):
            if in_place.is_mutable(value):
                after = compared.describe(value)
                if json.dumps(after, sort_keys=True) != json.dumps(before, sort_keys=True):
                    changed[str(place)] = self._encoder.describe(value)
        return changed

    def _load(self, name: Any) -> np.ndarray[Any, Any]:
        array = load_from(self._message.arrays, name).copy()  # the message keeps what the argument was
        self._originals[id(array)] = (array, name)
        return array

    def _save_to_compare(self, array: np.ndarray[Any, Any]) -> str:
        known, name = self._originals.get(id(array), (None, ""))
        same = known is array and same_bytes(load_from(self._message.arrays, name), array)
        return name if same else "changed"

    def _record_class(self, form: str, name: str, fields: tuple[str, ...]) -> Any:
        """Return the notebook's own class with this name and these fields, if any."""
        found = self._namespace.get(name)
        if not isinstance(found, type):
            return None
        own = getattr(found, "_fields", None) if form == "named_tuple" else tuple(getattr(found, "__match_args__", ()))
        return found if own == fields else None


def _call(function: Any, *arguments: Any, **keywords: Any) -> Any:
    return function(*arguments, **keywords)


def _signature(function: Any) -> list[list[Any]]:
    """Return name, kind, default and annotation of each parameter.

    A missing one is `inspect.Parameter.empty`.
    """
    return [
        [parameter.name, int(parameter.kind), parameter.default is not parameter.empty, parameter.default]
        if parameter.default is not parameter.empty
        else [parameter.name, int(parameter.kind), False, None]
        for parameter in inspect.signature(function).parameters.values()
    ]


def _enter(manager: Any) -> Any:
    return type(manager).__enter__(manager)


def _exit(manager: Any, name: str | None, message: str) -> bool:
    kind = getattr(builtins, name, Exception) if name is not None else None
    error = None if kind is None else kind(message)
    return bool(type(manager).__exit__(manager, kind, error, None))


def _binary(name: str) -> Callable[[Any, Any], Any]:
    found: Callable[[Any, Any], Any] = getattr(operator, name.strip("_") if name not in ("and", "or") else f"{name}_")
    return found


OPERATIONS: dict[str, Callable[..., Any]] = {
    "call": _call,
    "getattr": getattr,
    "setattr": setattr,
    "len": len,
    "iter": iter,
    "next": next,
    "getitem": operator.getitem,
    "setitem": operator.setitem,
    "delitem": operator.delitem,
    "contains": operator.contains,
    "bool": bool,
    "hash": hash,
    "eq": operator.eq,
    "ne": operator.ne,
    "str": str,
    "repr": repr,
    "format": format,
    "dir": dir,
    "isinstance": isinstance,
    "issubclass": issubclass,
    "signature": _signature,
    "enter": _enter,
    "exit": _exit,
    "float": float,
    "int": int,
    "index": operator.index,
    "complex": complex,
    "abs": abs,
    "round": round,
    "reversed": reversed,
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    **{
        name: _binary(name)
        for name in (
            "lt le gt ge neg pos invert add sub mul truediv floordiv mod pow matmul and or xor lshift rshift"
        ).split()
    },
}


def _defines(kind: type, method: str) -> bool:
    """Whether a class has a special method that not every object has."""
    for base in kind.__mro__[:-1]:
        if method in vars(base):
            return vars(base)[method] is not None
    return False


def _what(value: Any) -> str:
    if isinstance(value, type):
        return "class"
    for name, kind in (
        ("function", types.FunctionType),
        ("method", types.MethodType),
        ("builtin", types.BuiltinFunctionType),
        ("generator", types.GeneratorType),
        ("module", types.ModuleType),
    ):
        if isinstance(value, kind):
            return name
    for module, name in (("matplotlib.figure", "Figure"), ("matplotlib.axes", "Axes")):
        if isinstance(value, getattr(sys.modules.get(module), name, ())):
            return name
    return "object"


def _read(stream: io.StringIO) -> str:
    try:
        return stream.getvalue()
    except ValueError:
        return ""  # the call has closed it


@contextlib.contextmanager
def _captured(printed: Mapping[str, io.StringIO]) -> Iterator[None]:
    before = {name: getattr(sys, name) for name in printed}
    for name, stream in printed.items():
        setattr(sys, name, stream)
    try:
        yield
    finally:
        for name, stream in before.items():
            setattr(sys, name, stream)


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Handle the alarm signal during a call, then restore the notebook's handler."""

    def interrupt(*_: object) -> None:
        raise _TimeIsUpError

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGALRM, before)


@contextlib.contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


@contextlib.contextmanager
def _generators_kept() -> Iterator[None]:
    """Restore all random generators, so that testing does not affect later cells."""
    before = RandomState()
    try:
        yield
    finally:
        before.restore()
