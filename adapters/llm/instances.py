"""Valid instances of a JSON Schema (draft 2020-12), filled with sentences; no model.

At every node the first valid one of: const, default, examples, the option nearest to the task, then what the type
asks for. Each candidate is checked against its node, so a keyword unknown here is still obeyed or refused.
"""

import math
import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from pydantic import JsonValue

from adapters.llm.sentences import Sentence, cut, terms
from domain.ports.llm import RequestRefused

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator

DEEPEST, MOST_STEPS = 24, 20_000
SHALLOW = 6  # deeper than this, optional properties are left out
BRANCHES = ("oneOf", "anyOf")
LABELS = re.compile(r"(?:^|_)(?:labels?|citations?|cites?|passages?)$")
NAMES = re.compile(r"(?:^|_)(?:title|name|heading)$")
IDS = re.compile(r"(?:^|_)(?:id|key|slug|ref)$")
FORMATS = {
    "date": "2000-01-01",
    "date-time": "2000-01-01T00:00:00Z",
    "time": "00:00:00Z",
    "duration": "P1D",
    "email": "nobody@example.org",
    "hostname": "example.org",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.org/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}
TYPES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("object", ("properties", "required", "additionalProperties", "minProperties", "patternProperties")),
    ("array", ("items", "prefixItems", "minItems", "contains", "uniqueItems", "maxItems")),
    ("number", ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")),
)
PIECE = re.compile(r"(\\[dwsDWS]|\\.|\[(?:\\.|[^\]])+\]|[^\\\[\](){}|*+?^$])(\{(\d+)(?:,\d*)?\}|[*+?])?")

Schema = Mapping[str, Any]


class _NoInstance(Exception):
    pass


def instance(schema: Mapping[str, JsonValue], task: str, sentences: Sequence[Sentence]) -> JsonValue:
    """A value that is valid under `schema`; its strings are `sentences` in their order, each used once.

    Raises RequestRefused, one sentence, when the schema is malformed or no instance is found.
    """
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    try:
        Draft202012Validator.check_schema(schema)
        validator = Draft202012Validator(schema, registry=Registry())
        value = _Builder(schema, validator, task, sentences).build(schema, "", 0)
        if validator.is_valid(value):
            return value
    except SchemaError as error:
        raise RequestRefused(f"The schema is not valid JSON Schema: {error.message}; correct it.") from error
    except (_NoInstance, Unresolvable, re.error, RecursionError, OverflowError) as error:
        raise RequestRefused(_refusal(error)) from error
    raise RequestRefused(_refusal(None))


def _refusal(error: Exception | None) -> str:
    reason = f" ({error})" if error and str(error) else ""
    return f"The rehearsal model found no value that fits the schema{reason}; simplify it, or give a default."


