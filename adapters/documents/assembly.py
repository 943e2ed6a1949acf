"""Text that is put together from parts, and where each part came from. Runs in the child process only."""

import re
from typing import NamedTuple

from adapters.documents.decoding import clean
from adapters.documents.trouble import Trouble

MOST_BYTES = 200_000_000  # what archives may give in all
DEEPEST = 3  # documents within documents

_NAME_ONLY = re.compile(r"^#{1,6}\s+|^\[|\]$")


class Parsed(NamedTuple):
    """`places` are (offset, name) in order: what begins at the offset in `text` stands in the place of that name,
    such as `## Slide 3: Costs`."""

    text: str
    places: tuple[tuple[int, str], ...] = ()


class Reading:
    """What one document may still cost: `characters` of text in each part, `bytes_left` from archives in all.

    `within` says what the part that is read now lies in: `archive` and `message` are its names for that.
    """

    def __init__(self, characters: int) -> None:
        self.characters = characters
        self.bytes_left = MOST_BYTES
        self.within: list[str] = []

    def spend(self, size: int) -> None:
        """Raises Trouble when archives give more than 200 MB in all."""
        self.bytes_left -= size
        if self.bytes_left < 0:
            raise Trouble("inflated")


class Assembly:
    """Parts with an empty line between them. Raises Trouble for more than `characters` in all."""

    def __init__(self, characters: int) -> None:
        self._characters = characters
        self._parts: list[str] = []
        self._places: list[tuple[int, str]] = []
        self._size = 0

    def add(self, text: str, place: str = "") -> None:
        self.embed(Parsed(text), place)

    def embed(self, part: Parsed, place: str = "") -> None:
        """`part` with its own places, which are named after `place` from now on."""
        text = part.text if part.places else clean(part.text).strip("\n")
        if not text:
            return
        start = self._size + (2 if self._parts else 0)
        if place:
            self._places.append((start, place))
        for offset, name in part.places:
            self._places.append((start + offset, f"{place} · {_NAME_ONLY.sub('', name)}" if place else name))
        self._parts.append(text)
        self._size = start + len(text)
        if self._size > self._characters:
            raise Trouble("long")

    def parsed(self) -> Parsed:
        return Parsed("\n\n".join(self._parts), tuple(self._places))


def one_line(text: str, most: int = 120) -> str:
    """`text` as the name of a place: one line, not too long."""
    flat = " ".join(clean(text).split())
    return flat if len(flat) <= most else flat[: most - 1].rstrip() + "…"
