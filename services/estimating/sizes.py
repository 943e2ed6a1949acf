"""How long prompts and replies are, in tokens, before there are any."""

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from domain.agent import Profile
from domain.estimate import Span
from domain.ports.llm import ModelInfo, Request, render
from domain.tokens import estimated_tokens
from services.work.drafting import reply_tokens

SURE = 0.6
"""Our estimate of tokens is on the safe side; common models count at least this share of it."""
FENCED = 1.2
"""What a passage takes in a prompt, with its title and its marks, beside its text."""
SHORTEST = 4
"""A text is at least so many times shorter than the words that it may have."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """What was handed over: `tokens` in all, `opening` those of what planning sees of it."""

    tokens: int
    opening: int


def of_text(text: str) -> Span:
    tokens = estimated_tokens(text)
    return Span(int(tokens * SURE), tokens)


def of_prompt(system: str, task: str, schema: dict[str, JsonValue] | None = None) -> Span:
    """As it is sent, without its passages."""
    request = Request(alias="-", system=system, task=task, schema=schema, idempotency_key="-")
    return of_text("\n".join(str(message["content"]) for message in render(request)))


def of_reply(max_words: int) -> Span:
    return Span(max(30, max_words // SHORTEST), reply_tokens(max_words))


def given(profile: Profile, model: ModelInfo, taken: int, known: Span) -> Span:
    """The passages that are put before an agent, of all that is `known`, beside what else is `taken` of the context."""
    room = max(300, min(profile.context_tokens, model.context_tokens - taken))
    surely = min(known.low, int(room * profile.context.direct_share))
    return Span(int(surely * SURE), int(min(known.high, room) * FENCED))


def summed(spans: Sequence[Span]) -> Span:
    return sum(spans, Span())
