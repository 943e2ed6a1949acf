"""What the benches share: a measurement as a value, repeated timing, the table at the end."""

import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

Timed = Callable[[], Awaitable[object]]


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """`ours` against `other` in `unit`; `ratio` is ours divided by other. `note` is told below the table."""

    what: str
    ours: float
    other: float
    unit: str
    against: str
    command: str
    note: str = ""

    @property
    def ratio(self) -> float:
        return self.ours / self.other if self.other else float("nan")


@dataclass(frozen=True, kw_only=True)
class Times:
    """Seconds of several repetitions."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def least(self) -> float:
        return min(self.seconds)

    def per(self, count: int) -> "Times":
        return Times(seconds=tuple(second / count for second in self.seconds))

    def __str__(self) -> str:
        return f"min {self.least * 1000:.2f}, median {self.median * 1000:.2f} ms"


async def interleaved(times: int, *subjects: Timed, warm: int = 1) -> list[Times]:
    """Each subject in turn, `times` times, so that all see the same weather; the first `warm` do not count."""
    seconds: list[list[float]] = [[] for _ in subjects]
    for turn in range(warm + times):
        for measured, subject in zip(seconds, subjects, strict=True):
            began = time.perf_counter()
            await subject()
            if turn >= warm:
                measured.append(time.perf_counter() - began)
    return [Times(seconds=tuple(measured)) for measured in seconds]


def table(measurements: Sequence[Measurement]) -> str:
    """Plain text, one line a measurement, numbers to the right."""
    head = ("measured", "ours", "other", "unit", "against", "ratio")
    rows = [(m.what, _figure(m.ours), _figure(m.other), m.unit, m.against, _figure(m.ratio)) for m in measurements]
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    right = {1, 2, 5}
    lines = [
        "  ".join(
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in (head, tuple("-" * width for width in widths), *rows)
    ]
    notes = [f"{m.what}: {m.note}" for m in measurements if m.note]
    again = dict.fromkeys(f"{m.command}" for m in measurements)
    return "\n".join([*lines, "", *notes, "", "again, one at a time:", *(f"  {command}" for command in again)])


def _figure(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
