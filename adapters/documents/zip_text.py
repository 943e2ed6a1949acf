"""The documents in a zip archive as one text, each under its path. Runs in the child process only."""

from pathlib import PurePosixPath

from adapters.documents.archive import Archive
from adapters.documents.assembly import Assembly, Parsed, Reading, one_line
from adapters.documents.mail_text import Nested
from adapters.documents.trouble import Trouble

_JUNK = {"__MACOSX", "Thumbs.db", "desktop.ini"}


def text_of_zip(data: bytes, reading: Reading, nested: Nested) -> Parsed:
    """Hidden files and what operating systems leave behind are left out; of a file that cannot be read, its name and
    why not. An archive in the archive is not opened."""
    if "archive" in reading.within:
        raise Trouble("archive within")
    archive, whole = Archive(data, reading), Assembly(reading.characters)
    reading.within.append("archive")
    try:
        for name in sorted(filter(_is_shown, archive.names())):
            place = f"# {one_line(name, 300)}"
            part = Assembly(reading.characters)
            part.add(place)
            part.embed(nested(name, archive.read(name), reading))
            whole.embed(part.parsed(), place)
    finally:
        reading.within.pop()
    return whole.parsed()


def _is_shown(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return not any(part.startswith(".") or part in _JUNK for part in parts)
