"""The post office on a real store: what agents ask is answered by one run each, however often and late it arrives."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.a2a.in_process import InProcessA2A
from adapters.clock.system import SystemClock
from adapters.live.in_process import InProcessLive
from config import catalogue
from domain.message import SentMessage
from domain.ports.a2a import A2A, A2AError, Envelope, Receiver
from domain.run import Run
from services.running.post_office import PAGE, PostOffice
from services.staff import Staff
from tests.stores import AT, Opened, W, a_project, a_run, opened, started


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Opened]:
    with opened(tmp_path) as everything:
        yield everything


@pytest.fixture
async def asker(at: Opened) -> Run:
    uow = at.unit()
    uow.put(a_project())
    await uow.commit()
    run = replace(a_run("run_asker"), correlation="from-outside")
    await at.store.commit(started(run))
    return run


@pytest.fixture
async def office(at: Opened, asker: Run) -> AsyncIterator[PostOffice]:
    yield office_on(at, InProcessA2A())


def office_on(at: Opened, a2a: A2A, live: InProcessLive | None = None, seconds: float = 60) -> PostOffice:
    return PostOffice(
        store=at.store,
        clock=SystemClock(),
        live=live or InProcessLive(),
        a2a=a2a,
        staff=Staff(shipped=catalogue.profiles(), templates={}),
        sweep_seconds=seconds,
    )


def a_request(number: int = 1, **more: Any) -> SentMessage:
    values: dict[str, Any] = {"kind": "request", "recipient": "agt_critic", "body": {"task": "What could go wrong?"}}
    return SentMessage(
        **{
            "id": f"msg_{number:04}",
            "workspace_id": W,
            "project_id": "prj_1",
            "sender": "agt_manager",
            "correlation": f"msg_{number:04}",
            "run_id": "run_asker",
            "sent_at": AT,
            **values,
            **more,
        }
    )


async def stored(at: Opened, *messages: SentMessage) -> None:
    uow = at.unit()
    for message in messages:
        uow.put(message)
    await uow.commit()


def envelope(message: SentMessage) -> Envelope:
    return Envelope(message_id=message.id, workspace_id=message.workspace_id, project_id=message.project_id)


async def answering(at: Opened) -> list[Run]:
    return [run for run in await at.store.find(Run, W) if run.graph == "agent@1"]


async def state_of(at: Opened, message: SentMessage) -> str:
    found = await at.store.get(SentMessage, W, message.id)
    assert found is not None
    return found.state


async def test_what_is_delivered_twice_and_at_once_starts_one_run(at: Opened, office: PostOffice) -> None:
    message = a_request()
    await stored(at, message)
    await asyncio.gather(*(office.deliver(envelope(message)) for _ in range(8)), office.sweep(W))
    [run] = await answering(at)
    assert (run.actor, run.on_behalf_of, run.depth) == ("agt_critic", "agt_manager", 1)
    assert run.correlation == "from-outside" and run.parent_id is None


async def test_what_was_never_announced_is_found(at: Opened, office: PostOffice) -> None:
    await stored(at, a_request())
    await office.sweep(W)
    assert len(await answering(at)) == 1


async def test_a_request_is_found_behind_any_number_of_other_messages(at: Opened, office: PostOffice) -> None:
    waiting = [a_request(n, kind="delegate", correlation=f"run_{n}") for n in range(2 * PAGE)]
    await stored(at, *waiting, a_request(9999))
    await office.sweep(W)
    assert [run.inputs["answers"] for run in await answering(at)] == ["msg_9999"]


async def test_an_envelope_without_a_message_does_nothing(at: Opened, office: PostOffice) -> None:
    await office.deliver(Envelope(message_id="msg_none", workspace_id=W, project_id="prj_1"))
    await stored(at, a_request())
    await office.deliver(Envelope(message_id="msg_0001", workspace_id="wsp_other", project_id="prj_1"))
    assert await answering(at) == []


async def test_what_comes_after_its_deadline_expires_and_the_record_says_so(at: Opened, office: PostOffice) -> None:
    message = a_request(deadline=AT + timedelta(seconds=1))
    await stored(at, message)
    await office.deliver(envelope(message))
    assert await state_of(at, message) == "expired" and await answering(at) == []
    assert ("message.expired",) in await at.rows("SELECT type FROM events WHERE subject = 'msg_0001'")


async def test_when_the_asker_has_ended_nobody_works_on_the_answer_any_more(
    at: Opened, office: PostOffice, asker: Run
) -> None:
    message = a_request()
    await stored(at, message)
    await office.deliver(envelope(message))
    [run] = await answering(at)
    uow = at.unit()
    uow.put((await uow.get(Run, asker.id)).ended("cancelled", "It was cancelled.", AT, asker.usage))
    await uow.commit()
    await office.sweep(W)
    assert await state_of(at, message) == "expired"
    assert [signal.name for signal in await at.journal.signals(run.id)] == ["cancel"]


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (a_request(depth=5), "Agents ask each other 5 deep at most; this would be deeper."),
        (a_request(recipient="agt_nobody"), "There is no agent agt_nobody here; check the id, or list what there is."),
    ],
    ids=["too-deep", "nobody"],
)
async def test_what_cannot_be_answered_is_refused_to_the_asker(
    at: Opened, office: PostOffice, asker: Run, message: SentMessage, reason: str
) -> None:
    await stored(at, message)
    await office.deliver(envelope(message))
    await office.deliver(envelope(message))
    assert await answering(at) == [] and await state_of(at, message) == "answered"
    [signal] = await at.journal.signals(asker.id)
    assert (signal.name, signal.payload["result"], signal.payload["reason"]) == ("child_ended", "failed", reason)
    [reply] = [m for m in await at.store.find(SentMessage, W) if m.kind == "reply"]
    assert (reply.recipient, reply.correlation, reply.state) == ("agt_manager", message.correlation, "told")


class Unreachable(A2A):
    async def announce(self, envelope: Envelope) -> None:
        raise A2AError("The carrier is out of reach.")

    async def receive(self, receiver: Receiver) -> None:
        await asyncio.Event().wait()

    async def close(self) -> None: ...


async def test_without_a_carrier_the_sweep_brings_it(at: Opened, asker: Run) -> None:
    live = InProcessLive()
    office = office_on(at, Unreachable(), live, seconds=0.1)
    task = asyncio.create_task(office.run(W))
    await asyncio.sleep(0.05)
    message = a_request()
    await stored(at, message)
    live.post(envelope(message))
    async with asyncio.timeout(10):
        while not await answering(at):
            await asyncio.sleep(0.02)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    live.post(envelope(message))  # what ends after it says so to nobody
    assert len(asyncio.all_tasks()) == 1
