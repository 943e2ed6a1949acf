"""What pydantic finds wrong with a value, in words for whoever wrote it: `is missing`, `must be a whole number`."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

Place = tuple[int | str, ...]
Schema = Mapping[str, Any]
WORDS = {
    "missing": "is missing",
    "misplaced": "{said}",
    "extra_forbidden": "is not known here",
    "string_type": "must be a text",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "may have at most {max_length} characters",
    "too_short": "needs at least {min_length}",
    "too_long": "may hold at most {max_length}",
    "literal_error": "must be {expected}",
    "enum": "must be {expected}",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "multiple_of": "must be a multiple of {multiple_of}",
    "finite_number": "must be a number that ends",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "union_tag_not_found": "needs a {discriminator}",
    "union_tag_invalid": "has no known {discriminator}; there are {expected_tags}",
    "none_required": "must be null",
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float", "int_parsing_size"), "must be a whole number"),
    **dict.fromkeys(("float_type", "float_parsing", "decimal_type", "decimal_parsing"), "must be a number"),
    **dict.fromkeys(("list_type", "tuple_type", "set_type", "frozen_set_type"), "must be a list"),
    **dict.fromkeys(
        ("model_type", "model_attributes_type", "dict_type", "mapping_type"), "must hold names with their values"
    ),
    **dict.fromkeys(("date_type", "date_parsing", "date_from_datetime_parsing"), "must be a date such as 2026-12-01"),
    **dict.fromkeys(
        (
            "datetime_type",
            "datetime_parsing",
            "datetime_from_date_parsing",
            "datetime_object_invalid",
            "timezone_aware",
        ),
        "must be a time such as 2026-12-01T09:00:00Z",
    ),
    **dict.fromkeys(("url_type", "url_parsing", "url_scheme", "url_syntax_violation"), "must be an address"),
}
ONE = {"string_too_short": "must not be empty", "too_short": "needs at least one"}
"""Instead, where one is all that is needed."""
SETS = (("a-z", "small letters"), ("A-Z", "capital letters"), ("0-9", "digits"))
NAME = re.compile(
    r"\^(?:\[(?P<first>[^]]+)])?\[(?P<rest>[^]]+)](?:[*+]|\{(?:[0-9]+,)?(?P<most>[0-9]+)})(?P<version>@\\d\+)?\$"
)


def told(error: ValidationError, schema: Schema | None = None, value: Any = None) -> list[tuple[Place, str]]:
    """All that is wrong, each with its place. With the JSON Schema of what `value` should be, a field that is not
    known is told with the one that was meant."""
    return list(dict.fromkeys((place, said) for _, place, said in phrased(error.errors(), schema, value)))


def phrased(
    faults: Sequence[Mapping[str, Any]], schema: Schema | None = None, value: Any = None
) -> Iterator[tuple[Mapping[str, Any], Place, str]]:
    """Each fault with its place and its words, without those that follow from another."""
    places = [_place(fault) for fault in faults]
    for fault, place in zip(faults, places, strict=True):
        if not _follows(fault, place, places):
            yield fault, place, _said(fault, schema, value)


def _place(fault: Mapping[str, Any]) -> Place:
    """Where the fault is; one that was found in the whole may say which part it is about."""
    within = fault["ctx"]["place"] if fault["type"] == "misplaced" else ()
    return (*(part for part in fault["loc"] if part != "[key]"), *within)


def _follows(fault: Mapping[str, Any], place: Place, places: Sequence[Place]) -> bool:
    """What has an item that is wrong has too few that are right."""
    return fault["type"] == "too_short" and any(other[: len(place)] == place != other for other in places)


def _said(fault: Mapping[str, Any], schema: Schema | None, value: Any) -> str:
    kind, details = fault["type"], fault.get("ctx", {})
    if kind in ("value_error", "assertion_error"):
        return str(fault["msg"]).removeprefix("Value error, ").removeprefix("Assertion failed, ").rstrip(".")
    if kind == "string_pattern_mismatch":
        return _of_pattern(str(details.get("pattern", "")))
    if kind in ONE and details.get("min_length") == 1:
        return ONE[kind]
    words = WORDS.get(kind)
    if words is None:
        return str(fault["msg"]).rstrip(".")
    said = words.format_map({name: _plain(value) for name, value in details.items()})
    if kind == "extra_forbidden" and schema is not None:
        return said + _meant(str(fault["loc"][-1]), fields_at(schema, value, tuple(fault["loc"][:-1])))
    return said


def _plain(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _meant(name: str, fields: Iterable[str]) -> str:
    near = get_close_matches(name, list(fields), n=1)
    return f" (did you mean {near[0]!r}?)" if near else ""


def _of_pattern(pattern: str) -> str:
    if pattern == r"\S":
        return "must not be empty"
    if pattern == r"^[A-Z]{3}$":
        return "must have three capital letters, such as EUR"
    found = NAME.fullmatch(pattern)
    if found is None:
        return f"is not written as it must be ({pattern})"
    sets = [words for mark, words in SETS if mark in found["rest"]]
    marks = [mark for mark in "_.-" if mark in re.sub("a-z|A-Z|0-9", "", found["rest"])]
    said = f"may have {_listed([*sets, *marks])} only"
    if found["first"] in ("a-z", "A-Za-z_"):
        said += ", a letter first"
    if found["most"]:
        said += f", and {int(found['most']) + bool(found['first'])} of them at most"
    return said + (", then @ and a number" if found["version"] else "")


def _listed(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def fields_at(schema: Schema, value: Any, place: Place) -> tuple[str, ...]:
    """The fields that a JSON Schema knows at a place of `value`; none where it has no such place."""
    here: Schema | None = schema
    for part in place:
        here = None if here is None else _below(_chosen(schema, here, value), part)
        value = _part(value, part)
    return () if here is None else tuple(_chosen(schema, here, value).get("properties", ()))


def _chosen(root: Schema, here: Schema, value: Any) -> Schema:
    """What `here` refers to; of several ways that a value may be written, the one that it says it is."""
    here = _resolved(root, here)
    if "discriminator" in here:
        by = here["discriminator"]
        kind = value.get(by["propertyName"]) if isinstance(value, Mapping) else None
        ref = by["mapping"].get(kind) if isinstance(kind, str) else None
        return _resolved(root, {"$ref": ref}) if ref else {}
    ways = [_resolved(root, way) for way in (*here.get("anyOf", ()), *here.get("oneOf", ()))]
    return next((way for way in ways if _may_be(way, value)), {}) if ways else here


def _may_be(way: Schema, value: Any) -> bool:
    return isinstance(value, {"object": Mapping, "array": list}.get(way.get("type", ""), ()))


def _resolved(root: Schema, here: Schema) -> Schema:
    while isinstance(ref := here.get("$ref"), str):
        found: Any = root
        for name in ref.removeprefix("#/").split("/"):
            found = found.get(name, {}) if isinstance(found, Mapping) else {}
        here = found
    return here


def _below(here: Schema, part: int | str) -> Schema | None:
    if isinstance(part, int):
        found = here.get("items")
    else:
        found = here.get("properties", {}).get(part, here.get("additionalProperties"))
    return found if isinstance(found, Mapping) else None


def _part(value: Any, part: int | str) -> Any:
    if isinstance(value, Mapping):
        return value.get(part)
    return value[part] if isinstance(value, list) and isinstance(part, int) and part < len(value) else None
