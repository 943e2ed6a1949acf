"""Valid replies written as weak models write them: values, ways to break their JSON, ways to wrap it.

All from one `Random`, so that a seed is a reply.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random
from typing import Any

Schema = dict[str, Any]
TEXT: Schema = {"type": "string"}
PRIORITY: Schema = {"type": "string", "enum": ["low", "medium", "high"]}


def closed(properties: Schema, *optional: str) -> Schema:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


TASK = closed(
    {
        "title": TEXT,
        "priority": PRIORITY,
        "estimate": {"type": "integer"},
        "done": {"type": "boolean"},
        "tags": {"type": "array", "items": TEXT},
        "notes": {"type": ["string", "null"]},
    },
    "estimate", "done", "tags", "notes",
)  # fmt: skip
STEP: Schema = {
    "type": "object",
    "properties": {"tool": TEXT, "args": {"type": "object"}},
    "required": ["tool", "args"],
}
PLAN: Schema = {
    "type": "object",
    "properties": {"steps": {"type": "array", "items": STEP}, "confidence": {"type": "number"}},
    "required": ["steps", "confidence"],
    "additionalProperties": False,
}
PEOPLE: Schema = {"type": "array", "items": closed({"id": {"type": "integer"}, "name": TEXT})}
VERDICTS = closed(
    {
        "verdicts": {
            "type": "array",
            "items": closed(
                {"evidence": TEXT, "verdict": {"type": "string", "enum": ["met", "not_met", "unverified"]}}
            ),
        }
    }
)
SHAPES = closed(
    {
        "author": closed({"name": TEXT, "age": {"type": "integer"}}, "age"),
        "size": {"anyOf": [{"type": "number"}, {"$ref": "#/$defs/range"}]},
        "is_final": {"type": "boolean"},
    },
    "is_final",
) | {"$defs": {"range": closed({"from": {"type": "number"}, "to": {"type": "number"}})}}
SCHEMAS = {"task": TASK, "plan": PLAN, "people": PEOPLE, "verdicts": VERDICTS, "shapes": SHAPES}

PLAIN = (
    "Fix login", "auth", "web", "Plan the release", "Anna", "The limit of persons is named", "v2", "Zoë", "報告",
    "See section 3, then go on", "Board: ask first", "", "a-b", "3", "Ten pumps fail (12 %)",
)  # fmt: skip
ODD = (
    "Fix Bob's login", 'Fix the "login" page', "See http://x.y/a // not a comment", "first\nsecond", "C:\\data\\in",
    "a {curly} and [square] one", "snake_case_name", "# no comment", "true", "it's 'so' and \"so\"", "<think> tags",
    "```py\nx = {1: 2}\n```", "tab\there", "Say: \"yes\", then go", "</think>", "null", "50% /* of it */", "…",
)  # fmt: skip


def word(random: Random) -> str:
    return random.choice(PLAIN if random.random() < 0.8 else ODD)


def instance(schema: Schema, random: Random, root: Schema | None = None) -> Any:
    """A value that fits; optional fields are sometimes left out."""
    root = root or schema
    if "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema:
        return instance(random.choice(schema["anyOf"]), random, root)
    if "enum" in schema:
        return random.choice(schema["enum"])
    kinds = schema["type"]
    match random.choice(kinds) if isinstance(kinds, list) else kinds:
        case "object" if "properties" not in schema:
            return {random.choice("qnk"): word(random)}
        case "object":
            required = schema["required"]
            members = schema["properties"].items()
            return {k: instance(v, random, root) for k, v in members if k in required or random.random() < 0.6}
        case "array":
            return [instance(schema["items"], random, root) for _ in range(random.randrange(4))]
        case "integer":
            return random.choice([0, 1, 3, 12, -4, 2026])
        case "number":
            return random.choice([0.8, 1, 2.5, -0.25, 1e-7, 100])
        case "boolean":
            return random.random() < 0.5
        case "null":
            return None
        case _:
            return word(random)


@dataclass(frozen=True)
class Style:
    """How a value is written. As it stands, as JSON."""

    quotes: str = '""'
    bare_keys: bool = False
    colon: str = ": "
    comma: str = ", "
    trailing: str = ""
    missing_comma: int = -1  # the how-manyth
    comments: str = ""
    python: bool = False
    raw_lines: bool = False
    raw_quotes: bool = False
    bare_words: bool = False
    texts: bool = False  # numbers and booleans as strings
    escaped_joints: bool = False
    ascii: bool = False


class Writer:
    def __init__(self, style: Style) -> None:
        self._style, self._commas = style, 0

    def written(self, value: Any) -> str:
        style = self._style
        if isinstance(value, dict):
            return "{" + self._joined([f"{self._key(k)}{style.colon}{self.written(v)}" for k, v in value.items()]) + "}"
        if isinstance(value, list):
            return "[" + self._joined([self.written(item) for item in value]) + "]"
        if isinstance(value, str):
            return value if style.bare_words and value in PRIORITY["enum"] else self._string(value)
        if style.python and (value is None or isinstance(value, bool)):
            return str(value)
        plain = json.dumps(value)
        return self._string(plain) if style.texts and value is not None else plain

    def _joined(self, parts: list[str]) -> str:
        text = ""
        for number, part in enumerate(parts):
            text += part
            if number + 1 < len(parts):
                self._commas += 1
                text += " " if self._commas - 1 == self._style.missing_comma else self._style.comma
            elif part:
                text += self._style.trailing
            text += self._style.comments
        return text

    def _key(self, key: str) -> str:
        return key if self._style.bare_keys else self._string(key)

    def _string(self, text: str) -> str:
        first, last = self._style.quotes[0], self._style.quotes[1]
        inner = json.dumps(text, ensure_ascii=self._style.ascii)[1:-1]
        if self._style.raw_quotes or first != '"':
            inner = inner.replace('\\"', '"')
        if first == last == "'":
            inner = inner.replace("'", "\\'")
        if self._style.raw_lines:
            inner = inner.replace("\\n", "\n").replace("\\t", "\t")
        if self._style.escaped_joints:
            inner = inner.replace("_", "\\_")
        return f"{first}{inner}{last}"


STYLES: dict[str, Callable[[Style, Random], Style]] = {
    "single quotes": lambda s, _: replace(s, quotes="''"),
    "curly quotes": lambda s, _: replace(s, quotes="“”"),
    "bare keys": lambda s, _: replace(s, bare_keys=True),
    "bare words": lambda s, _: replace(s, bare_words=True),
    "equals": lambda s, _: replace(s, colon=" = "),
    "trailing commas": lambda s, _: replace(s, trailing=","),
    "double commas": lambda s, _: replace(s, comma=",, "),
    "missing comma": lambda s, r: replace(s, missing_comma=r.randrange(4)),
    "lines": lambda s, _: replace(s, comma=",\n  "),
    "line comments": lambda s, _: replace(s, comments=' // it\'s a "note", {see}\n'),
    "hash comments": lambda s, _: replace(s, comments=" # as asked\n"),
    "block comments": lambda s, _: replace(s, comments=" /* [as asked] */ "),
    "Python": lambda s, _: replace(s, python=True, quotes="''"),
    "raw lines": lambda s, _: replace(s, raw_lines=True),
    "raw quotes": lambda s, _: replace(s, raw_quotes=True),
    "escaped joints": lambda s, _: replace(s, escaped_joints=True),
    "texts for numbers": lambda s, _: replace(s, texts=True),
    "ASCII": lambda s, _: replace(s, ascii=True),
}
VALUES: dict[str, Callable[[Any, Random], Any]] = {
    "one in a list": lambda value, _: [value] if isinstance(value, dict) else value,
    "wrapped": lambda value, _: {"result": value},
    "in a call": lambda value, _: {"name": "answer", "arguments": value} if isinstance(value, dict) else value,
    "extra field": lambda value, _: value | {"reasoning": "because"} if isinstance(value, dict) else value,
    "other keys": lambda value, _: (
        {k.replace("_", " ").title(): v for k, v in value.items()} if isinstance(value, dict) else value
    ),
    "other case": lambda value, _: (
        {k: f" {v.upper()} " if v in PRIORITY["enum"] else v for k, v in value.items()}
        if isinstance(value, dict)
        else value
    ),
    "as a string": lambda value, _: json.dumps(value),
}
TEXTS: dict[str, Callable[[str, Random], str]] = {
    "fence": lambda text, _: f"```json\n{text}\n```",
    "bare fence": lambda text, _: f"```\n{text}\n```",
    "open fence": lambda text, _: f"```json\n{text}",
    "prose before": lambda text, _: f"Sure! Here's the JSON [as you asked]:\n\n{text}",
    "prose after": lambda text, _: f"{text}\n\nThis is what I'd propose (see above) {{ok}}.",
    "thought": lambda text, _: f'<think>\nMaybe {{"title": "No", "priority": "low"}}? It\'s so.\n</think>\n\n{text}',
    "thought left open": lambda text, _: f"The user wants {{...}}, it's clear.\n</think>\n{text}",
    "tags": lambda text, _: f"<json>\n{text}\n</json>",
    "token": lambda text, _: f"{text}<|im_end|>\n",
    "end token": lambda text, _: f"{text}</s>",
    "byte order mark": lambda text, _: f"\ufeff{text}",
    "twice": lambda text, _: f"{text}\n{text}",
    "one bracket more": lambda text, _: f"{text}}}",
    "no last bracket": lambda text, _: text.rstrip()[:-1] if text.rstrip()[-1:] in "}]" else text,
    "no last brackets": lambda text, _: text.rstrip().rstrip("}]"),
}
BREAKS = (*STYLES, *VALUES, *TEXTS)


def broken(value: Any, breaks: list[str], random: Random) -> str:
    """`value` written with each of `breaks`."""
    for name in breaks:
        value = VALUES[name](value, random) if name in VALUES else value
    style = Style()
    for name in breaks:
        style = STYLES[name](style, random) if name in STYLES else style
    text = Writer(style).written(value)
    for name in breaks:
        text = TEXTS[name](text, random) if name in TEXTS else text
    return text


def drawn(seed: int, breaks: int) -> tuple[Schema, Any, str, list[str]]:
    """A schema, a value that fits, how a weak model might write it, and what is broken in that."""
    random = Random(seed)
    schema = random.choice(list(SCHEMAS.values()))
    value, names = instance(schema, random), random.sample(BREAKS, breaks)
    return schema, value, broken(value, names, random), names


def part_of(read: Any, whole: Any) -> bool:
    """Whether `read` is `whole` up to some place: members and items are missing, none differs, no list is emptied."""
    if isinstance(read, dict):
        return isinstance(whole, dict) and all(key in whole and part_of(v, whole[key]) for key, v in read.items())
    if isinstance(read, list):
        fits = isinstance(whole, list) and len(read) <= len(whole) and (bool(read) or not whole)
        return fits and all(part_of(one, other) for one, other in zip(read, whole, strict=False))
    return type(read) is type(whole) and bool(read == whole)
