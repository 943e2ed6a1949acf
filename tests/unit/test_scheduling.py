"""What the schedule does next, and that a plan always comes to an end."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.criterion import Criterion
from domain.plan import Plan, critical_path
from domain.run import Run, RunResult
from domain.scheduling import MAX_LIVE, Outlook, decide, outcome
from domain.task import FINISHED, LIVE, ONE_ATTEMPT, Assignee, Expected, Task, TaskSpec, TaskState

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CORE, PERSON = Assignee(kind="core", id="synthesizer"), Assignee(kind="person", id="usr_1")


def spec(id: str, *depends_on: str, assignee: Assignee = CORE, way: str = "") -> TaskSpec:
    return TaskSpec(
        id=id,
        title=f"Task {id}",
        brief="Do it.",
        assignee=assignee,
        expected=(Expected(kind="summary", section="synthesis"),),
        criteria=(Criterion(text="It is there"),),
        depends_on=depends_on,
        way=way,
    )


class Office:
    """A plan at work: what is decided is done at once, runs end when told to."""

    def __init__(self, *specs: TaskSpec) -> None:
        self.plan = Plan(
            project_id="prj_1",
            workspace_id="wsp_1",
            number=1,
            tasks=specs,
            made_by="agt_manager",
            origin="By hand.",
            created_at=NOW,
        )
        self.tasks = {
            spec.id: Task(spec=spec, project_id="prj_1", workspace_id="wsp_1", created_at=NOW) for spec in specs
        }
        self.runs: dict[str, Run] = {}

    def decide(self) -> Outlook:
        return decide(self.plan, self.tasks, list(self.runs.values()))

    def work(self) -> Outlook:
        """Decides and does it."""
        outlook = self.decide()
        for decision in outlook.decisions:
            id = decision.task.id
            match decision.what:
                case "ready":
                    self.move(id, "ready")
                case "start":
                    self._start(id)
                case "plainly":
                    self.tasks[id] = self.tasks[id].done_plainly(self.tasks[id].spec.plainly())
                    self._start(id)
                case "replan":
                    self._run("replan@1", id)
                case "attention":
                    self.move(id, "needs_attention")
        return outlook

    def move(self, id: str, state: TaskState) -> None:
        self.tasks[id] = self.tasks[id].moved(state)

    def _start(self, id: str) -> None:
        way = self.tasks[id].spec.way not in ("", ONE_ATTEMPT)
        self.tasks[id] = self.tasks[id].started(self._run("crafted@1" if way else "task@1", id))

    def end(self, id: str, result: RunResult, *, outside: bool = False) -> None:
        """A run ends; what that means for its task is done in the same commit."""
        run = self.runs[id]
        self.runs[id] = replace(run, phase="ended", result=result, outside=outside)
        assert run.task_id is not None
        task = self.tasks[run.task_id]
        if run.graph == "replan@1":
            if result == "succeeded":
                self.tasks[task.id] = task.replanned_as(replace(task.spec, brief="Do it better."))
        elif result == "succeeded":
            self.move(task.id, "done")
        elif result == "cancelled":
            self.move(task.id, "ready")

    def end_attempt(self, id: str, result: RunResult, *, outside: bool = False) -> None:
        self.end(self.tasks[id].run_id or "", result, outside=outside)

    def states(self) -> dict[str, TaskState]:
        return {id: task.state for id, task in self.tasks.items()}

    @property
    def open_runs(self) -> list[str]:
        return [run.id for run in self.runs.values() if run.phase != "ended"]

    def _run(self, graph: str, task_id: str) -> str:
        id = f"run_{len(self.runs)}"
        self.runs[id] = Run(
            id=id,
            workspace_id="wsp_1",
            project_id="prj_1",
            root_id="run_root",
            graph=graph,
            graph_digest="sha256:0",
            actor="agt_a",
            on_behalf_of="usr_1",
            created_at=NOW,
            task_id=task_id,
            phase="running",
        )
        return id


def steps(outlook: Outlook) -> list[tuple[str, str]]:
    return [(decision.what, decision.task.id) for decision in outlook.decisions]


def test_tasks_that_depend_on_nothing_start_at_once() -> None:
    office = Office(spec("a"), spec("b"), spec("c", "a"))
    assert steps(office.work()) == [("ready", "a"), ("start", "a"), ("ready", "b"), ("start", "b")]
    assert steps(office.work()) == []


def test_a_task_starts_as_soon_as_all_that_it_depends_on_is_done_or_skipped() -> None:
    office = Office(spec("a"), spec("b"), spec("c", "a", "b"))
    office.work()
    office.end_attempt("a", "succeeded")
    assert steps(office.work()) == []
    office.end_attempt("b", "succeeded")
    assert steps(office.work()) == [("ready", "c"), ("start", "c")]


@pytest.mark.parametrize("state", ["done", "skipped"])
def test_what_is_finished_is_waited_for_no_longer(state: TaskState) -> None:
    office = Office(spec("a"), spec("b", "a"))
    office.tasks["a"] = replace(office.tasks["a"], state=state)
    assert steps(office.decide()) == [("ready", "b"), ("start", "b")]


def test_the_task_with_the_longest_path_behind_it_starts_first() -> None:
    office = Office(spec("short"), spec("middle"), spec("x", "middle"), spec("long"), spec("y", "long"), spec("z", "y"))
    started = [id for what, id in steps(office.decide()) if what == "start"]
    assert started == ["long", "middle", "short"]


def test_at_most_twenty_tasks_are_live_and_the_next_starts_when_one_ends() -> None:
    office = Office(*(spec(f"t{i}") for i in range(30)))
    office.work()
    assert list(office.states().values()).count("running") == MAX_LIVE == 20
    office.end_attempt("t0", "succeeded")
    assert steps(office.work()) == [("ready", "t20"), ("start", "t20")]


def test_a_task_under_replanning_keeps_its_place_among_the_twenty() -> None:
    office = Office(*(spec(f"t{i}") for i in range(30)))
    office.work()
    office.end_attempt("t0", "partial")
    assert steps(office.work()) == [("replan", "t0")]
    assert len(office.open_runs) == MAX_LIVE


def test_a_refused_task_is_replanned_once_and_then_needs_attention() -> None:
    office = Office(spec("a"))
    office.work()
    office.end_attempt("a", "partial")
    assert steps(office.work()) == [("replan", "a")]
    assert steps(office.work()) == []
    office.end("run_1", "succeeded")
    assert steps(office.work()) == [("start", "a")]
    office.end_attempt("a", "partial")
    outlook = office.work()
    assert steps(outlook) == [("attention", "a")]
    assert outlook.decisions[0].run == office.runs["run_2"]
    assert outlook.finished
    assert office.work().finished


def test_a_replan_that_failed_leads_to_attention() -> None:
    office = Office(spec("a"))
    office.work()
    office.end_attempt("a", "partial")
    office.work()
    office.end("run_1", "failed")
    assert steps(office.work()) == [("attention", "a")]


@pytest.mark.parametrize("result", ["failed", "cancelled"])
def test_a_technical_failure_needs_attention_without_a_replan(result: RunResult) -> None:
    office = Office(spec("a"))
    office.work()
    office.runs["run_0"] = replace(office.runs["run_0"], phase="ended", result=result)
    assert steps(office.work()) == [("attention", "a")]


def test_what_failed_by_a_workflow_is_done_in_one_attempt_and_then_needs_attention() -> None:
    office = Office(spec("a", way="judge_panel"))
    office.work()
    office.end_attempt("a", "failed")
    outlook = office.work()
    assert (steps(outlook), outlook.finished) == ([("plainly", "a")], False)
    assert office.tasks["a"].spec.way == ONE_ATTEMPT
    office.end_attempt("a", "failed")
    assert steps(office.work()) == [("attention", "a")]


def test_what_a_workflow_failed_at_may_still_be_replanned_and_the_other_way_round() -> None:
    office = Office(spec("a", way="judge_panel"), spec("b", way="judge_panel"))
    office.work()
    office.end_attempt("a", "failed")
    office.end_attempt("b", "partial")
    assert steps(office.work()) == [("plainly", "a"), ("replan", "b")]
    office.end_attempt("a", "partial")
    replan = next(run.id for run in office.runs.values() if run.graph == "replan@1")
    office.end(replan, "succeeded")
    assert steps(office.work()) == [("replan", "a"), ("start", "b")]
    office.end_attempt("b", "failed")
    assert steps(office.work()) == [("plainly", "b")]


def test_what_another_way_would_not_mend_needs_attention_at_once() -> None:
    office = Office(spec("a", way="judge_panel"))
    office.work()
    office.end_attempt("a", "failed", outside=True)
    assert steps(office.work()) == [("attention", "a")]


def test_a_persons_task_is_not_replanned() -> None:
    office = Office(spec("a", assignee=PERSON))
    office.work()
    office.end_attempt("a", "partial")
    assert steps(office.work()) == [("attention", "a")]


def test_what_does_not_depend_on_a_failed_task_goes_on() -> None:
    office = Office(spec("a"), spec("behind", "a"), spec("b"), spec("other", "b"))
    office.work()
    office.end_attempt("a", "failed")
    office.end_attempt("b", "succeeded")
    assert steps(office.work()) == [("attention", "a"), ("ready", "other"), ("start", "other")]
    office.end_attempt("other", "succeeded")
    assert office.work().finished
    assert office.states() == {"a": "needs_attention", "behind": "waiting", "b": "done", "other": "done"}
    result, reason = outcome(list(office.tasks.values()))
    assert result == "partial"
    assert reason == "2 of 4 tasks are done; needs attention: Task a; waits behind: Task behind."


def test_what_was_cancelled_is_not_counted_among_the_tasks() -> None:
    office = Office(spec("a"), spec("b"), spec("c"))
    office.move("a", "cancelled")
    office.move("b", "ready")
    assert outcome(list(office.tasks.values()))[1].startswith("0 of 2 tasks are done; ")


def test_a_task_answered_with_retry_starts_again() -> None:
    office = Office(spec("a"))
    office.work()
    office.end_attempt("a", "failed")
    office.work()
    office.move("a", "ready")
    assert steps(office.work()) == [("start", "a")]


def test_a_task_that_runs_without_a_known_run_counts_as_live() -> None:
    office = Office(spec("a"))
    office.tasks["a"] = replace(office.tasks["a"], state="running", run_id="run_unknown")
    outlook = office.decide()
    assert (outlook.decisions, outlook.finished) == ((), False)


def test_it_waits_at_once_when_all_that_it_starts_is_done_by_people() -> None:
    office = Office(spec("a", assignee=PERSON), spec("b", "a"))
    outlook = office.work()
    assert (steps(outlook), outlook.waiting) == ([("ready", "a"), ("start", "a")], True)


def test_it_waits_only_when_all_that_is_live_is_done_by_people() -> None:
    office = Office(spec("a", assignee=PERSON), spec("b"))
    assert not office.work().waiting
    assert not office.work().waiting
    office.end_attempt("b", "succeeded")
    outlook = office.work()
    assert (outlook.waiting, outlook.finished) == (True, False)
    office.end_attempt("a", "succeeded")
    outlook = office.work()
    assert (outlook.waiting, outlook.finished) == (False, True)
    assert outcome(list(office.tasks.values())) == ("succeeded", "All 2 tasks are done.")


# any plan, any luck


def random_office(rng: random.Random) -> Office:
    ids = [f"t{i}" for i in range(rng.choice([1, 3, 8, 20, 45]))]
    density = rng.choice([0, 1, 3])
    return Office(
        *(
            spec(
                id,
                *rng.sample(ids[:i], min(i, rng.randint(0, density))),
                assignee=PERSON if (drawn := rng.random()) < 0.2 else CORE,
                way="judge_panel" if drawn > 0.6 else "",
            )
            for i, id in enumerate(ids)
        )
    )


def check_outlook(office: Office, outlook: Outlook, before: dict[str, TaskState]) -> None:
    lengths = critical_path(office.plan.tasks)
    started = [decision.task for decision in outlook.decisions if decision.what == "start"]
    assert all(before[id] in FINISHED for task in started for id in task.spec.depends_on)
    assert [lengths[task.id] for task in started] == sorted((lengths[task.id] for task in started), reverse=True)
    live = [task for task in office.tasks.values() if task.state in LIVE]
    assert len(live) <= MAX_LIVE
    assert len(office.open_runs) == len(live)
    if len(live) < MAX_LIVE:
        assert not any(
            task.state in ("waiting", "ready") and all(before[id] in FINISHED for id in task.spec.depends_on)
            for task in office.tasks.values()
        )
    assert outlook.finished == (not live), "it is finished once nothing moves any more"
    assert not (outlook.finished and outlook.waiting)


def end_something(office: Office, rng: random.Random, results: Sequence[RunResult]) -> None:
    id = rng.choice(office.open_runs)
    result = rng.choice(results)
    if office.runs[id].graph == "replan@1" and result == "partial":
        result = "failed"
    office.end(id, result)


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([0, 1, 4]))
def test_every_plan_comes_to_an_end_whatever_becomes_of_its_tasks(seed: int, luck: int) -> None:
    rng = random.Random(seed)
    office = random_office(rng)
    results: list[RunResult] = ["partial", "failed", "cancelled"]
    results += ["succeeded"] * luck
    for _ in range(2_000):
        before = office.states()
        outlook = office.work()
        check_outlook(office, outlook, before)
        if outlook.finished:
            break
        if office.open_runs:
            end_something(office, rng, results)
    assert outlook.finished, "it never came to an end"
    check_end(office)


def check_end(office: Office) -> None:
    states, stuck = office.states(), set[str]()
    for task in office.plan.tasks:
        if states[task.id] == "needs_attention" or stuck & set(task.depends_on):
            stuck.add(task.id)
    assert all(states[id] == "done" for id in states if id not in stuck)
    assert all(states[id] in ("needs_attention", "waiting", "ready") for id in stuck)
    replans = [run.task_id for run in office.runs.values() if run.graph == "replan@1"]
    assert len(set(replans)) == len(replans), "a task was replanned twice"
    result, reason = outcome(list(office.tasks.values()))
    assert result == ("partial" if stuck else "succeeded")
    assert all(f"Task {id}" in reason for id in stuck)
