"""What can be a plan, and that no version of one ever changes."""

from collections.abc import Mapping, Sequence
from dataclasses import FrozenInstanceError, replace
from datetime import UTC, datetime

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.criterion import Criterion
from domain.errors import InvalidPlan
from domain.plan import MAX_TASKS, Plan, check_staff, check_tasks, critical_path, order
from domain.task import Assignee, Expected, TaskSpec

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CORE = Assignee(kind="core", id="synthesizer")


def spec(id: str, *depends_on: str, assignee: Assignee = CORE) -> TaskSpec:
    return TaskSpec(
        id=id,
        title=f"Task {id}",
        brief="Do it.",
        assignee=assignee,
        expected=(Expected(kind="summary", section="synthesis"),),
        criteria=(Criterion(text="It is there"),),
        depends_on=depends_on,
    )


def plan(tasks: Sequence[TaskSpec]) -> Plan:
    return Plan(
        project_id="prj_1",
        workspace_id="wsp_1",
        number=1,
        tasks=tuple(tasks),
        made_by="agt_manager",
        origin="Made by hand.",
        created_at=NOW,
    )


def specs(edges: Mapping[int, set[int]]) -> list[TaskSpec]:
    return [spec(f"t{id}", *(f"t{other}" for other in sorted(others))) for id, others in edges.items()]


def graph(edges: Mapping[int, set[int]]) -> "nx.DiGraph[int]":
    """An edge from each task to what it depends on."""
    made: nx.DiGraph[int] = nx.DiGraph()
    made.add_nodes_from(edges)
    made.add_edges_from((id, other) for id, others in edges.items() for other in others)
    return made


def dependencies(most: int = 8) -> st.SearchStrategy[dict[int, set[int]]]:
    return st.integers(1, most).flatmap(
        lambda n: st.fixed_dictionaries({i: st.sets(st.integers(0, n - 1), max_size=3) for i in range(n)})
    )


def forward(most: int = 12) -> st.SearchStrategy[dict[int, set[int]]]:
    """Dependencies on earlier tasks only: a DAG whatever is drawn."""
    return st.integers(1, most).flatmap(
        lambda n: st.fixed_dictionaries(
            {i: st.sets(st.integers(0, i - 1), max_size=4) if i else st.just(set[int]()) for i in range(n)}
        )
    )


@given(dependencies())
def test_a_plan_is_built_exactly_when_its_tasks_form_no_circle(edges: dict[int, set[int]]) -> None:
    if nx.is_directed_acyclic_graph(graph(edges)):
        assert len(plan(specs(edges)).tasks) == len(edges)
    else:
        with pytest.raises(InvalidPlan, match="runs in a circle"):
            plan(specs(edges))


@given(forward())
def test_the_order_has_every_task_once_and_behind_what_it_depends_on(edges: dict[int, set[int]]) -> None:
    tasks = specs(edges)[::-1]
    found = order(tasks)
    assert sorted(found) == sorted(task.id for task in tasks)
    assert all(found.index(other) < found.index(task.id) for task in tasks for other in task.depends_on)


@given(forward())
def test_the_critical_path_is_the_longest_chain_to_the_end(edges: dict[int, set[int]]) -> None:
    behind = graph(edges).reverse()
    lengths = critical_path(specs(edges))
    for id in edges:
        reach = behind.subgraph({id, *nx.descendants(behind, id)})
        assert lengths[f"t{id}"] == nx.dag_longest_path_length(reach, default_weight=1) + 1


def test_a_circle_is_told_by_the_titles_of_its_tasks() -> None:
    with pytest.raises(InvalidPlan) as refusal:
        plan([spec("a", "c"), spec("b", "a"), spec("c", "b"), spec("d")])
    assert "Task d" not in str(refusal.value)
    for title in ("Task a", "Task b", "Task c"):
        assert title in str(refusal.value)
    assert str(refusal.value).endswith("remove one of these dependencies.")


def test_a_task_cannot_depend_on_itself() -> None:
    with pytest.raises(InvalidPlan, match="'Task a' → 'Task a'"):
        plan([spec("a", "a")])


def test_a_plan_needs_a_task() -> None:
    with pytest.raises(InvalidPlan, match="at least one task"):
        plan([])


def test_two_tasks_cannot_have_the_same_id() -> None:
    with pytest.raises(InvalidPlan, match="the same id"):
        plan([spec("a"), spec("a")])


def test_a_task_cannot_depend_on_one_that_the_plan_does_not_have() -> None:
    with pytest.raises(InvalidPlan, match="'Task a' depends on b, which the plan does not have"):
        plan([spec("a", "b")])


def test_a_plan_may_have_a_hundred_tasks() -> None:
    assert len(plan([spec(f"t{i}") for i in range(MAX_TASKS)]).tasks) == 100


@pytest.mark.parametrize("count", [101, 500])
def test_a_plan_of_too_many_tasks_is_refused_with_a_sentence(count: int) -> None:
    with pytest.raises(InvalidPlan) as refusal:
        plan([spec(f"t{i}") for i in range(count)])
    assert str(refusal.value) == f"The plan has {count} tasks; at most 100 are allowed: join small ones."


@given(forward(), st.data())
def test_revising_makes_the_next_version_and_leaves_the_old_one_as_it_was(
    edges: dict[int, set[int]], data: st.DataObject
) -> None:
    old = plan(specs(edges))
    kept = replace(old)
    task = data.draw(st.sampled_from(old.tasks))
    new = old.revised(replace(task, title="Better"), made_by="usr_1", origin="Reworded.", at=NOW)
    assert old == kept
    assert (new.number, new.id, new.origin, new.version) == (2, "prj_1/2", "Reworded.", 0)
    assert new.task(task.id).title == "Better"
    assert [t for t in new.tasks if t.id != task.id] == [t for t in old.tasks if t.id != task.id]
    assert [t.id for t in new.tasks] == [t.id for t in old.tasks]


def test_a_revision_that_closes_a_circle_is_refused() -> None:
    old = plan([spec("a"), spec("b", "a")])
    with pytest.raises(InvalidPlan, match="circle"):
        old.revised(spec("a", "b"), made_by="usr_1", origin="Turned round.", at=NOW)


@pytest.mark.parametrize("field", ["number", "tasks", "origin"])
def test_a_version_of_a_plan_refuses_assignment(field: str) -> None:
    made = plan([spec("a")])
    with pytest.raises(FrozenInstanceError):
        setattr(made, field, None)
    with pytest.raises(FrozenInstanceError):
        made.tasks[0].title = "Another"  # type: ignore[misc]


def test_work_is_given_to_the_team_only() -> None:
    tasks = [spec("a"), spec("b", assignee=Assignee(kind="person", id="usr_stranger"))]
    with pytest.raises(InvalidPlan) as refusal:
        check_staff(tasks, {"synthesizer", "critic"})
    assert str(refusal.value) == (
        "The task 'Task b' is given to 'usr_stranger', who is not on the team: critic, synthesizer."
    )
    check_staff(tasks, {"synthesizer", "usr_stranger"})
    check_tasks(tasks)
