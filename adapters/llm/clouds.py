"""Keeps prompts from a model that an Ollama on this machine would run in a cloud."""

import time
from collections.abc import Callable
from dataclasses import replace

from adapters.llm.faults import Target
from adapters.llm.presence import look
from domain.ports.llm import ModelTimedOut, Request

REMEMBERED = 300.0
"""Seconds for which a model that is stored here is taken to stay here."""


class Clouds:
    """What was asked of a model is remembered for some minutes where it was good, and asked again where it was not."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._stored: dict[str, float] = {}

    async def pass_by(self, request: Request, target: Target, key: str | None) -> Request:
        """`request` with the time that is left after asking. Raises RequestRefused for a model in a cloud, else what
        `look` raises; nothing is asked of other kinds and where clouds are allowed."""
        begun = self._monotonic()
        if target.kind != "ollama" or target.cloud_allowed or self._stored.get(target.alias, 0.0) > begun:
            return request
        await look(target, key, request.deadline)
        now = self._monotonic()
        self._stored[target.alias] = now + REMEMBERED
        if (left := request.deadline - (now - begun)) <= 0:
            raise ModelTimedOut(f"No complete reply in time from {target}; try again, or use a smaller model.")
        return replace(request, deadline=left)
