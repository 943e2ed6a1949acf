"""Replies are read tolerantly, and what does not fit the schema is never taken."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from services.structured.faults import Unreadable
from services.structured.ladder import Reading, read
from tests.broken_replies import PEOPLE, PLAN, SCHEMAS, SHAPES

DATA = Path(__file__).parents[1] / "data" / "broken_json.jsonl"


class Case(NamedTuple):
    """A reply that a model gave, and what it meant: None where nobody could tell."""

    category: str
    raw: str
    meant: Any
    schema: dict[str, Any]


def cases() -> list[Case]:
    rows = [json.loads(line) for line in DATA.read_text(encoding="utf-8").splitlines()]
    return [
        Case(
            category=row["category"],
            raw=row["raw"],
            meant=None if row["expected"] == "unrecoverable" else row["expected"],
            schema=row["schema_json"],
        )
        for row in rows
    ]


CASES = cases()
TASK = CASES[0].schema
WANTED = {"title": "Fix login", "priority": "high"}


def outcome(raw: str, schema: dict[str, Any], *, cut: bool = False) -> Any:
    """What was read, or None."""
    try:
        return read(raw, schema, cut=cut).value
    except Unreadable:
        return None


def fault(raw: str, schema: dict[str, Any] = TASK, *, cut: bool = False) -> str:
    with pytest.raises(Unreadable) as caught:
        read(raw, schema, cut=cut)
    return str(caught.value)


# the sample


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.category)
def test_a_reply_of_the_sample_is_read_as_it_was_meant_or_refused_with_a_fault(case: Case) -> None:
    assert outcome(case.raw, case.schema) == case.meant
    if case.meant is None:
        assert fault(case.raw, case.schema).startswith(("At $", "There is no JSON in the reply."))


def test_the_sample_has_33_replies_that_can_be_recovered_and_9_that_cannot() -> None:
    assert [case.meant is not None for case in CASES].count(True) == 33
    assert len(CASES) == 42


# rungs and records


@pytest.mark.parametrize(
    ("raw", "rung", "changes"),
    [
        ('{"title": "Fix login", "priority": "high"}', "strict", {}),
        ('```json\n{"title": "Fix login", "priority": "high"}\n```', "strict", {}),
        ("{title: 'Fix login', priority: high,}", "mended", {}),
        ('{"Title": "Fix login", "priority": "HIGH"}', "coerced", {"$.Title": "title", "$.priority": "written"}),
        ('[{"title": "Fix login", "priority": "high"}]', "coerced", {"$": "list"}),
        ('{"title": "Fix login", "priority": "high", "why": 1}', "coerced", {"$.why": "schema does not have"}),
        ('{"title": "Fix login", "priority": "high", "estimate": null}', "coerced", {"$.estimate": "null"}),
        ('{"title":: "Fix login", "priority": "high"}', "repaired", {}),
    ],
)
def test_a_reading_says_how_dear_it_was_and_what_was_changed_where(
    raw: str, rung: str, changes: dict[str, str]
) -> None:
    reading = read(raw, TASK)
    assert (reading.value, reading.rung) == (WANTED, rung)
    assert {coercion.path for coercion in reading.coercions} == changes.keys()
    assert all(changes[coercion.path] in coercion.what for coercion in reading.coercions)


def test_of_two_candidates_that_mean_the_same_the_cheaper_is_taken() -> None:
    assert read(f"{{'title': 'Fix login', 'priority': 'high'}} that is {json.dumps(WANTED)}", TASK).rung == "strict"


def test_an_integer_comes_as_an_integer() -> None:
    (coercion,) = (reading := read('{"title": "T", "priority": "low", "estimate": 3.0}', TASK)).coercions
    assert type(reading.value["estimate"]) is int
    assert coercion.path == "$.estimate"


def test_a_list_is_taken_for_the_only_field_of_an_object() -> None:
    schema = {"type": "object", "properties": {"tasks": {"type": "array", "items": {"type": "integer"}}}}
    assert read("[1, 2]", schema).value == {"tasks": [1, 2]}
    assert read('[{"tasks": [3]}]', schema).value == {"tasks": [3]}


def test_lines_of_json_are_a_list_where_one_is_wanted() -> None:
    assert read('{"id": 1, "name": "a"}\n{"id": 2, "name": "b"}', PEOPLE).value == [
        {"id": 1, "name": "a"},
        {"id": 2, "name": "b"},
    ]


def test_references_and_alternatives_in_a_schema_are_followed() -> None:
    raw = '{"author": {"Name": "Anna", "age": "30"}, "size": {"from": "1", "to": "2.5"}}'
    assert read(raw, SHAPES).value == {"author": {"name": "Anna", "age": 30}, "size": {"from": 1, "to": 2.5}}


def test_a_schema_that_refers_elsewhere_fetches_nothing_and_is_a_fault() -> None:
    assert "cannot be checked" in fault('{"a": 1}', {"$ref": "http://127.0.0.1:9/schema.json"})


# what is not read


def test_thinking_is_not_read() -> None:
    thought = '<think>{"title": "Wrong", "priority": "low"}</think>{"title": "Right", "priority": "high"}'
    assert read(thought, TASK).value["title"] == "Right"
    assert outcome('<think>{"title": "Wrong", "priority": "low"}', TASK) is None
    left_open = 'So {"title": "Wrong", "priority": "low"}.\n</think>\n{"title": "Right", "priority": "high"}'
    assert read(left_open, TASK).value["title"] == "Right"


@pytest.mark.parametrize("text", ["<think>a</think> tags", "```py\nx = {}\n```", "<|im_end|>", "a // b # c /* d */"])
def test_markup_within_a_string_is_text(text: str) -> None:
    task = {"title": text, "priority": "low"}
    assert read(f"Here:\n{json.dumps(task)[:-1]},}} Well?", TASK).value == task


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        ('{"title": "A", "priority": "low"} or {"title": "B", "priority": "low"}', "several answers"),
        ('Like {"title": "Example", "priority": "low"}. So: {"title": "Fix", "priority": "blocker"}', "blocker"),
        ('Like {"title": "Example", "priority": "low"}. So: {"title": "Fix", "priority": "hi', "breaks off"),
        ('{"title": "A", "title": "B", "priority": "low"}', "stands there twice"),
        ('{"title": "A", "priority": "low", "estimate": NaN}', "NaN"),
        ('{"title": "A", "priority": "low", "tags": ["a", ...]}', "no value of JSON"),
        ('{"title": "Say "yes", "no" or "go", "priority": "low"}', "quotation marks"),
        ('{"title": "A, "priority": "low"}', "quotation marks"),
        ('{"title": "C:\\data\\new", "priority": "low"}', "backslash"),
        ('{"title": "\\ud800", "priority": "low"}', "half a character"),
        ('{"title": "A", "priority": "low"}, "estimate": 3}', "outside of its brackets"),
        ('{"title": 1.10, "priority": "low"}', "not of type 'string'"),
        ('{"title": "A", "priority": "low", "estimate": "1,000"}', "estimate"),
        ('{"title": "A", "priority": "low", "estimate": "about 3"}', "estimate"),
        ('{"title": "A", "priority": "low", "tags": "Ask the board, then go on"}', "tags"),
        ('{"title": "A", "priority": "low", "estimate: 4, tags": 1}', "Additional properties"),
    ],
)
def test_what_could_mean_two_things_is_refused(raw: str, why: str) -> None:
    assert why in fault(raw)


def test_a_fault_says_where_it_is() -> None:
    assert fault('{"title": "T", "priority": "urgent"}') == (
        "At $.priority: 'urgent' is not one of ['low', 'medium', 'high']."
    )


def test_a_fault_never_quotes_a_long_value() -> None:
    assert len(fault(json.dumps({"title": "T", "priority": "x" * 5_000}))) < 400
    assert len(fault(json.dumps({"title": ["y" * 5_000], "priority": "low", "z" * 5_000: 1}))) < 600


# cut by length


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ('{"title": "Fix login", "priority": "high", "notes": "half a sent', WANTED),
        ('{"title": "Fix login", "priority": "high", "estimate": 3', WANTED),
        ('{"title": "Fix login", "priority": "high", "estimate": 3 ', WANTED | {"estimate": 3}),
        ('{"title": "Fix login", "priority": "high", "done": tru', WANTED),
        ('{"title": "Fix login", "priority": "high", "done": true', WANTED | {"done": True}),
        ('{"title": "Fix login", "priority": "high", "tags": [', WANTED),
        ('{"title": "Fix login", "priority": "high", "tags": ["a", "b', WANTED | {"tags": ["a"]}),
    ],
)
def test_a_text_that_breaks_off_is_read_to_its_last_whole_member(raw: str, value: Any) -> None:
    assert read(raw, TASK).value == value
    assert outcome(raw, TASK, cut=True) is None


def test_what_is_left_out_is_recorded() -> None:
    (coercion,) = read('{"title": "Fix login", "priority": "high", "notes": "half', TASK).coercions
    assert (coercion.path, coercion.what) == ("$.notes", "left out: the text breaks off there")


def test_a_text_that_breaks_off_before_a_required_field_says_where() -> None:
    assert fault('{"title": "Fix lo') == "At $.title: the text breaks off there."
    assert fault('{"steps": [{"tool": "a", "args": {}}], "confidence": 0.', PLAN) == (
        "At $.confidence: the text breaks off there."
    )
    assert fault('[{"id": 1, "na', PEOPLE).startswith("At $[0]")


def test_prose_that_was_cut_behind_the_whole_value_does_no_harm() -> None:
    assert outcome('{"title": "Fix login", "priority": "high"}\n\nThis task is', TASK, cut=True) == WANTED


def test_a_number_alone_may_be_half_of_one_where_the_text_was_cut() -> None:
    assert outcome("12", {"type": "integer"}) == 12
    assert outcome("12", {"type": "integer"}, cut=True) is None


# whatever comes


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(CASES), st.integers(0, 400), st.integers(0, 20), st.text(max_size=6), st.booleans())
def test_nothing_is_taken_that_does_not_fit_whatever_was_cut_out_or_put_in(
    case: Case, at: int, gone: int, put: str, cut: bool
) -> None:
    value = outcome(case.raw[:at] + put + case.raw[at + gone :], case.schema, cut=cut)
    assert value is None or Draft202012Validator(case.schema).is_valid(value)


MARKS = st.text(alphabet="{}[]\"'`,:=\\/#*<>|-+.0123eE truefalsnNoupi\n“”", max_size=60)


@settings(max_examples=500, deadline=None)
@given(st.one_of(st.text(max_size=200), MARKS, MARKS.map(lambda marks: '{"title": ' + marks)))
def test_noise_is_refused_and_raises_nothing_else(noise: str) -> None:
    for schema in SCHEMAS.values():
        value = outcome(noise, schema)
        assert value is None or Draft202012Validator(schema).is_valid(value)


TASKS = st.fixed_dictionaries(
    {"title": st.text(max_size=30), "priority": st.sampled_from(["low", "medium", "high"])},
    optional={"estimate": st.integers(), "done": st.booleans(), "tags": st.lists(st.text(max_size=5), max_size=3)},
)


@given(TASKS, st.sampled_from([None, 2]), st.booleans(), st.booleans())
def test_json_that_fits_is_read_as_it_is(task: dict[str, Any], indent: int | None, ascii: bool, cut: bool) -> None:
    text = json.dumps(task, indent=indent, ensure_ascii=ascii)
    assert read(text, TASK, cut=cut) == Reading(task, "strict")


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
                    | st.text(max_size=8), lambda inner: st.lists(inner, max_size=3)
                    | st.dictionaries(st.text(max_size=5), inner, max_size=3), max_leaves=8))  # fmt: skip
def test_any_json_is_read_as_it_is_where_everything_fits(value: Any) -> None:
    reading = read(json.dumps(value), {})
    assert json.dumps(reading.value) == json.dumps(value)
    assert (reading.rung, reading.coercions) == ("strict", ())


@given(TASKS)
def test_json_in_a_fence_is_read_as_it_is(task: dict[str, Any]) -> None:
    text = json.dumps(task)
    assert read(f"Here you are:\n\n```json\n{text}\n```\nAnything else?", TASK).value == task


# size and depth

MANY = 100_000
ENDLESS = {
    "brackets": "[" * MANY,
    "braces": '{"title":' * MANY,
    "fenced": "```json\n" + "[" * MANY,
    "fences": "```json\n{" * MANY,
    "quotes": '{"title": "' + 'x" y ' * MANY,
    "quotes and commas": '{"title": "' + 'x", y ' * MANY,
    "apostrophes": "{'title': '" + "a'b " * MANY,
    "backslashes": '{"title": "' + "\\" * MANY,
    "escapes": '{"title": "' + "\\_" * MANY,
    "space": '{"title":' + " " * 9 * MANY,
    "quotes and space": '{"title": "' + ('"' + " " * 999) * 900,
    "comments": '{"title": /*' * MANY,
    "thoughts": "<think>" * MANY,
    "ends of thoughts": "</think>" * MANY,
    "special tokens": "{" + "</s>" * MANY,
    "digits": '{"title": "a", "estimate": ' + "9" * MANY + "}",
    "minus signs": '{"title": ' + "-" * MANY + "}",
    "words": "{title: " + "a " * MANY,
    "a key": "{" + "a" * MANY,
    "objects": '{"title": "a"} ' * (MANY // 2),
    "parentheses": '{"title": ' + "(" * 900 + ")" * 900 + "}",
    "a deep list": '{"title": "a", "tags": ' + "[" * 500 + "]" * 500 + "}",
}


@pytest.mark.parametrize("raw", ENDLESS.values(), ids=ENDLESS.keys())
def test_a_reply_that_goes_on_for_ever_is_refused_like_any_other(raw: str) -> None:
    assert outcome(raw, TASK) is None


@pytest.mark.parametrize("raw", ["[" * MANY, '{"a":' * MANY, "```json\n" + "[" * 5_000, f"{'[' * 99}{']' * 99}"])
def test_what_is_nested_too_deeply_is_told_so(raw: str) -> None:
    assert "nested too deeply" in fault(raw)


def test_a_reply_of_more_than_a_megabyte_is_not_looked_at() -> None:
    assert fault(json.dumps(WANTED) + " " * 1_000_000) == "The reply is longer than 1,000,000 characters."
