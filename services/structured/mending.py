"""From a candidate to a value, the cheapest way that works: as JSON, as almost-JSON, as a Python literal, and last by
json_repair, whose reading is taken only where it lost and added no word."""

import ast
import json
import re
from collections.abc import Iterator
from typing import Any, NoReturn

from json_repair import repair_json

from services.structured.faults import MAX_DEPTH, TOO_DEEP, Doubtful, Unparsable
from services.structured.tolerant import Read, tolerant

MAX_PYTHON, MAX_REPAIRED = 50_000, 20_000
SIGNS = re.compile(r"\d[^\W\d]|[-+~]\s*[-+~]|[*/%&^<>=]|\b(?:lambda|if|for|not|await)\b")
MARKS = re.compile(r"[\"{}\[\],:\n]")
WORD = re.compile(r"[^\s\"'`“”‘’,:=;{}\[\]]+")
SAME = {"true": "true", "false": "false", "none": "null"}


def strict(text: str) -> Any:
    """JSON as its standard has it, with no key twice. Raises Unparsable, Doubtful."""
    try:
        return json.loads(text, parse_constant=_no_number, parse_float=_finite, object_pairs_hook=_once)
    except RecursionError:
        raise Doubtful(TOO_DEEP) from None
    except Unparsable:
        raise
    except ValueError as error:
        raise Unparsable("it is not JSON") from error


def mended(text: str) -> Read:
    """Raises Unparsable; Doubtful where nobody should guess."""
    try:
        return tolerant(text)
    except Doubtful:
        raise
    except Unparsable as error:
        fault = error
    try:
        return Read(_python(text), guessed="brackets")
    except Unparsable:
        raise fault from None


def repaired(text: str) -> Read:
    """By json_repair. Raises Unparsable where it gave up, or made more or less of it."""
    if len(text) > MAX_REPAIRED or "\\" in text or _deep(text):
        raise Unparsable("it is not JSON")
    try:
        value = repair_json(text, return_objects=True, skip_json_loads=True)
    except (RecursionError, ValueError, IndexError, TypeError):
        raise Unparsable("it is not JSON") from None
    if not isinstance(value, dict | list) or not _kept(text, value):
        raise Unparsable("it is not JSON")
    return Read(value, guessed="brackets")


def _no_number(word: str) -> NoReturn:
    raise Doubtful(f"{word} is no value of JSON")


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise Doubtful("it has a number that is too large")
    return number


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        for key, value in pairs:
            if found[key] != value:
                raise Doubtful(f"{key[:60]!r} stands there twice, with two values")
    return found


def _python(text: str) -> Any:
    """A literal of Python: nothing is run, and nothing deep or long is given to its parser."""
    if len(text) > MAX_PYTHON or _deep(text) or "\\" in text or SIGNS.search(text):
        raise Unparsable("it is not JSON")
    try:
        return _plain(ast.literal_eval(text))
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        raise Unparsable("it is not JSON") from None


def _plain(value: Any) -> Any:
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, str | bool | int | float):
        return value
    raise Unparsable("it is not JSON")


def _deep(text: str) -> bool:
    return sum(map(text.count, "([{")) > 2_000 or _deepest(text) > MAX_DEPTH


def _deepest(text: str) -> int:
    depth = most = 0
    for mark in text:
        if mark in "([{":
            depth += 1
            most = max(most, depth)
        elif mark in ")]}":
            depth -= 1
    return most


def _kept(text: str, value: Any) -> bool:
    """Whether `value` has the words of `text` in their order, no more and no fewer, and no marks within a string that
    might belong to the JSON around it."""
    told = list(_told(value))
    simple = all(word.strip() == word and not MARKS.search(word) for word in told)
    empty = told.count("") + json.dumps(value).count("[]") + json.dumps(value).count("{}")
    emptied = sum(map(text.count, ('""', "''", "[]", "{}")))
    return simple and empty == emptied and _words(text) == [word for part in told for word in _words(part)]


def _words(text: str) -> list[str]:
    return [SAME.get(word.lower(), word) for word in WORD.findall(text)]


def _told(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _told(item)
    elif isinstance(value, list):
        for item in value:
            yield from _told(item)
    else:
        yield value if isinstance(value, str) else json.dumps(value)
