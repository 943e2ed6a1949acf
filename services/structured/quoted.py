"""Strings as weak models write them: other quotation marks, quotes that nobody escaped, escapes that JSON lacks."""

import re
from typing import Literal

from services.structured.faults import Doubtful, Unparsable

Where = Literal["key", "member", "element"]
CLOSERS = {'"': '"', "'": "'", "`": "`", "“": '”“"', "‘": "’", "„": "“”", "«": "»"}
QUOTES = "".join(CLOSERS)
QUOTE = f"[{QUOTES}”’]"
COMMENT = r"//|/\*|\#"
THEN_COMMENT = rf"(?<=\s)(?:{COMMENT})"
KEY = rf"(?:{QUOTE}[^{QUOTES}”’\n]{{1,100}}{QUOTE}|[\w$-]{{1,100}})\s*[:=]"
QUOTED_KEY = rf"(?:{QUOTE}[^{QUOTES}”’\n]{{1,100}}{QUOTE}|(?<=\n)[\w$-]{{1,100}})\s*[:=]"
VALUE = rf"[{QUOTES}{{\[\d-]|\.\.|(?:true|false|null|none)\b"
ENDS = r"\Z|[}\]]"
FOLLOWS = {
    "key": re.compile(r"\s*[:=]"),
    "member": re.compile(rf"\s*(?:{ENDS}|,[\s,]*(?:{ENDS}|{COMMENT}|{KEY})|{THEN_COMMENT}|(?<=\s){QUOTED_KEY})"),
    "element": re.compile(
        rf"\s*(?:{ENDS}|:|,[\s,]*(?:{ENDS}|{COMMENT}|{VALUE})|{THEN_COMMENT}|{QUOTE}[^{QUOTES}\n]{{0,200}}{QUOTE}\s*[,\]])",
        re.IGNORECASE,
    ),
}
OPENING = re.compile(r"[\s(\[{:,=/—–-]\Z")  # before a quotation mark that ends the text it would begin a quotation
SWALLOWED = re.compile(r"[\"“”]\s*[:=\"“”'‘`{}\[\]]|,\s*[\"“]\w")
UNPAIRED = 'it holds quotation marks that do not pair; inside of a string write \\"'
ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.|\Z)", re.DOTALL)
MEANT = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
NEEDLESS = "_'#&%@~!`"  # Markdown and LaTeX escape these, and mean the character all the same


class Unended(Unparsable):
    """The text ends before the value does."""

    def __init__(self) -> None:
        super().__init__("the text breaks off there")


def quoted(text: str, at: int, where: Where) -> tuple[str, int, bool]:
    """The string that begins at `at`, where it ends, and whether quotes in it were guessed to be text.

    A quote ends the string only where what follows could follow a string. Raises Unended; Doubtful where quotes
    within do not pair, or hold what looks like another member.
    """
    if text.startswith('"""', at):
        return _triple(text, at)
    inner, mark = 0, re.compile(rf"\\.|[{CLOSERS[text[at]]}]", re.DOTALL)
    for found in mark.finditer(text, at + 1):
        if found[0][0] == "\\":
            continue
        follows = FOLLOWS[where].match(text, found.end())
        raw = text[at + 1 : found.start()] if follows else ""
        if follows and (follows[0].strip() or not OPENING.search(raw)):
            if inner:
                _sure(raw, inner, where)
            return unescaped(raw), found.end(), inner > 0
        inner += not _apostrophe(text, found.start())
    if inner or text.rstrip()[-1:] in ("}", "]"):
        raise Doubtful(UNPAIRED)
    raise Unended


def _triple(text: str, at: int) -> tuple[str, int, bool]:
    end = text.find('"""', at + 3)
    if end < 0:
        raise Doubtful(UNPAIRED)
    return unescaped(text[at + 3 : end]), end + 3, False


def _apostrophe(text: str, at: int) -> bool:
    return text[at] in "'’" and text[at - 1].isalnum()


def _sure(raw: str, inner: int, where: Where) -> None:
    if inner % 2 or where == "key" or SWALLOWED.search(raw):
        raise Doubtful(UNPAIRED)


def unescaped(raw: str) -> str:
    """With the meaning of its escapes. `\\_` is `_`; a backslash before another letter is a backslash (`C:\\data`),
    unless the same string has escapes that begin with a letter: then nobody knows which are which."""
    if "\\" not in raw:
        return raw
    escapes = [found[1] for found in ESCAPE.finditer(raw)]
    literal = any(_literal(escape) for escape in escapes)
    if literal and any(escape[:1].isalpha() and not _literal(escape) for escape in escapes):
        raise Doubtful("it holds backslashes that could mean two things; write \\\\ for a backslash")
    text = ESCAPE.sub(lambda found: _meant(found[1]), raw)
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace") if "\\u" in raw.lower() else text


def _literal(escape: str) -> bool:
    return escape.isascii() and escape.isalpha() and len(escape) == 1 and escape not in "bfnrtx"


def _meant(escape: str) -> str:
    if len(escape) == 5:
        return chr(int(escape[1:], 16))
    if escape in NEEDLESS:
        return escape
    if _literal(escape):
        return "\\" + escape
    if escape not in MEANT:
        raise Doubtful("it holds an escape that JSON does not have; write \\\\ for a backslash")
    return MEANT[escape]
