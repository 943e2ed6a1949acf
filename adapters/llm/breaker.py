"""Leaves a deployment alone that keeps failing."""

from collections.abc import Callable
from dataclasses import dataclass, field

FAILURES, SUCCESSES, REST = 3, 2, 60.0


@dataclass
class Breaker:
    """Open after `FAILURES` failures in a row for `REST` seconds; then one call at a time is let through, and after
    `SUCCESSES` good ones it is closed again. A failure meanwhile opens it anew."""

    monotonic: Callable[[], float]
    failures: int = 0
    successes: int = 0
    opened: float | None = None
    trying: int = field(default=0)

    def rests(self) -> float:
        """Seconds for which no call is let through; 0 where one may go."""
        if self.opened is None:
            return 0.0
        left = self.opened + REST - self.monotonic()
        return left if left > 0 else 1.0 if self.trying else 0.0

    def begin(self) -> None:
        self.trying += self.opened is not None

    def end(self, *, good: bool | None) -> None:
        """How a call ended; None where that says nothing about the deployment."""
        self.trying = max(0, self.trying - 1)
        if good is None:
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
