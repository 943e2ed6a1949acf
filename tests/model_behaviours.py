"""What a model server of the tests does with a chat request, and the smallest answer to a JSON Schema."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Says:
    """A proper reply. `pause` in seconds goes before each piece; `tools` are (name, arguments) pairs."""

    text: str = ""
    thinking: str = ""
    finish: str = "stop"
    pause: float = 0.0
    tools: tuple[tuple[str, Json], ...] = ()
    input_tokens: int = 7
    output_tokens: int = 5
    piece: int = 8


@dataclass(frozen=True, kw_only=True)
class Fails:
    status: int
    message: str = "refused by the script"
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Raw:
    """A body as it stands, such as an error page of a proxy."""

    body: bytes = b"<!doctype html><html><body>Gateway</body></html>"
    content_type: str = "text/html"
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Drops:
    """Begins a reply and closes the connection in the middle."""

    text: str = "Half a rep"


@dataclass(frozen=True)
class Hangs:
    """Takes the request and never answers."""


@dataclass(frozen=True)
class Endless:
    """Goes on for ever; `pause` in seconds between pieces."""

    piece: str = "and so on "
    pause: float = 0.0


Behaviour = str | Says | Fails | Raw | Drops | Hangs | Endless
Script = Callable[[Json], Behaviour]


def schema_of(body: Json) -> Json | None:
    """The JSON Schema that a chat request of either protocol carries."""
    native = body.get("format")
    if isinstance(native, dict):
        return native
    wanted = body.get("response_format") or {}
    found = (wanted.get("json_schema") or {}).get("schema")
    return found if isinstance(found, dict) else None


def smallest(schema: Json, root: Json | None = None) -> Any:
    """A small instance of `schema`; knows local references, not patterns and formats."""
    root = schema if root is None else root
    if "$ref" in schema:
        target: Any = root
        for step in schema["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        return smallest(target, root)
    for key in ("const", "default"):
        if key in schema:
            return schema[key]
    if "enum" in schema:
        return schema["enum"][0]
    for key in ("anyOf", "oneOf", "allOf"):
        if key in schema:
            return smallest(schema[key][0], root)
    return _typed(schema, root)


def _typed(schema: Json, root: Json) -> Any:
    kind = schema.get("type", "object")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        properties = schema.get("properties", {})
        names: list[str] = schema.get("required", list(properties))
        return {name: smallest(properties.get(name, {}), root) for name in names}
    if kind == "array":
        return [smallest(schema.get("items", {}), root) for _ in range(schema.get("minItems", 0))]
    if kind == "string":
        return "sample".ljust(schema.get("minLength", 0), ".")[: schema.get("maxLength", 1_000)]
    if kind in ("integer", "number"):
        return schema.get("minimum", schema.get("exclusiveMinimum", -1) + 1)
    return False if kind == "boolean" else None


def default_script(body: Json) -> Behaviour:
    schema = schema_of(body)
    if schema is not None:
        return json.dumps(smallest(schema))
    return "# Note\n\nA short answer in Markdown."
