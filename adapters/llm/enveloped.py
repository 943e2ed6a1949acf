"""Tools for models that know none: what is wanted comes as one JSON value, and is given back as a call of a tool.

The value is `{"name": …, "arguments": {…}}` or `{"final_answer": …}`. A backend that decodes by a schema can then write
nothing else; of the others the ladder reads what they write.
"""

import json
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from typing import Any

from pydantic import JsonValue

from adapters.llm.streams import opened
from domain.ports.llm import LLM, Delta, ModelInfo, ModelUnavailable, Reply, Request, ToolCall
from services.ports.structured import Understand, Understood

NAME, ARGUMENTS, FINAL = "name", "arguments", "final_answer"
PLAIN = "taken as the answer: it was plain text"
MUST = "Use one of these tools:\n{tools}\nAnswer with its name and arguments: "
MAY = "You may use one tool at a time:\n{tools}\nTo use one, answer with its name and arguments: "
CALL = '{"name": …, "arguments": {…}}.'
ELSE = ' When you need none, or none any more, give your answer: {"final_answer": …}.'

Schema = dict[str, JsonValue]


class EnvelopedLLM(LLM):
    """Asks `inner` without tools where `enveloped` says so of an alias; replies are as those of a model with tools,
    one call in each at most. Arguments fit the tool's parameters. Raises ModelUnavailable for a call that cannot be
    read. A stream comes in one piece, when it is known what it is."""

    def __init__(self, inner: LLM, enveloped: Callable[[str], bool], understand: Understand) -> None:
        self._inner, self._enveloped, self._understand = inner, enveloped, understand

    async def complete(self, request: Request) -> Reply:
        if not self._wraps(request):
            return await self._inner.complete(request)
        asked = _asked(request)
        return self._opened(request, asked, await self._inner.complete(asked))

    async def stream(self, request: Request) -> AsyncIterator[Delta | Reply]:
        wraps = self._wraps(request)
        asked = _asked(request) if wraps else request
        async with opened(self._inner, asked) as pieces:
            async for piece in pieces:
                if not wraps:
                    yield piece
                elif isinstance(piece, Reply):
                    reply = self._opened(request, asked, piece)
                    if reply.text:
                        yield Delta(text=reply.text)
                    yield reply

    def describe(self, alias: str) -> ModelInfo:
        return self._inner.describe(alias)

    async def check(self, alias: str) -> None:
        await self._inner.check(alias)

    def _wraps(self, request: Request) -> bool:
        return bool(request.tools) and self._enveloped(request.alias)

    def _opened(self, request: Request, asked: Request, reply: Reply) -> Reply:
        assert asked.schema is not None
        try:
            found = self._understand(reply.text, asked.schema, cut=reply.finish == "length")
        except ValueError as fault:
            if reply.finish == "length":
                return replace(reply, text="")
            if not request.must_call and not set("{[") & set(reply.text):
                return replace(reply, rung="mended", repairs=(PLAIN,))
            raise self._unreadable(request.alias, fault) from None
        return _given(replace(reply, rung=found.rung, repairs=found.repairs), found, request)

    def _unreadable(self, alias: str, fault: ValueError) -> ModelUnavailable:
        info = self._inner.describe(alias)
        error = ModelUnavailable(
            f"The model '{info.model}' (alias '{alias}') asked for a tool in a way that cannot be read: {fault} "
            "Try again or use another model."
        )
        error.retryable = not info.priced
        return error


def _given(reply: Reply, found: Understood, request: Request) -> Reply:
    if FINAL in found.value:
        answer = found.value[FINAL]
        return replace(reply, text=answer if request.schema is None else json.dumps(answer, ensure_ascii=False))
    call = ToolCall(id="call_0", name=found.value[NAME], arguments=found.value[ARGUMENTS])
    return replace(reply, text="", finish="tools", tool_calls=(call,))


def _asked(request: Request) -> Request:
    listed = "\n".join(f"- {tool.name}: {tool.description}" for tool in request.tools)
    told = (MUST if request.must_call else MAY).format(tools=listed) + CALL + ("" if request.must_call else ELSE)
    task = f"{request.task.strip()}\n\n{told}"
    return replace(request, task=task, tools=(), must_call=False, schema=envelope(request))


def envelope(request: Request) -> Schema:
    """The schema of a call of one of the tools, or of an answer, which is a text where it has no schema of its own."""
    defined: dict[str, JsonValue] = {}
    branches: list[JsonValue] = [
        _object({NAME: {"const": tool.name}, ARGUMENTS: _placed(tool.parameters, f"tool_{number}", defined)})
        for number, tool in enumerate(request.tools)
    ]
    if not request.must_call:
        answer: Schema = {"type": "string"} if request.schema is None else request.schema
        branches.append(_object({FINAL: _placed(answer, "answer", defined)}))
    return {"anyOf": branches} | ({"$defs": defined} if defined else {})


def _object(properties: dict[str, JsonValue]) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _placed(schema: Schema, name: str, defined: dict[str, JsonValue]) -> Schema:
    """A schema that refers to itself stands where its references can be told from those of the others."""
    if not any(_references(schema)):
        return schema
    defined[name] = _referring(schema, f"#/$defs/{name}")
    return {"$ref": f"#/$defs/{name}"}


def _references(part: JsonValue) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(found := part.get("$ref"), str):
            yield found
        for inner in part.values():
            yield from _references(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from _references(inner)


def _referring(part: JsonValue, root: str) -> Any:
    if isinstance(part, list):
        return [_referring(inner, root) for inner in part]
    if not isinstance(part, dict):
        return part
    moved = {key: _referring(inner, root) for key, inner in part.items()}
    if isinstance(found := part.get("$ref"), str) and found.startswith("#"):
        moved["$ref"] = root + found[1:]
    return moved
