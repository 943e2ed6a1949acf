"""In which order models are swapped, in numbers: what `domain.model_pool` decides with and `swap_rehearsal` tries out.

Models and jobs are indices here. Jobs are sorted, best first, so that of two jobs the one with the smaller index goes
first. Times are seconds from now. The order: all ready work of the loaded models first, the longest remaining path
first; then the model that can finish all of its remaining work, then the one with most work, then the cheapest load.
What is unloaded for it has no remaining work, else the largest distance to its next use x size / load time.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import chain
from math import inf

ELSEWHERE = -1
"""The model of a job that this host does not run: it takes its time and keeps no slot here."""

Swap = tuple[int, tuple[int, ...]]
"""The model to load, and those to unload for it."""


@dataclass(frozen=True)
class Work:
    """What does not change while it is carried out. `chain` holds the jobs, dependencies first, without those that can
    never be ready."""

    limit: int
    size: Sequence[int]
    load: Sequence[float]
    slots: Sequence[int]
    model: Sequence[int]
    seconds: Sequence[float]
    priority: Sequence[int]
    after: Sequence[Sequence[int]]
    before: Sequence[Sequence[int]]
    chain: Sequence[int]


@dataclass
class Course:
    """How things stand at a moment. `left`: the jobs of a model that did not start. `waits`: what a job waits for."""

    resident: set[int]
    busy: list[int]
    ready: list[list[int]]
    left: list[int]
    waits: list[int]
    under_way: set[int]
    done: set[int]
    events: list[tuple[float, int, int]]  # when, the job that ends or -1, the model it frees
    loading: int | None = None
    now: float = 0.0
    chain: Sequence[int] = field(default_factory=list)

    def copy(self) -> "Course":
        return Course(
            set(self.resident),
            list(self.busy),
            [list(ready) for ready in self.ready],
            list(self.left),
            list(self.waits),
            set(self.under_way),
            set(self.done),
            list(self.events),
            self.loading,
            self.now,
            self.chain,
        )

    def begin(self, work: Work, job: int) -> None:
        model = work.model[job]
        if model != ELSEWHERE:
            self.busy[model] += 1
            self.left[model] -= 1
        self.under_way.add(job)
        heappush(self.events, (self.now + work.seconds[job], job, model))

    def swap(self, work: Work, model: int, evicted: Iterable[int]) -> None:
        self.resident.difference_update(evicted)
        self.resident.add(model)
        self.loading = model
        heappush(self.events, (self.now + work.load[model], -1, model))

    def missing(self) -> list[int]:
        """The models that have work left and are not loaded."""
        return [model for model, left in enumerate(self.left) if left and model not in self.resident]

    def free(self, work: Work) -> int:
        return work.limit - sum(work.size[model] for model in self.resident)


def startable(work: Work, course: Course, held: frozenset[int] = frozenset()) -> list[int]:
    """The ready jobs of the loaded models that find a free slot, best first; taken out of what is ready."""
    found = []
    for model in course.resident:
        if model not in held and model != course.loading:
            slots = work.slots[model] - course.busy[model]
            while slots > 0 and course.ready[model]:
                found.append(heappop(course.ready[model]))
                slots -= 1
    return sorted(found)


def swaps(work: Work, course: Course) -> Iterator[Swap]:
    """What may be loaded now, best first, with what is unloaded for it. Of the models that the most urgent work waits
    for, those that fit beside the others; if none does, those that fit in place of idle ones. If no work waits, what
    will be needed next, where there is room without what still has work."""
    missing = [] if course.loading is not None else course.missing()
    free = course.free(work)
    most = free + sum(work.size[model] for model in course.resident if not course.busy[model])
    if not any(work.size[model] <= most for model in missing):
        return
    outlook = Outlook(work, course)
    wanted = [model for model in missing if course.ready[model]]
    wanted.sort(key=lambda model: (work.priority[course.ready[model][0]], outlook.rank(model)))
    if fitting := [model for model in wanted if work.size[model] <= free]:
        first = work.priority[course.ready[wanted[0]][0]]
        urgent = [model for model in fitting if work.priority[course.ready[model][0]] == first]
        yield from ((model, ()) for model in urgent or fitting)
        return
    found = ((model, victims(work, course, outlook, model)) for model in wanted)
    coming = () if wanted else _ahead(work, course, outlook, missing)
    yield from ((model, evicted) for model, evicted in chain(coming, found) if evicted is not None)


def _ahead(
    work: Work, course: Course, outlook: "Outlook", missing: Sequence[int]
) -> Iterator[tuple[int, tuple[int, ...] | None]]:
    spent = [other for other in course.resident if not course.left[other] and not course.busy[other]]
    for model in sorted(missing, key=lambda model: (outlook.distance[model], outlook.rank(model))):
        yield model, fewest(work, spent, work.size[model] - course.free(work))


def victims(work: Work, course: Course, outlook: "Outlook", model: int) -> tuple[int, ...] | None:
    """Idle models whose memory is enough for `model`, the ones least missed; None where there are too few."""
    urgency = work.priority[course.ready[model][0]]
    idle = [
        other
        for other in course.resident
        if not course.busy[other] and not any(work.priority[job] <= urgency for job in course.ready[other][:1])
    ]
    return fewest(work, sorted(idle, key=outlook.missed), work.size[model] - course.free(work))


def fewest(work: Work, models: Sequence[int], bytes: int) -> tuple[int, ...] | None:
    """The first of `models` that have so many bytes together, without those that are not needed for it."""
    taken: list[int] = []
    for model in models:
        if bytes <= 0:
            break
        taken.append(model)
        bytes -= work.size[model]
    if bytes > 0:
        return None
    for model in reversed(taken):
        if bytes + work.size[model] <= 0:
            taken.remove(model)
            bytes += work.size[model]
    return tuple(sorted(taken))


def advance(work: Work, course: Course) -> None:
    """Goes on to the next end of a job or of a load."""
    course.now, job, model = heappop(course.events)
    if model == course.loading and job < 0:
        course.loading = None
        return
    if model != ELSEWHERE:
        course.busy[model] -= 1
    if job >= 0:
        finish(work, course, job)


def finish(work: Work, course: Course, job: int) -> None:
    """What waited only for `job` is ready."""
    course.under_way.discard(job)
    course.done.add(job)
    for later in work.after[job]:
        course.waits[later] -= 1
        if course.waits[later] == 0:
            admit(work, course, later)


def admit(work: Work, course: Course, job: int) -> None:
    """The job is ready; elsewhere it begins at once."""
    if work.model[job] == ELSEWHERE:
        course.begin(work, job)
    else:
        heappush(course.ready[work.model[job]], job)


class Outlook:
    """What is ahead of each model: the seconds until its next use, the work that it can do without another model, and
    whether that is all of its work."""

    def __init__(self, work: Work, course: Course) -> None:
        count = len(work.size)
        self._work = work
        self._left = course.left
        self.distance = [inf] * count
        self.alone = [0.0] * count
        self._alone_jobs = [0] * count
        self.begins: dict[int, float] = {}
        own: set[int] = set()
        for job in course.chain:
            if job in course.done:
                continue
            model = work.model[job]
            if job in course.under_way:
                self.begins[job] = 0.0
                continue
            start, alone = 0.0, model != ELSEWHERE
            for earlier in work.before[job]:
                if earlier in self.begins:
                    start = max(start, self.begins[earlier] + work.seconds[earlier])
                    same = earlier in own and work.model[earlier] == model
                    alone = alone and (same or earlier in course.under_way)
            self.begins[job] = start
            if model != ELSEWHERE:
                self.distance[model] = min(self.distance[model], start)
                if alone:
                    own.add(job)
                    self.alone[model] += work.seconds[job]
                    self._alone_jobs[model] += 1

    def rank(self, model: int) -> tuple[bool, float, float, int]:
        """Small is loaded first."""
        finishes = self._alone_jobs[model] == self._left[model]
        return not finishes, -self.alone[model], self._work.load[model], model

    def missed(self, model: int) -> tuple[bool, float, int]:
        """Small is unloaded first."""
        worth = self._work.size[model] / max(self._work.load[model], 0.001)
        return self._left[model] > 0, -self.distance[model] * worth, model
