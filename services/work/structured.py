"""Structured replies: read tolerantly, checked against the schema, asked again with the exact fault.

Each re-ask is a new recorded call. At most two; then StructuredFailure, and the caller falls back and says so.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from json_repair import repair_json
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError as JsonSchemaError

from domain.errors import DomainError
from domain.ports.llm import Reply, Request
from services.running.calls import Calls

T = TypeVar("T")
REASKS = 2
MAX_QUOTED = 2_000
COUNTS = {
    "maxItems": "items, at most {} are allowed",
    "minItems": "items, at least {} are needed",
    "maxLength": "characters, at most {} are allowed",
    "minLength": "characters, at least {} are needed",
}


class StructuredFailure(DomainError):
    """The model did not give what was asked, after all tries. `str` is the last fault."""


async def ask(
    calls: Calls, request: Request, build: Callable[[Any], T], *, agent: str, purpose: str
) -> tuple[T, Reply]:
    """What `build` makes of the reply. `build` may raise DomainError or ValueError with a fault worth telling."""
    assert request.schema is not None
    fault = ""
    for _ in range(1 + REASKS):
        reply = await calls.complete(request, agent=agent, purpose=purpose)
        try:
            return build(read(reply.text, request.schema)), reply
        except (DomainError, ValueError) as error:
            fault = str(error)
        request = replace(
            request,
            earlier=(
                ("assistant", reply.text[:MAX_QUOTED] or "(nothing)"),
                ("user", f"That cannot be used: {fault} Answer again with the corrected JSON and nothing else."),
            ),
        )
    raise StructuredFailure(fault)


def read(text: str, schema: Mapping[str, Any]) -> Any:
    """The JSON value in `text` that fits `schema`. Raises ValueError with path and message of the first fault."""
    fault = "There is no JSON in the reply."
    for candidate in _candidates(text):
        value = _parsed(candidate)
        if value is None or value == "":
            continue
        value = _unwrapped(value, schema)
        error = next(iter(Draft202012Validator(schema).iter_errors(value)), None)
        if error is None:
            return value
        fault = f"At {error.json_path}: {_told(error)}."
    raise ValueError(fault)


def _told(error: JsonSchemaError) -> str:
    """The fault without the value, which may be long."""
    instance: Any = error.instance
    if error.validator in COUNTS:
        return f"it has {len(instance)} {COUNTS[str(error.validator)].format(error.validator_value)}"
    return error.message[:300]


def _candidates(text: str) -> list[str]:
    text = re.sub(r"<think>.*?(</think>|$)", "", text, flags=re.DOTALL).strip()
    fenced = re.findall(r"```(?:json)?\s*\n(.*?)(?:```|$)", text, re.DOTALL)
    start = min((i for i in (text.find("{"), text.find("[")) if i >= 0), default=-1)
    rest = [text[start:]] if start >= 0 else []
    return [text, *fenced, *rest] if start == 0 else [*fenced, *rest]


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("It is nested too deeply.") from None
    except ValueError:
        return repair_json(text, return_objects=True)


def _unwrapped(value: Any, schema: Mapping[str, Any]) -> Any:
    """`[{…}]` where an object is wanted, `{"tasks": [...]}` where the list is meant, and the like."""
    if schema.get("type") == "object" and isinstance(value, list) and len(value) == 1:
        return value[0]
    properties = list(schema.get("properties", {}))
    if schema.get("type") == "object" and isinstance(value, list) and len(properties) == 1:
        return {properties[0]: value}
    return value
