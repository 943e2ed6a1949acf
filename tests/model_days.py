"""A day of one host, simulated: jobs come and end, models load and unload, and a policy says at each moment what next.

It holds every decision against what must never happen: memory over the limit, a busy model unloaded, a call without a
slot, work begun before its time.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random

from domain.model_pool import Decision, Host, Job, Model

Policy = Callable[[Host, Sequence[Job], float], Decision]


@dataclass(frozen=True)
class Day:
    """Jobs stand behind what they depend on. `came` tells when one was handed in; without it, at the beginning."""

    limit: int
    models: Mapping[str, Model]
    jobs: tuple[Job, ...]
    resident: frozenset[str] = frozenset()
    came: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Spent:
    """How the day went: its length, the models loaded in their order, when each job began and how long it had been
    ready then, and what was never done."""

    seconds: float
    loads: tuple[str, ...]
    began: Mapping[str, float]
    waited: Mapping[str, float]
    undone: tuple[str, ...]


def spent(day: Day, policy: Policy) -> Spent:
    return _Clock(day, policy).run()


class _Clock:
    def __init__(self, day: Day, policy: Policy) -> None:
        self.day, self.policy, self.now = day, policy, 0.0
        self.open = {job.id: job for job in day.jobs}
        self.came: dict[str, float] = {}
        for job in day.jobs:  # what depends on others does not come before them
            self.came[job.id] = max([day.came.get(job.id, 0.0), *(self.came[id] for id in job.depends_on)])
        self.since: dict[str, float] = {}
        self.began: dict[str, float] = {}
        self.loads: list[str] = []
        self.resident = set(day.resident)
        self.loaded_at: dict[str, float] = {}
        self.loading: str | None = None
        self.ends: list[tuple[float, str, str]] = []  # when, the job or "", the model

    def run(self) -> Spent:
        while self._step() or self._next():
            pass
        waited = {id: began - self.since[id] for id, began in self.began.items()}
        return Spent(self.now, tuple(self.loads), self.began, waited, tuple(sorted(self.open)))

    def _step(self) -> bool:
        """Does what the policy says; true when there was something to do."""
        host, jobs = self._host(), self._jobs()
        decision = self.policy(host, jobs, self.now)
        for id in decision.start:
            self._start(id)
        if decision.load is not None:
            self._load(decision.load, decision.evict)
        return bool(decision.start) or decision.load is not None

    def _start(self, id: str) -> None:
        job = self.open[id]
        assert id not in self.began and self._ready(job), f"{id} began before its time"
        assert job.model in self.resident and job.model != self.loading, f"{job.model} is not loaded"
        self.began[id] = self.now
        self.ends.append((self.now + job.seconds, id, job.model))
        assert self._busy()[job.model] <= self.day.models[job.model].slots, f"{job.model} has no free slot"

    def _load(self, model: str, evict: Sequence[str]) -> None:
        assert self.loading is None and model not in self.resident
        assert not any(self._busy()[other] for other in evict), "a busy model was unloaded"
        assert self.resident.issuperset(evict)
        self.resident = self.resident - set(evict) | {model}
        assert sum(self.day.models[key].bytes for key in self.resident) <= self.day.limit, "the limit is passed"
        self.loading = model
        self.loads.append(model)
        assert len(self.loads) <= 10 * len(self.day.jobs), "models take turns for nothing"
        self.ends.append((self.now + self.day.models[model].load_seconds, "", model))

    def _next(self) -> bool:
        """Goes on to the next moment at which something changes; false when there is none."""
        coming = [at for id, at in self.came.items() if at > self.now and id in self.open]
        moments = [at for at, _, _ in self.ends] + coming
        if not moments:
            return False
        self.now = min(moments)
        for at, id, model in sorted(self.ends):
            if at == self.now:
                self.ends.remove((at, id, model))
                self.open.pop(id, None)
                if not id:
                    self.loading = None
                    self.loaded_at[model] = self.now
        return True

    def _ready(self, job: Job) -> bool:
        here = self.came[job.id] <= self.now
        return here and not any(id in self.open for id in job.depends_on)

    def _jobs(self) -> list[Job]:
        jobs = [job for job in self.open.values() if self.came[job.id] <= self.now]
        for job in jobs:
            if self._ready(job):
                self.since.setdefault(job.id, self.now)
        return [replace(job, since=self.since.get(job.id, 0.0), running=job.id in self.began) for job in jobs]

    def _busy(self) -> Counter[str]:
        return Counter(model for _, id, model in self.ends if id)

    def _host(self) -> Host:
        return Host(
            limit=self.day.limit,
            models=self.day.models,
            resident=frozenset(self.resident),
            busy=self._busy(),
            loading=self.loading,
            loaded_at={key: at for key, at in self.loaded_at.items() if key in self.resident},
        )


def drawn_day(seed: int, tasks: tuple[int, int] = (8, 14), models: tuple[int, int] = (3, 5), room: float = 0.5) -> Day:
    """A random DAG over models of which some fit together: 1 to 8 seconds a task, loads of 2 to 12. `room` is the
    share of all models that fits, and never less than the largest."""
    rng = Random(seed)
    keys = [f"m{number}" for number in range(rng.randint(*models))]
    made = {key: _drawn_model(rng, key) for key in keys}
    ids = [f"t{number:03}" for number in range(rng.randint(*tasks))]
    jobs = []
    for number, id in enumerate(ids):
        near = ids[max(0, number - 8) : number]
        before = tuple(sorted(rng.sample(near, min(len(near), rng.randint(0, 2)))))
        jobs.append(Job(id=id, model=rng.choice(keys), seconds=rng.randint(1, 8), depends_on=before))
    sizes = [model.bytes for model in made.values()]
    return Day(limit=max(*sizes, int(sum(sizes) * room)), models=made, jobs=tuple(jobs))


def _drawn_model(rng: Random, key: str) -> Model:
    return Model(key=key, bytes=rng.randint(2, 8), load_seconds=rng.randint(2, 12), slots=rng.randint(1, 2))
