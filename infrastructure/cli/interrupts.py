"""Interrupts that are not lost: Python drops an exception that a signal raises inside a destructor or a callback, so
what waits for long asks here as well."""

import signal
import threading
from types import FrameType

_interrupted = threading.Event()


def watch() -> None:
    """SIGINT and SIGTERM raise KeyboardInterrupt from now on."""
    signal.signal(signal.SIGINT, _raise)
    signal.signal(signal.SIGTERM, _raise)


def check() -> None:
    """Raises KeyboardInterrupt when a signal came, once."""
    if _interrupted.is_set():
        _interrupted.clear()
        raise KeyboardInterrupt


def _raise(_number: int, _frame: FrameType | None) -> None:
    _interrupted.set()
    raise KeyboardInterrupt
