"""A reader of almost-JSON: comments, bare keys and words, Python's literals, other quotes, missing and extra commas,
brackets that were forgotten. What the text breaks off in is left out, never completed.

It knows no schema. Numbers as JSON does not write them (`+03`) stay text, for the schema to say what they are.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from services.structured.faults import MAX_DEPTH, TOO_DEEP, Doubtful, Path, Unparsable
from services.structured.quoted import CLOSERS, QUOTES, UNPAIRED, Unended, Where, quoted

GAP = re.compile(r"(?:\s|//[^\n]*|\#[^\n]*)+")
GAP_AND_COMMAS = re.compile(r"(?:[\s,]|//[^\n]*|\#[^\n]*)+")
BARE_KEY = re.compile(r"[^\W\d][\w$-]*")
COLON = re.compile(r":|=>?")
BARE = re.compile(r"[\w+.-](?:[^\n,:=/{}\[\]\"'“”`#]*[^\s,:=/{}\[\]\"'“”`#])?")
BEHIND = re.compile(r"[ \t]*(?:\Z|[\n,}\]#]|//|/\*)")
BEHIND_KNOWN = re.compile(rf"{BEHIND.pattern}|\s+[{QUOTES}{{\[]")
NOT_SPACE = re.compile(r"\S")
NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
WORDS = {"true": True, "false": False, "null": None, "none": None}
LITERALS = {"true", "false", "null", "True", "False", "None"}
NOTHING = {"nan", "undefined", "infinity", "-infinity", "inf", "-inf"}
SCALARS_BEHIND = re.compile(r"[^\"{}\[\]]*")


Guess = Literal["", "quotes", "brackets"]


@dataclass(frozen=True)
class Read:
    """`guessed`: what could be told apart, but not beyond doubt: which quotation marks are text, or where a bracket
    was forgotten. `unfinished`: the deepest bracket that was open when the text ended, `dropped` what began last in
    it; both None where every bracket was closed."""

    value: Any
    guessed: Guess = ""
    unfinished: Path | None = None
    dropped: Path | None = None


def tolerant(text: str) -> Read:
    """The object or list that `text` begins with. Raises Unparsable; Doubtful where it could mean two things."""
    reader = _Reader(text)
    try:
        value = reader.value("element")
    except Unended:
        raise Unparsable("the text breaks off there", reader.dropped or ()) from None
    if reader.unfinished is None and not SCALARS_BEHIND.fullmatch(text, reader.at):
        raise Doubtful("more follows where the value should end")
    return Read(value, reader.guessed, reader.unfinished, reader.dropped)


class _Reader:
    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.guessed: Guess = ""
        self.unfinished: Path | None = None
        self.dropped: Path | None = None
        self._path: list[str | int] = []
        self._open = ""  # the brackets around here, such as `{[{`

    def value(self, where: Where) -> Any:
        self._skip(GAP)
        mark = self.text[self.at : self.at + 1]
        if not mark:
            raise Unended
        if mark in "{[":
            return self._container(mark)
        if mark in CLOSERS:
            return self._quoted(where)
        return self._bare()

    def _container(self, mark: str) -> Any:
        if len(self._open) >= MAX_DEPTH:
            raise Doubtful(TOO_DEEP)
        self._open += mark
        self.at += 1
        found: Any = {} if mark == "{" else []
        self._members(found, "}" if mark == "{" else "]", self._member if mark == "{" else self._element)
        self._open = self._open[:-1]
        return found

    def _members(self, found: Any, closer: str, more: Callable[[Any], bool]) -> None:
        """Fills `found` up to its closing bracket, or to what belongs to a bracket around it."""
        while self._skip(GAP_AND_COMMAS) < len(self.text):
            mark = self.text[self.at]
            if mark == closer:
                self.at += 1
                return
            try:
                if (around := self._closed_by(mark, closer)) or not more(found):
                    self._forgotten(around or "{")
                    return
            except Unended:
                self.at = len(self.text)
                self.dropped = tuple(self._path) if self.dropped is None else self.dropped
        if not found:  # opened and left: not the same as empty
            raise Unended
        if self.unfinished is None:
            self.unfinished = tuple(self._path)
            self.guessed = "brackets" if self.text.rstrip()[-1:] in "}]" else self.guessed or "quotes"

    def _closed_by(self, mark: str, closer: str) -> str:
        """The bracket around this one that `mark` belongs to, if it ends this one."""
        if mark in "}]":
            return "{" if mark == "}" else "["
        return "[" if mark + closer == "{}" and self._open[-2:-1] == "[" else ""

    def _forgotten(self, around: str) -> None:
        """The closing bracket of this one was left out: fine where one that fits is open around it."""
        if around not in self._open[:-1]:
            raise Unparsable("the brackets do not match")
        self.guessed = "brackets"

    def _member(self, found: dict[str, Any]) -> bool:
        key = self._key()
        value = self._within(key, "member")
        if key in found and found[key] != value:
            raise Doubtful(f"{key[:60]!r} stands there twice, with two values")
        found[key] = value
        return True

    def _element(self, found: list[Any]) -> bool:
        """False where it is the key of an object around this list, whose closing bracket was forgotten."""
        began = self.at
        value = self._within(len(found), "element")
        if isinstance(value, str) and COLON.match(self.text, self._skip(GAP)):
            self.at = began
            return False
        found.append(value)
        return True

    def _within(self, step: str | int, where: Where) -> Any:
        self._path.append(step)
        try:
            return self.value(where)
        except Unended:
            self.dropped = tuple(self._path) if self.dropped is None else self.dropped
            raise
        finally:
            self._path.pop()

    def _key(self) -> str:
        if self.text[self.at] in CLOSERS:
            key = self._quoted("key")
        elif bare := BARE_KEY.match(self.text, self.at):
            key, self.at = bare[0], bare.end()
        else:
            raise Unparsable("it has no key where one should stand")
        if self._skip(GAP) == len(self.text):
            raise Unended
        colon = COLON.match(self.text, self.at)
        if colon is None:
            raise Unparsable("it has no colon after a key")
        self.at = colon.end()
        return key

    def _quoted(self, where: Where) -> str:
        value, self.at, guessed = quoted(self.text, self.at, where)
        self.guessed = self.guessed or ("quotes" if guessed else "")
        return value

    def _bare(self) -> Any:
        bare = BARE.match(self.text, self.at)
        if bare is None:
            raise Unparsable("it has no value where one should stand")
        word = bare[0]
        if not self._complete(bare):
            raise Unended
        known = word.lower() in WORDS or NUMBER.fullmatch(word)
        if not (BEHIND_KNOWN if known else BEHIND).match(self.text, bare.end()):
            raise Unparsable("it has a value without quotation marks")
        if word.startswith("..") or word.lower() in NOTHING:
            raise Doubtful(f"{word[:20]} is no value of JSON")
        self.at = bare.end()
        if word.lower() in WORDS:
            return WORDS[word.lower()]
        if NUMBER.fullmatch(word):
            return _number(word)
        self.guessed = self.guessed or ("quotes" if " " in word else "")
        return word

    def _complete(self, bare: re.Match[str]) -> bool:
        """Where the text ends: a literal is whole, a number if space follows, other words may go on."""
        if bare[0] in LITERALS or NOT_SPACE.search(self.text, bare.end()):
            return True
        return bare.end() < len(self.text) and bool(NUMBER.fullmatch(bare[0]))

    def _skip(self, gap: re.Pattern[str]) -> int:
        """Past space and comments, and commas where members begin; where that is."""
        while True:
            found = gap.match(self.text, self.at)
            if found and found[0].count('"') % 2:
                raise Doubtful(UNPAIRED)  # a string that lost its first one may look like a comment
            self.at = found.end() if found else self.at
            if not self.text.startswith("/*", self.at):
                return self.at
            end = self.text.find("*/", self.at)
            self.at = end + 2 if end >= 0 else len(self.text)


def _number(word: str) -> Any:
    try:
        number = json.loads(word)
    except ValueError:  # more digits than Python reads
        raise Unparsable("it has a number that is too long") from None
    if number in (float("inf"), float("-inf")):
        raise Unparsable("it has a number that is too large")
    return number
