"""Tries small tasks on a model, one after the other: what passed, what it took, how its JSON was read."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any

from domain import bench
from domain.bench import BenchTask, Tried
from domain.ports.llm import LLM, LLMError, Reply, Request
from services.structured.faults import Unreadable
from services.structured.ladder import read

WAIT = 300.0
SYSTEM = "You do small tasks exactly as they are put, without comment."
REFUSED = "refused"


class Bench:
    """The calls are made outside of a run, as those of a check: they are not booked."""

    def __init__(self, llm: LLM, tasks: Sequence[BenchTask]) -> None:
        self._llm, self.tasks = llm, tasks

    async def tried(self, alias: str) -> AsyncIterator[Tried]:
        """Each task as it was tried. A model that does not answer is a finding, not an error."""
        for task in self.tasks:
            yield await self._tried(alias, task)

    def model(self, alias: str) -> str:
        """Raises ModelMissing for an alias that nobody configured."""
        return self._llm.describe(alias).model

    async def _tried(self, alias: str, task: BenchTask) -> Tried:
        tried = Tried(name=task.name, kind=task.kind, passed=False, detail="")
        try:
            reply = await self._llm.complete(_request(alias, task))
        except LLMError as error:
            return replace(tried, detail=str(error), answered=False)
        passed, detail, rung = _judged(task, reply)
        return replace(
            tried,
            passed=passed,
            detail=detail,
            rung=rung,
            input_tokens=reply.input_tokens,
            output_tokens=reply.output_tokens,
            seconds=reply.seconds,
        )


def _request(alias: str, task: BenchTask) -> Request:
    return Request(
        alias=alias,
        system=SYSTEM,
        task=task.asked,
        idempotency_key="bench",
        schema=task.schema_,
        tools=task.tools,
        max_output_tokens=task.max_tokens,
        temperature=0.0,
        deadline=WAIT,
    )


def _judged(task: BenchTask, reply: Reply) -> tuple[bool, str, str]:
    """Whether it is right, why not, and the rung by which it was read."""
    if task.schema_ is not None and task.equal is not None:
        return _structured(task.equal, task.schema_, reply)
    if task.call is not None:
        return (*bench.called(task.call, reply.tool_calls), "")
    if task.code is not None:
        return (*bench.written(task.code, reply.text), "")
    return (*bench.says(task.says, reply.text), "")


def _structured(wanted: dict[str, Any], schema: dict[str, Any], reply: Reply) -> tuple[bool, str, str]:
    try:
        reading = read(reply.text, schema, cut=reply.finish == "length")
    except Unreadable as fault:
        return False, str(fault), REFUSED
    return (*bench.equal(wanted, reading.value), reading.rung)
