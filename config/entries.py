"""Adding an entry to a YAML file that a person wrote: all else stays as it is, comments included."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from config.reading import NotReadable, parsed

WIDTH = 1_000_000


def with_entry(text: str, part: str, name: str, value: Mapping[str, Any]) -> str | None:
    """`text` with `name: value` as the first entry of its mapping `part`; None where it is written in a way that this
    cannot be put into without touching the rest."""
    try:
        tree, before = parsed(Path(part), text)
        added = _added(text, tree, part, f"{name}: {_flow(value)}")
        if added is None or name in before[part]:
            return None
        _, after = parsed(Path(part), added)
    except (NotReadable, KeyError, TypeError):
        return None
    return added if after == {**before, part: {name: dict(value), **before[part]}} else None


def _added(text: str, tree: Any, part: str, entry: str) -> str | None:
    pairs = tree.value if isinstance(tree, yaml.MappingNode) else ()
    key, inner = next(((key, value) for key, value in pairs if key.value == part), (None, None))
    if key is None or not isinstance(inner, yaml.MappingNode) or not inner.value:
        return None
    first = inner.value[0][0].start_mark
    if inner.flow_style:
        return f"{text[: first.index]}{entry}, {text[first.index :]}"
    if first.line == key.start_mark.line:
        return None
    line = text.index("\n", key.end_mark.index) + 1
    ending = "\r\n" if text[line - 2 : line] == "\r\n" else "\n"
    return f"{text[:line]}{' ' * first.column}{entry}{ending}{text[line:]}"


def _flow(value: Mapping[str, Any]) -> str:
    return yaml.safe_dump(
        dict(value), default_flow_style=True, sort_keys=False, allow_unicode=True, width=WIDTH
    ).strip()
