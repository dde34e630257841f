"""Ends a command in order on Ctrl-C, on SIGTERM and when its terminal goes away."""

from __future__ import annotations

import signal
from types import FrameType
from typing import NoReturn

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def stop_in_order() -> None:
    """Make the first such signal raise KeyboardInterrupt and the later ones do nothing.

    A second Ctrl-C would interrupt the clearing away, which takes a second or two. A signal the caller had switched
    off, as nohup does, stays off.
    """
    for number in _SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _stop)


def _stop(_number: int, _frame: FrameType | None) -> NoReturn:
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt
