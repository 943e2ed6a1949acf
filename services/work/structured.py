"""Structured replies: asked for, read tolerantly against the schema, asked again with the exact fault.

Each re-ask is a new recorded call. At most two, then one to the next tier; then StructuredFailure, and the caller falls
back and says so.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal, TypeVar

from loguru import logger

from domain.errors import DomainError
from domain.ports.llm import ContextTooLong, Reply, Request
from services.running.calls import Calls
from services.structured.ladder import read

T = TypeVar("T")
REASKS = 2
MOST_ROOM = 4  # times the output tokens that were asked for at first
MAX_QUOTED = 2_000


class StructuredFailure(DomainError):
    """The model did not give what was asked, after all tries. `str` is the last fault."""


async def ask(
    calls: Calls, request: Request, build: Callable[[Any], T], *, agent: str, purpose: str
) -> tuple[T, Reply]:
    """What `build` makes of the reply. `build` may raise DomainError or ValueError with a fault worth telling.

    A reply that was cut by its length is asked for again with twice the room, not as if its JSON were bad.
    """
    assert request.schema is not None
    most = MOST_ROOM * request.max_output_tokens
    fault, earlier = "", request.earlier
    for tried in range(1 + REASKS + bool(request.stronger)):
        if tried > REASKS:
            request = _of_the_next_tier(request, earlier)
        try:
            reply = await calls.complete(request, agent=agent, purpose=purpose)
        except ContextTooLong as error:
            if not fault:
                raise
            raise StructuredFailure(fault) from error  # there is no more room
        try:
            return build(_read(reply, request)), reply
        except (DomainError, ValueError) as error:
            fault = str(error)
        if reply.finish == "length":
            fault = f"The reply was cut off after {request.max_output_tokens:,} tokens. {fault}"
            request = replace(request, max_output_tokens=min(2 * request.max_output_tokens, most))
        else:
            request = _told(request, reply, fault)
    raise StructuredFailure(fault)


def _read(reply: Reply, request: Request) -> Any:
    assert request.schema is not None
    reading = read(reply.text, request.schema, cut=reply.finish == "length")
    if reading.rung != "strict":
        changes = sorted({coercion.what for coercion in reading.coercions})
        logger.info("a structured reply was {}: {}", reading.rung, "; ".join(changes) or "other marks")
    return reading.value


def _of_the_next_tier(request: Request, earlier: tuple[tuple[Literal["user", "assistant"], str], ...]) -> Request:
    logger.info("{} gave no usable reply; {} is asked", request.alias, request.stronger)
    reason = f"{request.reason}; {request.alias} gave no usable reply: the next tier"
    return replace(request, alias=request.stronger, reason=reason, earlier=earlier)


def _told(request: Request, reply: Reply, fault: str) -> Request:
    return replace(
        request,
        earlier=(
            ("assistant", reply.text[:MAX_QUOTED] or "(nothing)"),
            ("user", f"That cannot be used: {fault} Answer again with the corrected JSON and nothing else."),
        ),
    )
