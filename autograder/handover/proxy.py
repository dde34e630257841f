"""The checker's side of a live channel: the session and its stand-ins.

A stand-in represents an object that stays in the student's process.

No student code runs here, and replies are data only. A stand-in has those special methods of a fixed list that the
object's class says it has. `==` between a stand-in and a value of the test's own is False: the student's object is not
asked. Only two of the student's objects are compared by their own methods.
"""

from __future__ import annotations

import builtins
import functools
import inspect
import sys
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from autograder.handover import in_place, random_state
from autograder.handover.decode import Decoder, Unusable
from autograder.handover.encode import Encoder
from autograder.handover.errors import CannotCrossError
from autograder.handover.live_protocol import (
    CALL,
    CAPABILITIES,
    LIMITS,
    REPLY,
    SPECIAL_ATTRIBUTES,
    ArrayStore,
    BrokenChannelError,
    LiveLimits,
    Message,
    Wire,
    load_from,
)
from autograder.handover.modules import MODULES, describe_module, resolve_module
from autograder.handover.plain_values import is_record
from autograder.handover.random_state import RandomState
from autograder.results.result import RESULT_UNUSABLE
from autograder.util.text import text_of

_MAX_REASON = 300
_MAX_CLASSES = 1_000
_MAX_STALE = 1_000
_MAX_PRINTED = 10_000_000
_STOPPING = (KeyboardInterrupt, GeneratorExit)
_BINARY = frozenset("add sub mul truediv floordiv mod pow matmul and or xor lshift rshift".split())
_ORDERING = frozenset("lt le gt ge".split())
_LIBRARIES = frozenset({*MODULES, "builtins", "_operator", "numpy.ma"})
Operation = Callable[..., Any]


class LiveCallError(BaseException):
    """A call failed or gave no usable value; the test that made it has failed.

    Not an `Exception`, so that a test that expects one of the student's (`pytest.raises(Exception)`) does not pass.
    """


class OwnFunctionError(CannotCrossError):
    """A test passes a function of its own to the student's, which cannot work."""


