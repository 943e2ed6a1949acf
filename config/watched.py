"""A settings file that may change while the program runs: read again when it did, the last good one stays in force."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from loguru import logger

from config.reading import ConfigurationError

T = TypeVar("T")
S = TypeVar("S", covariant=True)
Mark = tuple[int, int, int] | None


class Source(Protocol[S]):
    """What a settings file says; `fault` is what is wrong with it though `value` is in force."""

    @property
    def value(self) -> S: ...

    @property
    def fault(self) -> str: ...


@dataclass(frozen=True)
class Fixed(Generic[T]):
    """What stays whatever happens to the file."""

    value: T
    fault: str = ""


class Watched(Generic[T]):
    """What `read` makes of the file at `path`. `fault` says what is wrong with the file as it stands now, in which case
    `value` is still the one before; empty when all is well. A file that vanishes counts as a fault: an editor may be
    about to put another in its place."""

    def __init__(self, path: Path, read: Callable[[], T]) -> None:
        """Raises ConfigurationError: a program does not start on a bad file."""
        self._path, self._read = path, read
        self._mark = self._seen()
        self._value = read()
        self.fault = ""

    @property
    def value(self) -> T:
        mark = self._seen()
        if mark != self._mark:
            self._mark = mark
            self._renew(gone=mark is None)
        return self._value

    def _renew(self, *, gone: bool) -> None:
        try:
            if gone:
                raise ConfigurationError(f"{self._path} is gone; restart for the defaults.")
            self._value, self.fault = self._read(), ""
            logger.info("{} changed and is in force", self._path.name)
        except ConfigurationError as error:
            self.fault = f"{error} What it said before is still in force."
            logger.warning("{}", self.fault)

    def _seen(self) -> Mark:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino
