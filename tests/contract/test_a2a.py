"""What every carrier of messages keeps to: at least once, to one of those who receive, ids only."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress

import pytest
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from adapters.a2a.in_process import InProcessA2A
from adapters.a2a.redis_streams import STREAM, RedisStreamsA2A
from domain.ports.a2a import A2A, A2AError, Envelope, Receiver
from tests.redis_servers import RedisServer, redis_server

KEPT = 200
SECRET = "not-for-the-log"


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with redis_server() as found:
        yield found


@pytest.fixture
def empty(server: RedisServer) -> RedisServer:
    with Redis.from_url(server.url, protocol=2) as redis:
        redis.flushall()
    return server


@pytest.fixture(params=["in-process", "redis"])
async def a2a(request: pytest.FixtureRequest) -> AsyncIterator[A2A]:
    carrier: A2A
    if request.param == "in-process":
        carrier = InProcessA2A(kept=KEPT, pause_seconds=0.1)
    else:
        carrier = streams(request.getfixturevalue("empty"))
    yield carrier
    await carrier.close()


def streams(server: RedisServer, consumer: str = "one") -> RedisStreamsA2A:
    return RedisStreamsA2A(server.url, consumer=consumer, kept=KEPT, idle_seconds=0.3, pause_seconds=0.1)


async def pending(server: RedisServer, count: int) -> None:
    """Until so many are handed out and not acknowledged."""
    async with AsyncRedis.from_url(server.url) as redis, asyncio.timeout(10):
        while [group["pending"] for group in await redis.xinfo_groups(STREAM)] != [count]:
            await asyncio.sleep(0.02)


def envelope(number: int = 1) -> Envelope:
    return Envelope(message_id=f"msg_{number}", workspace_id="wsp_1", project_id="prj_1")


class Inbox:
    """Takes what comes; `fails` says how often it fails at first."""

    def __init__(self, fails: int = 0) -> None:
        self.got: list[str] = []
        self._fails = fails

    async def __call__(self, envelope: Envelope) -> None:
        self.got.append(envelope.message_id)
        if len(self.got) <= self._fails:
            raise RuntimeError("cannot take it now")

    async def holds(self, test: Callable[[list[str]], bool], seconds: float = 10) -> None:
        async with asyncio.timeout(seconds):
            while not test(self.got):
                await asyncio.sleep(0.01)


@asynccontextmanager
async def receiving(carrier: A2A, receiver: Receiver) -> AsyncIterator["asyncio.Task[None]"]:
    task = asyncio.create_task(carrier.receive(receiver))
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_what_is_announced_arrives(a2a: A2A) -> None:
    inbox = Inbox()
    async with receiving(a2a, inbox):
        for number in range(20):
            await a2a.announce(envelope(number))
        await inbox.holds(lambda got: set(got) == {f"msg_{number}" for number in range(20)})


async def test_what_is_announced_before_anybody_receives_arrives_too(a2a: A2A) -> None:
    inbox = Inbox()
    await a2a.announce(envelope())
    async with receiving(a2a, inbox):
        await inbox.holds(lambda got: got == ["msg_1"])


async def test_a_receiver_that_fails_gets_it_again_and_others_are_not_held_up(a2a: A2A) -> None:
    inbox = Inbox(fails=2)
    async with receiving(a2a, inbox):
        await a2a.announce(envelope(1))
        await a2a.announce(envelope(2))
        await inbox.holds(lambda got: sorted(got) == ["msg_1", "msg_1", "msg_2", "msg_2"])
        await asyncio.sleep(1)
        assert len(inbox.got) == 4, "what was taken does not come again"


async def test_two_who_receive_share_and_each_envelope_is_handled_by_one(a2a: A2A) -> None:
    both: list[str] = []

    async def take(envelope: Envelope) -> None:
        both.append(envelope.message_id)
        await asyncio.sleep(0.005)

    async with receiving(a2a, take), receiving(a2a, take):
        for number in range(50):
            await a2a.announce(envelope(number))
        async with asyncio.timeout(10):
            while len(both) < 50:
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.5)
    assert sorted(both) == sorted(f"msg_{number}" for number in range(50))


async def test_when_the_one_that_handles_it_dies_the_other_takes_over(a2a: A2A) -> None:
    begun = asyncio.Event()

    async def never(envelope: Envelope) -> None:
        begun.set()
        await asyncio.Event().wait()

    inbox = Inbox()
    async with receiving(a2a, never):
        await a2a.announce(envelope())
        await asyncio.wait_for(begun.wait(), 10)
    async with receiving(a2a, inbox):
        await inbox.holds(lambda got: got == ["msg_1"])


async def test_receiving_is_cancelled_at_once(a2a: A2A) -> None:
    async with receiving(a2a, Inbox()) as task:
        await asyncio.sleep(0.2)
        task.cancel()
        await asyncio.wait_for(asyncio.wait({task}), 5)
        assert task.cancelled()


async def test_what_nobody_takes_does_not_grow_without_end(a2a: A2A) -> None:
    for number in range(10 * KEPT):
        await a2a.announce(envelope(number))
    inbox = Inbox()
    async with receiving(a2a, inbox):
        await inbox.holds(lambda got: f"msg_{10 * KEPT - 1}" in got)
    assert KEPT <= len(inbox.got) <= 2 * KEPT


async def test_nothing_but_ids_is_on_the_wire(empty: RedisServer) -> None:
    carrier = streams(empty)
    await carrier.announce(envelope())
    await carrier.close()
    with Redis.from_url(empty.url, protocol=2) as redis:
        assert redis.keys("*") == [STREAM.encode()]
        [(_, fields)] = redis.xrange(STREAM)
    assert fields == {b"message": b"msg_1", b"workspace": b"wsp_1", b"project": b"prj_1"}


async def test_what_was_taken_is_acknowledged(empty: RedisServer) -> None:
    carrier, inbox = streams(empty), Inbox()
    async with receiving(carrier, inbox):
        await carrier.announce(envelope())
        await inbox.holds(lambda got: got == ["msg_1"])
        await pending(empty, 0)
    await carrier.close()


async def test_a_flushed_redis_goes_on_with_what_comes_next(empty: RedisServer) -> None:
    carrier, inbox = streams(empty), Inbox()
    async with receiving(carrier, inbox):
        await carrier.announce(envelope(1))
        await inbox.holds(lambda got: got == ["msg_1"])
        with Redis.from_url(empty.url) as redis:
            redis.flushall()
        await carrier.announce(envelope(2))
        await inbox.holds(lambda got: got == ["msg_1", "msg_2"])
    await carrier.close()


async def test_what_is_foreign_in_the_stream_is_passed_over(empty: RedisServer) -> None:
    carrier, inbox = streams(empty), Inbox()
    with Redis.from_url(empty.url) as redis:
        redis.xadd(STREAM, {"hello": "world"})
    async with receiving(carrier, inbox):
        await carrier.announce(envelope())
        await inbox.holds(lambda got: got[-1:] == ["msg_1"])
    await carrier.close()


async def test_a_redis_that_was_killed_and_comes_back_is_used_again() -> None:
    with redis_server() as server:
        carrier, inbox = streams(server), Inbox()
        async with receiving(carrier, inbox):
            await carrier.announce(envelope(1))
            await inbox.holds(lambda got: got == ["msg_1"])
            server.kill()
            with pytest.raises(A2AError, match=rf"^Redis at 127.0.0.1:{server.port} cannot be reached: start it"):
                await carrier.announce(envelope(2))
            server.start()
            await carrier.announce(envelope(3))
            await inbox.holds(lambda got: got == ["msg_1", "msg_3"])
        await carrier.close()


async def test_an_error_says_what_to_do_and_never_the_password() -> None:
    with redis_server(password="another") as server:
        carrier = RedisStreamsA2A(f"redis://:{SECRET}@127.0.0.1:{server.port}/0", consumer="one")
        with pytest.raises(A2AError) as caught:
            await carrier.announce(envelope())
        level, told = await carrier.health()
        await carrier.close()
    assert str(caught.value) == told
    assert level == "failed" and "correct redis_url" in told and SECRET not in told


async def test_another_process_takes_what_the_first_left(empty: RedisServer) -> None:
    first, second, inbox = streams(empty, "first"), streams(empty, "second"), Inbox()

    async def fails(envelope: Envelope) -> None:
        raise RuntimeError

    async with receiving(first, fails):
        await first.announce(envelope())
        await pending(empty, 1)
    async with receiving(second, inbox):
        await inbox.holds(lambda got: got == ["msg_1"])
    await first.close()
    await second.close()
