"""JSON schemas of an OpenAPI 3.1 document as words, tables and examples."""

from collections.abc import Iterable, Mapping
from typing import Any

Schema = Mapping[str, Any]
_PREFIX = "#/components/schemas/"
_LIMITS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "more than {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "less than {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
    "pattern": "matches `{}`",
}
_DEPTH = 6


def name_of(schema: Schema) -> str | None:
    """The name of the schema that `schema` refers to, if it is a reference."""
    ref = str(schema.get("$ref", ""))
    return ref.removeprefix(_PREFIX) if ref.startswith(_PREFIX) else None


def resolved(schema: Schema, openapi: Mapping[str, Any]) -> Schema:
    """The schema itself, or the one that it refers to; an unknown reference is an empty schema."""
    name = name_of(schema)
    found: Schema = schemas(openapi).get(name, {}) if name else schema
    return found


def schemas(openapi: Mapping[str, Any]) -> Mapping[str, Schema]:
    found: Mapping[str, Schema] = openapi.get("components", {}).get("schemas", {})
    return found


def cell(text: object) -> str:
    """`text` for a cell of a Markdown table."""
    line = " ".join(str(text).split())
    return line.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")


def slug(heading: str) -> str:
    """The anchor that GitHub gives a heading; the page gives the same."""
    kept = (c for c in heading.lower() if c.isalnum() or c in "-_ ")
    return "".join(kept).replace(" ", "-")


def type_of(schema: Schema) -> str:
    """The type in words, a reference as a link to its section."""
    if name := name_of(schema):
        return f"[{name}](#{slug(f'Schema {name}')})"
    if options := schema.get("anyOf") or schema.get("oneOf"):
        return " or ".join(dict.fromkeys(type_of(option) for option in options))
    if len(schema.get("allOf", [])) == 1:
        return type_of(schema["allOf"][0])
    if "enum" in schema or "const" in schema:
        return " or ".join(f"`{value}`" for value in schema.get("enum", [schema.get("const")]))
    return _plain(schema)


def _plain(schema: Schema) -> str:
    kind = schema.get("type", "any")
    if isinstance(kind, list):
        return " or ".join(kind)
    if kind == "array":
        return f"list of {type_of(schema.get('items', {}))}"
    if kind == "object" and isinstance(values := schema.get("additionalProperties"), Mapping):
        return f"object of {type_of(values)}"
    if schema.get("format") == "binary" or schema.get("contentMediaType"):
        return "file"
    return f"{kind} ({schema['format']})" if "format" in schema else str(kind)


def remark(schema: Schema, description: str = "") -> str:
    """Description, limits and default in a few sentences."""
    branches = [schema, *(one for one in schema.get("anyOf", []) if isinstance(one, Mapping))]
    limits = [limit.format(one[key]) for one in branches for key, limit in _LIMITS.items() if key in one]
    said = (description or str(schema.get("description", ""))).strip()
    parts = [f"{said}." if said and said[-1] not in ".!?:" else said]
    if limits:
        words = ", ".join(limits)
        parts.append(f"{words[0].upper()}{words[1:]}.")
    if schema.get("default") not in (None, "", [], {}):
        parts.append(f"Default `{schema['default']}`.")
    return " ".join(part for part in parts if part)


def fields_table(schema: Schema) -> str:
    """The fields of an object as a Markdown table; empty for one without fields."""
    properties: Mapping[str, Schema] = schema.get("properties", {})
    required = schema.get("required", [])
    rows = [
        (f"`{name}`", type_of(field), "yes" if name in required else "", remark(field))
        for name, field in properties.items()
    ]
    return table(("Field", "Type", "Required", "Description"), rows) if rows else ""


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    names = list(head)
    lines = [names, ["---"] * len(names), *([cell(value) for value in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def example_of(schema: Schema, openapi: Mapping[str, Any], *, all_fields: bool = True, depth: int = 0) -> Any:
    """A value that fits `schema`: its example where it has one, else one made up from its types. With
    `all_fields` false, an object has only the fields it must have, if there are any."""
    schema = resolved(schema, openapi)
    given = [schema["example"]] if "example" in schema else list(schema.get("examples", []))
    given += [schema[key] for key in ("const", "default") if schema.get(key) is not None]
    given += list(schema.get("enum", []))
    if given:
        return given[0]
    options = [one for key in ("anyOf", "oneOf", "allOf") for one in schema.get(key, []) if one.get("type") != "null"]
    if options:
        return example_of(options[0], openapi, all_fields=all_fields, depth=depth + 1)
    return _made_up(schema, openapi, all_fields, depth)


def _made_up(schema: Schema, openapi: Mapping[str, Any], all_fields: bool, depth: int) -> Any:
    kind = schema.get("type", "object" if "properties" in schema else "")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        return _object(schema, openapi, all_fields, depth)
    if kind == "array":
        deeper = depth < _DEPTH and "items" in schema
        return [example_of(schema["items"], openapi, all_fields=all_fields, depth=depth + 1)] if deeper else []
    if kind in ("integer", "number"):
        return schema.get("minimum", 1)
    formats = {"date-time": "2026-01-31T09:30:00Z", "date": "2026-01-31", "uri": "https://example.org"}
    return {"boolean": False, "null": None, "": {}}.get(kind, formats.get(schema.get("format", ""), "string"))


def _object(schema: Schema, openapi: Mapping[str, Any], all_fields: bool, depth: int) -> dict[str, Any]:
    if depth >= _DEPTH:
        return {}
    properties: Mapping[str, Schema] = schema.get("properties", {})
    wanted = list(properties) if all_fields else schema.get("required") or list(properties)
    return {
        name: example_of(properties[name], openapi, all_fields=all_fields, depth=depth + 1)
        for name in wanted
        if name in properties
    }
