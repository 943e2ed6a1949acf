"""What a reply means, read against its schema; see the package.

Several candidates in one text must not disagree, and the last that tries to answer must fit: an example before a
broken answer is not the answer. A text that breaks off is read up to its last whole member, and only where all that
the schema requires is there: a string without its closing quote, a bare word or number at the very end, a key without
a value and a bracket just opened are left out, and with them the item that they leave incomplete. Where the backend
says that it cut the text (`cut`), a value whose brackets are not all closed is refused.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from services.structured.candidates import Candidate, Layout, layout, stripped, whole
from services.structured.coercing import LISTED, Coercer, Coercion, same
from services.structured.faults import Checker, Doubtful, Path, Unparsable, Unreadable, json_path
from services.structured.mending import mended, repaired, strict
from services.structured.scalars import folded
from services.structured.tolerant import Read

Rung = Literal["strict", "mended", "coerced", "repaired"]
RUNGS: tuple[Rung, ...] = ("strict", "mended", "coerced", "repaired")
MAX_TEXT, MAX_ATTEMPTS, MAX_DROPS = 1_000_000, 12, 8
WORD = re.compile(r"[\w-]+")
NONE = "There is no JSON in the reply"
BREAKS_OFF = "the text breaks off there"


@dataclass(frozen=True)
class Reading:
    """`rung` is the dearest step that was needed: none (`strict`), other marks read (`mended`), the value changed to
    fit (`coerced`, each change in `coercions`), or json_repair (`repaired`)."""

    value: Any
    rung: Rung
    coercions: tuple[Coercion, ...] = ()


def read(text: str, schema: Mapping[str, Any], *, cut: bool = False) -> Reading:
    """The value in `text` that fits `schema`, itself a valid schema. Raises Unreadable with path and message of the
    first fault."""
    if len(text) > MAX_TEXT:
        raise Unreadable(f"The reply is longer than {MAX_TEXT:,} characters")
    checker = Checker(schema)
    text = stripped(text)
    if (plain := _plain(whole(text), cut)) is not None:
        return _fitted(plain, "strict", checker)
    names = set(map(folded, _names(schema)))
    place = layout(text)
    if place.debris(names):
        raise Unreadable("pieces of JSON stand outside of its brackets", "$")
    return _agreed(place, [_attempted(candidate, checker, cut) for candidate in _attempts(place, schema, names)])


def _agreed(place: Layout, found: Sequence[Reading | Unreadable]) -> Reading:
    """The cheapest, where the last fits, and no other that fits differs."""
    if not found:
        raise Unreadable(NONE)
    last, *earlier = reversed(found)
    if isinstance(last, Unreadable):
        raise last
    if earlier and isinstance(earlier[0], Unreadable) and place.adjoining(len(place.candidates) - 1):
        raise earlier[0]
    if earlier and Coercion("$", LISTED) in last.coercions:
        raise Unreadable("There are several objects in the reply where one list is wanted")
    readings = [last, *(reading for reading in earlier if isinstance(reading, Reading))]
    if not all(same(reading.value, last.value) for reading in readings):
        raise Unreadable("There are several answers in the reply, and they differ")
    return min(readings, key=lambda reading: (RUNGS.index(reading.rung), len(reading.coercions)))


def _plain(text: str, cut: bool) -> Read | None:
    """The text where it is JSON as a whole. A number at the place of a cut may be half of one."""
    try:
        value = strict(text)
    except Unparsable:
        return None
    return None if cut and isinstance(value, int | float) else Read(value)


def _attempts(place: Layout, schema: Mapping[str, Any], names: set[str]) -> Sequence[Candidate]:
    """The candidates that hold a name of the schema; all where none does."""
    if schema.get("type") == "array" and place.in_a_row:
        return [Candidate(f"[{','.join(candidate.text for candidate in place.candidates)}]", 0, 0)]
    attempts = [one for one in place.candidates if names & set(map(folded, WORD.findall(one.text)))]
    return (attempts or place.candidates)[-MAX_ATTEMPTS:]


def _names(schema: Any) -> Iterator[str]:
    if isinstance(schema, Mapping):
        properties = schema.get("properties")
        yield from properties if isinstance(properties, Mapping) else ()
        for part in schema.values():
            yield from _names(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from _names(part)


def _attempted(candidate: Candidate, checker: Checker, cut: bool) -> Reading | Unreadable:
    try:
        found, rung = _parsed(candidate)
    except Unparsable as error:
        return Unreadable(str(error), json_path(error.path))
    if cut and found.unfinished is not None:
        return _broken_off(found)
    try:
        return _whole(found, rung, checker)
    except Unreadable as fault:
        return fault


def _parsed(candidate: Candidate) -> tuple[Read, Rung]:
    if candidate.quoted and "\\" in candidate.text:
        raise Doubtful("it is JSON within a string, and its backslashes could mean two things")
    try:
        return Read(strict(candidate.text)), "strict"
    except Doubtful:
        raise
    except Unparsable:
        pass
    try:
        return mended(candidate.text), "mended"
    except Doubtful:
        raise
    except Unparsable:
        if not candidate.closed:
            raise
    return repaired(candidate.text), "repaired"


def _whole(found: Read, rung: Rung, checker: Checker) -> Reading:
    """Without the items that the end of the text left incomplete, the innermost first."""
    if found.unfinished is None:
        return _fitted(found, rung, checker)
    told = () if found.dropped is None else (Coercion(json_path(found.dropped), f"left out: {BREAKS_OFF}"),)
    fault: Unreadable | None = None
    for length in range(len(found.unfinished), max(-1, len(found.unfinished) - MAX_DROPS), -1):
        value, lost = found.value, found.unfinished[: length + 1]
        if length < len(found.unfinished):
            if found.guessed == "brackets" or _only(value, lost):
                continue
            value, told = _without(value, lost), (Coercion(json_path(lost), f"left out: {BREAKS_OFF}"),)
        try:
            return _fitted(Read(value, found.guessed), rung, checker, told)
        except Unreadable as error:
            fault = fault or error
    raise fault if fault is not None and found.dropped is None else _broken_off(found)


def _broken_off(found: Read) -> Unreadable:
    path = found.unfinished if found.dropped is None else found.dropped
    return Unreadable(BREAKS_OFF, json_path(path or ()))


def _only(value: Any, path: Path) -> bool:
    for step in path[:-1]:
        value = value[step]
    return len(value) == 1


def _without(value: Any, path: Path) -> Any:
    """A copy without what stands at `path`, which is last there."""
    step, rest = path[0], path[1:]
    kept: Any = dict(value) if isinstance(value, dict) else list(value)
    if rest:
        kept[step] = _without(kept[step], rest)
    else:
        del kept[step]
    return kept


def _fitted(found: Read, rung: Rung, checker: Checker, told: tuple[Coercion, ...] = ()) -> Reading:
    """Raises Unreadable with what does not fit."""
    coercer = Coercer(checker, found.guessed, done=list(told))
    try:
        value = coercer.coerced(found.value, checker.schema)
    except RecursionError:
        raise Unreadable("it is nested too deeply", "$") from None
    if fault := checker.fault(value) or coercer.unclear:
        raise fault
    if coercer.done and rung != "repaired":
        rung = "coerced"
    return Reading(value, rung, tuple(coercer.done))
