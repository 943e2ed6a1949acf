"""What every store keeps, refuses and hides."""

import asyncio
import random
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest

from domain.errors import LimitReached, VersionMoved
from domain.plan import Plan
from domain.project import Project
from domain.run import Usage
from domain.task import Task
from services.ports.store import Changeset, CounterMove, Fence, Idempotency, LeaseLost
from tests.stores import (
    OTHER,
    Opened,
    W,
    a_call,
    a_project,
    a_run,
    a_spec,
    a_task,
    an_entry,
    an_event,
    indexed,
    started,
)


def a_plan(number: int) -> Plan:
    about = a_project()
    return Plan(
        project_id=about.id,
        workspace_id=W,
        number=number,
        tasks=(a_spec("tsk_1"),),
        made_by="usr_1",
        origin="By hand.",
        created_at=about.created_at,
    )


def changes(**parts: Any) -> Changeset:
    return Changeset(workspace_id=parts.pop("workspace_id", W), **parts)


async def test_what_was_put_is_got_one_version_higher(at: Opened) -> None:
    project = a_project()
    await at.store.commit(changes(puts=[project]))
    assert await at.store.get(Project, W, project.id) == replace(project, version=1)


async def test_a_put_of_an_old_version_is_refused(at: Opened) -> None:
    await at.store.commit(changes(puts=[a_project()]))
    first = await at.store.get(Project, W, "prj_1")
    assert first is not None
    await at.store.commit(changes(puts=[replace(first, name="Wasps")]))
    with pytest.raises(VersionMoved):
        await at.store.commit(changes(puts=[replace(first, name="Ants")]))
    with pytest.raises(VersionMoved):
        await at.store.commit(changes(puts=[a_project()]))
    found = await at.store.get(Project, W, "prj_1")
    assert found is not None and (found.name, found.version) == ("Wasps", 2)


async def test_an_assert_holds_only_for_the_version_that_was_read(at: Opened) -> None:
    await at.store.commit(changes(puts=[a_project()]))
    await at.store.commit(changes(asserts=[(Project, "prj_1", 1), (Task, "tsk_none", 0)]))
    for kind, id, version in ((Project, "prj_1", 2), (Project, "prj_1", 0), (Task, "tsk_none", 1)):
        with pytest.raises(VersionMoved):
            await at.store.commit(changes(asserts=[(kind, id, version)], puts=[a_task("tsk_1")]))
    assert await at.store.get(Task, W, "tsk_1") is None


async def test_one_refused_part_keeps_the_whole_changeset_out(at: Opened) -> None:
    refused = changes(
        puts=[a_project()],
        events=[an_event("prj_1")],
        indexed=[indexed("art_1", "honey")],
        counters=[CounterMove(scope="s", name="calls", spend=2, cap=1)],
    )
    with pytest.raises(LimitReached):
        await at.store.commit(refused)
    assert await at.store.get(Project, W, "prj_1") is None
    assert await at.streams.latest(W, "prj_1") == 0
    assert await at.search.passages(W, "art_1") == []


async def test_of_two_entries_with_one_number_the_first_stays(at: Opened) -> None:
    await at.store.commit(started(a_run("run_1")))
    await at.store.commit(changes(entries=[an_entry("run_1", 1)]))
    with pytest.raises((VersionMoved, LeaseLost)):
        await at.store.commit(changes(entries=[an_entry("run_1", 1)], puts=[a_project()]))
    assert await at.store.get(Project, W, "prj_1") is None


async def test_events_are_chained_per_workspace(at: Opened) -> None:
    for n in range(6):
        workspace = (W, OTHER)[n % 2]
        events = [an_event(f"tsk_{n}{part}", workspace_id=workspace) for part in "ab"]
        await at.store.commit(changes(workspace_id=workspace, events=events))
    for workspace in (W, OTHER):
        rows = await at.rows(
            "SELECT position, previous, hash, body FROM events WHERE workspace_id = :w ORDER BY position", w=workspace
        )
        assert [row[0] for row in rows] == list(range(1, 7))
        previous = "sha256:" + "0" * 64
        for _, before, hash, body in rows:
            assert before == previous
            previous = "sha256:" + sha256((previous + body).encode()).hexdigest()
            assert hash == previous
        heads = await at.rows("SELECT position, hash FROM chains WHERE workspace_id = :w", w=workspace)
        assert heads == [(6, previous)]


async def test_streams_number_the_events_of_a_scope_without_gaps(at: Opened) -> None:
    for n in range(4):
        events = [an_event(f"tsk_{n}{part}", project_id=f"prj_{part}") for part in "aab"]
        await at.store.commit(changes(events=[*events, replace(an_event("x"), root_id="run_r", project_id="prj_a")]))
    streamed = await at.streams.since(W, "prj_a", 0)
    assert [item.number for item in streamed] == list(range(1, 13))
    assert [item.event.subject for item in streamed][:4] == ["tsk_0a", "tsk_0a", "x", "tsk_1a"]
    assert [item.number for item in await at.streams.since(W, "prj_a", 10, limit=1)] == [11]
    assert (await at.streams.latest(W, "prj_b"), await at.streams.latest(W, "run_r")) == (4, 4)


