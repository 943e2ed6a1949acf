"""What a host has to do and what it can hold: the models, the pieces of work, and both in the numbers of `swap_order`.

All sizes in bytes, all times in seconds.
"""

from collections import Counter
from collections.abc import Mapping, Sequence, Set
from typing import Annotated

from pydantic import Field
from pydantic.dataclasses import dataclass

from domain.swap_order import ELSEWHERE, Course, Work, admit

Seconds = Annotated[float, Field(ge=0)]

A_CALL = 1.0
"""Seconds that are left, for all we know, of a call that belongs to none of the jobs."""


@dataclass(frozen=True, kw_only=True)
class Model:
    """One deployment on this host: its memory at its context, the time to load it, the calls that it serves at once."""

    key: str
    bytes: Annotated[int, Field(ge=0)]
    load_seconds: Seconds = 10.0
    slots: Annotated[int, Field(ge=1)] = 1


@dataclass(frozen=True, kw_only=True)
class Job:
    """A piece of work that is not finished. It is ready when none of `depends_on` is among the jobs; `since` tells when
    it became so, on any clock. A lower priority goes first. `seconds` is a guess, and may be the same for all."""

    id: str
    model: str
    seconds: Seconds = 1.0
    depends_on: tuple[str, ...] = ()
    priority: int = 100
    since: float = 0.0
    running: bool = False


@dataclass(frozen=True, kw_only=True)
class Host:
    """`resident` are the models that hold memory, with the one that is `loading`: nothing starts on it, and no other is
    loaded meanwhile. `busy` counts the calls that run on a model, those of running jobs among them. `loaded_at`, on the
    clock of the jobs, tells when a model was loaded; without it, late work may take out what was just loaded."""

    limit: Annotated[int, Field(ge=0)]
    models: Mapping[str, Model]
    resident: frozenset[str] = frozenset()
    busy: Mapping[str, int] = Field(default_factory=dict)
    loading: str | None = None
    loaded_at: Mapping[str, float] = Field(default_factory=dict)

    def __post_init__(self) -> None:
        if unknown := sorted(self.resident - set(self.models)):
            raise ValueError(f"The model {unknown[0]} is loaded, but its size is not known.")


def never_fits(host: Host) -> tuple[str, ...]:
    """The models that are larger than all the memory there is."""
    return tuple(sorted(key for key, model in host.models.items() if model.bytes > host.limit))


def laid_out(host: Host, jobs: Sequence[Job], late_before: float) -> tuple[list[Job], int, Work]:
    """The jobs that will be ready some day, best first; how many of them are late, which come first; and the numbers.
    Late is what was ready before `late_before`: it goes by age. The rest goes by priority, the path behind it, age."""
    by_id = {job.id: job for job in jobs}
    before = {job.id: [id for id in job.depends_on if id in by_id and not job.running] for job in jobs}
    chain = _chain(by_id, before, frozenset(never_fits(host)))
    path = _paths(by_id, before, chain)
    late = {id for id in chain if not before[id] and not by_id[id].running and by_id[id].since < late_before}

    def standing(id: str) -> tuple[bool, float, int, float, float, str]:
        job = by_id[id]
        return id not in late, job.since if id in late else 0.0, job.priority, -path[id], job.since, id

    ordered = [by_id[id] for id in sorted(chain, key=standing)]
    return ordered, len(late), _in_numbers(host, ordered, before, chain)


def _in_numbers(host: Host, ordered: Sequence[Job], before: Mapping[str, Sequence[str]], chain: Sequence[str]) -> Work:
    index = {key: number for number, key in enumerate(sorted(host.models))}
    models = [host.models[key] for key in index]
    place = {job.id: number for number, job in enumerate(ordered)}
    earlier = [[place[id] for id in before[job.id]] for job in ordered]
    after: list[list[int]] = [[] for _ in ordered]
    for number, places in enumerate(earlier):
        for one in places:
            after[one].append(number)
    return Work(
        limit=host.limit,
        size=[model.bytes for model in models],
        load=[model.load_seconds for model in models],
        slots=[model.slots for model in models],
        model=[index.get(job.model, ELSEWHERE) for job in ordered],
        seconds=[job.seconds for job in ordered],
        priority=[job.priority for job in ordered],
        after=after,
        before=earlier,
        chain=[place[id] for id in chain],
    )


def _chain(by_id: Mapping[str, Job], before: Mapping[str, Sequence[str]], never: Set[str]) -> list[str]:
    """Dependencies first; without what never fits, what runs in a circle, and what depends on such."""
    after: dict[str, list[str]] = {id: [] for id in by_id}
    for id, earlier in before.items():
        for one in earlier:
            after[one].append(id)
    waits = {id: len(earlier) for id, earlier in before.items()}
    chain = sorted(id for id, count in waits.items() if count == 0)
    chain = [id for id in chain if by_id[id].running or by_id[id].model not in never]
    for id in chain:  # grows while it is read
        for later in after[id]:
            waits[later] -= 1
            if waits[later] == 0 and by_id[later].model not in never:
                chain.append(later)
    return chain


def _paths(by_id: Mapping[str, Job], before: Mapping[str, Sequence[str]], chain: Sequence[str]) -> dict[str, float]:
    """For each job the seconds of the longest way to the end, its own among them."""
    behind = dict.fromkeys(chain, 0.0)
    path: dict[str, float] = {}
    for id in reversed(chain):
        path[id] = by_id[id].seconds + behind[id]
        for earlier in before[id]:
            behind[earlier] = max(behind[earlier], path[id])
    return path


def as_it_is(host: Host, jobs: Sequence[Job], work: Work) -> Course:
    """Now, as the host and the jobs tell it. How much of what runs is left is not known: all of it, to be safe."""
    keys = sorted(host.models)
    running = Counter(job.model for job in jobs if job.running)
    busy = [max(host.busy.get(key, 0), running[key]) for key in keys]
    held = [key in host.resident or busy[model] > 0 or key == host.loading for model, key in enumerate(keys)]
    left = Counter(work.model[place] for place, job in enumerate(jobs) if not job.running)
    course = Course(
        resident={model for model, holds in enumerate(held) if holds},
        busy=busy,
        ready=[[] for _ in keys],
        left=[left[model] for model in range(len(keys))],
        waits=[len(earlier) for earlier in work.before],
        under_way={place for place, job in enumerate(jobs) if job.running},
        done=set(),
        events=[(work.seconds[place], place, work.model[place]) for place, job in enumerate(jobs) if job.running],
        loading=None if host.loading is None else keys.index(host.loading),
        chain=work.chain,
    )
    others = [(A_CALL, -1, model) for model, key in enumerate(keys) for _ in range(busy[model] - running[key])]
    load = [] if course.loading is None else [(work.load[course.loading], -1, course.loading)]
    course.events = sorted([*course.events, *others, *load])
    for place, job in enumerate(jobs):
        if not job.running and not work.before[place]:
            admit(work, course, place)
    return course
