"""Who carries a run on: claims, leases, signals, ready rows."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from domain.run import Run, Usage
from services.ports.journal import Claim, Segment
from services.ports.store import Changeset, Signal
from tests.stores import AT, GRAPH, OTHER, Opened, W, a_run, an_entry, started


def now() -> datetime:
    return datetime.now(UTC)


async def claimed(at: Opened, run_id: str = "run_1", seconds: float = 10) -> Claim:
    return (await segment(at, run_id, seconds)).claim


async def segment(at: Opened, run_id: str = "run_1", seconds: float = 10) -> Segment:
    found = await at.journal.claim(run_id, "host", seconds)
    assert found is not None
    return found


async def snapshots(at: Opened) -> list[tuple[str]]:
    return await at.rows("SELECT snapshot FROM leases")


async def signal(at: Opened, due: datetime, workspace_id: str = W, run_id: str = "run_1", **payload: Any) -> None:
    sent = Signal(run_id=run_id, name="poke", due=due, payload=payload)
    await at.store.commit(Changeset(workspace_id=workspace_id, signals=[sent]))


async def ended(at: Opened, id: str = "run_1") -> None:
    run = await at.store.get(Run, W, id)
    assert run is not None
    await at.store.commit(Changeset(workspace_id=W, puts=[run.ended("succeeded", "", AT, Usage())]))


async def ready(at: Opened) -> list[str]:
    return [row.run_id for row in await at.journal.ready(10)]


async def test_signals_are_given_in_the_order_of_commits_once_they_are_due(at: Opened) -> None:
    await at.store.commit(started(a_run("run_1")))
    past = now() - timedelta(seconds=5)
    for n, due in enumerate([past, now() + timedelta(seconds=0.3), past - timedelta(seconds=9)]):
        await signal(at, due, n=n)
    found = await at.journal.signals("run_1")
    assert [item.payload["n"] for item in found] == [0, 2]
    assert found[0].position < found[1].position
    await at.store.commit(Changeset(workspace_id=W, consumed=[found[0].position]))
    await asyncio.sleep(0.35)
    assert [item.payload["n"] for item in await at.journal.signals("run_1")] == [1, 2]


async def test_another_workspace_can_neither_signal_a_run_nor_take_up_its_signals(at: Opened) -> None:
    await at.store.commit(started(a_run("run_1")))
    await signal(at, AT, OTHER)
    assert await at.journal.signals("run_1") == []
    await signal(at, AT)
    (found,) = await at.journal.signals("run_1")
    await at.store.commit(Changeset(workspace_id=OTHER, consumed=[found.position]))
    assert await at.journal.signals("run_1") == [found]


async def test_only_one_of_many_claims_succeeds_until_the_lease_ends(at: Opened) -> None:
    await at.store.commit(started(a_run("run_1")))
    claims = await asyncio.gather(*(at.journal.claim("run_1", f"host-{n}", 0.3) for n in range(20)))
    (first,) = [found.claim for found in claims if found is not None]
    assert await ready(at) == []
    await asyncio.sleep(0.35)
    assert await ready(at) == ["run_1"]
    second = await claimed(at)
    assert second.epoch == first.epoch + 1
    assert not await at.journal.renew(first, 10)
    assert await at.journal.renew(second, 10)


async def test_a_lease_that_ran_out_cannot_be_renewed(at: Opened) -> None:
    await at.store.commit(started(a_run("run_1")))
    claim = await claimed(at, seconds=0.05)
    await asyncio.sleep(0.1)
    assert not await at.journal.renew(claim, 10)


async def test_a_run_that_ended_or_is_unknown_cannot_be_claimed(at: Opened) -> None:
    await at.store.commit(started(a_run("run_1")))
    await ended(at)
    assert await at.journal.claim("run_1", "host", 10) is None
    assert await at.journal.claim("run_none", "host", 10) is None
    assert await ready(at) == []
    await signal(at, AT)
    assert (await at.journal.signals("run_1"), await ready(at)) == ([], [])


async def test_a_run_is_not_released_while_a_signal_is_due(at: Opened) -> None:
    await at.store.commit(started(a_run("run_1")))
    claim = await claimed(at)
    await signal(at, AT)
    assert not await at.journal.release(claim, "{}", 1)
    assert await snapshots(at) == [("",)]
    (found,) = await at.journal.signals("run_1")
    await at.store.commit(Changeset(workspace_id=W, consumed=[found.position]))
    assert await at.journal.release(claim, "{}", 1)
    assert (await ready(at), await at.journal.next_due()) == ([], None)


async def test_a_released_run_is_ready_when_its_timer_is_due(at: Opened) -> None:
    await at.store.commit(started(a_run("run_1")))
    claim, due = await claimed(at), now() + timedelta(seconds=0.3)
    await signal(at, due)
    assert await at.journal.release(claim, "{}", 1)
    assert await ready(at) == []
    next_due = await at.journal.next_due()
    assert next_due is not None and abs((next_due - due).total_seconds()) < 0.001
    await asyncio.sleep(0.35)
    assert await ready(at) == ["run_1"]


async def test_a_run_that_ended_is_released_whatever_waits_for_it(at: Opened) -> None:
    await at.store.commit(started(a_run("run_1")))
    claim = await claimed(at)
    await signal(at, AT)
    await ended(at)
    assert await at.journal.release(claim, "{}", 1)
    assert await ready(at) == []


async def test_an_earlier_owner_cannot_release_for_the_later(at: Opened) -> None:
    await at.store.commit(started(a_run("run_1")))
    first = await claimed(at, seconds=0.05)
    await asyncio.sleep(0.1)
    second = await claimed(at)
    await at.journal.release(first, "stale", 9)
    assert await snapshots(at) == [("",)]
    assert await at.journal.renew(second, 10)


async def test_a_signal_makes_a_resting_run_ready_and_never_later_than_it_was(at: Opened) -> None:
    await at.store.commit(started(a_run("run_1")))
    await at.journal.release(await claimed(at), "{}", 1)
    await signal(at, AT)
    await signal(at, now() + timedelta(hours=1))
    (row,) = await at.journal.ready(10)
    assert (row.at, row.workspace_id, row.project_id) == (AT, W, "prj_1")


async def test_a_claimed_run_without_a_ready_row_is_found_when_its_owner_dies(at: Opened) -> None:
    await at.store.commit(started(a_run("run_1")))
    await at.journal.release(await claimed(at), "{}", 1)
    await claimed(at, seconds=0.05)
    await asyncio.sleep(0.1)
    assert await ready(at) == ["run_1"]


async def test_abandoning_frees_the_leases_of_the_owners_named(at: Opened) -> None:
    for id in ("run_1", "run_2"):
        await at.store.commit(started(a_run(id)))
    assert await at.journal.claim("run_1", "host-1", 60) and await at.journal.claim("run_2", "ho%t", 60)
    assert await at.journal.abandon("ho%") == 1
    assert await ready(at) == ["run_2"]
    assert await at.journal.abandon() == 1
    assert await at.journal.abandon() == 0
    assert sorted(await ready(at)) == ["run_1", "run_2"]
    assert (await claimed(at, "run_1")).epoch == 2


async def test_ready_runs_come_by_priority_then_by_time(at: Opened) -> None:
    for id, priority in (("run_slow", 200), ("run_late", 5), ("run_soon", 5)):
        await at.store.commit(started(a_run(id, priority=priority)))
    await at.tamper("UPDATE ready SET at = at - 60 WHERE run_id = 'run_soon'")
    assert await ready(at) == ["run_soon", "run_late", "run_slow"]
    assert [row.run_id for row in await at.journal.ready(1)] == ["run_soon"]


async def test_a_segment_starts_from_the_snapshot_and_the_entries_after_it(at: Opened) -> None:
    run = a_run("run_1")
    await at.store.commit(started(run))
    await at.store.commit(Changeset(workspace_id=W, entries=[an_entry("run_1", n) for n in (1, 2, 3)]))
    assert await at.journal.release(await claimed(at), '{"at":2}', 2)
    found = await segment(at)
    assert (found.run, found.graph, found.snapshot) == (replace(run, version=1), GRAPH, '{"at":2}')
    assert found.entries == (an_entry("run_1", 3),)


async def test_a_segment_has_the_signals_that_are_due(at: Opened) -> None:
    await at.store.commit(started(a_run("run_1")))
    await signal(at, AT, n=1)
    await signal(at, now() + timedelta(hours=1), n=2)
    await signal(at, AT, n=3)
    found = await segment(at)
    assert [item.payload["n"] for item in found.signals] == [1, 3]
    assert list(found.signals) == await at.journal.signals("run_1")


async def parked(at: Opened, needs: list[str], run_id: str = "run_1") -> None:
    await at.store.commit(started(a_run(run_id)))
    held = await claimed(at, run_id)
    assert await at.journal.release(held, "{}", 1, needs)


async def test_a_parked_run_is_not_ready_until_one_of_the_things_that_it_needs_is_there(at: Opened) -> None:
    await parked(at, ["model:large", "model:l_rge"])
    assert await ready(at) == []
    assert [(row.run_id, row.needs) for row in await at.journal.parked(10)] == [
        ("run_1", ("model:large", "model:l_rge"))
    ]
    assert await at.journal.unpark("model:lXrge") == [] and await at.journal.unpark("model") == []
    assert await at.journal.unpark("model:l_rge") == ["run_1"]
    assert await ready(at) == ["run_1"] and await at.journal.parked(10) == []


async def test_a_signal_reaches_a_run_that_is_parked(at: Opened) -> None:
    await parked(at, ["model:large"])
    await signal(at, now() - timedelta(seconds=1))
    assert await ready(at) == ["run_1"]
    assert [item.name for item in (await segment(at)).signals] == ["poke"]
    assert await at.journal.parked(10) == []


async def test_a_timer_of_a_parked_run_comes_in_its_time(at: Opened) -> None:
    await at.store.commit(started(a_run("run_1")))
    held = await claimed(at)
    await signal(at, now() + timedelta(seconds=0.3))
    assert await at.journal.release(held, "{}", 1, ["model:large"])
    assert await ready(at) == []
    await asyncio.sleep(0.35)
    assert await ready(at) == ["run_1"]


async def test_a_parked_run_can_be_made_due_by_itself(at: Opened) -> None:
    await parked(at, ["model:large"])
    await parked(at, ["model:large"], "run_2")
    await at.journal.due("run_2")
    assert await ready(at) == ["run_2"]


async def test_what_was_parked_is_found_again_by_another_process(at: Opened) -> None:
    await parked(at, ["model:large"])
    assert await at.journal.abandon() == 0
    assert [row.run_id for row in await at.journal.parked(10)] == ["run_1"]
