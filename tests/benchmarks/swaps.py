"""How many models are loaded, and how long it takes, where not all fit into memory: our order beside first come, first
served with the least recently used model unloaded, which is what servers of models do by themselves.

On small days against the shortest day there can be, found exactly; on large ones against a bound that no order passes.
The days are simulated: random work graphs from fixed seeds, several calls at once, one load at a time.
"""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from domain.model_pool import Decision, Host, Job, decide
from tests.benchmarks.best_days import at_least, shortest
from tests.benchmarks.measuring import Measurement
from tests.model_days import Spent, drawn_day, spent

SMALL, LARGE = 60, 9
ROOMS = (0.3, 0.5, 0.7)
"""The share of all models that fits into memory at once."""
STATES = 20_000
"""States that the search for a shortest day looks at, at most."""
COMMAND = ".venv/bench/bin/python -m tests.benchmarks swaps"


class FirstCome:
    """One after another as they came: who needs a model that is not loaded waits until idle ones, the least recently
    used first, made room, and all behind wait too."""

    def __init__(self) -> None:
        self._used: dict[str, float] = {}

    def __call__(self, host: Host, jobs: Sequence[Job], now: float) -> Decision:
        self._used |= dict.fromkeys((key for key, count in host.busy.items() if count), now)
        waiting = {job.id for job in jobs}
        ready = [job for job in jobs if not job.running and not waiting.intersection(job.depends_on)]
        free = {key: host.models[key].slots - host.busy.get(key, 0) for key in host.resident}
        started: list[str] = []
        for job in sorted(ready, key=lambda job: (job.since, job.id)):
            if job.model not in host.resident:
                return self._loading(host, job.model, started, free)
            if job.model != host.loading and free[job.model] > 0:
                free[job.model] -= 1
                started.append(job.id)
        return Decision(start=tuple(started))

    def _loading(self, host: Host, model: str, started: Sequence[str], free: dict[str, int]) -> Decision:
        idle = [key for key in host.resident if free[key] == host.models[key].slots]
        room = host.limit - sum(host.models[key].bytes for key in host.resident)
        evicted: list[str] = []
        for key in sorted(idle, key=lambda key: (self._used.get(key, 0.0), key)):
            if room < host.models[model].bytes:
                evicted.append(key)
                room += host.models[key].bytes
        if host.loading is not None or room < host.models[model].bytes:
            return Decision(start=tuple(started))
        return Decision(start=tuple(started), load=model, evict=tuple(evicted))


@dataclass(frozen=True)
class Played:
    """A day by our order, by first come, and what no day is shorter than."""

    ours: Spent
    first_come: Spent
    bound: float
    exact: bool


async def measured() -> Sequence[Measurement]:
    small = [_small(seed, ROOMS[seed % len(ROOMS)]) for seed in range(SMALL)]
    large = [_large(seed, ROOMS[seed % len(ROOMS)]) for seed in range(LARGE)]
    return [*_compared("8-14 tasks, 3-5 models", small), *_compared("60-200 tasks, 4-6 models", large)]


def _small(seed: int, room: float) -> Played:
    day = drawn_day(seed, room=room)
    ours, other = spent(day, _ours), spent(day, FirstCome())
    found = shortest(day, STATES, min(ours.seconds, other.seconds))
    return Played(ours, other, found.seconds, found.exact)


def _large(seed: int, room: float) -> Played:
    tasks = 60 + 140 * seed // max(1, LARGE - 1)
    day = drawn_day(1_000 + seed, tasks=(tasks, tasks), models=(4, 6), room=room)
    return Played(spent(day, _ours), spent(day, FirstCome()), at_least(day), False)


def _ours(host: Host, jobs: Sequence[Job], now: float) -> Decision:
    return decide(host, jobs, now)


def _compared(what: str, days: Sequence[Played]) -> list[Measurement]:
    exact = [day for day in days if day.exact]
    against = "shortest there is" if exact else "no order is faster"
    counted = exact or days
    return [
        _measurement(f"makespan, {what}", counted, lambda day: day.ours.seconds / day.bound, against),
        _measurement(
            f"makespan of FIFO + LRU, {what}", counted, lambda day: day.first_come.seconds / day.bound, against
        ),
        Measurement(
            what=f"models loaded in a day, {what}",
            ours=statistics.mean(len(day.ours.loads) for day in days),
            other=statistics.mean(len(day.first_come.loads) for day in days),
            unit="loads",
            against="FIFO + LRU",
            command=COMMAND,
        ),
    ]


def _measurement(what: str, days: Sequence[Played], ratio: Callable[[Played], float], against: str) -> Measurement:
    ratios = [ratio(day) for day in days]
    return Measurement(
        what=what,
        ours=statistics.mean(ratios),
        other=1.0,
        unit="x",
        against=against,
        command=COMMAND,
        note=f"mean of {len(ratios)} days; the worst is {max(ratios):.2f}",
    )
