"""The operations of an OpenAPI 3.1 document, and each as a command that can be copied."""

import json
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from infrastructure.rest.reference_schema import Schema, example_of, resolved, type_of

BASE = "http://127.0.0.1:8470"
METHODS = ("get", "post", "put", "patch", "delete", "head", "options")
OpenAPI = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One method on one path; `spec` is what the document says of it."""

    method: str
    path: str
    tag: str
    spec: Mapping[str, Any]
    parameters: tuple[Mapping[str, Any], ...]

    @property
    def heading(self) -> str:
        return f"{self.method.upper()} {self.path}"

    @property
    def summary(self) -> str:
        return str(self.spec.get("summary") or self.heading)


def by_tag(openapi: OpenAPI) -> Iterator[tuple[str, str, tuple[Operation, ...]]]:
    """(tag, its description, its operations), in the document's order; tags without operations are left out."""
    described = {tag["name"]: str(tag.get("description", "")) for tag in openapi.get("tags", [])}
    found = tuple(operations(openapi))
    for tag in dict.fromkeys([*described, *(one.tag for one in found)]):
        of_tag = tuple(one for one in found if one.tag == tag)
        if of_tag:
            yield tag, described.get(tag, ""), of_tag


def operations(openapi: OpenAPI) -> Iterator[Operation]:
    for path, item in openapi.get("paths", {}).items():
        for method in METHODS:
            if method in item:
                spec = item[method]
                parameters = (*item.get("parameters", []), *spec.get("parameters", []))
                tag = (spec.get("tags") or ["other"])[0]
                yield Operation(method=method, path=path, tag=tag, spec=spec, parameters=parameters)


def title_of(tag: str) -> str:
    return tag[:1].upper() + tag[1:]


def content_of(holder: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]] | None:
    """The first media type of a body or response, JSON before others, and what is said of it."""
    content: Mapping[str, Mapping[str, Any]] = holder.get("content", {})
    media = next((name for name in content if "json" in name), next(iter(content), None))
    return (media, content[media]) if media else None


def example_in(said: Mapping[str, Any], openapi: OpenAPI, *, all_fields: bool) -> Any:
    """The example given beside the schema, or one made from the schema."""
    if "example" in said:
        return said["example"]
    for given in said.get("examples", {}).values():
        return given.get("value")
    return example_of(said.get("schema", {}), openapi, all_fields=all_fields)


def curl(one: Operation, openapi: OpenAPI) -> str:
    """The operation as a command that can be copied; names in capitals are to be filled in."""
    opened = one.spec.get("security") == []
    parts = ["curl" if one.method == "get" else f"curl -X {one.method.upper()}", shlex.quote(_url(one))]
    lines = [" ".join(parts)]
    if not opened:
        lines.append('-H "Authorization: Bearer $CASEWORKS_TOKEN"')
    required = [item for item in one.parameters if item["in"] == "header" and item.get("required")]
    lines += ["-H " + shlex.quote(f"{item['name']}: {_value(item)}") for item in required]
    return " \\\n  ".join([*lines, *_sent(one, openapi)])


def _url(one: Operation) -> str:
    path = one.path
    for item in one.parameters:
        if item["in"] == "path":
            path = path.replace(f"{{{item['name']}}}", _value(item))
    required = [item for item in one.parameters if item["in"] == "query" and item.get("required")]
    queries = [f"{item['name']}={_value(item)}" for item in required]
    return f"{BASE}{path}{'?' + '&'.join(queries) if queries else ''}"


def _value(item: Mapping[str, Any]) -> str:
    """The parameter's example, or its name in capitals."""
    schema = item.get("schema", {})
    given = [item.get("example"), schema.get("example"), *schema.get("examples", []), schema.get("default")]
    return str(next((value for value in given if value is not None), str(item["name"]).upper()))


def _sent(one: Operation, openapi: OpenAPI) -> list[str]:
    found = content_of(one.spec.get("requestBody", {}))
    if found is None:
        return []
    media, said = found
    if media == "multipart/form-data":
        return _form(resolved(said.get("schema", {}), openapi))
    body = example_in(said, openapi, all_fields=False)
    data = json.dumps(body, ensure_ascii=False) if "json" in media else "@FILE"
    return [f'-H "Content-Type: {media}"', f"-d {shlex.quote(data)}"]


def _form(schema: Schema) -> list[str]:
    wanted = schema.get("required") or list(schema.get("properties", {}))
    fields = {name: type_of(schema.get("properties", {}).get(name, {})) for name in wanted}
    return [f"-F {name}={'@FILE' if 'file' in kind else name.upper()}" for name, kind in fields.items()]
