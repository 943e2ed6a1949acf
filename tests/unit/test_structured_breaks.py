"""What a weak model may do to good JSON: the reading is what was meant, or there is none."""

import json
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.structured.coercing import same
from services.structured.faults import Unreadable
from services.structured.ladder import read
from tests.broken_replies import BREAKS, SCHEMAS, broken, drawn, instance, part_of

LEFT_OPEN = {"no last bracket", "no last brackets"}
seeds = st.integers(0, 2**32)


def outcome(text: str, schema: Any, *, cut: bool = False) -> tuple[Any, bool]:
    """The value, and whether there is one."""
    try:
        return read(text, schema, cut=cut).value, True
    except Unreadable:
        return None, False


def right(value: Any, meant: Any, names: list[str]) -> bool:
    """A text without its last bracket may be one that broke off; then what is unfinished is left out."""
    return same(value, meant) or (not LEFT_OPEN.isdisjoint(names) and part_of(value, meant))


@settings(max_examples=400, deadline=None)
@given(seeds, st.integers(0, 2))
def test_a_broken_reply_is_read_as_it_was_meant_or_refused(seed: int, breaks: int) -> None:
    schema, meant, text, names = drawn(seed, breaks)
    value, found = outcome(text, schema)
    assert not found or right(value, meant, names), (names, text)


@pytest.mark.parametrize("name", BREAKS)
def test_each_way_of_breaking_is_mostly_read(name: str) -> None:
    read_, tried = 0, 60
    for seed in range(tried):
        random = Random(seed)
        schema = random.choice(list(SCHEMAS.values()))
        meant = instance(schema, random)
        text = broken(meant, [name], random)
        value, found = outcome(text, schema)
        assert not found or right(value, meant, [name]), text
        read_ += found
    assert read_ / tried >= (0.5 if name in LEFT_OPEN else 0.9)


def test_at_least_95_of_100_broken_replies_are_read_and_none_wrongly() -> None:
    found = []
    for seed in range(2_000):
        schema, meant, text, names = drawn(seed, 1 + seed % 2)
        value, ok = outcome(text, schema)
        assert not ok or right(value, meant, names), (names, text)
        found.append(ok)
    assert sum(found) / len(found) >= 0.95


@settings(max_examples=400, deadline=None)
@given(seeds, st.integers(0, 1), st.floats(0, 1), st.booleans())
def test_a_reply_cut_anywhere_gives_whole_members_only_and_nothing_where_the_backend_cut_it(
    seed: int, breaks: int, where: float, cut: bool
) -> None:
    schema, meant, text, names = drawn(seed, breaks)
    value, found = outcome(text[: round(where * len(text))], schema, cut=cut)
    if found and "twice" not in names:
        assert same(value, meant) if cut else part_of(value, meant), text


@settings(max_examples=400, deadline=None)
@given(seeds, st.sampled_from([None, 2]))
def test_one_sign_lost_doubled_or_mistaken_never_changes_the_meaning(seed: int, indent: int | None) -> None:
    random = Random(seed)
    schema = random.choice(list(SCHEMAS.values()))
    meant = instance(schema, random)
    text = json.dumps(meant, ensure_ascii=False, indent=indent)
    at = random.choice([n for n, outside in enumerate(_structure(text)) if outside])
    put = random.choice(["", "", text[at] * 2, random.choice("{}[],:\"'")])
    value, found = outcome(text[:at] + put + text[at + 1 :], schema)
    assert not found or part_of(value, meant), text[:at] + put + text[at + 1 :]


def _structure(text: str) -> list[bool]:
    """For each character whether it is a sign of JSON, not of a text within it."""
    marked, within, escaped = [], False, False
    for character in text:
        quote = character == '"' and not escaped
        marked.append(quote or (not within and character in "{}[],:"))
        within ^= quote
        escaped = within and character == "\\" and not escaped
    return marked
