"""The program: everything between taking hold of the data directory and letting go of it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from loguru import logger

from config.settings import Settings
from domain.principal import Principal
from infrastructure.container import Container
from infrastructure.web.sessions import Sessions
from services.accounts import owner

STOP_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True)
class Program:
    container: Container
    settings: Settings
    principal: Principal
    token: str
    sessions: Sessions


@asynccontextmanager
async def running(settings: Settings, *, dispatch: bool = True) -> AsyncIterator[Program]:
    """Owns the data directory; with `dispatch`, runs that were under way go on by themselves.

    Raises DataDirectoryError, StoreError, ConfigurationError.
    """
    container = Container(settings=settings)
    directory = container.directory()
    directory.prepare()
    with directory.owned():
        token = settings.token.get_secret_value() if settings.token is not None else directory.token()
        container.models()
        container.staff()
        database = await asyncio.to_thread(container.database)
        try:
            principal = await owner(container.store(), container.clock())
            if dispatch:
                freed = await container.journal().abandon()
                logger.info("{} runs were under way and go on", freed)
                await container.dispatcher().start()
            warming = asyncio.create_task(_warm(container)) if dispatch else None
            watching = asyncio.create_task(container.watching().run(principal)) if dispatch else None
            posting = asyncio.create_task(container.post_office().run(principal.workspace_id)) if dispatch else None
            try:
                sessions = Sessions(directory.path / "sessions.json", token, container.clock())
                yield Program(
                    container=container, settings=settings, principal=principal, token=token, sessions=sessions
                )
            finally:
                await _stopped(warming, watching)
                if dispatch:
                    await container.dispatcher().stop(STOP_SECONDS)
                    await container.model_pool().close()
                await _stopped(posting)
                await container.models().engines.close()
                await container.a2a().close()
                if (traces := container.traces()) is not None:
                    await asyncio.to_thread(traces.close)
        finally:
            database.close()


async def _stopped(*tasks: asyncio.Task[None] | None) -> None:
    for task in filter(None, tasks):
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _warm(container: Container) -> None:
    """LiteLLM takes seconds to load: begun in the background, and only where a model is configured."""
    if container.models().current is not None:
        from adapters.llm import loading

        await loading.litellm()
