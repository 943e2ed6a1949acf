"""References in texts and values: `{{ nodes.draft.text }}`, `{{ inputs.topic }}`, `{{ item }}`. Names, never code."""

import json
import re
from collections.abc import Callable, Iterator, Mapping

from pydantic import JsonValue

LookUp = Callable[[str], JsonValue]
REFERENCE = re.compile(r"\{\{\s*([a-z][a-z0-9_]*(?:\.[a-z0-9_]+)*)\s*\}\}")


def references_in(value: JsonValue) -> Iterator[str]:
    """The paths that `value` refers to."""
    for text in _texts_in(value):
        yield from REFERENCE.findall(text)


def misread_in(value: JsonValue) -> Iterator[str]:
    """What is wrong with braces in `value` that hold no reference, for each text that has such."""
    for text in _texts_in(value):
        _, brace, rest = REFERENCE.sub(" ", text).partition("{{")
        if brace:
            yield f"{brace + rest[:40]!r} is no reference; write one like {{{{ nodes.draft.text }}}}"


def _texts_in(value: JsonValue) -> Iterator[str]:
    match value:
        case str():
            yield value
        case list():
            for item in value:
                yield from _texts_in(item)
        case Mapping():
            for item in value.values():
                yield from _texts_in(item)


def resolved(value: JsonValue, look_up: LookUp) -> JsonValue:
    """`value` with its references replaced. A text that is one reference becomes the very value that it names."""
    match value:
        case str():
            if (whole := REFERENCE.fullmatch(value.strip())) is not None:
                return look_up(whole[1])
            return REFERENCE.sub(lambda found: text_of(look_up(found[1])), value)
        case list():
            return [resolved(item, look_up) for item in value]
        case Mapping():
            return {key: resolved(item, look_up) for key, item in value.items()}
        case _:
            return value


def assembled(text: str, look_up: LookUp) -> JsonValue:
    """`text` with its references replaced, for somebody who cannot see what they refer to. Where one names more than
    a plain value (the text of a node is content, with citations beside it), `{"parts": […]}` in its order."""
    parts: list[JsonValue] = []
    end = 0
    for found in REFERENCE.finditer(text):
        parts += [text[end : found.start()], _with_citations(found[1], look_up)]
        end = found.end()
    parts = [part for part in (*parts, text[end:]) if part != ""]
    if any(isinstance(part, Mapping | list) for part in parts):
        return {"parts": parts}
    return "".join(map(text_of, parts))


def _with_citations(path: str, look_up: LookUp) -> JsonValue:
    value, parent = look_up(path), look_up(path.rpartition(".")[0])
    if isinstance(value, Mapping) and "content" in value and isinstance(parent, Mapping):
        return {"text": dict(value), "citations": parent.get("citations")}
    return value


def deeper_than(levels: int, value: JsonValue) -> bool:
    """Whether lists and mappings are nested in `value` further than that."""
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return levels < 0 or any(deeper_than(levels - 1, item) for item in inner)


def text_of(value: JsonValue) -> str:
    """How a value stands in a text."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
