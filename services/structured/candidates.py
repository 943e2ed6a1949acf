"""Where in a reply JSON may stand. One pass from left to right, whatever stands there.

Outside of brackets there is prose: fences, tags and special tokens are passed over, thinking is left out, and all
before a `</think>` that nobody opened is thinking too. Inside of brackets everything belongs to the value, so that
a `<think>` or a fence within a string is text.
"""

import re
from dataclasses import dataclass

from services.structured.scalars import folded

NAMES = r"(?:think|thinking|thought|reasoning|reflection)"
OPENS = rf"<{NAMES}>|\[THINK\]|<\|channel\|>\s*analysis"
ENDS = rf"</{NAMES}>|\[/THINK\]|<\|channel\|>\s*final"
SPECIAL = r"(?:<\|[^|<>\s]{1,40}\|>|<｜[^｜<>]{1,40}｜>|</?s>|<(?:start|end)_of_turn>|<eos>|<bos>|\[/?INST\])"
BEFORE = re.compile(rf"(?:\s|\ufeff|\u200b|{SPECIAL})+")
LAST = re.compile(rf"{SPECIAL}\s{{0,9}}\Z")
OUTSIDE = re.compile(rf"(?P<opens>{OPENS})|(?P<ends>{ENDS})|[{{\[]", re.IGNORECASE)
INSIDE = re.compile(r"[{}\[\]\"'“‘#]|//|/\*")
END_OF_THOUGHT = re.compile(ENDS, re.IGNORECASE)
END_OF_PLACE = re.compile(r"\n[ \t]*```[ \t]*(?:\n|\Z)|\n[ \t]*</\w{1,20}>\s*(?:\n|\Z)")
WHOLE_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
WHOLE_APOSTROPHES = re.compile(r"'[^'\\]*(?:\\.[^'\\]*)*'", re.DOTALL)
CURLY = {"“": "”", "‘": "’"}
LOOKS_LIKE_JSON = re.compile(
    r"\{\s*(?:\\[\"n]|[\"'“‘`}]|//|/\*|#|[\w$-]{1,100}[\"'”]?\s*[:=])"
    r"|\[\s*(?:\\[\"n]|[\"'“‘`{\[\]0-9+-]|//|/\*|#|(?:true|false|null|none)\b)",
    re.IGNORECASE,
)
ESCAPED = re.compile(r"[{\[\s]+\\[\"n]")
MEMBER = re.compile(r"([\w-]{1,60}(?: [\w-]{1,60}){0,5})[\"'“”]\s*[:=]")
MARK = re.compile(r"[{}\[\]]|\w+")
FENCED = re.compile(r"```[\w-]*[ \t]*\n(.*?)\n?[ \t]*```", re.DOTALL)


@dataclass(frozen=True)
class Candidate:
    """`closed` is false where the brackets do not balance up to the end of the text, or of its fence. `quoted`: a
    quotation mark stands before it, so that its backslashes are not its own."""

    text: str
    start: int
    end: int
    closed: bool = True
    quoted: bool = False


@dataclass(frozen=True)
class Layout:
    """Candidates in the order in which they stand, and the prose before, between and behind them."""

    candidates: list[Candidate]
    prose: list[str]

    @property
    def in_a_row(self) -> bool:
        """Whether these are several objects with nothing but space and commas between them, as in JSON Lines."""
        return (
            len(self.candidates) > 1
            and all(candidate.text.startswith("{") and candidate.closed for candidate in self.candidates)
            and not any(gap.strip(" \t\r\n,") for gap in self.prose[1:-1])
        )

    def debris(self, names: set[str]) -> bool:
        """Whether members of the value lie outside of all brackets, or brackets behind the last close what is not
        open (one too many is a slip): then the candidates are pieces of something else."""
        if any(folded(member[1]) in names for gap in self.prose for member in MEMBER.finditer(gap)):
            return True
        depth, words = 0, False
        for mark in MARK.finditer(self.prose[-1]):
            words |= mark[0] not in "{[}]"
            depth += (mark[0] in "{[") - (mark[0] in "}]")
            if depth < -1 or (depth < 0 and words):
                return True
        return False

    def adjoining(self, number: int) -> bool:
        """Whether only signs stand between that candidate and the one before it."""
        return number > 0 and not any(map(str.isalnum, self.prose[number]))


def stripped(text: str) -> str:
    """Without what a chat template leaves at both ends. A token that ended the text leaves a space: the model meant
    to stop there."""
    start = BEFORE.match(text)
    first, end = start.end() if start else 0, len(text)
    while last := LAST.search(text, max(first, end - 50), end):
        end = last.start()
        while end > first and text[end - 1].isspace():
            end -= 1
    return text[first:end] + " " * (end < len(text))


def whole(text: str) -> str:
    """The text, or what its only fence holds: for values without brackets."""
    fence = FENCED.fullmatch(text.strip())
    return (fence[1] if fence else text).strip()


def layout(text: str) -> Layout:
    found: list[Candidate] = []
    prose = [""]
    at = begun = 0
    while mark := OUTSIDE.search(text, at):
        at = mark.end()
        if mark["ends"]:
            found, prose, begun = [], [""], at
        elif mark["opens"]:
            prose[-1] += text[begun : mark.start()]
            thought = END_OF_THOUGHT.search(text, at)
            at = begun = thought.end() if thought else len(text)
        elif LOOKS_LIKE_JSON.match(text, mark.start()):
            candidate = _from(text, mark.start())
            prose[-1] += text[begun : candidate.start]
            found.append(candidate)
            prose.append("")
            at = begun = candidate.end
    prose[-1] += text[begun:]
    return Layout(found, prose)


def _from(text: str, start: int) -> Candidate:
    if (
        text[start - 1 : start] == '"'
        and ESCAPED.match(text, start)
        and (string := WHOLE_STRING.match(text, start - 1))
    ):
        return Candidate(string[0], string.start(), string.end())
    end, quoted = _balanced(text, start), text[max(0, start - 1) : start] in tuple("\"'“‘`")
    if end is not None:
        return Candidate(text[start:end], start, end, quoted=quoted)
    place = END_OF_PLACE.search(text, start)
    end = place.start() if place else len(text)
    return Candidate(text[start:end], start, end, closed=False, quoted=quoted)


def _balanced(text: str, start: int) -> int | None:
    depth, at = 0, start
    while mark := INSIDE.search(text, at):
        at = mark.end()
        if mark[0] in "{[":
            depth += 1
        elif mark[0] in "}]":
            depth -= 1
            if depth == 0:
                return at
        else:
            at = _past(text, mark.start(), mark[0])
            if at < 0:
                return None
    return None


def _past(text: str, at: int, mark: str) -> int:
    """Behind the string or comment that begins here; -1 where it never ends."""
    if mark == '"':
        return _end(WHOLE_STRING.match(text, at))
    if mark == "'":
        before = text[max(0, at - 40) : at].rstrip()[-1:]
        return _end(WHOLE_APOSTROPHES.match(text, at)) if before in "{[,:=" else at + 1
    if mark == "/*":
        end = text.find("*/", at + 2)
        return end + 2 if end >= 0 else -1
    if mark in CURLY:
        return text.find(CURLY[mark], at) + 1 or -1
    end = text.find("\n", at)
    return end if end >= 0 else -1


def _end(match: re.Match[str] | None) -> int:
    return match.end() if match else -1
