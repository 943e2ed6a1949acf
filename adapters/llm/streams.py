"""Streams of a wrapped model, closed with the one around them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from domain.ports.llm import LLM, Delta, Reply, Request


@asynccontextmanager
async def opened(llm: LLM, request: Request) -> AsyncIterator[AsyncIterator[Delta | Reply]]:
    """The stream of `llm`; leaving the block early ends the request at the backend."""
    pieces = llm.stream(request)
    try:
        yield pieces
    finally:
        close = getattr(pieces, "aclose", None)
        if close is not None:
            await close()