class Session:
    """The calls of one check.

    Args:
        reading, writing: the descriptors of the channel.
        check: the number of the check.
        limits: what the calls may use.
    """

    def __init__(self, reading: int, writing: int, check: int, limits: LiveLimits = LIMITS) -> None:
        self._wire = Wire(reading, writing, limits)
        self._limits = limits
        self._check = check
        self._calls = 0
        self._printed = 0
        self._broken: str | None = None
        self._random: RandomState | None = None
        self._released: list[int] = []
        self._stand_ins: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()
        self._classes: dict[Any, type] = {}
        self._arguments: Sequence[Any] = ()
        self.failure: str | None = None
        self.unusable: dict[str, str] = {}
        self.defect = ""

    def begin_test(self) -> None:
        """Forget the failures of the previous test."""
        self.failure, self.unusable, self.defect = None, {}, ""

    @property
    def in_step(self) -> bool:
        """Whether the channel can still be used: no message was cut off."""
        return not self._wire.half_written

    def values(self) -> dict[str, Any]:
        """Return the question's answers, collected before anything is called.

        Raises:
            LiveCallError: the notebook did not send them.
        """
        body, arrays = self._ask({"operation": "values"}, (), "the notebook's answers")
        described = body.get("values")
        if not isinstance(described, dict):
            raise self._fail("The notebook did not hand over its answers.")
        return {str(name): self._decoder(arrays).value(_named(value, name)) for name, value in described.items()}

    def perform(self, operation: str, what: str, /, *arguments: Any, **keywords: Any) -> Any:
        """Perform one operation in the student's process.

        Args:
            operation: its name; see `runner.live_server.OPERATIONS`.
            what: its description, for messages.
            *arguments: its arguments.
            **keywords: its keyword arguments.

        Raises:
            LiveCallError: it gave no usable value.
            Exception: what the student's code raised.
        """
        store = ArrayStore()
        encoder = Encoder(store.save, _refuse, _describe_own)
        values = (*arguments, *keywords.values())
        try:
            described = [encoder.encode(value) for value in values]
        except CannotCrossError as error:
            failure = self._fail(f"The test cannot pass an argument to {what}: {error}.")
            self.defect = str(failure) if isinstance(error, OwnFunctionError) else ""
            raise failure from None
        order: dict[str, Any] = {
            "operation": operation,
            "arguments": described[: len(arguments)],
            "keywords": dict(zip(keywords, described[len(arguments) :], strict=True)),
        }
        state = RandomState()
        if state != self._random:
            order["random"] = state.describe(store.save)
            self._random = state
        if self._released:
            order["release"], self._released = self._released, []
        body, arrays = self._ask(order, store.arrays, what)
        self._arguments = values
        try:
            return self._take(body, arrays, what, ends=operation == "next")
        finally:
            self._arguments = ()

    def release(self, number: int) -> None:
        """Note that the test no longer holds an object."""
        self._released.append(number)

    def _ask(
        self, order: Mapping[str, Any], arrays: Sequence[np.ndarray[Any, Any]], what: str
    ) -> tuple[Mapping[str, Any], Sequence[np.ndarray[Any, Any]]]:
        if self._broken is not None:
            raise self._fail(self._broken)
        self._calls += 1
        if self._calls > self._limits.calls:
            raise self._fail(f"The test made more than {self._limits.calls:,} calls, the last one of {what}.")
        try:
            self._wire.send(Message(CALL, self._check, self._calls, order, arrays))
            reply = self._reply()
        except CannotCrossError as error:
            raise self._fail(f"The test cannot call {what}: {error}.") from None
        except BrokenChannelError as error:
            self._broken = f"The notebook {error} when the test called {what}, so nothing more of it could be tested."
            raise self._fail(self._broken) from None
        return reply.body, reply.arrays

    def _reply(self) -> Message:
        patience = self._limits.call_seconds + self._limits.grace_seconds
        for _ in range(_MAX_STALE):
            reply = self._wire.receive(patience)
            if reply.kind == REPLY and (reply.check, reply.number) == (self._check, self._calls):
                return reply
            if reply.kind != REPLY or (reply.check, reply.number) > (self._check, self._calls):
                break  # an older reply is a late answer, which is skipped
        raise BrokenChannelError("sent something that is not an answer")

    def _take(self, body: Mapping[str, Any], arrays: Sequence[np.ndarray[Any, Any]], what: str, *, ends: bool) -> Any:
        """Return the result in a reply; `ends`: whether it may end an iteration."""
        decoder = self._decoder(arrays)
        try:
            self._print(body.get("printed", ()))
            self._copy_back(body.get("changed", {}), decoder)
            if body.get("drew") is True:
                # The notebook goes on with its own random numbers, unless the test seeds or draws; if it seeds as
                # before, the missing mark shows that. The notebook never sets the test's: it would choose its data.
                random_state.mark(self._calls)
                self._random = RandomState()
        except Exception as error:  # noqa: BLE001 - a claim may be wrong in any way
            reason = str(error) if isinstance(error, CannotCrossError) else "it is damaged"
            raise self._fail(f"{_sentence(what)} gave an answer that cannot be used: {reason}.") from None
        if body.get("late") is True:
            raise self._fail(f"{_sentence(what)} did not return within {self._limits.call_seconds:g} seconds.")
        if "refused" in body:
            raise self._fail(f"{_sentence(what)}: {text_of(body['refused'], _MAX_REASON)}.")
        raised: BaseException | None = None
        if body.get("stop") is True:
            raised = StopIteration()
        elif "raised" in body:
            raised = self._error(body["raised"], decoder, what)
        if isinstance(raised, StopIteration) and not ends:
            # It would end a loop of the test over `map` or `zip`, which would then have compared nothing.
            raised = RuntimeError(f"{what} raised StopIteration")
            raised_by_answer(raised, what)
        if raised is not None:
            raise raised
        result = decoder.value(body.get("result"))
        if isinstance(result, Unusable):
            named = {"name": _sentence(what), "reason": result.reason}
            self.unusable = self.unusable if self.failure else named
            raise self._fail(RESULT_UNUSABLE.format(**named))
        return result

    def _print(self, printed: Any) -> None:
        """Print the output of a call in this process, where tests may capture it."""
        for name, text in printed:
            if name in ("stdout", "stderr") and isinstance(text, str):
                self._printed += len(text)
                if self._printed > _MAX_PRINTED:
                    raise CannotCrossError("more than ten million characters of output")
                getattr(sys, name).write(text_of(text, len(text)))

    def _copy_back(self, changed: Any, decoder: Decoder) -> None:
        for place, described in dict(changed).items():
            new = decoder.value(described)
            if isinstance(new, Unusable):
                raise CannotCrossError(f"an argument was changed into something that cannot be used: {new.reason}")
            in_place.update(self._arguments[int(place)], new)

    def _error(self, described: Any, decoder: Decoder, what: str) -> BaseException:
        """Return the student's exception as a built-in or a generated class."""
        try:
            named = described["class"]
            kind = getattr(builtins, named["name"]) if named["kind"] == "builtin" else decoder.value(named)
            arguments = [decoder.value(argument) for argument in described["arguments"]]
        except Exception:  # noqa: BLE001 - a claim may be wrong in any way
            kind, arguments = None, []
        sound = isinstance(kind, type) and issubclass(kind, BaseException) and not issubclass(kind, _STOPPING)
        if not sound or not issubclass(kind, (Exception, SystemExit)):
            return self._fail(f"{_sentence(what)} raised something that no test can handle.")
        if any(isinstance(argument, Unusable) for argument in arguments):
            arguments = []
        try:
            error: BaseException = kind(*arguments)
        except Exception:  # noqa: BLE001 - some built-in errors insist on arguments of their own
            error = RuntimeError(f"{kind.__name__}: {', '.join(map(str, arguments))}"[:_MAX_REASON])
        raised_by_answer(error, what)
        return error

    def _fail(self, reason: str) -> LiveCallError:
        self.failure = self.failure or reason
        return LiveCallError(reason)

    def _decoder(self, arrays: Sequence[np.ndarray[Any, Any]]) -> Decoder:
        return Decoder(functools.partial(load_from, arrays), self._resolve)

    def _resolve(self, described: Mapping[str, Any]) -> Any:
        kind = described["kind"]
        if kind == "argument":
            return self._arguments[described["place"]]
        if kind == "library":
            return resolve_module(described)
        number = described["id"]
        if type(number) is not int:
            raise CannotCrossError("it is damaged")
        if kind == "exception_class":
            return self._exception_class(number, described)
        stand_in = self._stand_ins.get(number)
        if stand_in is None:
            stand_in = self._stand_in_class(described)(self, number, _name_of(described))
            self._stand_ins[number] = stand_in
            self._released = [released for released in self._released if released != number]
            weakref.finalize(stand_in, self.release, number).atexit = False
        return stand_in

    def _stand_in_class(self, described: Mapping[str, Any]) -> type:
        what = str(described.get("what"))
        can = frozenset(map(str, described.get("can", ()))) & frozenset(CAPABILITIES)
        name = _CLASS_NAMES.get(what) or _name_of(described)
        key = (name, what, can, str(described.get("class")))
        if key not in self._classes:
            if len(self._classes) >= _MAX_CLASSES:
                raise CannotCrossError("there are too many classes")
            methods: dict[str, Any] = {method: _method(method.strip("_")) for method in can}
            if "__call__" in can:
                methods["__signature__"] = property(_signature_of)
            if what == "class":
                methods |= {"__instancecheck__": _instance_check, "__subclasscheck__": _subclass_check}
            methods |= {
                "_live_kind": what,
                "__slots__": (),
                "__module__": "__main__",
                "__doc__": vars(StandIn)["__doc__"],
            }
            self._classes[key] = type(name, (StandIn,), methods)
        return self._classes[key]

    def _exception_class(self, number: int, described: Mapping[str, Any]) -> type:
        """Return a class for the notebook's exception class, for use with `except`."""
        base = getattr(builtins, str(described["base"]), None)
        if not (isinstance(base, type) and issubclass(base, Exception)):
            raise CannotCrossError("it is a class of exceptions that no test can handle")
        key = ("exception", number)
        if key not in self._classes:
            if len(self._classes) >= _MAX_CLASSES:
                raise CannotCrossError("there are too many classes")
            own = {"__module__": "__main__", "_live_reference": number, "__str__": base.__str__}
            self._classes[key] = type(_name_of(described), (base,), own)
        return self._classes[key]


