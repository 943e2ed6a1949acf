"""Reading what users hand over."""

from abc import ABC, abstractmethod
from pathlib import Path

from pydantic.dataclasses import dataclass

MAX_BYTES = 50_000_000
SUFFIXES = {
    ".md": "text/markdown",
    ".markdown": "text/markdown",
    ".txt": "text/plain",
    ".text": "text/plain",
    ".rst": "text/plain",
    ".csv": "text/csv",
    ".json": "application/json",
    ".html": "text/html",
    ".htm": "text/html",
    ".pdf": "application/pdf",
}


class UnreadableDocument(Exception):
    """One sentence: which document, what is wrong with it, what to do."""


@dataclass(frozen=True, kw_only=True)
class Document:
    """`text` is Markdown or plain text, with `# headings` where the format has them; CSV and JSON become readable
    lines. `passages` are pieces of it of some 60 to 250 words, in order, cut at headings and paragraphs."""

    name: str
    media_type: str
    text: str
    passages: tuple[str, ...]


class DocumentReader(ABC):
    @abstractmethod
    async def read(self, path: Path, name: str) -> Document:
        """The document in the file `path`, called `name` by the user (its suffix decides the format).

        Foreign formats (PDF, HTML) are parsed in a child process with limits on memory, time and output. Raises
        UnreadableDocument: empty, binary, encrypted, too large (50 MB), no text in it (scanned), a format that is not
        known, a parser that ran out of its limits. Cancelling ends the child process.
        """
