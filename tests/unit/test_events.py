"""Events keep the version they were written with and are read in the newest."""

from collections.abc import Iterator, Mapping
from dataclasses import FrozenInstanceError, replace
from datetime import UTC, datetime
from typing import get_args

import pytest
from pydantic import JsonValue, TypeAdapter, ValidationError

from domain.events import UPCASTERS, Event, EventType, upcast

EVENTS = TypeAdapter(Event)
EVENT = Event(
    type="task.changed",
    workspace_id="wsp_1",
    subject="tsk_1",
    actor="usr_1",
    at=datetime(2026, 1, 1, tzinfo=UTC),
    data={"name": "Write it"},
)


def renamed(data: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    return {"title": data["name"]}


def numbered(data: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    return {**data, "number": 1}


@pytest.fixture
def newer() -> Iterator[None]:
    """Two newer versions of one type of event."""
    UPCASTERS["task.changed", 1], UPCASTERS["task.changed", 2] = renamed, numbered
    yield
    del UPCASTERS["task.changed", 1], UPCASTERS["task.changed", 2]


@pytest.mark.usefixtures("newer")
def test_an_old_event_is_read_in_the_newest_version() -> None:
    new = upcast(EVENT)
    assert (new.version, new.data) == (3, {"title": "Write it", "number": 1})
    assert replace(new, version=1, data=EVENT.data) == EVENT
    assert EVENT.data == {"name": "Write it"}


@pytest.mark.usefixtures("newer")
def test_up_casting_begins_at_the_version_that_was_written() -> None:
    assert upcast(replace(EVENT, version=2, data={"title": "T"})).data == {"title": "T", "number": 1}
    assert upcast(upcast(EVENT)) == upcast(EVENT)


@pytest.mark.usefixtures("newer")
def test_other_types_stay_as_they_are() -> None:
    other = replace(EVENT, type="task.moved")
    assert upcast(other) == other


def test_an_event_in_the_newest_version_is_read_as_it_is() -> None:
    assert upcast(EVENT) == EVENT


@pytest.mark.parametrize("type", get_args(EventType))
def test_an_event_of_each_type_is_the_same_after_a_trip_through_json(type: EventType) -> None:
    event = replace(EVENT, type=type)
    assert EVENTS.validate_json(EVENTS.dump_json(event)) == event


def test_an_event_of_an_unknown_type_cannot_be_built() -> None:
    with pytest.raises(ValidationError):
        EVENTS.validate_python({**EVENTS.dump_python(EVENT), "type": "task.eaten"})


def test_an_event_refuses_assignment() -> None:
    with pytest.raises(FrozenInstanceError):
        EVENT.subject = "tsk_2"  # type: ignore[misc]
