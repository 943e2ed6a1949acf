"""References in texts and values: replaced once, by values, never run."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from domain.agent_graph import RunState, misread_in, references_in, resolved, text_of
from domain.agent_graph.references import deeper_than

WORDS = st.text(st.sampled_from("ab {}.é\n"), max_size=12)
PATHS = st.from_regex(r"\A[a-z][a-z0-9_]{0,5}(\.[a-z0-9_]{1,5}){0,3}\Z")
PLAIN: st.SearchStrategy[JsonValue] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.sampled_from("ab }.é\n"), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
ANY = st.recursive(
    st.none() | st.floats(allow_nan=False) | WORDS | st.builds("{{{{ {} }}}}".format, PATHS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@given(PLAIN)
def test_a_value_without_references_stays_as_it_is(value: JsonValue) -> None:
    assert list(references_in(value)) == []
    assert resolved(value, lambda path: "never") == value


@given(ANY)
def test_whatever_is_resolved_looks_up_exactly_its_references(value: JsonValue) -> None:
    seen: list[str] = []
    resolved(value, lambda path: seen.append(path))
    assert seen == list(references_in(value))


@given(PATHS, PLAIN, st.sampled_from(["", " ", "\n"]))
def test_a_text_that_is_one_reference_becomes_the_very_value(path: str, value: JsonValue, space: str) -> None:
    text = f"{space}{{{{{space}{path}{space}}}}}{space}"
    assert list(references_in(text)) == [path]
    assert resolved(text, {path: value}.get) == value


@given(PLAIN, st.text(st.sampled_from("ab é"), min_size=1, max_size=5))
def test_in_a_longer_text_a_value_stands_as_text(value: JsonValue, around: str) -> None:
    told = resolved(f"x{around}{{{{ a.b }}}}{around}x", {"a.b": value}.get)
    assert told == f"x{around}{text_of(value)}{around}x"


@given(st.sampled_from(["{{ secret }}", "{{{{ secret }}}}", "{{ a }}", "{{", "}}"]))
def test_what_a_value_says_is_not_resolved_again(value: str) -> None:
    """A source or a model cannot name what it was not given."""
    assert resolved("{{ a }}", {"a": value, "secret": "s3"}.get) == value
    assert resolved("So: {{ a }}{{ a }}", {"a": value, "secret": "s3"}.get) == f"So: {value}{value}"
    assert resolved("{{{ a }}{{ b }}", {"a": "{ secret }", "b": "}"}.get) == "{{ secret }}"


@pytest.mark.parametrize(
    "text",
    ["{{ x", "{{}}", "{{ X }}", "{{ x.}}", "{{ x + 1 }}", "{{ x | upper }}", "{{ x() }}", "{{{{ x }}", "a {{ {{ x }}"],
)
def test_braces_that_hold_no_reference_are_refused_with_an_example(text: str) -> None:
    [said] = misread_in({"a": [text]})
    assert said.endswith(" is no reference; write one like {{ nodes.draft.text }}")


@pytest.mark.parametrize("text", ['{"a": {{ x }}}', "{{{ x }}}", "{{{ x }}{{{ x }}", "{ x }", "}} {", "{ {{ x }}{ "])
def test_single_braces_beside_a_reference_are_just_braces(text: str) -> None:
    assert set(references_in(text)) <= {"x"}
    assert resolved(text, {"x": "-"}.get) == text.replace("{{ x }}", "-")


@given(PLAIN)
def test_a_value_stands_in_a_text_as_itself_or_as_json(value: JsonValue) -> None:
    told = text_of(value)
    if value is None:
        assert told == ""
    elif isinstance(value, str):
        assert told == value
    else:
        assert json.loads(told) == value


def test_a_run_looks_up_inputs_nodes_and_places_in_lists() -> None:
    outputs: dict[str, JsonValue] = {"draft": {"text": "T", "list": [1, {"a": 2}]}, "said": "plain"}
    state = RunState(run_id="run_1", inputs={"topic": "bees"}, outputs=outputs)
    told = {path: state.look_up(path) for path in (
        "inputs.topic", "draft.text", "nodes.draft.text", "draft.list.1.a", "said", "draft.list.2", "draft.list.a",
        "said.length", "nobody.text", "draft.text.0", "inputs",
    )}  # fmt: skip
    assert told == {
        "inputs.topic": "bees", "draft.text": "T", "nodes.draft.text": "T", "draft.list.1.a": 2, "said": "plain",
        "draft.list.2": None, "draft.list.a": None, "said.length": None, "nobody.text": None, "draft.text.0": None,
        "inputs": {"topic": "bees"},
    }  # fmt: skip


def test_only_a_part_of_a_fan_out_sees_an_item() -> None:
    state = RunState(run_id="run_1", outputs={"draft": {"text": "T"}})
    part = state.look_up_in(2, {"name": "Ann"})
    assert (part("item.name"), part("index"), part("item.age"), part("draft.text")) == ("Ann", 2, None, "T")
    assert (state.look_up_in(None, None)("item"), state.look_up("index")) == (None, None)


@pytest.mark.parametrize(("value", "depth"), [("x", 0), ([], 0), (["x"], 1), ({"a": [{"b": 1}]}, 3)])
def test_how_deep_a_value_is_nested_can_be_told(value: JsonValue, depth: int) -> None:
    assert not deeper_than(depth, value)
    assert depth == 0 or deeper_than(depth - 1, value)
