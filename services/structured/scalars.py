"""One value to another of the type that a schema wants, where there is only one way to mean it.

`scalar` gives what was meant and what was done, or None where nothing can be done.
"""

import math
import re
from typing import Any

Changed = tuple[Any, str]
INTEGER = re.compile(r"[+-]?[0-9]{1,300}(?:\.0*)?")
NUMBER = re.compile(r"[+-]?(?:[0-9]{1,300}\.?[0-9]{0,300}|\.[0-9]{1,300})(?:[eE][+-]?[0-9]{1,3})?")
TRUTHS = {"true": True, "yes": True, "false": False, "no": False}
NULLS = {"null", "none"}
JOINTS = re.compile(r"[\s_-]+")


def is_a(value: Any, kind: str) -> bool:
    """As JSON Schema has it, but that an integer is written without a point."""
    match kind:
        case "boolean":
            return isinstance(value, bool)
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "string":
            return isinstance(value, str)
        case "null":
            return value is None
        case "array":
            return isinstance(value, list)
        case _:
            return isinstance(value, dict)


def scalar(value: Any, kind: str) -> Changed | None:
    if isinstance(value, list) and len(value) == 1 and not isinstance(value[0], list | dict):
        item = value[0]
        return (item, "taken out of a list") if is_a(item, kind) else None
    match kind:
        case "integer":
            return _integer(value)
        case "number":
            return _number(value)
        case "boolean":
            return _boolean(value)
        case "string" if is_a(value, "integer"):
            return str(value), "number to string"
        case "null" if isinstance(value, str) and value.strip().lower() in NULLS:
            return None, "string to null"
    return None


def chosen(value: Any, options: list[Any]) -> Changed | None:
    """The one option that `value` names in other letters, with other joints or space around."""
    if not isinstance(value, str):
        return None
    named = [option for option in options if isinstance(option, str) and folded(option) == folded(value)]
    return (named[0], "written as the schema has it") if len(named) == 1 else None


def folded(name: str) -> str:
    return JOINTS.sub("", name.casefold())


def _integer(value: Any) -> Changed | None:
    if isinstance(value, float) and value.is_integer() and abs(value) <= 2**53:
        return int(value), "number to integer"
    if isinstance(value, str) and INTEGER.fullmatch(value.strip()):
        return int(value.strip().partition(".")[0]), "string to integer"
    return None


def _number(value: Any) -> Changed | None:
    if not isinstance(value, str) or not NUMBER.fullmatch(value.strip()):
        return None
    if INTEGER.fullmatch(value.strip()) and "." not in value:
        return int(value.strip()), "string to number"
    number = float(value.strip())
    return (number, "string to number") if math.isfinite(number) else None


def _boolean(value: Any) -> Changed | None:
    if isinstance(value, str) and value.strip().lower() in TRUTHS:
        return TRUTHS[value.strip().lower()], "string to boolean"
    if is_a(value, "integer") and value in (0, 1):
        return bool(value), "number to boolean"
    return None
