"""Reading what users hand over."""

from abc import ABC, abstractmethod
from pathlib import Path, PurePath

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
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".odt": "application/vnd.oasis.opendocument.text",
    ".epub": "application/epub+zip",
    ".eml": "message/rfc822",
    ".mbox": "application/mbox",
    ".zip": "application/zip",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".svg": "image/svg+xml",
}


def media_type_of(name: str) -> str:
    """By the suffix of `name`; plain text where that says nothing."""
    return SUFFIXES.get(PurePath(name).suffix.lower(), "text/plain")


def suffix_of(media_type: str) -> str:
    """The ending that a file of this type has."""
    if media_type == "text/html":  # kept from browsers
        return ".txt"
    return next((suffix for suffix, known in SUFFIXES.items() if known == media_type), ".txt")


class UnreadableDocument(Exception):
    """One sentence: which document, what is wrong with it, what to do."""


@dataclass(frozen=True, kw_only=True)
class Document:
    """`text` is Markdown or plain text, with `# headings` where the format has them; CSV and JSON become readable
    lines; an image has none. `passages` are pieces of it of some 60 to 250 words, in order, cut at headings and
    paragraphs; each begins with the page, slide, sheet, chapter, message or file that it stands in, where there are
    several."""

    name: str
    media_type: str
    text: str
    passages: tuple[str, ...]


class DocumentReader(ABC):
    @abstractmethod
    async def read(self, path: Path, name: str) -> Document:
        """The document in the file `path`, called `name` by the user (its suffix decides the format).

        All but plain text is parsed in a child process with limits on memory, time and output. Archives, and office
        documents, which are some too: at most 2,000 entries, 200 MB, 100 times their size. Raises UnreadableDocument:
        empty, binary, encrypted, damaged, misnamed, too large (50 MB), no text in it (scanned), a parser that ran out
        of its limits. Cancelling ends the child process.
        """
