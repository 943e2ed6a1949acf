"""Documents from the local disk. Only plain text is read in this process; all else goes to a child."""

import asyncio
import os
from pathlib import Path, PurePath
from typing import BinaryIO

from adapters.documents.child_process import ChildFailed, Limits, parsed
from adapters.documents.decoding import clean, decode
from adapters.documents.opening import opened
from adapters.documents.passages import split
from adapters.documents.refusals import refusal
from services.ports.documents import MAX_BYTES, SUFFIXES, Document, DocumentReader

_PARSED = {"application/pdf", "text/html", "text/csv", "application/json"}


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
        media_type = SUFFIXES.get(PurePath(name).suffix.lower(), "text/plain")
        with opened(path, name, self._max_bytes) as file:
            _check_kind(file, name, media_type)
            if media_type in _PARSED:
                text = await self._text_from_child(file, name, media_type)
            else:
                text = await asyncio.to_thread(self._plain_text, file, name)
        if not text.strip():
            raise refusal(name, "blank")
        passages = await asyncio.to_thread(split, text, media_type)
        return Document(name=name, media_type=media_type, text=text, passages=passages)

    async def _text_from_child(self, file: BinaryIO, name: str, media_type: str) -> str:
        try:
            text = await parsed(file, media_type, self._limits)
        except ChildFailed as error:
            raise refusal(name, error.problem) from None
        return clean(text)

    def _plain_text(self, file: BinaryIO, name: str) -> str:
        text = decode(file.read(self._max_bytes))
        if text is None:
            raise refusal(name, "binary")
        if len(text) > self._limits.characters:
            raise refusal(name, "long")
        return clean(text)


def _check_kind(file: BinaryIO, name: str, media_type: str) -> None:
    """Refuses what claims to be a PDF and is none, and a PDF that claims to be something else."""
    start = os.pread(file.fileno(), 1024, 0)  # leaves the file's position, which the child will share
    if media_type == "application/pdf" and b"%PDF" not in start:
        raise refusal(name, "not pdf")
    if media_type != "application/pdf" and start.startswith(b"%PDF-"):
        raise refusal(name, "pdf")
