"""A value made to fit its schema where there is only one way to mean it; each change is recorded with its JSON path.

What fits is left as it is. What does not and cannot be changed is left too: the check afterwards names it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from services.structured.faults import MAX_DEPTH, Checker, Path, Unparsable, Unreadable, json_path
from services.structured.mending import strict
from services.structured.scalars import chosen, folded, is_a, scalar
from services.structured.tolerant import Guess, tolerant

Schema = Mapping[str, Any]
WRAPPERS = {"arguments", "parameters", "properties", "input", "output", "result", "response", "answer", "data", "json"}
SINGLE_WORDS = re.compile(r"\s*[^\s,;\"'\[\]{}]{1,60}\s*(?:,\s*[^\s,;\"'\[\]{}]{1,60}\s*)+")
NAME = re.compile(r"[\w .-]{1,60}")
SEPARATED = re.compile(r"[,;\n]")
LISTED = "put into a list"
MAX_STEPS, MAX_TRIALS = 16, 3


@dataclass(frozen=True)
class Coercion:
    path: str
    what: str


@dataclass
class Coercer:
    """Of one value. Where quotes or brackets had to be guessed, a member that the schema does not name may be a piece
    of its neighbour, or belong elsewhere: then it is `unclear`, and so is all in an object without names where it was
    brackets."""

    checker: Checker
    guessed: Guess = ""
    done: list[Coercion] = field(default_factory=list)
    unclear: Unreadable | None = None
    trials: int = 0

    def coerced(self, value: Any, schema: Any, path: Path = ()) -> Any:
        schema = self._resolved(schema)
        if not schema or len(path) > MAX_DEPTH:
            return value
        if branches := schema.get("anyOf") or schema.get("oneOf"):
            return self._one_of(value, branches, path)
        if "enum" in schema or "const" in schema:
            value = self._chosen(value, schema, path)
        kinds = self._kinds(schema)
        if kinds and not any(is_a(value, kind) for kind in kinds):
            value = self._retyped(value, kinds, schema, path)
        if isinstance(value, dict):
            return self._object(value, schema, path)
        if isinstance(value, list):
            return [self.coerced(item, schema.get("items"), (*path, n)) for n, item in enumerate(value)]
        return value

    def _note(self, path: Path, what: str) -> None:
        self.done.append(Coercion(json_path(path), what))

    def _resolved(self, schema: Any) -> Schema:
        for _ in range(MAX_STEPS):
            if not isinstance(schema, Mapping):
                return {}
            if isinstance(reference := schema.get("$ref"), str) and reference.startswith("#/"):
                schema = self._at(reference)
            elif isinstance(parts := schema.get("allOf"), list) and len(parts) == 1 and "properties" not in schema:
                schema = parts[0]
            else:
                return schema
        return {}

    def _at(self, reference: str) -> Any:
        found: Any = self.checker.schema
        for step in reference[2:].split("/"):
            name = step.replace("~1", "/").replace("~0", "~")
            found = found.get(name) if isinstance(found, Mapping) else None
        return found

    def _kinds(self, schema: Schema) -> list[str]:
        kinds = schema.get("type", [])
        return [kinds] if isinstance(kinds, str) else list(kinds)

    def _one_of(self, value: Any, branches: list[Any], path: Path) -> Any:
        """As it is where it fits, else as the only branch has it that it can be made to fit."""
        if self.trials == MAX_TRIALS or any(self.checker.fits(value, branch) for branch in branches):
            return value
        fitting: list[tuple[Any, list[Coercion]]] = []
        for branch in branches:
            tried, done = self._tried(value, branch, path)
            if self.checker.fits(tried, branch) and not any(same(tried, other) for other, _ in fitting):
                fitting.append((tried, done))
        if len(fitting) != 1:
            return value
        self.done += fitting[0][1]
        return fitting[0][0]

    def _tried(self, value: Any, schema: Any, path: Path) -> tuple[Any, list[Coercion]]:
        """As `schema` would have it; as it is where that would be unclear."""
        trial = Coercer(self.checker, self.guessed, trials=self.trials + 1)
        tried = trial.coerced(value, schema, path)
        return (tried, trial.done) if trial.unclear is None else (value, [])

    def _chosen(self, value: Any, schema: Schema, path: Path) -> Any:
        options = schema["enum"] if "enum" in schema else [schema["const"]]
        if value in options or (found := chosen(value, options)) is None:
            return value
        self._note(path, found[1])
        return found[0]

    def _retyped(self, value: Any, kinds: list[str], schema: Schema, path: Path) -> Any:
        """To the first of `kinds` that it can only mean; null comes last."""
        for kind in sorted(kinds, key=lambda kind: kind == "null"):
            found = (
                self._listed(value, schema, path)
                if kind == "array"
                else self._unwrapped(value, schema, path)
                if kind == "object"
                else scalar(value, kind)
            )
            if found is not None:
                self._note(path, found[1])
                return found[0]
        return value

    def _listed(self, value: Any, schema: Schema, path: Path) -> tuple[Any, str] | None:
        items = self._resolved(schema.get("items"))
        if isinstance(value, str):
            return _inner(value, list) or self._split(value, items)
        if value is None or self.trials == MAX_TRIALS:
            return None
        if self.checker.fits(self._tried(value, items, path)[0], items):
            return [value], LISTED
        if isinstance(value, dict) and len(value) == 1:
            (inner,) = value.values()
            return (inner, "taken out of an object") if isinstance(inner, list) else None
        return None

    def _split(self, value: str, items: Schema) -> tuple[Any, str] | None:
        if SINGLE_WORDS.fullmatch(value):
            return [part.strip() for part in value.split(",")], "string to list"
        if value.strip() and not SEPARATED.search(value) and "string" in self._kinds(items):
            return [value], LISTED
        return None

    def _unwrapped(self, value: Any, schema: Schema, path: Path) -> tuple[Any, str] | None:
        if isinstance(value, str):
            return _inner(value, dict)
        if not isinstance(value, list):
            return None
        if len(value) == 1 and isinstance(value[0], dict) and not (self.guessed and path):
            return value[0], "taken out of a list"
        properties = schema.get("properties", {})
        if len(properties) == 1 and "array" in self._kinds(self._resolved(next(iter(properties.values())))):
            return {next(iter(properties)): value}, "list put into the only field"
        return None

    def _object(self, value: dict[str, Any], schema: Schema, path: Path) -> dict[str, Any]:
        properties: Schema = schema.get("properties", {})
        value = self._renamed(self._without_wrapper(value, properties, path), properties, path)
        found: dict[str, Any] = {}
        for key, item in value.items():
            if key in properties:
                made = self.coerced(item, properties[key], (*path, key))
                if made is None and item is None and self._left_out(key, schema):
                    self._note((*path, key), "null for a field that may be left out")
                else:
                    found[key] = made
            elif self.guessed == "brackets" or (self.guessed and properties):
                self.unclear = self.unclear or Unreadable(
                    "it is not clear that this belongs here", json_path((*path, key))
                )
            elif (
                schema.get("additionalProperties") is not False
                or "patternProperties" in schema
                or not NAME.fullmatch(key)
            ):
                found[key] = self.coerced(item, schema.get("additionalProperties"), (*path, key))
            else:
                self._note((*path, key), "a field that the schema does not have")
        return found

    def _left_out(self, key: str, schema: Schema) -> bool:
        return key not in schema.get("required", ()) and not self.checker.fits(None, schema["properties"][key])

    def _without_wrapper(self, value: dict[str, Any], properties: Schema, path: Path) -> dict[str, Any]:
        """`{"task": {…}}`, `{"name": …, "arguments": {…}}`, where no key is one of the schema's."""
        known = {folded(name) for name in properties}
        if not known or any(folded(key) in known for key in value):
            return value
        inner = [(key, item) for key, item in value.items() if isinstance(item, dict)]
        if len(inner) != 1 or (len(value) > 1 and inner[0][0].lower() not in WRAPPERS):
            return value
        if not any(folded(key) in known for key in inner[0][1]):
            return value
        self._note((*path, inner[0][0]), "taken out of an object")
        return inner[0][1]

    def _renamed(self, value: dict[str, Any], properties: Schema, path: Path) -> dict[str, Any]:
        names = {key: self._name(key, value, properties) for key in value}
        if len(set(names.values())) < len(names):
            return value
        for key, name in names.items():
            if key != name:
                self._note((*path, key), f"key written as {name}")
        return {names[key]: item for key, item in value.items()}

    def _name(self, key: str, value: dict[str, Any], properties: Schema) -> str:
        if key in properties:
            return key
        meant = [name for name in properties if folded(name) == folded(key) and name not in value]
        return meant[0] if len(meant) == 1 else key


def same(one: Any, other: Any) -> bool:
    """Equal as JSON: unlike in Python, true is not 1."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(item, other[key]) for key, item in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def _inner(text: str, kind: type) -> tuple[Any, str] | None:
    """JSON that was written into a string."""
    text = text.strip()
    if not text.startswith("{" if kind is dict else "["):
        return None
    try:
        value = strict(text)
    except Unparsable:
        try:
            read = tolerant(text)
        except Unparsable:
            return None
        if read.unfinished is not None or read.guessed:
            return None
        value = read.value
    return (value, "JSON out of a string") if isinstance(value, kind) else None
