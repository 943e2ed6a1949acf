"""The REST reference, made from the OpenAPI document: Markdown for the repository, a page for the browser.

Run as a module it prints the Markdown.
"""

import json
from collections.abc import Mapping
from typing import Any

from infrastructure.rest.reference_operation import (
    OpenAPI,
    Operation,
    by_tag,
    content_of,
    curl,
    example_in,
    title_of,
)
from infrastructure.rest.reference_schema import fields_table, remark, resolved, schemas, slug, table, type_of


def reference(openapi: OpenAPI) -> str:
    """The whole reference as Markdown."""
    return _document(openapi, _contents(openapi))


def page(openapi: OpenAPI) -> str:
    """The same as a self-contained HTML page with side navigation."""
    from infrastructure.rest.reference_page import html

    title = str(openapi.get("info", {}).get("title", "API"))
    return html(title, _document(openapi), _navigation(openapi))


def _document(openapi: OpenAPI, contents: str = "") -> str:
    info = openapi.get("info", {})
    parts = [f"# {info.get('title', 'API')} REST reference", _made(info), str(info.get("description", "")).strip()]
    parts.append(contents)
    for tag, described, found in by_tag(openapi):
        parts += [f"## {title_of(tag)}", described, *(_operation(one, openapi) for one in found)]
    parts += _schemas(openapi)
    return "\n\n".join(part for part in parts if part) + "\n"


def _navigation(openapi: OpenAPI) -> list[tuple[str, list[tuple[str, str, str]]]]:
    """(heading, its entries); an entry is (method, label, anchor), a schema has no method."""
    groups = [
        (title_of(tag), [(one.method, one.summary, slug(one.heading)) for one in found])
        for tag, _, found in by_tag(openapi)
    ]
    named = [("", name, slug(f"Schema {name}")) for name in schemas(openapi)]
    return [*groups, ("Schemas", named)] if named else groups


def _made(info: Mapping[str, Any]) -> str:
    return f"Version {info.get('version', '0')}. Made from the OpenAPI document; do not edit."


def _contents(openapi: OpenAPI) -> str:
    lines = []
    for tag, _, found in by_tag(openapi):
        lines.append(f"- [{title_of(tag)}](#{slug(title_of(tag))})")
        lines += [f"  - [`{one.heading}`](#{slug(one.heading)}) {one.summary}" for one in found]
    return "\n".join(lines)


def _operation(one: Operation, openapi: OpenAPI) -> str:
    summary = f"**{one.summary.rstrip('.')}.**" if "summary" in one.spec else ""
    parts = [f"### `{one.method.upper()}` `{one.path}`", summary, str(one.spec.get("description", "")).strip()]
    parts += [_parameters(one), *_body(one, openapi), _fenced("bash", curl(one, openapi)), *_responses(one, openapi)]
    return "\n\n".join(part for part in parts if part)


def _parameters(one: Operation) -> str:
    rows = [
        (
            f"`{item['name']}`",
            item["in"],
            type_of(item.get("schema", {})),
            "yes" if item.get("required") else "",
            remark(item.get("schema", {}), item.get("description", "")),
        )
        for item in one.parameters
    ]
    return table(("Parameter", "In", "Type", "Required", "Description"), rows) if rows else ""


def _body(one: Operation, openapi: OpenAPI) -> list[str]:
    body = one.spec.get("requestBody", {})
    found = content_of(body)
    if found is None:
        return []
    media, said = found
    schema = said.get("schema", {})
    also = ", ".join(f"`{name}`" for name in body["content"] if name != media)
    must = "required" if body.get("required") else "optional"
    parts = [f"Request body, `{media}`{f' (or {also})' if also else ''}, {must}: {type_of(schema)}"]
    parts.append(fields_table(resolved(schema, openapi)))
    if "json" in media:
        parts.append(_fenced("json", _json(example_in(said, openapi, all_fields=False))))
    return parts


def _responses(one: Operation, openapi: OpenAPI) -> list[str]:
    responses: Mapping[str, Mapping[str, Any]] = one.spec.get("responses", {})
    rows: list[tuple[str, ...]] = []
    examples: list[str] = []
    for status, said in responses.items():
        found = content_of(said)
        kind = f"{type_of(found[1].get('schema', {}))} (`{found[0]}`)" if found else ""
        rows.append((f"`{status}`", str(said.get("description", "")), kind))
        examples += _response_example(status, found, openapi)
    return [table(("Status", "Meaning", "Body"), rows) if rows else "", *examples]


def _response_example(status: str, found: tuple[str, Mapping[str, Any]] | None, openapi: OpenAPI) -> tuple[str, ...]:
    """An example for what went well, and for an error where the document gives one."""
    if found is None or "json" not in found[0]:
        return ()
    given = {"example", "examples"} & set(found[1])
    if not status.startswith("2") and not given:
        return ()
    return (f"`{status}` answers, for example:", _fenced("json", _json(example_in(found[1], openapi, all_fields=True))))


def _schemas(openapi: OpenAPI) -> list[str]:
    parts = ["## Schemas"] if schemas(openapi) else []
    for name, schema in schemas(openapi).items():
        fields = fields_table(schema) or f"Type: {type_of(schema)}"
        parts += [f"### Schema {name}", str(schema.get("description", "")).strip(), fields]
    return parts


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _fenced(language: str, text: str) -> str:
    fence = "`" * 4 if "```" in text else "```"
    return f"{fence}{language}\n{text}\n{fence}"
