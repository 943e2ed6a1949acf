"""Expressions: what holds, and what is none."""

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue, TypeAdapter, ValidationError

from domain.agent_graph import AllOf, AnyOf, Condition, Expression, Not, holds
from domain.agent_graph.expressions import paths_in
from domain.agent_graph.references import LookUp

EXPRESSIONS: TypeAdapter[Condition | AllOf | AnyOf | Not] = TypeAdapter(Expression)
VALUES: st.SearchStrategy[JsonValue] = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats(-3, 3) | st.sampled_from(["", "a", "b", "ab"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=4,
)
CONDITIONS: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {"path": st.sampled_from(["inputs.a", "x.b", "nodes.x.c.0"])},
    optional={"op": st.sampled_from(["eq", "ne", "lt", "le", "gt", "ge", "in", "has"]), "value": VALUES},
)
TREES = st.recursive(
    CONDITIONS,
    lambda inner: st.one_of(
        st.builds(lambda parts: {"all": parts}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda parts: {"any": parts}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda part: {"not": part}, inner),
    ),
    max_leaves=6,
)


def world(seed: int) -> LookUp:
    """The same value for the same path."""
    values: list[JsonValue] = [None, True, False, 0, 1, -2.5, "a", "ab", ["a", 1], {"a": 1}]
    return lambda path: random.Random(f"{seed} {path}").choice(values)


def found(value: JsonValue) -> LookUp:
    return lambda path: value


@given(TREES)
def test_an_expression_is_the_same_after_a_trip_through_json(tree: dict[str, Any]) -> None:
    expression = EXPRESSIONS.validate_python(tree)
    assert EXPRESSIONS.validate_json(EXPRESSIONS.dump_json(expression)) == expression
    assert EXPRESSIONS.validate_json(EXPRESSIONS.dump_json(expression, by_alias=True)) == expression


@given(TREES, st.integers(0, 99))
def test_an_expression_holds_or_its_negation_does(tree: dict[str, Any], seed: int) -> None:
    expression, look_up = EXPRESSIONS.validate_python(tree), world(seed)
    assert holds(expression, look_up) is not holds(Not(negated=expression), look_up)


@given(st.lists(TREES, min_size=1, max_size=4), st.integers(0, 99))
def test_all_and_any_are_each_others_mirror(trees: list[dict[str, Any]], seed: int) -> None:
    parts = tuple(EXPRESSIONS.validate_python(tree) for tree in trees)
    negated, look_up = tuple(Not(negated=part) for part in parts), world(seed)
    assert holds(AllOf(all=parts), look_up) is not holds(AnyOf(any=negated), look_up)


@given(TREES)
def test_an_expression_looks_up_only_the_paths_that_it_names(tree: dict[str, Any]) -> None:
    expression, seen = EXPRESSIONS.validate_python(tree), set()
    holds(expression, lambda path: seen.add(path))
    assert seen <= set(paths_in(expression))


@given(VALUES, VALUES)
def test_of_two_values_at_most_one_is_less_and_what_cannot_be_ordered_is_neither(a: JsonValue, b: JsonValue) -> None:
    told = {op: holds(Condition.model_validate({"path": "x", "op": op, "value": b}), found(a)) for op in
            ("lt", "le", "gt", "ge", "eq", "ne")}  # fmt: skip
    numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in (a, b))
    ordered = numbers or (isinstance(a, str) and isinstance(b, str))
    assert told["lt"] + told["gt"] + (told["eq"] and ordered) == ordered
    assert (told["le"], told["ge"]) == (told["lt"] or (told["eq"] and ordered), told["gt"] or (told["eq"] and ordered))
    assert told["eq"] is not told["ne"]


@pytest.mark.parametrize(
    ("value", "op", "other", "result"),
    [
        ("a", "in", ["a", "b"], True),
        ("c", "in", ["a", "b"], False),
        ("a", "in", "abc", False),
        (["a", "b"], "has", "b", True),
        ("abc", "has", "b", True),
        ("abc", "has", 1, False),
        ({"b": 1}, "has", "b", False),
        (None, "has", "b", False),
        (None, "lt", 1, False),
        (None, "ge", None, False),
        (True, "gt", 0, False),
        ("2", "gt", 1, False),
        (1.5, "gt", 1, True),
        (None, "eq", None, True),
    ],
)
def test_values_are_compared(value: JsonValue, op: str, other: JsonValue, result: bool) -> None:
    condition = Condition.model_validate({"path": "x", "op": op, "value": other})
    assert holds(condition, found(value)) is result


def test_a_condition_that_says_only_a_path_asks_for_true() -> None:
    assert holds(EXPRESSIONS.validate_python({"path": "x"}), found(True))
    assert not holds(EXPRESSIONS.validate_python({"path": "x"}), found("true"))


@pytest.mark.parametrize(
    "tree",
    [
        {},
        {"all": []},
        {"any": [{"path": "x"}] * 21},
        {"all": [{"path": "x"}], "path": "y"},
        {"all": [{"path": "x"}], "any": [{"path": "x"}]},
        {"not": []},
        {"path": "X"},
        {"path": "x."},
        {"path": "x", "op": "matches"},
        {"path": "x", "code": "1"},
        "x == 1",
        None,
    ],
)
def test_what_is_no_expression_is_refused(tree: Any) -> None:
    with pytest.raises(ValidationError):
        EXPRESSIONS.validate_python(tree)


@pytest.mark.parametrize(
    ("value", "op", "there", "holding"),
    [
        ("{{ inputs.a }}", "eq", 3, True),
        ("{{ inputs.a }}", "lt", 3, False),
        ("{{ inputs.a }}", "eq", {"b": [1]}, True),
        ("at {{ inputs.a }}", "eq", 3, False),
        (["{{ inputs.a }}", 7], "in", "x", True),
        ("{{ inputs.a }}", "eq", None, True),
    ],
)
def test_a_value_may_be_a_reference(value: JsonValue, op: str, there: JsonValue, holding: bool) -> None:
    condition = EXPRESSIONS.validate_python({"path": "x.b", "op": op, "value": value})
    assert holds(condition, found(there)) is holding


def test_a_reference_within_a_text_is_put_into_it() -> None:
    condition = EXPRESSIONS.validate_python({"path": "x.b", "value": "at {{ inputs.a }}"})
    there: dict[str, JsonValue] = {"x.b": "at 3", "inputs.a": 3}
    assert holds(condition, lambda path: there[path])
    assert set(paths_in(condition)) == {"x.b", "inputs.a"}
