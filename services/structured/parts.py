"""Big schemas in parts: the fields of an object in groups that a small model manages, one group a question.

Neighbours go together, up to so many fields, those within lists and objects counted,
and their text is expected to be no longer than there is room. What is nested deeply goes alone.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Schema = Mapping[str, Any]
LEVELS = 3
"""A field with more levels of objects and lists in it goes alone."""
CHARS_PER_TOKEN = 3
USUAL_CHARS, USUAL_ITEMS = 240, 5
"""What a text and a list are expected to hold where their schema allows more."""
MORE = {"$ref", "allOf", "anyOf", "dependentSchemas", "oneOf", "patternProperties"}
"""What may say more of the fields than stands there."""


@dataclass(frozen=True)
class Load:
    """What a part of a schema asks for: fields, levels below it, tokens that are expected."""

    fields: int = 1
    levels: int = 0
    tokens: int = 3

    @staticmethod
    def all(loads: Sequence["Load"]) -> "Load":
        return Load(
            fields=sum(load.fields for load in loads),
            levels=max((load.levels for load in loads), default=0),
            tokens=sum(load.tokens for load in loads),
        )


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What is asked for at once: fields, and tokens of the reply."""

    fields: int
    tokens: int


@dataclass
class _Group:
    names: list[str] = field(default_factory=list)
    loads: list[Load] = field(default_factory=list)

    def takes(self, load: Load, limits: Limits) -> bool:
        whole = Load.all([*self.loads, load])
        return whole.fields <= limits.fields and whole.tokens <= limits.tokens and whole.levels <= LEVELS


def parts(schema: Schema, limits: Limits) -> tuple[dict[str, Any], ...]:
    """`schema` alone where it is within `limits` or cannot be told apart; else a schema for each group of its fields,
    in their order. What fits all of these need not fit `schema`: rules between fields are left to the whole."""
    properties = schema.get("properties")
    if schema.get("type") != "object" or not isinstance(properties, Mapping) or schema.keys() & MORE:
        return (dict(schema),)
    groups = [_Group()]
    for name, part in properties.items():
        load = load_of(part, schema)
        if groups[-1].names and not groups[-1].takes(load, limits):
            groups.append(_Group())
        groups[-1].names.append(name)
        groups[-1].loads.append(load)
    if len(groups) == 1:
        return (dict(schema),)
    return tuple(_part(schema, group.names) for group in groups)


def load_of(schema: Any, root: Schema, depth: int = 0) -> Load:
    """Of the value that `schema` asks for, which is a part of `root`."""
    if not isinstance(schema, Mapping) or depth > 2 * LEVELS:
        return Load()
    if isinstance(reference := schema.get("$ref"), str):
        return load_of(_at(reference, root), root, depth + 1)
    for branches in (schema.get("anyOf"), schema.get("oneOf")):
        if isinstance(branches, list):
            loads = [load_of(branch, root, depth + 1) for branch in branches]
            return max(loads, key=lambda load: (load.fields, load.tokens), default=Load())
    if isinstance(properties := schema.get("properties"), Mapping):
        inner = Load.all([load_of(part, root, depth + 1) for part in properties.values()])
        return Load(max(1, inner.fields), inner.levels + 1, inner.tokens + 4 * len(properties))
    if "items" in schema:
        each = load_of(schema["items"], root, depth + 1)
        usual = max(int(schema.get("minItems", 0)), USUAL_ITEMS)
        return Load(each.fields, each.levels + 1, each.tokens * min(usual, int(schema.get("maxItems", usual))))
    return Load(tokens=_text(schema))


def _text(schema: Schema) -> int:
    if "enum" in schema or "const" in schema:
        options = schema.get("enum") or [schema.get("const")]
        return max(len(json.dumps(option)) for option in options) // CHARS_PER_TOKEN + 1
    if schema.get("type") != "string":
        return Load.tokens
    usual = max(int(schema.get("minLength", 0)), USUAL_CHARS)
    return min(usual, int(schema.get("maxLength", usual))) // CHARS_PER_TOKEN + 1


def _at(reference: str, root: Schema) -> Any:
    found: Any = root
    for step in reference.removeprefix("#").split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _part(schema: Schema, names: Sequence[str]) -> dict[str, Any]:
    properties = {name: schema["properties"][name] for name in names}
    part = {
        "type": "object",
        "properties": properties,
        "required": [name for name in schema.get("required", ()) if name in properties],
        "additionalProperties": False,
    }
    if '"$ref"' in json.dumps(properties):
        part |= {key: schema[key] for key in ("$defs", "definitions") if key in schema}
    return part
