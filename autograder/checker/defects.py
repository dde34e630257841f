"""Tell errors of a test's own code from errors that an answer caused."""

from __future__ import annotations

import dis
import re
import types
from typing import Any

from autograder.util.text import text_of

_MAX_TEXT = 300
_WRONG_CALL = re.compile(r"([\w.]+)\(\) (?:got an unexpected keyword|missing \d+ required|takes .*\d+ positional)")


def defect_of(error: Any, test: types.FunctionType) -> str:
    """Return what is wrong with a test, by an error that it raised or met.

    Empty if the answer may have caused the error.

    A test is at fault if it says so (`grader_error`), or if its own code, and not something that it called, uses a name
    that does not exist, fails to import, or calls a function of the test file with parameters it does not have.

    Args:
        error: the error; anything else is no defect.
        test: the test function, not what a decorator made of it.
    """
    if not isinstance(error, Exception):
        return ""
    if getattr(error, "grader_error", False) is True:
        return text_of(error, _MAX_TEXT)
    place, names = error.__traceback__, test.__globals__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    if place is None or place.tb_frame.f_globals is not names:
        return ""
    kind = f"{type(error).__name__}: {text_of(error, _MAX_TEXT)} (in {place.tb_frame.f_code.co_name})"
    if isinstance(error, NameError | ImportError):
        return kind
    if dis.opname[place.tb_frame.f_code.co_code[place.tb_lasti]] == "CALL_FUNCTION_EX":
        return ""  # a call with `*answer`: the answer may have the wrong length
    called = _WRONG_CALL.match(str(error)) if isinstance(error, TypeError) else None
    if called is not None and isinstance(names.get(called.group(1).split(".")[0]), type | types.FunctionType):
        return kind
    return ""
