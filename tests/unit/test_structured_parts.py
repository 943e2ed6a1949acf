"""Big schemas in parts: which fields go together."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from services.structured.parts import Limits, load_of, parts

ROOMY = Limits(fields=100, tokens=100_000)
TEXT: dict[str, Any] = {"type": "string"}
WORD: dict[str, Any] = {"type": "string", "maxLength": 12}


def schema(properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
        **more,
    }


def names(found: tuple[dict[str, Any], ...]) -> list[list[str]]:
    return [list(part["properties"]) for part in found]


def listed(count: int, of: dict[str, Any]) -> dict[str, Any]:
    return {f"f{number}": of for number in range(count)}


def nested(levels: int) -> dict[str, Any]:
    found = WORD
    for _ in range(levels):
        found = schema({"inner": found})
    return found


def test_what_is_small_stays_whole_and_as_it_is() -> None:
    small = schema(listed(4, TEXT), description="Four.")
    assert parts(small, ROOMY) == (small,)


def test_more_fields_than_a_model_manages_go_in_groups_in_their_order() -> None:
    assert names(parts(schema(listed(7, WORD)), Limits(fields=3, tokens=9_999))) == [
        ["f0", "f1", "f2"],
        ["f3", "f4", "f5"],
        ["f6"],
    ]


def test_fields_within_lists_and_objects_count() -> None:
    rows = {"type": "array", "items": schema({"a": WORD, "b": WORD, "c": WORD})}
    properties = {"title": WORD, "rows": rows, "end": WORD}
    assert names(parts(schema(properties), Limits(fields=4, tokens=9_999))) == [["title", "rows"], ["end"]]
    assert names(parts(schema(properties), Limits(fields=3, tokens=9_999))) == [["title"], ["rows"], ["end"]]


def test_what_is_expected_to_be_long_goes_apart() -> None:
    long = {"type": "string", "minLength": 3_000}
    properties = {"a": long, "b": long, "c": WORD}
    assert names(parts(schema(properties), Limits(fields=100, tokens=1_200))) == [["a"], ["b", "c"]]


def test_what_is_nested_deeply_goes_alone() -> None:
    properties = {"a": WORD, "deep": nested(4), "b": WORD, "flat": nested(3)}
    assert names(parts(schema(properties), ROOMY)) == [["a"], ["deep"], ["b", "flat"]]


@pytest.mark.parametrize(
    "whole",
    [
        {"type": "array", "items": schema(listed(9, WORD))},
        schema(listed(9, WORD), anyOf=[{"required": ["f0"]}]),
        {"$ref": "#/$defs/all", "$defs": {"all": schema(listed(9, WORD))}},
        schema({"only": schema(listed(9, WORD))}),
        {},
    ],
)
def test_what_cannot_be_told_apart_stays_whole(whole: dict[str, Any]) -> None:
    assert parts(whole, Limits(fields=2, tokens=10)) == (whole,)


def test_definitions_go_along_where_they_are_referred_to() -> None:
    whole = schema({"a": {"$ref": "#/$defs/day"}, "b": WORD}, **{"$defs": {"day": schema(listed(3, WORD))}})
    first, second = parts(whole, Limits(fields=3, tokens=9_999))
    assert "$defs" in first and "$defs" not in second
    Draft202012Validator(first).validate({"a": {"f0": "", "f1": "", "f2": ""}})


def test_a_schema_that_refers_to_itself_is_weighed_all_the_same() -> None:
    root = {"$defs": {"node": schema({"name": WORD, "below": {"type": "array", "items": {"$ref": "#/$defs/node"}}})}}
    assert load_of({"$ref": "#/$defs/node"}, root).levels > 3
    assert load_of({"$ref": "#/$defs/none"}, root).fields == load_of({"anyOf": [WORD, TEXT]}, root).fields == 1


KINDS = st.sampled_from([WORD, TEXT, {"type": "integer"}, {"enum": ["a", "b"]}, nested(2), {"type": "array"}])


@given(st.lists(KINDS, min_size=1, max_size=30), st.integers(1, 40), st.integers(1, 3_000))
def test_every_field_is_asked_for_once_and_what_is_needed_stays_needed(
    kinds: list[dict[str, Any]], fields: int, tokens: int
) -> None:
    properties = {f"f{number}": kind for number, kind in enumerate(kinds)}
    whole = schema(properties)
    whole["required"] = list(properties)[::2]
    found = parts(whole, Limits(fields=fields, tokens=tokens))
    assert [name for part in names(found) for name in part] == list(properties)
    assert [name for part in found for name in part["required"]] == whole["required"]
    for part in found:
        Draft202012Validator.check_schema(part)
