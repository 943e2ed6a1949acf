"""The carrier between processes: one stream in Redis, read by one consumer group.

Commands: https://redis.io/docs/latest/develop/data-types/streams/ (6.2 and later). Only ids are written, and whatever
Redis forgets is found again in the store.
"""

import asyncio
from collections.abc import Awaitable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Literal, TypeVar
from urllib.parse import urlsplit

from loguru import logger

from domain.ports.a2a import A2A, A2AError, Envelope, Receiver

if TYPE_CHECKING:
    from redis.asyncio import Redis
    from redis.exceptions import RedisError

STREAM = "caseworks:messages"
GROUP = "post-office"
KEPT = 10_000
IDLE_SECONDS = 30.0
PAUSE_SECONDS = 1.0
LONGEST_BLOCK = 5.0
ANSWER_SECONDS = 5.0
FORGOTTEN_MS = 24 * 3600 * 1000
T = TypeVar("T")


class RedisStreamsA2A(A2A):
    """`consumer` is this process's name in the group. An announcement that nobody acknowledged within `idle_seconds`
    (the receiver failed, or its process died) goes to whoever asks next. About `kept` announcements stay."""

    def __init__(
        self,
        url: str,
        *,
        consumer: str,
        kept: int = KEPT,
        idle_seconds: float = IDLE_SECONDS,
        pause_seconds: float = PAUSE_SECONDS,
    ) -> None:
        self._url, self._consumer, self._kept = url, consumer, kept
        self._idle, self._pause = idle_seconds, pause_seconds
        self._block = min(idle_seconds, LONGEST_BLOCK)
        self._announcing: Redis | None = None

    async def announce(self, envelope: Envelope) -> None:
        from redis.exceptions import RedisError

        if self._announcing is None:
            self._announcing = self._client()
        try:
            await _in_time(self._announcing.xadd(STREAM, _fields(envelope), maxlen=self._kept, approximate=True))
        except RedisError as error:
            raise A2AError(self._told(error)) from None

    async def receive(self, receiver: Receiver) -> None:
        from redis.exceptions import RedisError

        reached = True
        async with self._client() as redis:
            while True:
                try:
                    await self._join(redis)
                    reached = True
                    while True:
                        await self._take(redis, receiver)
                except RedisError as error:
                    if reached and not _flushed(error):
                        logger.warning("{}", self._told(error))
                        reached = False
                await asyncio.sleep(self._pause)

    async def close(self) -> None:
        if self._announcing is not None:
            await self._announcing.aclose()
            self._announcing = None

    async def health(self) -> tuple[Literal["ok", "warning", "failed"], str]:
        """Whether it answers and lets us write, with what to do."""
        from redis.exceptions import RedisError

        try:
            async with self._client() as redis:
                await _in_time(redis.xadd(f"{STREAM}:doctor", {"tried": "1"}, maxlen=1))
                await _in_time(redis.delete(f"{STREAM}:doctor"))
                info = await _in_time(redis.info("server"))
        except RedisError as error:
            return "failed", self._told(error)
        return "ok", f"agents talk by {self._place}, version {info.get('redis_version', 'unknown')}"

    @property
    def _place(self) -> str:
        """Where it is, without the credentials."""
        parts = urlsplit(self._url)
        return f"Redis at {parts.path}" if parts.scheme == "unix" else f"Redis at {parts.hostname}:{parts.port or 6379}"

    def _client(self) -> "Redis":
        from redis.asyncio import Redis
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff

        return Redis.from_url(
            self._url,
            protocol=2,
            decode_responses=True,
            socket_connect_timeout=ANSWER_SECONDS,
            socket_timeout=None,  # see _in_time
            retry=Retry(NoBackoff(), 1),  # one more, for a connection that was cut while nobody looked
        )

    async def _join(self, redis: "Redis") -> None:
        """The group is there, from the beginning of the stream; consumers of processes long gone are not."""
        from redis.exceptions import ResponseError

        with suppress(ResponseError):  # it is there: the usual case; anything else shows at the first reading
            await _in_time(redis.xgroup_create(STREAM, GROUP, id="0", mkstream=True))
        for consumer in await _in_time(redis.xinfo_consumers(STREAM, GROUP)):
            if consumer["pending"] == 0 and consumer["idle"] > FORGOTTEN_MS:
                await _in_time(redis.xgroup_delconsumer(STREAM, GROUP, consumer["name"]))

    async def _take(self, redis: "Redis", receiver: Receiver) -> None:
        """One that was left lying, else one that is new, else none after a while."""
        idle, block = int(self._idle * 1000), int(self._block * 1000)
        found = await _in_time(redis.xautoclaim(STREAM, GROUP, self._consumer, idle, "0-0", count=1))
        entries = [entry for entry in found[1] if entry[0] is not None]  # 6.2 lists what was trimmed as nothing
        if not entries:
            asked = redis.xreadgroup(GROUP, self._consumer, {STREAM: ">"}, count=1, block=block)
            read: Any = await _in_time(asked, self._block + ANSWER_SECONDS)
            entries = [entry for _, several in read or () for entry in several]
        for id, fields in entries:
            if await _received(receiver, fields or {}):
                await _in_time(redis.xack(STREAM, GROUP, id))

    def _told(self, error: "RedisError") -> str:
        from redis import exceptions

        match error:
            case exceptions.AuthenticationError() | exceptions.AuthorizationError() | exceptions.NoPermissionError():
                fault = "refuses the credentials: correct redis_url in the settings"
            case exceptions.BusyLoadingError():
                fault = "is still reading its data: wait a moment"
            case exceptions.TimeoutError() | exceptions.ConnectionError():
                fault = "cannot be reached: start it, or correct redis_url in the settings"
            case _:
                fault = f"refuses what it is asked ({str(error).partition(' ')[0][:40]}): look into its log"
        return f"{self._place} {fault}."


async def _in_time(answer: Awaitable[T], seconds: float = ANSWER_SECONDS) -> T:
    """In place of `socket_timeout`, by which redis-py takes `asyncio.wait_for`: that may swallow a cancellation in
    Python 3.11 (https://github.com/python/cpython/issues/81839)."""
    from redis import exceptions

    try:
        async with asyncio.timeout(seconds):
            return await answer
    except TimeoutError:
        raise exceptions.TimeoutError(f"no answer within {seconds:g} s") from None


def _fields(envelope: Envelope) -> dict[Any, Any]:
    return {"message": envelope.message_id, "workspace": envelope.workspace_id, "project": envelope.project_id}


async def _received(receiver: Receiver, fields: Mapping[str, str]) -> bool:
    """False where it shall come again. What is no announcement of ours will never be one."""
    try:
        envelope = Envelope(
            message_id=fields.get("message", ""),
            workspace_id=fields.get("workspace", ""),
            project_id=fields.get("project", ""),
        )
        await receiver(envelope)
    except Exception as error:
        logger.opt(exception=error).error("a message was not taken, and comes again")
        return False
    return True


def _flushed(error: "RedisError") -> bool:
    """The stream or its group is gone: both are made again, and nothing is wrong with the connection."""
    return str(error).startswith(("NOGROUP", "UNBLOCKED"))
