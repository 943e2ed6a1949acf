"""Reading a document that a test has at hand."""

from pathlib import Path

import pytest

from adapters.documents.reader import LocalDocumentReader
from services.ports.documents import Document, UnreadableDocument

READER = LocalDocumentReader()


async def read(path: Path, content: bytes | str, reader: LocalDocumentReader = READER) -> Document:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return await reader.read(path, path.name)


async def refused(path: Path, content: bytes | str, reader: LocalDocumentReader = READER) -> str:
    with pytest.raises(UnreadableDocument) as caught:
        await read(path, content, reader)
    sentence = str(caught.value)
    assert path.name in sentence and sentence.endswith(".") and "\n" not in sentence
    return sentence
