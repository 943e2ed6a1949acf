"""Documents from the local disk. Only plain text is read in this process; all else goes to a child."""

import asyncio
import os
from pathlib import Path
from typing import BinaryIO

from adapters.documents.child_process import ChildFailed, Limits, Places, parsed
from adapters.documents.decoding import clean, decode
from adapters.documents.kinds import lie
from adapters.documents.opening import opened
from adapters.documents.passages import split
from adapters.documents.refusals import refusal
from services.ports.documents import MAX_BYTES, Document, DocumentReader, media_type_of

_PLAIN = {"text/plain", "text/markdown"}


class LocalDocumentReader(DocumentReader):
    """`max_bytes` of the file, `seconds` of wall and of processor time, `memory` in bytes of the child process, and
    `max_text` characters of text bound what one document may cost.

    The suffix of a document's name says its format; what has no suffix that is known is taken as plain text if it is
    text. Links are refused: `folder.files_under` follows the one that a user names.
    """

    def __init__(
        self,
        *,
        max_bytes: int = MAX_BYTES,
        seconds: float = 60.0,
        memory: int = 1_000_000_000,
        max_text: int = 20_000_000,
    ) -> None:
        self._max_bytes = max_bytes
        self._limits = Limits(seconds, memory, max_text)

    async def read(self, path: Path, name: str) -> Document:
        media_type, places = media_type_of(name), Places()
        with opened(path, name, self._max_bytes) as file:
            _check_kind(file, name, media_type)
            if media_type in _PLAIN:
                text = await asyncio.to_thread(self._plain_text, file, name)
            else:
                text, places = await self._from_child(file, name, media_type)
        if not text.strip() and not media_type.startswith("image/"):
            raise refusal(name, "blank")
        passages = await asyncio.to_thread(split, text, media_type, places)
        return Document(name=name, media_type=media_type, text=text, passages=passages)

    async def _from_child(self, file: BinaryIO, name: str, media_type: str) -> tuple[str, Places]:
        try:
            text, places = await parsed(file, media_type, self._limits)
        except ChildFailed as error:
            raise refusal(name, error.problem) from None
        return clean(text), places

    def _plain_text(self, file: BinaryIO, name: str) -> str:
        text = decode(file.read(self._max_bytes))
        if text is None:
            raise refusal(name, "binary")
        if len(text) > self._limits.characters:
            raise refusal(name, "long")
        return clean(text)


def _check_kind(file: BinaryIO, name: str, media_type: str) -> None:
    """Refuses what begins otherwise than its name says."""
    handle = file.fileno()
    start = os.pread(handle, os.fstat(handle).st_size, 0)  # leaves the file's position, which the child will share
    if (problem := lie(start, media_type)) is not None:
        raise refusal(name, problem)