class StandIn:
    """Stands for one object in the student's process."""

    __slots__ = ("__weakref__", "_live_name", "_live_number", "_live_session")
    __array_ufunc__ = None  # NumPy's operators leave comparisons to this class
    _live_kind = "object"

    def __init__(self, session: Session, number: int, name: str) -> None:
        object.__setattr__(self, "_live_session", session)
        object.__setattr__(self, "_live_number", number)
        object.__setattr__(self, "_live_name", name)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") and name not in SPECIAL_ATTRIBUTES:
            raise AttributeError(f"a test cannot read the private attribute {name} of {_of(self)}")
        return _do(self, "getattr", f"the attribute {name} of {_of(self)}", name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name.startswith("_"):
            raise AttributeError(f"a test cannot set the private attribute {name} of {_of(self)}")
        _do(self, "setattr", f"the attribute {name} of {_of(self)}", name, value)

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        known = _LIBRARY_CLASSES.get(type(self)._live_kind)
        if known is not None:
            module = sys.modules.get(known[0])
            return getattr(module, known[1], type(self))
        return type(self)

    @property
    def __doc__(self) -> Any:  # type: ignore[override]
        return _do(self, "getattr", f"the attribute __doc__ of {_of(self)}", "__doc__")

    @property
    def __dict__(self) -> Any:  # type: ignore[override]
        return _do(self, "getattr", f"the attribute __dict__ of {_of(self)}", "__dict__")

    @property
    def __annotations__(self) -> Any:  # type: ignore[override]
        return _do(self, "getattr", f"the attribute __annotations__ of {_of(self)}", "__annotations__")

    def __eq__(self, other: object) -> Any:
        return _do(self, "eq", f"== of {_of(self)}", other) if _is_stand_in(other) else NotImplemented

    def __ne__(self, other: object) -> Any:
        return _do(self, "ne", f"!= of {_of(self)}", other) if _is_stand_in(other) else NotImplemented

    def __hash__(self) -> int:
        return hash(_number(self))

    def __str__(self) -> str:
        return _text(_do(self, "str", f"str() of {_of(self)}"))

    def __repr__(self) -> str:
        return _text(_do(self, "repr", f"repr() of {_of(self)}"))

    def __format__(self, spec: str) -> str:
        return _text(_do(self, "format", f"format() of {_of(self)}", spec))

    def __dir__(self) -> list[str]:
        return [name for name in _do(self, "dir", f"dir() of {_of(self)}") if isinstance(name, str)]

    def __copy__(self) -> Any:
        return _do(self, "copy", f"copy() of {_of(self)}")

    def __deepcopy__(self, _: Any) -> Any:
        return _do(self, "deepcopy", f"deepcopy() of {_of(self)}")

    def __reduce_ex__(self, _: Any) -> Any:
        raise TypeError(f"{_of(self)} stays in the notebook's process")


_CLASS_NAMES = {
    "class": "type",
    "function": "function",
    "method": "method",
    "builtin": "builtin_function_or_method",
    "module": "module",
}
# Classes that `isinstance` reports for an object by reference, so that it can be inspected; none of them holds data.
_LIBRARY_CLASSES = {
    "function": ("types", "FunctionType"),
    "method": ("types", "MethodType"),
    "generator": ("types", "GeneratorType"),
    "Figure": ("matplotlib.figure", "Figure"),
    "Axes": ("matplotlib.axes", "Axes"),
}


def raised_by_answer(error: BaseException, what: str) -> None:
    """Mark an error as one that the student's code has raised."""
    error.__dict__["_raised_by_answer"] = what


def answer_that_raised(error: BaseException) -> str | None:
    """Return what raised an error in the student's process; None for the test."""
    found = error.__dict__.get("_raised_by_answer")
    return found if isinstance(found, str) else None


def _is_stand_in(value: Any) -> bool:
    return issubclass(type(value), StandIn)


def _session(target: StandIn) -> Session:
    session: Session = object.__getattribute__(target, "_live_session")
    return session


def _number(target: StandIn) -> int:
    number: int = object.__getattribute__(target, "_live_number")
    return number


def _name(target: StandIn) -> str:
    name: str = object.__getattribute__(target, "_live_name")
    return name


def _do(target: StandIn, operation: str, what: str, /, *arguments: Any, **keywords: Any) -> Any:
    return _session(target).perform(operation, what, target, *arguments, **keywords)


def _of(target: StandIn) -> str:
    name, kind = _name(target), type(target)._live_kind
    return name if kind in ("function", "class", "method", "builtin", "module") else f"the {name}"


def _method(name: str) -> Operation:
    """Return a special method of a proxy, which runs in the student's process."""

    def call(self: StandIn, /, *arguments: Any, **keywords: Any) -> Any:
        return _do(self, "call", f"{_of(self)}()", *arguments, **keywords)

    def compare(self: StandIn, other: Any) -> Any:
        return _do(self, name, f"{name} of {_of(self)}", other) if _is_stand_in(other) else NotImplemented

    def leave(self: StandIn, kind: Any, error: Any, _: Any) -> bool:
        names = None if kind is None else kind.__name__
        return _do(self, "exit", f"the end of `with {_of(self)}`", names, str(error)) is True

    def ask(self: StandIn, *arguments: Any) -> Any:
        return _do(self, name, f"{name} of {_of(self)}", *arguments)

    if name == "call":
        return call
    if name in _BINARY or name in _ORDERING:
        return compare
    return leave if name == "exit" else ask


def _signature_of(self: StandIn) -> inspect.Signature:
    parameters = _do(self, "signature", f"inspect.signature({_of(self)})")
    try:
        made = [
            inspect.Parameter(name, inspect._ParameterKind(kind), default=default if given else inspect.Parameter.empty)
            for name, kind, given, default in parameters
        ]
        return inspect.Signature(made)
    except (ValueError, TypeError) as error:
        raise AttributeError("it has no signature") from error


def _instance_check(self: StandIn, value: Any) -> bool:
    if _is_stand_in(value):
        return _session(self).perform("isinstance", f"isinstance(…, {_of(self)})", value, self) is True
    # A record crosses by value, with the name of its class only.
    return type(value).__name__ == _name(self) and is_record(value)


def _subclass_check(self: StandIn, value: Any) -> bool:
    if not _is_stand_in(value):
        return False
    return _session(self).perform("issubclass", f"issubclass(…, {_of(self)})", value, self) is True


def _describe_own(value: Any) -> dict[str, Any] | None:
    """Describe an argument that is not plain data: a student's or a library's object."""
    if _is_stand_in(value):
        return {"kind": "reference", "id": _number(value)}
    number = vars(value).get("_live_reference") if isinstance(value, type) else None
    return None if number is None else {"kind": "reference", "id": number}


def _refuse(value: Any) -> dict[str, Any]:
    """Describe a library's function or module by name; refuse the test's own objects."""
    described = describe_module(value)
    if described is not None:
        return described
    module, name = getattr(value, "__module__", None) or "builtins", getattr(value, "__qualname__", None)
    module = "numpy" if isinstance(value, np.ufunc) else module
    name = value.__name__ if isinstance(value, np.ufunc) else name
    if isinstance(name, str) and isinstance(module, str) and module.split(".")[0] in _LIBRARIES:
        found: Any = sys.modules.get(module)
        for part in name.split("."):
            found = getattr(found, part, None)
        if found is value and found is not None:
            return {"kind": "library", "module": module, "name": name}
    if callable(value):
        raise OwnFunctionError(
            f"{getattr(value, '__name__', type(value).__name__)} is a function or class of the test's own, "
            "which never enters the notebook's process"
        )
    raise CannotCrossError(f"a value of the class {type(value).__name__} has no form as plain data")


def _named(described: Any, name: str) -> Any:
    """Describe a lambda by the variable's name, as messages should call it."""
    is_lambda = isinstance(described, dict) and described.get("name") == "<lambda>"
    return {**described, "name": name} if is_lambda else described


def _name_of(described: Mapping[str, Any]) -> str:
    name = described.get("name")
    return name if isinstance(name, str) and name.isidentifier() and len(name) <= 100 else "unnamed"


def _text(value: Any) -> str:
    if type(value) is not str:
        raise TypeError("the text of the notebook's object is no text")
    return value


def _sentence(what: str) -> str:
    return what[:1].upper() + what[1:] if what.startswith("the ") else what
