"""Which models a host loads and unloads, and what starts on them: a pure decision, one step at a time.

Much memory is not there twice: of the models that people configure, some fit together, others take turns, and each turn
costs a load. So all ready work of the loaded models goes first, and a model is swapped in when those that must go for
it have no work that should go before. What has the better priority, or has waited past the age limit, does not wait for
that. All sizes in bytes, all times in seconds.
"""

from collections.abc import Sequence, Set
from math import inf
from typing import NamedTuple

from pydantic.dataclasses import dataclass

from domain.model_work import Host, Job, Model, as_it_is, laid_out, never_fits
from domain.swap_order import ELSEWHERE, Outlook, Swap, fewest, startable
from domain.swap_rehearsal import best

__all__ = ["Decision", "Host", "Job", "Model", "decide", "never_fits"]

OLDEST = 600.0
"""Seconds that ready work waits at most before its model comes first."""

TURN = 10.0
"""A model that was loaded for late work of its own keeps its memory for so many times the load of the next: also when
everything is late, most of the time is work."""


@dataclass(frozen=True, kw_only=True)
class Decision:
    """Jobs to start now; a model to load, once those of `evict` are unloaded. On those of `held` nothing else begins
    until then, for another has to be loaded as soon as they are idle. `why` is a sentence."""

    start: tuple[str, ...] = ()
    load: str | None = None
    evict: tuple[str, ...] = ()
    held: tuple[str, ...] = ()
    why: str = ""


def decide(host: Host, jobs: Sequence[Job], now: float, oldest: float = OLDEST) -> Decision:
    """The next step of this host. Jobs of models that it does not have count as work that is done elsewhere; those of
    models that never fit, and what depends on them, are left. Ask again when a call ended, a model was loaded or work
    came."""
    return _Step(host, jobs, now, oldest).decision()


class _Step:
    """One decision, in indices: models in the order of their keys, jobs the best first."""

    def __init__(self, host: Host, jobs: Sequence[Job], now: float, oldest: float) -> None:
        self.host, self.now = host, now
        self.keys = sorted(host.models)
        self.jobs, self.late, self.work = laid_out(host, jobs, now - oldest)
        self.course = as_it_is(host, self.jobs, self.work)
        self.outlook = Outlook(self.work, self.course)

    def decision(self) -> Decision:
        claim = self._late_claim() or self._urgent_claim()
        started = startable(self.work, self.course, claim.held if claim else frozenset())
        for job in started:
            self.course.begin(self.work, job)
        swap, why = (claim.swap, claim.why) if claim else self._planned()
        held = tuple(sorted(self.keys[model] for model in claim.held)) if claim else ()
        if swap is None or self.host.loading is not None:
            return Decision(start=self._ids(started), held=held, why=why or _started(started))
        load, evict = self.keys[swap[0]], tuple(self.keys[model] for model in swap[1])
        return Decision(start=self._ids(started), load=load, evict=evict, held=held, why=why)

    def _late_claim(self) -> "_Claim | None":
        """Of the work that has waited past the age limit, what has waited longest for a model that is not loaded."""
        for place in range(self.late):
            model = self.work.model[place]
            if model != ELSEWHERE and model not in self.course.resident:
                kept = {other for other in self.course.resident if self._keeps(other, place)}
                waited = f"work has waited for it for {self.now - self.jobs[place].since:.0f} seconds"
                return self._claim(model, kept, waited)
        return None

    def _keeps(self, model: int, place: int) -> bool:
        """It has late work that is older; or late work at all, and was loaded just before."""
        first = min(self.course.ready[model], default=self.late)
        if first >= self.late:
            return False
        turn = TURN * self.work.load[self.work.model[place]]
        return first < place or self.now < self.host.loaded_at.get(self.keys[model], -inf) + turn

    def _urgent_claim(self) -> "_Claim | None":
        """Work for a model that is not loaded, of a better priority than other work: it waits for no rehearsal."""
        ready, work = self.course.ready, self.work
        wanted = [model for model in self.course.missing() if ready[model]]
        if not wanted:
            return None
        model = min(wanted, key=lambda model: (self._priority(model), self.outlook.rank(model)))
        urgency = self._priority(model)
        if all(work.priority[job] <= urgency for job in work.chain):
            return None
        kept = {other for other in self.course.resident if ready[other] and self._before(other, urgency)}
        return self._claim(model, kept, "more urgent work waits for it")

    def _before(self, model: int, urgency: int) -> bool:
        """What its ready work begins with is late, or no less urgent."""
        return min(self.course.ready[model]) < self.late or self._priority(model) <= urgency

    def _claim(self, model: int, kept: Set[int], reason: str) -> "_Claim":
        """Loads the model as soon as there is room without those that are `kept`; until then nothing starts on what
        stands in its way, and no other is loaded."""
        work, course = self.work, self.course
        needed = work.size[model] - course.free(work)
        able = course.resident - kept - {course.loading}
        idle = sorted((other for other in able if not course.busy[other]), key=self.outlook.missed)
        evicted = fewest(work, idle, needed)
        if evicted is not None:
            why = f"{self.keys[model]} is loaded first: {reason}."
            return _Claim((model, evicted), frozenset(evicted), why)
        held = fewest(work, sorted(able, key=lambda other: (work.load[other], work.size[other], other)), needed)
        names = ", ".join(self.keys[other] for other in held or ())
        why = f"{self.keys[model]} comes first: {reason}. " + (
            f"Nothing more starts on {names} until it can be loaded." if held else "It waits for its turn."
        )
        return _Claim(None, frozenset(held or ()), why)

    def _planned(self) -> tuple[Swap | None, str]:
        """The swap that lets all work end first, after what starts now."""
        chosen = best(self.work, self.course)
        if chosen is None:
            return None, ""
        load, evicted = self.keys[chosen[0]], ", ".join(self.keys[model] for model in chosen[1])
        waiting = len(self.course.ready[chosen[0]])
        reason = f"work that waits for it: {waiting}" if waiting else "its work comes soon"
        return chosen, f"{load} is loaded{evicted and ' in place of ' + evicted}: {reason}."

    def _priority(self, model: int) -> int:
        return self.work.priority[min(self.course.ready[model])]

    def _ids(self, places: Sequence[int]) -> tuple[str, ...]:
        return tuple(self.jobs[place].id for place in places)


class _Claim(NamedTuple):
    """What goes before the rest: its swap if that can be made now, and the models on which nothing starts."""

    swap: Swap | None
    held: frozenset[int]
    why: str


def _started(places: Sequence[int]) -> str:
    return f"Work that starts on loaded models: {len(places)}." if places else "Nothing can start or be loaded now."
