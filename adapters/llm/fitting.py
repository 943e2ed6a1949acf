"""What does not fit a model's context is left out in a stated order, and said; nothing is cut silently."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

from adapters.llm.streams import opened
from domain.ports.llm import LLM, ContextTooLong, Delta, ModelInfo, Passage, Reply, Request, render
from domain.tokens import estimated_tokens

FRAME = 8
"""Tokens that a chat template puts around a message."""
TRIES = 3
LEAST, MOST = 0.5, 4.0
ENOUGH = 200
"""Estimated tokens from which on a reply's count teaches something."""


@dataclass
class Ratio:
    """How many tokens a model really counts for one of our estimate, as its replies tell. It grows at once and falls
    slowly: too few is an error, too many only waste."""

    value: float = 1.0

    def learn(self, estimated: int, counted: int) -> None:
        if estimated < ENOUGH or counted <= 0:
            return
        seen = min(max(counted / estimated, LEAST), MOST)
        self.value = seen * 1.02 if seen > self.value else 0.8 * self.value + 0.2 * seen

    def refused(self) -> None:
        """The backend counted more than fits."""
        self.value = min(self.value * 1.3, MOST)


class FittingLLM(LLM):
    """Leaves passages out where prompt and reply would not fit `context_tokens` together: those of the highest `rank`
    first, among equals the last. What the platform and the person say is never left out. `Reply.left_out` names what
    was. A backend that refuses the prompt all the same is asked with less, twice at most. Raises ContextTooLong with
    the numbers where nothing is left that could go. `ratios` is what was learned already, by alias."""

    def __init__(self, inner: LLM, ratios: dict[str, Ratio] | None = None) -> None:
        self._inner = inner
        self._ratios = {} if ratios is None else ratios

    async def complete(self, request: Request) -> Reply:
        for tried in range(1, TRIES + 1):
            asked, left_out = self._fitted(request)
            try:
                return self._told(request, asked, await self._inner.complete(asked), left_out)
            except ContextTooLong as error:
                self._refused(asked, error, tried)
        raise AssertionError("the last try returns or raises")

    async def stream(self, request: Request) -> AsyncIterator[Delta | Reply]:
        for tried in range(1, TRIES + 1):
            asked, left_out = self._fitted(request)
            begun = False
            try:
                async with opened(self._inner, asked) as pieces:
                    async for piece in pieces:
                        begun = True
                        yield piece if isinstance(piece, Delta) else self._told(request, asked, piece, left_out)
                return
            except ContextTooLong as error:
                if begun:
                    raise
                self._refused(asked, error, tried)

    def describe(self, alias: str) -> ModelInfo:
        return self._inner.describe(alias)

    async def check(self, alias: str) -> None:
        await self._inner.check(alias)

    def _ratio(self, alias: str) -> Ratio:
        return self._ratios.setdefault(alias, Ratio())

    def _fitted(self, request: Request) -> tuple[Request, tuple[str, ...]]:
        room = self._inner.describe(request.alias).context_tokens - request.max_output_tokens
        ratio, left_out = self._ratio(request.alias).value, []
        while (size := int(_size(request) * ratio)) > room:
            gone = _first_to_go(request.passages)
            if gone is None:
                raise self._too_long(request, size, room)
            left_out.append(gone.title or gone.source or gone.label)
            request = replace(request, passages=tuple(each for each in request.passages if each is not gone))
        return request, tuple(dict.fromkeys(left_out))

    def _told(self, request: Request, asked: Request, reply: Reply, left_out: tuple[str, ...]) -> Reply:
        self._ratio(request.alias).learn(_size(asked), reply.input_tokens)
        return replace(reply, left_out=left_out)

    def _refused(self, asked: Request, error: ContextTooLong, tried: int) -> None:
        """Raises `error` where asking with less is not possible."""
        if tried == TRIES or _first_to_go(asked.passages) is None:
            raise error
        self._ratio(asked.alias).refused()

    def _too_long(self, request: Request, size: int, room: int) -> ContextTooLong:
        info = self._inner.describe(request.alias)
        return ContextTooLong(
            f"The prompt has about {size:,} tokens, and model '{info.model}' (alias '{info.alias}') has room for "
            f"{max(room, 0):,} beside a reply of {request.max_output_tokens:,}; shorten the instructions or the brief, "
            "or use a model with more context (`context_tokens` in models.yaml)."
        )


def _size(request: Request) -> int:
    messages = sum(estimated_tokens(message["content"]) + FRAME for message in render(request))
    return messages + sum(estimated_tokens(json.dumps(tool.parameters) + tool.description) for tool in request.tools)


def _first_to_go(passages: tuple[Passage, ...]) -> Passage | None:
    documents = [each for each in passages if each.trust == "document"]
    return max(reversed(documents), key=lambda each: each.rank, default=None)
