"""Opening a document so that what was checked is what is read, even if its path means another file by then."""

import math
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from adapters.documents.refusals import refusal, unreadable

_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # a pipe does not block the opening


@contextmanager
def opened(path: Path, name: str, max_bytes: int) -> Iterator[BinaryIO]:
    """The regular file `path`, of 1 to `max_bytes` bytes. Raises UnreadableDocument."""
    try:
        handle = os.open(path, _FLAGS)
    except FileNotFoundError:
        raise refusal(name, "missing") from None
    except (OSError, ValueError) as error:
        if path.is_symlink():
            raise refusal(name, "link") from None
        reason = getattr(error, "strerror", None) or "not a path"
        raise unreadable(name, f"cannot be opened ({reason}): check the path and its rights") from None
    try:
        _check(os.fstat(handle), name, max_bytes)
        with os.fdopen(handle, "rb", closefd=False) as file:
            yield file
    finally:
        os.close(handle)


def _check(status: os.stat_result, name: str, max_bytes: int) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise refusal(name, "folder")
    if not stat.S_ISREG(status.st_mode):
        raise refusal(name, "special")
    if status.st_size == 0:
        raise refusal(name, "empty")
    if status.st_size > max_bytes:
        sizes = f"is {_megabytes(status.st_size)}; at most {_megabytes(max_bytes)}"
        raise unreadable(name, f"{sizes} can be read: split it into smaller documents")


def _megabytes(size: int) -> str:
    """Rounded up, so that what is too large never looks like just the limit."""
    return f"{math.ceil(size / 100_000) / 10:g} MB" if size >= 100_000 else f"{size:,} bytes"