@pytest.mark.parametrize("seed", range(5))
async def test_fifty_moves_at_once_never_pass_the_cap(at: Opened, seed: int) -> None:
    chance = random.Random(seed)
    cap = chance.randint(50, 400)
    moves = [CounterMove(scope="project:p", name="money", reserve=chance.randint(1, 30), cap=cap) for _ in range(50)]
    told = await asyncio.gather(*(at.store.commit(changes(counters=[move])) for move in moves), return_exceptions=True)
    assert all(answer is None or isinstance(answer, LimitReached) for answer in told)
    kept = sum(move.reserve for move, answer in zip(moves, told, strict=True) if answer is None)
    assert await at.rows("SELECT spent, reserved FROM counters") == [(0, kept)]
    assert kept <= cap
    assert all(move.reserve > cap - kept for move, answer in zip(moves, told, strict=True) if answer is not None)


async def test_settling_is_never_refused_by_the_cap(at: Opened) -> None:
    move = CounterMove(scope="project:p", name="money", reserve=10, cap=10)
    await at.store.commit(changes(counters=[move]))
    await at.store.commit(changes(counters=[replace(move, reserve=-10, spend=10)]))
    with pytest.raises(LimitReached):
        await at.store.commit(changes(counters=[replace(move, reserve=1)]))
    await at.store.commit(changes(workspace_id=OTHER, counters=[move]))


async def test_a_fence_holds_for_the_claims_epoch_while_its_lease_lives(at: Opened) -> None:
    await at.store.commit(started(a_run("run_1")))
    segment = await at.journal.claim("run_1", "host", 0.2)
    assert segment is not None
    fence = Fence(run_id="run_1", epoch=segment.claim.epoch)
    await at.store.commit(changes(fence=fence, entries=[an_entry("run_1", 1)]))
    for wrong in (replace(fence, epoch=fence.epoch - 1), replace(fence, epoch=fence.epoch + 1)):
        with pytest.raises(LeaseLost):
            await at.store.commit(changes(fence=wrong, puts=[a_project()]))
    with pytest.raises(LeaseLost):
        await at.store.commit(Changeset(workspace_id=OTHER, fence=fence))
    await asyncio.sleep(0.25)
    with pytest.raises(LeaseLost):
        await at.store.commit(changes(fence=fence, puts=[a_project()]))
    assert await at.store.get(Project, W, "prj_1") is None


async def test_an_idempotency_key_leads_to_one_thing_for_a_day(at: Opened) -> None:
    item = Idempotency(principal="usr_ann", key="k", request="sha256:r", kind="Project", id="prj_1")
    await at.store.commit(changes(idempotency=item))
    assert await at.store.idempotency(W, "usr_ann", "k") == item
    with pytest.raises(VersionMoved):
        await at.store.commit(changes(idempotency=replace(item, id="prj_2")))
    for workspace, principal in ((OTHER, "usr_ann"), (W, "usr_bob")):
        assert await at.store.idempotency(workspace, principal, "k") is None
    await at.tamper("UPDATE idempotency_keys SET at = at - 86401")
    assert await at.store.idempotency(W, "usr_ann", "k") is None
    await at.store.commit(changes(idempotency=replace(item, id="prj_2")))
    assert await at.store.idempotency(W, "usr_ann", "k") == replace(item, id="prj_2")


async def test_plans_come_in_the_order_of_their_numbers(at: Opened) -> None:
    made = [a_plan(number) for number in range(1, 13)]
    await at.store.commit(changes(puts=made))
    newest = await at.store.find(Plan, W, where={"project_id": "prj_1"}, limit=3, newest_first=True)
    assert [plan.number for plan in newest] == [12, 11, 10]
    after = await at.store.find(Plan, W, after=made[8].id, limit=2)
    assert [plan.number for plan in after] == [10, 11]
    before = await at.store.find(Plan, W, after=made[10].id, limit=2, newest_first=True)
    assert [plan.number for plan in before] == [10, 9]


async def test_find_filters_and_pages_in_the_order_of_ids(at: Opened) -> None:
    tasks = [a_task(f"tsk_{n:02}", project_id=f"prj_{n % 2}") for n in range(10)]
    moved = [replace(task, state="ready") if task.id > "tsk_05" else task for task in tasks]
    await at.store.commit(changes(puts=moved))
    await at.store.commit(changes(workspace_id=OTHER, puts=[a_task("tsk_99", OTHER, "prj_0")]))

    async def ids(**how: Any) -> list[str]:
        return [task.id[-1] for task in await at.store.find(Task, W, **how)]

    assert await ids() == list("0123456789")
    assert await ids(where={"project_id": "prj_0"}) == list("02468")
    assert await ids(where={"project_id": "prj_0", "state": "ready"}) == list("68")
    assert await ids(where={"state": ["ready", "waiting"]}, limit=3) == list("012")
    assert await ids(where={"state": []}) == []
    assert await ids(where={"run_id": None}, after="tsk_07") == list("89")
    assert await ids(newest_first=True, after="tsk_03") == list("210")


async def test_usage_and_calls_are_those_of_the_project_and_the_run(at: Opened) -> None:
    calls = [a_call(f"run_1/1/0/{n}", "run_1", money=n) for n in (1, 2)]
    await at.store.commit(changes(calls=calls))
    await at.store.commit(changes(workspace_id=OTHER, calls=[a_call("run_2/1/0/1", "run_2", OTHER, money=100)]))
    assert await at.store.calls(W, "run_1") == calls
    assert await at.journal.call("run_1/1/0/2") == calls[1]
    assert await at.store.usage(W, "prj_1") == Usage(calls=2, money=3, input_tokens=20, output_tokens=10, seconds=1)
