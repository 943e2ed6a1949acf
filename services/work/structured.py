"""Structured replies: asked for, read tolerantly against the schema, asked again with the exact fault.

Each re-ask is a new recorded call, which keeps how it did. At most two, then one to the next tier; then
StructuredFailure, and the caller falls back and says so. What has more fields than the model manages at once, or is
expected to be longer than it has room for, is asked for in parts, each as if it were all, then looked at as a whole.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Generic, Literal, TypeVar, cast

from loguru import logger

from domain.errors import DomainError
from domain.ports.llm import ContextTooLong, Reply, Request
from services.ports.structured import Fit
from services.running.calls import Calls
from services.structured.faults import Checker, Unreadable
from services.structured.parts import Limits, parts
from services.structured.understanding import understood

T = TypeVar("T")
Asked = Literal["first", "again", "longer", "stronger"]
FIRST: Asked = "first"
REASKS = 2
MOST_ROOM = 4  # times the output tokens that were asked for at first
MAX_QUOTED = 2_000


class StructuredFailure(DomainError):
    """The model did not give what was asked, after all tries. `str` is the last fault."""


async def ask(
    calls: Calls, request: Request, build: Callable[[Any], T], *, agent: str, purpose: str
) -> tuple[T, Reply]:
    """What `build` makes of the reply, and the last reply. `build` may raise DomainError or ValueError with a fault
    worth telling."""
    assert request.schema is not None
    info = calls.describe(request.alias)
    limits = Limits(fields=info.fields_at_once, tokens=min(info.context_tokens // 4, request.max_output_tokens))
    found = [request.schema] if info.rehearsal else parts(request.schema, limits)
    if len(found) == 1:
        return await _whole(calls, request, build, agent=agent, purpose=purpose)
    logger.info("{} is asked for a reply in {} parts", request.alias, len(found))
    return await _InParts(calls, request, found, agent, purpose).asked(build)


async def _whole(
    calls: Calls, request: Request, build: Callable[[Any], T], *, agent: str, purpose: str, asked: Asked = FIRST
) -> tuple[T, Reply]:
    """A reply that was cut by its length is asked for again with twice the room, not as if its JSON were bad."""
    most = MOST_ROOM * request.max_output_tokens
    fault, earlier = "", request.earlier
    tries = REASKS + bool(request.stronger)
    for tried in range(1 + tries):
        if tried > REASKS:
            request, asked = _of_the_next_tier(request, earlier), "stronger"
        attempt = _Attempt(request, build, asked, last=tried == tries)
        try:
            reply = await calls.complete(request, agent=agent, purpose=purpose, judge=attempt)
        except ContextTooLong as error:
            if not fault:
                raise
            raise StructuredFailure(fault) from error  # there is no more room
        try:
            return attempt.built(), reply
        except (DomainError, ValueError) as error:
            fault = str(error)
        if reply.finish == "length":
            fault = f"The reply was cut off after {request.max_output_tokens:,} tokens. {fault}"
            request, asked = replace(request, max_output_tokens=min(2 * request.max_output_tokens, most)), "longer"
        else:
            request, asked = _told(request, reply.text, fault), "again"
    raise StructuredFailure(fault)


class _InParts:
    """The parts of one value: one after the other, each told what the others gave. Where they do not fit together, the
    part that is at fault is asked for once more, or all of them where that cannot be told."""

    def __init__(
        self, calls: Calls, request: Request, schemas: Sequence[dict[str, Any]], agent: str, purpose: str
    ) -> None:
        self._calls, self._request, self._schemas = calls, request, schemas
        self._agent, self._purpose = agent, purpose
        self._names = [name for schema in schemas for name in schema["properties"]]
        self._found: dict[str, Any] = {}

    async def asked(self, build: Callable[[Any], T]) -> tuple[T, Reply]:
        replies = [await self._part(number) for number in range(len(self._schemas))]
        try:
            return self._built(build), replies[-1]
        except (DomainError, ValueError) as error:
            fault = error
        again = [number for number in range(len(self._schemas)) if self._is_at_fault(number, fault)]
        replies = [await self._part(number, str(fault)) for number in again]
        try:
            return self._built(build), replies[-1]
        except (DomainError, ValueError) as error:
            raise StructuredFailure(str(error)) from error

    async def _part(self, number: int, fault: str = "") -> Reply:
        schema, whole = self._schemas[number], len(self._schemas)
        own = {name: value for name, value in self._found.items() if name in schema["properties"]}
        others = {name: value for name, value in self._found.items() if name not in own}
        names = ", ".join(f"`{name}`" for name in schema["properties"])
        task = f"{self._request.task}\n\nGive only {names} now; this is part {number + 1} of {whole}."
        if others:
            task += f" Decided already: {_json(others)}"
        request = replace(self._request, task=task, schema=schema)
        if fault:
            request = _told(request, _json(own), fault)
        self._found, reply = await _whole(
            self._calls,
            request,
            lambda value: {**others, **value},
            agent=self._agent,
            purpose=f"{self._purpose}, part {number + 1} of {whole}",
            asked="again" if fault else FIRST,
        )
        return reply

    def _built(self, build: Callable[[Any], T]) -> T:
        """Raises what the parts together are not."""
        assert self._request.schema is not None
        if (fault := Checker(self._request.schema).fault(self._found)) is not None:
            raise fault
        return build({name: self._found[name] for name in self._names if name in self._found})

    def _is_at_fault(self, number: int, fault: Exception) -> bool:
        path = fault.path if isinstance(fault, Unreadable) else ""
        at = [each for each, schema in enumerate(self._schemas) if any(_leads(path, to) for to in schema["properties"])]
        return number in at if at else True


class _Attempt(Generic[T]):
    """One reply: read and built with as soon as it is there, so that its record says how it did."""

    def __init__(self, request: Request, build: Callable[[Any], T], asked: Asked, *, last: bool) -> None:
        self._request, self._build, self._asked, self._last = request, build, asked, last
        self._made: T | None = None
        self._error: Exception | None = None

    def __call__(self, reply: Reply) -> Fit:
        assert self._request.schema is not None
        cut = reply.finish == "length"
        try:
            found = understood(reply.text, self._request.schema, cut=cut)
            self._made = self._build(found.value)
        except Exception as error:  # what is no fault of the reply is raised when the call is settled
            self._error = error
            return Fit(rung="failed" if self._last else "cut" if cut else "refused", asked=self._asked)
        if found.rung != "strict":
            logger.info("a structured reply was {}: {}", found.rung, "; ".join(found.repairs) or "other marks")
        return Fit(rung=found.rung, repairs=found.repairs, asked=self._asked)

    def built(self) -> T:
        """Raises what went wrong with it."""
        if self._error is not None:
            raise self._error
        return cast(T, self._made)


def _leads(path: str, name: str) -> bool:
    return re.match(rf"\$\.{re.escape(name)}(?![\w-])", path) is not None


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)[:MAX_QUOTED]


def _of_the_next_tier(request: Request, earlier: tuple[tuple[Literal["user", "assistant"], str], ...]) -> Request:
    logger.info("{} gave no usable reply; {} is asked", request.alias, request.stronger)
    reason = f"{request.reason}; {request.alias} gave no usable reply: the next tier"
    return replace(request, alias=request.stronger, reason=reason, earlier=earlier)


def _told(request: Request, said: str, fault: str) -> Request:
    return replace(
        request,
        earlier=(
            ("assistant", said[:MAX_QUOTED] or "(nothing)"),
            ("user", f"That cannot be used: {fault} Answer again with the corrected JSON and nothing else."),
        ),
    )
