"""A text as passages of some 60 to 250 words, for search and for prompts.

Passages are slices of the text between whitespace, so every word of the text is in exactly one of them, in order. A
word is what stands between whitespace; the exception are giant "words" of about 2,000 characters and more (a line of
base64, minified code, a page of Chinese): these are cut at 2,000 characters. Of words of more than 30 characters every
8 characters count as a word more, which keeps passages of such words short.

Everything here takes time linear in the text.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

SHORTEST, TARGET, LONGEST = 60, 180, 250
GIANT = 2_000

_LINEWISE = {"text/csv", "application/json"}
_PLAIN = {"text/plain", "application/pdf"}
_HEADING = re.compile(r" {0,3}#{1,6}(?:\s|$)")
_UNDERLINE = re.compile(r"(?:={3,}|-{3,}|~{3,}|\^{3,})\s*$")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")

# Each finds the ends of smaller pieces than the one before it. None can backtrack over more than one run of characters.
_LINE_END = re.compile(r"\n\s*")
_LONG_BLANK = re.compile(r"\s{50,}+")
_SENTENCE_END = re.compile(r"""(?<=[.!?…])["'”’)\]*_]*+\s++""")
_SOME_WORDS = re.compile(r"(?:\S++\s*+){1,100}+")
_WORD_PART = re.compile(rf"\S{{1,{GIANT}}}+\s*+")


class Block(NamedTuple):
    start: int
    end: int
    weight: int
    heading: bool = False


def split(text: str, media_type: str, places: Sequence[tuple[int, str]] = ()) -> tuple[str, ...]:
    """The passages of `text`; () if it is blank.

    They begin at headings and paragraphs where the sizes allow it. A heading stays with what follows it. Longer
    paragraphs are cut at sentence ends, longer lists, tables and code at line ends, and sentences of more than 250
    words between words. What begins within one of the `places` (offset, name) has the place's name before it, so that
    a citation leads there.
    """
    packer = _Packer()
    for block in _blocks(text, media_type):
        for piece in _pieces(text, block):
            packer.add(piece)
    slices = ((start, _passage(text[start:end])) for start, end, *_ in packer.finish())
    return tuple(_in_its_place(passage, start, places) for start, passage in slices if passage)


def _in_its_place(passage: str, start: int, places: Sequence[tuple[int, str]]) -> str:
    number = bisect_right(places, start, key=lambda place: place[0])
    name = places[number - 1][1] if number else ""
    return passage if not name or passage.startswith(name) else f"{name}\n\n{passage}"


def _passage(text: str) -> str:
    text = text.strip()
    return _LONG_BLANK.sub("\n", text) if len(text) > 10 * GIANT else text


