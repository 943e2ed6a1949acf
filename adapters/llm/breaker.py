"""Leaves a deployment alone that keeps failing."""

from collections.abc import Callable
from dataclasses import dataclass

FAILURES, SUCCESSES, REST = 3, 2, 60.0


@dataclass
class Breaker:
    """Open after `FAILURES` failures in a row for `REST` seconds; then one call at a time is let through, and after
    `SUCCESSES` good ones it is closed again. A failure of such a call opens it anew. While it is open, how calls end
    that began before says nothing any more."""

    monotonic: Callable[[], float]
    failures: int = 0
    successes: int = 0
    opened: float | None = None
    trying: bool = False

    def rests(self) -> float:
        """Seconds for which no call is let through; 0 where one may go."""
        if self.opened is None:
            return 0.0
        left = self.opened + REST - self.monotonic()
        return left if left > 0 else 1.0 if self.trying else 0.0

    def begin(self) -> bool:
        """A call begins; whether it tries the deployment after a rest, which `end` wants to know."""
        tries = self.opened is not None
        self.trying = self.trying or tries
        return tries

    def end(self, tries: bool, *, good: bool | None) -> None:
        """How a call ended; None where that says nothing about the deployment."""
        if tries:
            self.trying = False
        if good is None or tries != (self.opened is not None):
            return
        if good:
            self.failures = 0
            self.successes += self.opened is not None
            if self.successes >= SUCCESSES:
                self.opened, self.successes = None, 0
            return
        self.successes = 0
        self.failures += 1
        if self.opened is not None or self.failures >= FAILURES:
            self.opened = self.monotonic()
