"""Ids sort by time, name their kind, and derived ones come out the same again."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from domain.ids import ALPHABET, PREFIXES, derived_id, digest_of, kind_of, make_id

TIMES = st.datetimes(min_value=datetime(1971, 1, 1), max_value=datetime(2200, 1, 1), timezones=st.just(UTC))
ENTROPY = st.binary(min_size=10, max_size=32)
KINDS = st.sampled_from(sorted(PREFIXES))


@given(KINDS, TIMES, TIMES, ENTROPY, ENTROPY)
def test_ids_of_a_kind_sort_by_the_millisecond_they_were_made_in(
    kind: str, one: datetime, two: datetime, a: bytes, b: bytes
) -> None:
    assume(two - one >= timedelta(milliseconds=1))
    assert make_id(kind, one, a) < make_id(kind, two, b)


@given(KINDS, TIMES, ENTROPY)
def test_the_prefix_names_the_kind_and_the_rest_is_26_letters_that_cannot_be_confused(
    kind: str, at: datetime, entropy: bytes
) -> None:
    id = make_id(kind, at, entropy)
    assert kind_of(id) == kind
    prefix, _, digits = id.partition("_")
    assert (prefix, len(digits)) == (PREFIXES[kind], 26)
    assert set(digits) <= set(ALPHABET)
    assert not set("ilou") & set(digits)


@given(TIMES, ENTROPY, ENTROPY)
def test_ids_of_one_millisecond_differ_by_their_entropy(at: datetime, a: bytes, b: bytes) -> None:
    assert (make_id("run", at, a) == make_id("run", at, b)) == (a[:10] == b[:10])


@given(KINDS, TIMES, st.binary(min_size=1, max_size=64), st.lists(st.text(max_size=5) | st.integers(), min_size=1))
def test_a_derived_id_is_the_same_when_it_is_made_again(
    kind: str, at: datetime, key: bytes, parts: list[str | int]
) -> None:
    assert derived_id(kind, at, key, *parts) == derived_id(kind, at, key, *parts)


@given(TIMES, st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32), st.integers(), st.integers())
def test_derived_ids_differ_by_key_and_by_parts(at: datetime, a: bytes, b: bytes, m: int, n: int) -> None:
    assume(a != b and m != n)
    assert len({derived_id("run", at, a, m), derived_id("run", at, a, n), derived_id("run", at, b, m)}) == 3


def test_prefixes_are_distinct_and_an_unknown_one_is_a_thing() -> None:
    assert len(set(PREFIXES.values())) == len(PREFIXES)
    assert [kind_of(id) for id in ("agt_critic", "xyz_1", "", "run")] == ["agent", "thing", "thing", "run"]


def test_there_is_no_id_of_an_unknown_kind() -> None:
    with pytest.raises(KeyError):
        make_id("nothing", datetime(2026, 1, 1, tzinfo=UTC), bytes(10))


def test_content_is_addressed_by_its_sha256() -> None:
    assert digest_of(b"") == "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
