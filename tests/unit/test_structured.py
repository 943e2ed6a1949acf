"""Replies are read tolerantly, and what does not fit the schema is never taken."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from services.work.structured import read

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


def outcome(raw: str, schema: dict[str, Any]) -> Any:
    """What was read, or None."""
    try:
        return read(raw, schema)
    except ValueError:
        return None


MENDED = {
    "clean", "fence_no_lang", "fence_prose", "prose_after", "trailing_comma_obj", "single_quotes",
    "python_apostrophe", "hash_comments", "url_in_string", "missing_close_both", "unquoted_keys", "missing_comma",
    "raw_newline_in_string", "inner_quotes", "think_block", "duplicated_object", "wrapped_list", "float_for_int",
    "nested_as_string", "special_token_tail", "xml_wrap", "leading_plus_zero",
}  # fmt: skip
MISREAD = {"escaped_underscore"}  # fits the schema, but keeps a backslash that was not meant
CASES = cases()
TASK = CASES[0].schema


@pytest.mark.parametrize("case", [case for case in CASES if case.category in MENDED], ids=lambda case: case.category)
def test_what_can_be_mended_here_is_read_as_it_was_meant(case: Case) -> None:
    assert read(case.raw, case.schema) == case.meant


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.category)
def test_a_reply_is_read_as_it_was_meant_or_refused_with_a_fault(case: Case) -> None:
    value = outcome(case.raw, case.schema)
    assert value in (None, case.meant) or case.category in MISREAD
    if value is None:
        with pytest.raises(ValueError, match=r"^(At \$.*|There is no JSON in the reply)\.$"):
            read(case.raw, case.schema)


def test_two_thirds_of_what_can_be_recovered_is_recovered_without_asking_again() -> None:
    recoverable = [case for case in CASES if case.meant is not None]
    exact = sum(outcome(case.raw, case.schema) == case.meant for case in recoverable)
    assert len(recoverable) == 33
    assert exact >= 22


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(CASES), st.integers(0, 400), st.integers(0, 20), st.text(max_size=6))
def test_nothing_is_taken_that_does_not_fit_whatever_was_cut_out_or_put_in(
    case: Case, at: int, cut: int, put: str
) -> None:
    raw = case.raw[:at] + put + case.raw[at + cut :]
    value = outcome(raw, case.schema)
    assert value is None or Draft202012Validator(case.schema).is_valid(value)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200))
def test_noise_is_refused(noise: str) -> None:
    value = outcome(noise, TASK)
    assert value is None or Draft202012Validator(TASK).is_valid(value)


TASKS = st.fixed_dictionaries(
    {"title": st.text(max_size=30), "priority": st.sampled_from(["low", "medium", "high"])},
    optional={"estimate": st.integers(), "done": st.booleans(), "tags": st.lists(st.text(max_size=5), max_size=3)},
)


@given(TASKS, st.sampled_from([None, 2]), st.booleans())
def test_json_that_fits_is_read_as_it_is(task: dict[str, Any], indent: int | None, ascii: bool) -> None:
    assert read(json.dumps(task, indent=indent, ensure_ascii=ascii), TASK) == task


@given(TASKS)
def test_json_in_a_fence_is_read_as_it_is(task: dict[str, Any]) -> None:
    text = json.dumps(task)
    assert read(f"Here you are:\n\n```json\n{text}\n```\nAnything else?", TASK) == task


@pytest.mark.parametrize("raw", ["[" * 5_000, '{"a":' * 5_000, "```json\n" + "[" * 5_000])
def test_a_reply_that_only_opens_brackets_is_refused_like_any_other(raw: str) -> None:
    with pytest.raises(ValueError, match=r"nest"):  # the parser's own words where it sees to it itself
        read(raw, TASK)


def test_a_list_is_taken_for_the_only_field_of_an_object() -> None:
    schema = {"type": "object", "properties": {"tasks": {"type": "array", "items": {"type": "integer"}}}}
    assert read("[1, 2]", schema) == {"tasks": [1, 2]}
    assert read('[{"tasks": [3]}]', schema) == {"tasks": [3]}


def test_a_fault_says_where_it_is() -> None:
    with pytest.raises(ValueError, match=r"^At \$\.priority: 'urgent' is not one of \['low', 'medium', 'high'\]\.$"):
        read('{"title": "T", "priority": "urgent"}', TASK)


def test_thinking_is_not_read() -> None:
    thought = '<think>{"title": "Wrong", "priority": "low"}</think>{"title": "Right", "priority": "high"}'
    assert read(thought, TASK)["title"] == "Right"
    assert outcome('<think>{"title": "Wrong", "priority": "low"}', TASK) is None
