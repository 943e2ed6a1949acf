"""Structured replies as recorded calls on a real store: how each did, and parts that do not fit together."""

import json
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from domain.agent_graph import AgentGraph, AgentNode, ExitNode
from domain.errors import Invalid
from domain.ports.llm import LLM, Delta, ModelInfo, Reply, Request
from services.running.effects import EffectContext, EffectResult
from services.work import structured
from tests.integration.test_runners import House

ONE = AgentGraph(
    name="one@1",
    start="a",
    nodes=(AgentNode(id="a", handler="step@1", next="end", retries=0), ExitNode(id="end")),
)
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "colour": {"type": "string", "enum": ["red", "blue"]},
        "size": {"type": "integer"},
        "weight": {"type": "integer"},
    },
    "required": ["colour", "size", "weight"],
    "additionalProperties": False,
    "if": {"properties": {"colour": {"const": "red"}}},
    "then": {"properties": {"weight": {"maximum": 5}}},
}
Script = Callable[[Request], str]


class Told(LLM):
    """Writes what a script says; manages one field at once."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self.requests: list[Request] = []

    async def complete(self, request: Request) -> Reply:
        self.requests.append(request)
        return Reply(text=self._script(request), model="tiny", input_tokens=5, output_tokens=3)

    async def stream(self, request: Request) -> AsyncIterator[Delta | Reply]:
        yield await self.complete(request)

    def describe(self, alias: str) -> ModelInfo:
        return ModelInfo(alias=alias, model="tiny", backend="box", context_tokens=8_192, fields_at_once=1)

    async def check(self, alias: str) -> None:
        """It is there."""


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Any]:
    made: list[House] = []

    def build(script: Script) -> House:
        made.append(House(tmp_path))
        made[0].llm = Told(script)
        return made[0]

    yield build
    for each in made:
        each.database.close()


async def asked(house: House, build: Callable[[Any], Any]) -> tuple[Any, list[tuple[str, str]]]:
    """What came of it, or why nothing did, and rung and asking of each call in order."""
    found: list[Any] = []

    async def step(context: EffectContext) -> EffectResult:
        request = Request(alias="main", system="s", task="Describe it.", idempotency_key="-", schema=SCHEMA)
        try:
            value, _ = await structured.ask(context.calls, request, build, agent="agt_1", purpose="look")
        except structured.StructuredFailure as failure:
            value = str(failure)
        found.append(value)
        return EffectResult()

    run = await house.run(ONE)
    assert await house.runner("one", {"step@1": step}).advance(run) is True
    calls = await house.store.calls("wsp_1", run)
    return found[0], [(call.fit.rung, call.fit.asked) for call in calls]


def given(**values: Any) -> Script:
    """Each field as it is first, then second, … the last again and again."""
    left = {name: list(value) if isinstance(value, tuple) else [value] for name, value in values.items()}

    def script(request: Request) -> str:
        schema: Any = request.schema
        (name,) = schema["properties"]
        return json.dumps({name: left[name].pop(0) if len(left[name]) > 1 else left[name][0]})

    return script


async def test_the_part_at_fault_is_asked_for_again_where_the_whole_does_not_fit(house: Any) -> None:
    opened = house(given(colour="red", size=3, weight=(9, 4)))
    value, fits = await asked(opened, dict)
    assert list(value.items()) == [("colour", "red"), ("size", 3), ("weight", 4)]
    assert fits == [("strict", "first")] * 3 + [("strict", "again")]
    assert "At $.weight" in opened.llm.requests[-1].earlier[-1][1]


async def test_all_parts_are_asked_for_again_where_nobody_can_tell_which_is_at_fault(house: Any) -> None:
    def build(value: Any) -> Any:
        if value["size"] == value["weight"]:
            raise Invalid("Size and weight are the same.")
        return value

    opened = house(given(colour="blue", size=(3, 2), weight=3))
    value, fits = await asked(opened, build)
    assert value == {"colour": "blue", "size": 2, "weight": 3}
    assert [how for _, how in fits] == ["first"] * 3 + ["again"] * 3


async def test_parts_that_never_fit_together_are_a_failure_that_says_why(house: Any) -> None:
    value, fits = await asked(house(given(colour="red", size=3, weight=9)), dict)
    assert value == "At $.weight: 9 is greater than the maximum of 5."
    assert len(fits) == 4


async def test_a_reply_that_could_not_be_used_is_recorded_as_such_and_the_last_as_given_up(house: Any) -> None:
    value, fits = await asked(house(given(colour="green", size=3, weight=1)), dict)
    assert "'green' is not one of" in value
    assert fits == [("refused", "first"), ("refused", "again"), ("failed", "again")]
