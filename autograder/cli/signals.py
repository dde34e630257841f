"""Orderly shutdown on SIGINT, SIGTERM and SIGHUP."""

from __future__ import annotations

import signal
from types import FrameType
from typing import NoReturn

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def stop_in_order() -> None:
    """Make the first of these signals raise KeyboardInterrupt; ignore later ones.

    A second Ctrl-C would interrupt the clean-up, which takes a second or two. Signals that the caller ignores, as with
    nohup, stay ignored.
    """
    for number in _SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _stop)


def _stop(_number: int, _frame: FrameType | None) -> NoReturn:
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt
