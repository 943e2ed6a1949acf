"""What is wrong with a reply: a path and a message, never the value, which may be long.

Unreadable              no value was taken from the text; a ValueError
Unparsable              a candidate is not written as this reader knows it; another may know it
└── Doubtful            it could mean two things: nobody may guess
"""

from collections.abc import Mapping
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError as JsonSchemaError
from referencing import Registry
from referencing.exceptions import Unresolvable

MAX_DEPTH = 64
MAX_SHOWN, MAX_MESSAGE, MAX_PATH = 60, 300, 200
NOWHERE: Registry[Any] = Registry()  # a schema refers to itself only; nothing is fetched
TOO_DEEP = "it is nested too deeply"
COUNTS = {
    "maxItems": "items, at most {} are allowed",
    "minItems": "items, at least {} are needed",
    "maxLength": "characters, at most {} are allowed",
    "minLength": "characters, at least {} are needed",
}
Path = tuple[str | int, ...]


class Unreadable(ValueError):
    """`str` is one sentence: where, and what is wrong there."""

    def __init__(self, message: str, path: str = "") -> None:
        self.path, self.message = path[:MAX_PATH], message
        super().__init__(f"At {self.path}: {message}." if path else f"{message}.")


class Unparsable(ValueError):
    def __init__(self, message: str, path: Path = ()) -> None:
        self.path = path
        super().__init__(message)


class Doubtful(Unparsable):
    pass


class Checker:
    """Validates against one schema. A schema that cannot be applied is a fault of every value."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self.schema = schema
        self._validator = Draft202012Validator(schema, registry=NOWHERE)

    def fault(self, value: Any) -> Unreadable | None:
        """The first one, in the order of the schema."""
        if (unsound := unsound_in(value)) is not None:
            return unsound
        try:
            error = next(iter(self._validator.iter_errors(value)), None)
        except (Unresolvable, OverflowError, RecursionError):
            return Unreadable("it cannot be checked against the schema", "$")
        return None if error is None else Unreadable(_told(error), error.json_path)

    def fits(self, value: Any, schema: Any) -> bool:
        """Whether `value` fits `schema`, which is a part of the whole schema."""
        try:
            return bool(self._validator.evolve(schema=schema).is_valid(value))
        except (Unresolvable, OverflowError, RecursionError):
            return False


def json_path(path: Path) -> str:
    return "$" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)


def unsound_in(value: Any) -> Unreadable | None:
    """What no schema speaks of: too deep a nesting, text that no encoding can hold."""
    level: list[tuple[Any, str]] = [(value, "$")]
    for _ in range(MAX_DEPTH + 1):
        if not level:
            return None
        below: list[tuple[Any, str]] = []
        for item, path in level:
            if isinstance(item, dict):
                below += [(part, f"{path}.{key}"[:MAX_PATH]) for key, part in item.items()]
                below += [(key, path) for key in item]
            elif isinstance(item, list):
                below += [(part, f"{path}[{number}]"[:MAX_PATH]) for number, part in enumerate(item)]
            elif isinstance(item, str) and not item.isascii() and not _whole(item):
                return Unreadable("it holds half a character", path)
        level = below
    return Unreadable(TOO_DEEP, "$")


def _whole(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _told(error: JsonSchemaError) -> str:
    instance: Any = error.instance
    if error.validator in COUNTS:
        return f"it has {len(instance)} {COUNTS[str(error.validator)].format(error.validator_value)}"
    shown = repr(instance)
    message = error.message if len(shown) <= MAX_SHOWN else error.message.replace(shown, "it")
    return message[:MAX_MESSAGE]