def _weight(text: str) -> int:
    words = text.split()
    if len(text) <= 30 or max(map(len, words), default=0) <= 30:
        return len(words)
    return len(words) + sum(len(word) // 8 for word in words if len(word) > 30)


def _blocks(text: str, media_type: str) -> Iterator[Block]:
    if media_type in _LINEWISE:
        yield from (Block(start, end, _weight(text[start:end])) for start, end in _lines(text))
        return
    for start, end, heading in _paragraphs(text, media_type not in _PLAIN):
        yield Block(start, end, _weight(text[start:end]), heading)


def _paragraphs(text: str, markdown: bool) -> Iterator[tuple[int, int, bool]]:
    """(start, end, is a heading) of every paragraph, fenced block and heading."""
    begin, lines, fence = -1, 0, ""  # the open paragraph's start (none: -1) and lines; the open fence's mark
    for start, end in _lines(text):
        line = text[start : min(end, start + 200)].rstrip() or text[start:end].rstrip()
        if fence:
            if _closes(line, fence):
                yield begin, end, False
                begin, fence = -1, ""
            continue
        alone = _HEADING.match(line) or _FENCE.match(line) if markdown and line[:1] in " #`~" else None
        if begin >= 0 and (alone or not line):
            yield begin, start, False
            begin = -1
        if alone and alone.re is _FENCE:
            begin, fence = start, alone[1]
        elif alone:
            yield start, end, True
        elif begin >= 0 and lines == 1 and line[0] in "=-~^" and _UNDERLINE.match(line):
            yield begin, end, True
            begin = -1
        elif line:
            begin, lines = (begin, lines + 1) if begin >= 0 else (start, 1)
    if begin >= 0:
        yield begin, len(text), False


def _closes(line: str, fence: str) -> bool:
    line = line.strip()
    return line.startswith(fence) and not line.strip(fence[0])


def _lines(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    while start < len(text):
        end = text.find("\n", start) + 1 or len(text)
        yield start, end
        start = end


def _pieces(text: str, block: Block, level: int = 0) -> Iterator[Block]:
    """`block` if it is short enough, else smaller pieces of it that together cover the same text."""
    if block.weight <= LONGEST or level == len(_CUTS):
        yield block
        return
    start = block.start
    for end in _CUTS[level](text, block.start, block.end):
        piece = Block(start, end, _weight(text[start:end]))
        if piece.weight <= LONGEST:
            yield piece
        else:
            yield from _pieces(text, piece, level + 1)
        start = end


def _after(pattern: re.Pattern[str]) -> Callable[[str, int, int], Iterator[int]]:
    """Cuts behind every match of `pattern`, and at the end."""

    def cuts(text: str, start: int, end: int) -> Iterator[int]:
        for match in pattern.finditer(text, start, end):
            if match.end() < end:
                yield match.end()
        yield end

    return cuts


def _between_lines(text: str, start: int, end: int) -> Iterator[int]:
    """Cuts at line ends in lists, tables and code; none in prose, whose lines may end anywhere."""
    if _is_prose(text[start : min(end, start + 20_000)]):
        return iter((end,))
    return _after(_LINE_END)(text, start, end)


def _is_prose(sample: str) -> bool:
    """Whether few of the lines begin with anything but a letter, and those that do are many words long."""
    lines = [line for line in sample.splitlines() if line.strip()]
    plain = sum(line[0].isalpha() for line in lines)
    return plain > 0.8 * len(lines) and len(sample.split()) > 5 * len(lines)


_CUTS = (_between_lines, _after(_SENTENCE_END), _after(_SOME_WORDS), _after(_WORD_PART))


class _Packer:
    """Puts neighbouring blocks together until a passage is long enough."""

    def __init__(self) -> None:
        self._done: list[Block] = []
        self._open: list[Block] = []
        self._weight = 0

    def add(self, block: Block) -> None:
        if self._open and self._ends_before(block):
            self._close()
        self._open.append(block)
        self._weight += block.weight

    def finish(self) -> list[Block]:
        if self._open:
            self._keep(self._open)
        return self._done

    def _ends_before(self, block: Block) -> bool:
        if self._weight + block.weight > LONGEST:
            return True
        if self._open[-1].heading:
            return False
        if block.heading:
            return self._weight >= SHORTEST or not self._open[0].heading
        return self._weight >= SHORTEST and self._weight + block.weight > TARGET

    def _close(self) -> None:
        """Ends the open passage; headings at its end go to the next one."""
        body = len(self._open)
        while body and self._open[body - 1].heading:
            body -= 1
        kept, moved = self._open[: body or None], self._open[body:] if body else []
        self._keep(kept)
        self._open, self._weight = moved, sum(block.weight for block in moved)

    def _keep(self, blocks: list[Block]) -> None:
        """Adds a passage; a short rest of a section goes to the passage before it if that has room."""
        new = Block(blocks[0].start, blocks[-1].end, sum(block.weight for block in blocks), blocks[0].heading)
        last = self._done[-1] if self._done else None
        if last and not new.heading and new.weight < SHORTEST and last.weight + new.weight <= LONGEST:
            self._done[-1] = Block(last.start, new.end, last.weight + new.weight, last.heading)
        else:
            self._done.append(new)
