"""What the audit chain hashes: canonical JSON, RFC 8785."""

from dataclasses import replace

import rfc8785
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue, TypeAdapter

from adapters.store.committing import canonical
from domain.events import Event
from tests.stores import an_event

TEXTS = st.text(st.characters(codec="utf-8"), max_size=8)
NUMBERS = st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
)


@given(st.dictionaries(TEXTS, VALUES, max_size=5))
def test_whatever_an_event_says_is_written_as_the_library_for_rfc_8785_does(data: dict[str, JsonValue]) -> None:
    event = replace(an_event("tsk_1"), data=data)
    assert canonical(event).encode() == rfc8785.dumps(TypeAdapter(Event).dump_python(event, mode="json"))
