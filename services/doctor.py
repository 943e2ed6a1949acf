"""What is well and what is not: really tried, each with what to do."""

import asyncio
import os
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from domain.ports.llm import LLM, LLMError, Request
from services.ports.models import Models
from services.ports.views import Audit

Level = Literal["ok", "warning", "failed"]
LOW = 1_000_000_000
EMPTY = 100_000_000


@dataclass(frozen=True, kw_only=True)
class Finding:
    name: str
    level: Level
    detail: str


class Doctor:
    def __init__(
        self,
        *,
        data_dir: Path,
        llm: LLM,
        models: Models,
        audit: Audit,
        database: Callable[[], Awaitable[tuple[Level, str]]],
        carrier: Callable[[], Awaitable[tuple[Level, str]]],
        reach: str,
    ) -> None:
        """`reach` says in words who can reach the program."""
        self._data_dir, self._llm, self._models = data_dir, llm, models
        self._audit, self._database, self._carrier, self._reach = audit, database, carrier, reach

    async def examine(self, *, verify: bool) -> list[Finding]:
        findings = [
            await self._directory(),
            self._disk(),
            await self._tables(),
            await self._messages(),
            Finding(name="network", level="ok", detail=self._reach),
            await self._model(),
            *(Finding(name="configuration", level="failed", detail=fault) for fault in self._models.faults),
        ]
        if verify:
            findings += await self._verified()
        return findings

    async def _directory(self) -> Finding:
        try:
            await asyncio.to_thread(_write, self._data_dir / ".doctor")
        except OSError as error:
            detail = f"{self._data_dir} cannot be written ({error.strerror}): make room, or make it writable."
            return Finding(name="data directory", level="failed", detail=detail)
        return Finding(name="data directory", level="ok", detail=f"{self._data_dir} can be written")

    def _disk(self) -> Finding:
        free = shutil.disk_usage(self._data_dir).free
        level: Level = "ok" if free > LOW else "warning" if free > EMPTY else "failed"
        advice = "" if level == "ok" else ": make room, or move the data directory with --data-dir"
        return Finding(name="disk", level=level, detail=f"{free / 1e9:.1f} GB free{advice}")

    async def _tables(self) -> Finding:
        level, detail = await self._database()
        return Finding(name="database", level=level, detail=detail)

    async def _messages(self) -> Finding:
        level, detail = await self._carrier()
        return Finding(name="messages", level=level, detail=detail)

    async def _model(self) -> Finding:
        info = self._llm.describe(self._models.alias())
        if info.rehearsal:
            detail = "none configured: work is rehearsed. Start Ollama and say `caseworks config model ollama:NAME`."
            return Finding(name="model", level="warning", detail=detail)
        request = Request(
            alias=self._models.alias(),
            system="You answer in one word.",
            task="Say: ready",
            idempotency_key="doctor",
            max_output_tokens=200,
            deadline=60,
        )
        try:
            await self._llm.check(self._models.alias())
            reply = await self._llm.complete(request)
        except LLMError as error:
            return Finding(name="model", level="failed", detail=str(error))
        detail = f"{info.model} on {info.backend} answered in {reply.seconds:.1f} s"
        return Finding(name="model", level="ok", detail=detail)

    async def _verified(self) -> list[Finding]:
        faults = await self._audit.check()
        if not faults:
            detail = "audit chain, graph, search, streams, ledger and all content agree"
            return [Finding(name="verify", level="ok", detail=detail)]
        return [Finding(name="verify", level="failed", detail=fault) for fault in faults]


def _write(path: Path) -> None:
    """A page, really on the disk; then away with it."""
    try:
        with path.open("wb") as file:
            file.write(bytes(65536))
            file.flush()
            os.fsync(file.fileno())
    finally:
        path.unlink(missing_ok=True)
