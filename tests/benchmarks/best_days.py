"""The shortest day there can be, found exactly where it is small, and a bound below it where it is not."""

from collections.abc import Iterator
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import combinations, product

from tests.model_days import Day

Running = tuple[tuple[float, int], ...]
State = tuple[int, Running, frozenset[int], tuple[float, int] | None]
"""What is done (a bit a job), what runs with the seconds that are left, the loaded models, what is being loaded."""


@dataclass(frozen=True)
class Bound:
    """`exact`: no day is shorter and one is as short; else none is shorter."""

    seconds: float
    exact: bool


def shortest(day: Day, most: int, known: float) -> Bound:
    """Looks at no more than `most` states; `known` is a day that somebody has found."""
    return _Search(day, known).run(most)


def at_least(day: Day) -> float:
    """No order of any kind is faster than this."""
    search = _Search(day, 0.0)
    return search.ahead((0, (), frozenset(search.keys.index(key) for key in day.resident), None))


class _Search:
    """A*: the state whose shortest possible day is the shortest is looked at next."""

    def __init__(self, day: Day, known: float) -> None:
        self.keys = sorted(day.models)
        models = [day.models[key] for key in self.keys]
        self.limit, self.known = day.limit, known
        self.size, self.load, self.slots = (
            [model.bytes for model in models],
            [model.load_seconds for model in models],
            [model.slots for model in models],
        )
        place = {job.id: number for number, job in enumerate(day.jobs)}
        self.model = [self.keys.index(job.model) for job in day.jobs]
        self.seconds = [job.seconds for job in day.jobs]
        self.before = [sum(1 << place[id] for id in job.depends_on) for job in day.jobs]
        self.deps = [[place[id] for id in job.depends_on] for job in day.jobs]
        self.all = (1 << len(day.jobs)) - 1
        self.tail = list(self.seconds)
        for job in reversed(range(len(day.jobs))):
            for earlier in self.deps[job]:
                self.tail[earlier] = max(self.tail[earlier], self.seconds[earlier] + self.tail[job])
        self.resident = frozenset(self.keys.index(key) for key in day.resident)

    def run(self, most: int) -> Bound:
        start: State = (0, (), self.resident, None)
        heap = [(self.ahead(start), 0, 0.0, start)]
        seen: dict[State, float] = {}
        count = 0
        while heap:
            total, _, now, state = heappop(heap)
            if total >= self.known:
                return Bound(self.known, True)
            if state[0] == self.all:
                return Bound(now, True)
            if seen.get(state, now + 1) <= now:
                continue
            seen[state] = now
            if len(seen) > most:
                return Bound(total, False)
            for step, then in self._after(state):
                ahead = now + step + self.ahead(then)
                if ahead < self.known and seen.get(then, now + step + 1) > now + step:
                    count += 1
                    heappush(heap, (max(ahead, total), -bin(then[0]).count("1") * 10**9 - count, now + step, then))
        return Bound(self.known, True)

    def _after(self, state: State) -> Iterator[tuple[float, State]]:
        """Every choice of what to start and to load, and then the next moment at which something ends."""
        done, running, resident, loading = state
        for started in self._starts(state):
            now = [*running, *((self.seconds[job], job) for job in started)]
            loads = [(resident, loading)]
            if loading is None:
                busy = {self.model[job] for _, job in now}
                loads += [
                    (resident - set(out) | {model}, (self.load[model], model))
                    for model in self._needed(done) - resident
                    for out in self._rooms(model, resident, busy)
                ]
            for held, load in loads:
                if now or load:
                    yield self._next(done, now, held, load)

    def _starts(self, state: State) -> Iterator[list[int]]:
        """Any of the ready jobs that find slots, or none: to wait may be better."""
        done, running, resident, loading = state
        at_work = {job for _, job in running}
        open_jobs = [job for job in range(len(self.model)) if not done >> job & 1 and job not in at_work]
        ready = [job for job in open_jobs if self.before[job] & ~done == 0]
        choices = []
        for model in resident - ({loading[1]} if loading else set()):
            jobs = [job for job in ready if self.model[job] == model]
            free = self.slots[model] - sum(self.model[job] == model for job in at_work)
            choices.append([some for count in range(min(free, len(jobs)) + 1) for some in combinations(jobs, count)])
        for picked in product(*choices):
            yield [job for some in picked for job in some]

    def _needed(self, done: int) -> set[int]:
        return {model for job, model in enumerate(self.model) if not done >> job & 1}

    def _rooms(self, model: int, resident: frozenset[int], busy: set[int]) -> list[tuple[int, ...]]:
        free = self.limit - sum(self.size[other] for other in resident)
        idle = sorted(resident - busy)
        found: list[tuple[int, ...]] = []
        for count in range(len(idle) + 1):
            for out in combinations(idle, count):
                if free + sum(self.size[other] for other in out) >= self.size[model] and not any(
                    set(less) <= set(out) for less in found
                ):
                    found.append(out)
        return found

    def _next(
        self, done: int, now: list[tuple[float, int]], held: frozenset[int], load: tuple[float, int] | None
    ) -> tuple[float, State]:
        step = min([left for left, _ in now] + ([load[0]] if load else []))
        running = []
        for left, job in now:
            if left == step:
                done |= 1 << job
            else:
                running.append((left - step, job))
        if load:
            load = None if load[0] == step else (load[0] - step, load[1])
        return step, (done, tuple(sorted(running)), held, load)

    def ahead(self, state: State) -> float:
        """No less than this is left: the longest of the ways to the end, the work of a model, the loads in a row, and
        what the memory has to hold for how long."""
        done, running, resident, loading = state
        left = {job: seconds for seconds, job in running}
        undone = [job for job in range(len(self.model)) if not done >> job & 1]
        begins: dict[int, float] = {}
        for job in undone:
            earlier = [begins[one] + self.seconds[one] for one in self.deps[job] if one in begins]
            first = self._loaded(self.model[job], resident, loading)
            begins[job] = left[job] - self.seconds[job] if job in left else max([first, *earlier])
        longest = max((begins[job] + self.tail[job] for job in undone), default=0.0)
        held: dict[int, float] = {}
        for model in {self.model[job] for job in undone}:
            jobs = [job for job in undone if self.model[job] == model]
            work = sum(left.get(job, self.seconds[job]) for job in jobs) / self.slots[model]
            first = min(max(begins[job], 0.0) for job in jobs)
            longest = max(longest, first + work + min(self.tail[job] - self.seconds[job] for job in jobs))
            held[model] = work + (0.0 if model in resident else self.load[model])
        return max(longest, self._memory(held), self._loads(undone, resident, loading))

    def _loaded(self, model: int, resident: frozenset[int], loading: tuple[float, int] | None) -> float:
        """Seconds until the model can be ready."""
        under_way = loading[0] if loading else 0.0
        if model in resident:
            return under_way if loading and loading[1] == model else 0.0
        return under_way + self.load[model]

    def _memory(self, held: dict[int, float]) -> float:
        """Each model holds its bytes while it loads and works; two that do not fit together take turns."""
        area = sum(self.size[model] * seconds for model, seconds in held.items()) / self.limit
        alone = sum(seconds for model, seconds in held.items() if 2 * self.size[model] > self.limit)
        return max(area, alone)

    def _loads(self, undone: list[int], resident: frozenset[int], loading: tuple[float, int] | None) -> float:
        """Models are loaded one at a time, and after the last one some work is left."""
        missing = {self.model[job] for job in undone} - resident
        if not missing:
            return 0.0
        after = min(self.tail[job] for job in undone if self.model[job] in missing)
        return sum(self.load[model] for model in missing) + (loading[0] if loading else 0.0) + after