class _Builder:
    def __init__(
        self, schema: Schema, validator: "Draft202012Validator", task: str, sentences: Sequence[Sentence]
    ) -> None:
        self.root, self.validator, self.steps, self.made = schema, validator, 0, 0
        self.wanted = terms(task)
        self.sentences = deque(sentences)
        self.spare = deque(cut(" ".join(task.split()), whole=True))
        self.labels = list(dict.fromkeys(sentence.label for sentence in sentences))

    def build(self, node: Schema | bool, key: str, depth: int, taken: Sequence[JsonValue] = ()) -> JsonValue:
        """The first candidate that is valid and not among `taken`. Raises _NoInstance."""
        self.steps += 1
        if depth > DEEPEST or self.steps > MOST_STEPS:
            raise _NoInstance("it nests too deeply")
        for value in self._candidates({} if node is True else node or {"not": {}}, key, depth):
            if self._valid(value, node) and not any(_same(value, other) for other in taken):
                return value
        raise _NoInstance(f"at {key!r}" if key else "")

    def _valid(self, value: JsonValue, node: Schema | bool) -> bool:
        return self.validator.evolve(schema=node).is_valid(value)

    def _candidates(self, node: Schema, key: str, depth: int) -> Iterator[JsonValue]:
        node = self._flat(node, depth)
        yield from (node[word] for word in ("const", "default") if word in node)
        yield from node.get("examples", [])[:1]
        yield from self._options(node)
        for word in BRANCHES:
            rest = {name: value for name, value in node.items() if name != word}
            for branch in node.get(word, ()):
                yield from self._attempt(_merged(rest, branch), key, depth + 1)
        yield from self._typed(node, key, depth)

    def _attempt(self, node: Schema, key: str, depth: int) -> Iterator[JsonValue]:
        try:
            yield self.build(node, key, depth)
        except _NoInstance:
            return

    def _flat(self, node: Schema, depth: int) -> Schema:
        """`node` with `$ref` and `allOf` merged in."""
        for _ in range(DEEPEST):
            if "$ref" in node:
                node = _merged({k: v for k, v in node.items() if k != "$ref"}, self._resolved(node["$ref"]))
            elif "allOf" in node:
                parts = node["allOf"]
                node = {name: value for name, value in node.items() if name != "allOf"}
                for part in parts:
                    node = _merged(node, part)
            else:
                return node
        raise _NoInstance("a $ref leads back to itself")

    def _resolved(self, ref: str) -> Schema:
        found: Any = self.root
        for step in ref.removeprefix("#").split("/")[1:]:
            step = step.replace("~1", "/").replace("~0", "~")
            found = found[int(step)] if isinstance(found, list) else found.get(step, {})
        if not ref.startswith("#") or not isinstance(found, Mapping | bool):
            raise _NoInstance(f"the $ref {ref} does not point into it")
        return found if isinstance(found, Mapping) else {} if found else {"not": {}}

    def _options(self, node: Schema) -> list[JsonValue]:
        """Options of an enum or of a oneOf of consts, nearest to the task first."""
        options = [(value, str(value)) for value in node.get("enum", ())]
        branches = [branch for word in BRANCHES for branch in node.get(word, ())]
        if branches and all(isinstance(branch, Mapping) and "const" in branch for branch in branches):
            options += [(b["const"], f"{b['const']} {b.get('title', '')} {b.get('description', '')}") for b in branches]
        return [value for value, _ in sorted(options, key=lambda option: -self._overlap(option[1]))]

    def _overlap(self, text: str) -> int:
        words = terms(text.replace("_", " "))
        return sum(word in words for word in self.wanted)

    def _typed(self, node: Schema, key: str, depth: int) -> Iterator[JsonValue]:
        guessed = next((name for name, words in TYPES if any(word in node for word in words)), "string")
        kinds = node.get("type", [guessed])
        for kind in sorted([kinds] if isinstance(kinds, str) else kinds, key=lambda kind: kind == "null"):
            match kind:
                case "object":
                    yield from self._objects(node, depth)
                case "array":
                    yield from self._arrays(node, key, depth)
                case "integer" | "number":
                    yield from _numbers(node, kind == "integer")
                case "string":
                    yield from self._strings(node, key)
                case "boolean":
                    yield from (False, True)
                case _:
                    yield None

    def _objects(self, node: Schema, depth: int) -> Iterator[JsonValue]:
        properties: Schema = node.get("properties", {})
        required: list[str] = node.get("required", [])
        more = [k for k, v in properties.items() if k not in required and _ready(v) and depth < SHALLOW]
        rest = [name for name in properties if name not in required and name not in more]
        for names in ([*required, *more], required, [*required, *more, *rest]):
            ordered = [name for name in properties if name in names] + [n for n in names if n not in properties]
            try:
                yield self._filled(node, ordered, depth)
            except _NoInstance:
                continue

    def _filled(self, node: Schema, names: Sequence[str], depth: int) -> dict[str, JsonValue]:
        others = node.get("additionalProperties", True)
        made = {name: self.build(node.get("properties", {}).get(name, others), name, depth + 1) for name in names}
        for number in range(len(made), node.get("minProperties", 0)):
            name = f"item_{number + 1}"
            made[name] = self.build(others, name, depth + 1)
        return made

    def _arrays(self, node: Schema, key: str, depth: int) -> Iterator[JsonValue]:
        first: list[Schema | bool] = node.get("prefixItems", [])
        items = node.get("items", True)
        textual = isinstance(items, Mapping) and self._flat(items, depth).get("type") == "string"
        least = max(node.get("minItems", 0), int(textual and node.get("maxItems", 1) > 0))
        if "contains" in node:
            first, least = (
                [*first, *[node["contains"]] * node.get("minContains", 1)],
                max(least, node.get("minContains", 1)),
            )
        made: list[JsonValue] = []
        while len(made) < least:
            rule = first[len(made)] if len(made) < len(first) else items
            try:
                made.append(self.build(rule, key, depth + 1, made if node.get("uniqueItems") else ()))
            except _NoInstance:
                break
        yield made

    def _strings(self, node: Schema, key: str) -> Iterator[JsonValue]:
        least, most = node.get("minLength", 0), node.get("maxLength")
        if node.get("format") in FORMATS:
            yield FORMATS[node["format"]]
        self.made += 1
        named = next((text for text in self._named(key)), None)
        if named is not None:
            yield _fitted(named, least, most)
        if "pattern" in node:
            yield from _spelled(node["pattern"], least, self.made)
        for _ in range(2):
            yield _fitted(self._sentence(key), least, most)

    def _named(self, key: str) -> Iterator[str]:
        """What a string is called may say what it holds: a label, an id, or a title."""
        if LABELS.search(key) and self.labels:
            yield self.labels[(self.made - 1) % len(self.labels)]
        elif IDS.search(key):
            yield f"item-{self.made}"
        elif NAMES.search(key):
            yield " ".join(self._sentence(key).split()[:10]).rstrip(".,;:")

    def _sentence(self, key: str) -> str:
        if self.sentences:
            return self.sentences.popleft().text
        return self.spare.popleft() if self.spare else f"{key or 'item'} {self.made}"


