"""Files that people change by use cases: what is written is on the record, or is not done."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from pydantic import JsonValue

from domain.events import EventType
from services.desk import Command, Desk
from services.ports.store import Idempotency


class Files(Protocol):
    def digest(self, name: str) -> str | None:
        """Of what holds under that name now."""

    def own_text(self, name: str) -> str | None:
        """What a user's file says; None where there is none."""

    def put_back(self, name: str, text: str | None) -> None:
        """As it was; None for no file."""


class Recording:
    def __init__(self, desk: Desk, files: Files, kind: str) -> None:
        self._desk, self._files, self._kind = desk, files, kind
        self._changing = asyncio.Lock()

    async def is_repeated(self, command: Command) -> bool:
        """Whether the command's key was used before. Raises KeyReused when that was for another request."""
        return await self._desk.led_to(command) is not None

    async def write(self, command: Command, type: EventType, name: str, write: Callable[[], object]) -> None:
        """Writes a file and commits that it was written, by whom, with the digests before and after; where that cannot
        be, the file is as it was."""
        async with self._changing:
            before, text = self._files.digest(name), self._files.own_text(name)
            await asyncio.to_thread(write)
            data: dict[str, JsonValue] = {"name": name, "before": before, "after": self._files.digest(name)}
            uow = self._desk.unit(command)
            uow.happened(type, name, project_id=None, data=data)
            if command.key is not None:
                who = command.principal.id
                uow.remember(
                    Idempotency(principal=who, key=command.key, request=command.request, kind=self._kind, id=name)
                )
            try:
                await uow.commit()
            except Exception:
                await asyncio.to_thread(self._files.put_back, name, text)
                raise
