"""How long a plan of 60 tasks takes under simulated model latencies, against the longest chain of latencies in it.

The shipped graphs project@1, task@1 and qa@1 with the real schedule@1, report@1, runner and dispatcher; handlers that
would call a model sleep instead. No schedule can be shorter than the critical path, nor than all latencies
divided by what may run at once.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from domain.changes import AdoptPlan
from domain.criterion import Criterion
from domain.plan import Plan, order
from domain.scheduling import MAX_LIVE
from domain.task import Assignee, Expected, TaskSpec
from services.running.effects import EffectContext, EffectResult, Handlers
from services.work import scheduling
from services.work.graphs import PROJECT, shipped
from tests.benchmarks.house import AT, MANAGER, WORKSPACE, House, house
from tests.benchmarks.house import PROJECT as PROJECT_ID
from tests.benchmarks.measuring import Measurement

TASKS, SEED = 60, 60
QUICK, SLOW = (0.02, 0.08), (0.2, 0.8)  # seconds that writing a draft takes
JUDGING = 0.25  # of the writing
COMMAND = ".venv/bench/bin/python -m tests.benchmarks makespan"


@dataclass(frozen=True, kw_only=True)
class Workload:
    """A plan, and how long each of its tasks keeps a model busy (seconds)."""

    tasks: tuple[TaskSpec, ...]
    seconds: Mapping[str, float]

    @property
    def critical(self) -> float:
        done: dict[str, float] = {}
        by_id = {task.id: task for task in self.tasks}
        for id in order(self.tasks):
            done[id] = self.seconds[id] + max((done[before] for before in by_id[id].depends_on), default=0.0)
        return max(done.values())

    def bound(self, lanes: int) -> float:
        return max(self.critical, sum(self.seconds.values()) / lanes)


def workload(least: float, most: float) -> Workload:
    """Each task builds on up to three of the twelve before it."""
    random = Random(SEED)
    ids = [f"tsk_{number:02}" for number in range(TASKS)]
    tasks, seconds = [], {}
    for number, id in enumerate(ids):
        near = ids[max(0, number - 12) : number]
        tasks.append(_task(id, sorted(random.sample(near, min(len(near), random.randint(0, 3))))))
        seconds[id] = random.uniform(least, most) * (1 + JUDGING)
    return Workload(tasks=tuple(tasks), seconds=seconds)


def _task(id: str, depends_on: Sequence[str]) -> TaskSpec:
    return TaskSpec(
        id=id,
        title=f"Task {id}",
        brief="Take your time.",
        assignee=Assignee(kind="core", id="agt_synthesizer"),
        expected=(Expected(kind="summary", section="synthesis"),),
        criteria=(Criterion(text="It took its time"),),
        depends_on=tuple(depends_on),
    )


def _handlers(load: Workload) -> Handlers:
    async def plan(context: EffectContext) -> EffectResult:
        made = Plan(
            project_id=PROJECT_ID,
            workspace_id=WORKSPACE,
            number=1,
            tasks=load.tasks,
            made_by=MANAGER,
            origin="A bench.",
            created_at=AT,
        )
        return EffectResult(output={"ask": False}, changes=(AdoptPlan(plan=made),))

    async def draft(context: EffectContext) -> EffectResult:
        await asyncio.sleep(load.seconds[context.text("inputs.task_id")] / (1 + JUDGING))
        return EffectResult(output={"version_id": "none", "digest": "none"})

    async def rules(context: EffectContext) -> EffectResult:
        return EffectResult(output={"passed": True})

    async def judge(context: EffectContext) -> EffectResult:
        await asyncio.sleep(load.seconds[context.text("inputs.task_id")] * JUDGING / (1 + JUDGING))
        return EffectResult(output={"passed": True, "findings": []})

    real: Handlers = {"schedule@1": scheduling.schedule, "report@1": scheduling.report}
    return {**real, "plan@1": plan, "draft@1": draft, "rules@1": rules, "judge@1": judge}


async def measured() -> Sequence[Measurement]:
    quick, slow = workload(*QUICK), workload(*SLOW)
    return [
        await _compared(load, name, parallel)
        for name, load in (("20-80 ms", quick), ("0.2-0.8 s", slow))
        for parallel in (8, 60)
    ]


async def _compared(load: Workload, name: str, parallel: int) -> Measurement:
    with house() as home:
        await home.founded()
        took, busy = await _carried_out(home, load, parallel)
    lanes = min(parallel, MAX_LIVE)
    return Measurement(
        what=f"{TASKS} tasks of {name}, {parallel} runs at once",
        ours=took,
        other=load.critical,
        unit="s",
        against="critical path",
        command=COMMAND,
        note=f"{lanes} lanes cannot be faster than {load.bound(lanes):.2f} s ({took / load.bound(lanes):.2f} of that); "
        f"processor {busy:.2f} s, {busy / TASKS * 1000:.0f} ms a task",
    )


async def _carried_out(home: House, load: Workload, parallel: int) -> tuple[float, float]:
    """Seconds on the wall, and of the processor, from handing the project over to its end."""
    runner = home.runner(_handlers(load), shipped)
    async with home.dispatching(runner, parallel):
        began, busy = time.perf_counter(), time.process_time()
        run = await home.run(PROJECT)
        async with asyncio.timeout(120):
            while (await home.seen(run)).phase != "ended":
                await asyncio.sleep(0.01)
        took = time.perf_counter() - began, time.process_time() - busy
    await home.ended(run)
    return took
