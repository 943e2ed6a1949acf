"""A zip archive that grows entry by entry: nothing but the entry under way is held in memory."""

import asyncio
import json
import re
import stat
import unicodedata
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from pydantic import JsonValue

LONGEST = 50  # characters of a title in a name, which file systems end at 255 bytes
CHUNK = 256_000
SUFFIXES = {
    "text/markdown": "md",
    "text/csv": "csv",
    "text/html": "html",
    "application/json": "json",
    "application/pdf": "pdf",
}


def safe_name(title: str, id: str, media_type: str, number: int | None = None) -> str:
    """`title-id.vNUMBER.ending`: letters, digits and dashes of the title in lower case, so that it is one file in its
    folder on every system. The id keeps two of the same title apart, also where case does not count."""
    words = re.sub(r"[\W_]+", "-", unicodedata.normalize("NFC", title).lower()).strip("-")
    version = "" if number is None else f".v{number}"
    return f"{words[:LONGEST].strip('-') or 'untitled'}-{id}{version}.{SUFFIXES.get(media_type, 'txt')}"


class Pack:
    """Entries in the order in which they are added, dated, readable by their owner only."""

    def __init__(self, archive: ZipFile, at: datetime) -> None:
        self._archive, self.at = archive, at

    async def add(self, name: str, content: bytes, at: datetime | None = None) -> None:
        await asyncio.to_thread(self._archive.writestr, _entry(name, at or self.at), content)

    async def document(self, name: str, value: Mapping[str, JsonValue]) -> None:
        await self.add(name, json.dumps(value, ensure_ascii=False, indent=2).encode("utf-8", "replace") + b"\n")

    async def items(self, name: str, items: AsyncIterator[dict[str, JsonValue]]) -> None:
        """`{"items": [...]}`, an item a line."""
        await self._parts(name, _listed(items))

    async def lines(self, name: str, items: AsyncIterator[dict[str, JsonValue]]) -> None:
        """JSON Lines: https://jsonlines.org."""
        await self._parts(name, (_line(item) + b"\n" async for item in items))

    async def _parts(self, name: str, parts: AsyncIterator[bytes]) -> None:
        entry = self._archive.open(_entry(name, self.at), "w")
        try:
            gathered = bytearray()
            async for part in parts:
                gathered += part
                if len(gathered) > CHUNK:
                    await asyncio.to_thread(entry.write, gathered)
                    gathered = bytearray()
            await asyncio.to_thread(entry.write, gathered)
        finally:
            await asyncio.to_thread(entry.close)


async def _listed(items: AsyncIterator[dict[str, JsonValue]]) -> AsyncIterator[bytes]:
    before = b'{"items": [\n'
    async for item in items:
        yield before + _line(item)
        before = b",\n"
    yield b"\n]}\n" if before == b",\n" else b'{"items": []}\n'


def _line(item: dict[str, JsonValue]) -> bytes:
    return json.dumps(item, ensure_ascii=False).encode("utf-8", "replace")


def _entry(name: str, at: datetime) -> ZipInfo:
    entry = ZipInfo(name, at.astimezone(UTC).timetuple()[:6])
    entry.compress_type = ZIP_DEFLATED
    entry.create_system = 3  # Unix, where the next line means rights
    entry.external_attr = (stat.S_IFREG | 0o600) << 16
    return entry