def _same(one: JsonValue, other: JsonValue) -> bool:
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def _ready(node: Schema | bool) -> bool:
    return isinstance(node, Mapping) and ("default" in node or bool(node.get("examples")) or "const" in node)


def _merged(one: Schema, other: Schema | bool) -> Schema:
    """Both at once, shallowly: properties united, bounds tightened, else the later word."""
    if isinstance(other, bool):
        return one if other else {**one, "not": {}}
    merged = {**one, **other}
    for word in set(one) & set(other):
        if word == "properties":
            merged[word] = {**one[word], **{k: _merged(_mapping(one[word].get(k)), v) for k, v in other[word].items()}}
        elif word in ("required", "allOf"):
            merged[word] = (
                list(dict.fromkeys(one[word] + other[word])) if word == "required" else one[word] + other[word]
            )
        elif word.startswith(("min", "exclusiveMin")):
            merged[word] = max(one[word], other[word])
        elif word.startswith(("max", "exclusiveMax")):
            merged[word] = min(one[word], other[word])
        elif word == "type":
            merged[word] = _both(one[word], other[word])
        elif word == "enum":
            merged[word] = [value for value in one[word] if value in other[word]]
    return merged


def _mapping(node: Schema | bool | None) -> Schema:
    return node if isinstance(node, Mapping) else {"not": {}} if node is False else {}


def _both(one: str | list[str], other: str | list[str]) -> list[str]:
    """Types allowed by both; an integer is a number."""
    left, right = ([kinds] if isinstance(kinds, str) else kinds for kinds in (one, other))
    shared = [kind for kind in left if kind in right or (kind == "integer" and "number" in right)]
    return shared or [kind for kind in right if kind == "integer" and "number" in left]


def _numbers(node: Schema, whole: bool) -> Iterator[JsonValue]:
    """Numbers from the least allowed on, then ones near the greatest."""
    low, high = (_bound(node, f"{end}imum", f"exclusive{end.capitalize()}imum", end) for end in ("min", "max"))
    step = Fraction(str(node["multipleOf"])) if "multipleOf" in node else Fraction(1)
    if whole and step.denominator > 1:
        step = Fraction(step.numerator)
    starts = [low] if low is not None else [Fraction(0)] if high is None or high >= 0 else []
    grid = [math.ceil(start / step) * step for start in starts] + (
        [math.floor(high / step) * step] if high is not None else []
    )
    for start in grid if whole or "multipleOf" in node else [*starts, *grid]:
        yield from (_number(start + sign * n * step) for sign in (1, -1) for n in range(12))
    if not whole and low is not None and high is not None:
        yield from (float(low + (high - low) * part / 4) for part in (2, 1, 3))


def _bound(node: Schema, closed: str, open_: str, end: str) -> Fraction | None:
    bounds = [Fraction(str(node[word])) for word in (closed, open_) if word in node]
    return (max(bounds) if end == "min" else min(bounds)) if bounds else None


def _number(value: Fraction) -> int | float:
    return int(value) if value.denominator == 1 else float(value)


def _fitted(text: str, least: int, most: int | None) -> str:
    """Cut at a word to at most `most` characters, filled up to at least `least`."""
    if most is not None and len(text) > most:
        short = text[:most].rsplit(" ", 1)[0].rstrip(" ,;:")
        text = short if len(short) >= max(least, 1) else text[:most]
    while len(text) < least:
        text = f"{text} {text}"[:least] if text else "." * least
    return text


def _spelled(pattern: str, least: int, number: int) -> Iterator[str]:
    """Strings for a pattern of plain characters and classes with counts; nothing for groups and alternatives."""
    body = pattern.removeprefix("^").removesuffix("$")
    pieces = list(PIECE.finditer(body))
    if "".join(piece.group(0) for piece in pieces) != body:
        return
    for extra in (0, number, 1, 2, 3, 5, 8, 13, 20, 31):
        text = ""
        for piece in pieces:
            room = piece[2] in ("*", "+") or "," in (piece[2] or "")
            count = int(piece[3]) if piece[3] else int(piece[2] not in ("*", "?"))
            text += _character(piece[1], number) * (max(count, count + least - len(body)) + extra if room else count)
        yield text


def _character(piece: str, number: int) -> str:
    """A character of a class: a digit or letter where it has one, so that ids stay readable."""
    if len(piece) == 1:
        return "a" if piece == "." else piece
    start = number % 10
    likely = "0123456789"[start:] + "0123456789"[:start] + "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ -_./"
    return next((one for one in ("a", *likely) if re.fullmatch(piece, one)), piece[-1])
