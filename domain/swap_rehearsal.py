"""Which swap to make: each is tried out in numbers, with what would follow if it went on greedily.

One more step is tried than the swap itself where there is little work, and never so much that a decision takes long.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import combinations

from domain.swap_order import Course, Outlook, Swap, Work, advance, startable, swaps

EFFORT = 1_500
"""Jobs that are carried out in the rehearsals of one decision, about: some 10 ms."""

LOOKAHEAD = 120
"""Jobs that a rehearsal looks at, the nearest of each model: what comes later hardly bears on the next swap."""

CHOICES = 5
"""Idle models, the least missed, of which any may be unloaded for another."""


def best(work: Work, course: Course) -> Swap | None:
    """The swap after which the rest ends first, of equals the first; None where waiting for the next end is as good as
    loading ahead, or better than any, or where nothing can be loaded."""
    options = choices(work, course)
    if not options:
        return None
    course = nearest(work, course)
    runs = max(1, EFFORT // max(1, len(course.chain)))
    depth = 2 if (len(options) + 1) ** 2 <= runs else 1
    return _tried(work, course, options[:runs], depth)[1]


def choices(work: Work, course: Course) -> list[Swap]:
    """What goes first by the plain order, then what else could be loaded in place of any idle models without ready
    work. Ahead of its work a model takes no place of one that has work left: two could take turns for nothing."""
    found = list(swaps(work, course))
    if course.loading is not None:
        return found
    outlook = Outlook(work, course)
    idle = [model for model in course.resident if not course.busy[model] and not course.ready[model]]
    idle = sorted(idle, key=outlook.missed)[:CHOICES]
    for model in sorted(course.missing(), key=outlook.rank):
        usable = idle if course.ready[model] else [other for other in idle if not course.left[other]]
        options = ((model, out) for out in enough(work, usable, work.size[model] - course.free(work)))
        found += [option for option in options if option not in found]
    return found


def enough(work: Work, models: Sequence[int], bytes: int) -> list[tuple[int, ...]]:
    """Every way to choose of `models` those that have so many bytes together, none of them needlessly."""
    found: list[tuple[int, ...]] = []
    for count in range(len(models) + 1):
        for some in combinations(sorted(models), count):
            large = sum(work.size[model] for model in some) >= bytes
            if large and not any(set(fewer) <= set(some) for fewer in found):
                found.append(some)
    return found


def ends(work: Work, course: Course) -> float:
    """When all is done if it goes on greedily from `course`, which is used up."""
    while True:
        for job in startable(work, course):
            course.begin(work, job)
        if found := next(swaps(work, course), None):
            course.swap(work, *found)
        elif course.events:
            advance(work, course)
        else:
            return course.now


def _tried(work: Work, course: Course, options: Sequence[Swap], depth: int) -> tuple[float, Swap | None]:
    """When the rest ends with the best of the options, waiting among them, and which that is."""
    found: list[tuple[float, bool, int, Swap | None]] = []
    for place, (model, evicted) in enumerate(options):
        then = course.copy()
        then.swap(work, model, evicted)
        found.append((_rest(work, then, depth - 1), not course.ready[model], place, (model, evicted)))
    if course.events:
        then = course.copy()
        advance(work, then)
        found.append((_rest(work, then, depth - 1), True, -1, None))
    end, _, _, swap = min(found, key=lambda one: one[:3])
    return end, swap


def _rest(work: Work, course: Course, depth: int) -> float:
    """When all is done if the next swap is the best one by as many steps, and those after it are greedy."""
    while depth:
        for job in startable(work, course):
            course.begin(work, job)
        if options := choices(work, course):
            return _tried(work, course, options, depth)[0]
        if not course.events:
            return course.now
        advance(work, course)
    return ends(work, course)


def nearest(work: Work, course: Course) -> Course:
    """As `course`, with no more jobs ahead than are worth a rehearsal: of each model those that can begin first."""
    if len(course.chain) <= LOOKAHEAD:
        return course
    share = max(1, LOOKAHEAD // len(work.size))
    begins = Outlook(work, course).begins
    place = {job: number for number, job in enumerate(course.chain)}
    taken, counts = set(course.under_way), Counter[int]()
    for job in sorted(
        course.chain, key=lambda job: (begins[job], bool(work.before[job]), place[job] if work.before[job] else job)
    ):
        if counts[work.model[job]] < share and taken.issuperset(work.before[job]):
            counts[work.model[job]] += job not in taken
            taken.add(job)
    then = course.copy()
    then.chain = [job for job in course.chain if job in taken]
    then.ready = [sorted(taken.intersection(ready)) for ready in course.ready]
    then.waits = [waits if job in taken else len(place) + 1 for job, waits in enumerate(course.waits)]
    then.left = [counts[model] for model in range(len(work.size))]
    return then
