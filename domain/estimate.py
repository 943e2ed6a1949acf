"""What work will use, before it is done: ranges, from where all goes well to where all is revised and planned again."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from domain.ports.llm import ModelInfo


@dataclass(frozen=True)
class Span:
    low: int = 0
    high: int = 0

    def __add__(self, other: "Span") -> "Span":
        return Span(self.low + other.low, self.high + other.high)

    def __mul__(self, other: "Span") -> "Span":
        return Span(self.low * other.low, self.high * other.high)

    def __contains__(self, number: float) -> bool:
        return self.low <= number <= self.high


def exactly(number: int) -> Span:
    return Span(number, number)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Calls of one kind to one model: how long its prompt and its reply are, in tokens, and how often it is made."""

    alias: str
    purpose: str
    prompt: Span
    reply: Span
    times: Span = Span(1, 1)

    def often(self, times: Span) -> "Asked":
        return replace(self, times=self.times * times)


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Money in millionths of the currency, seconds as models work, one after the other. `untimed` are the aliases of
    which no speed is known: their seconds are missing, and what they cost by the second."""

    calls: Span = Span()
    input_tokens: Span = Span()
    output_tokens: Span = Span()
    money: Span = Span()
    seconds: Span = Span()
    aliases: frozenset[str] = field(default_factory=frozenset)
    untimed: frozenset[str] = field(default_factory=frozenset)

    def __add__(self, other: "Figures") -> "Figures":
        return Figures(
            calls=self.calls + other.calls,
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            money=self.money + other.money,
            seconds=self.seconds + other.seconds,
            aliases=self.aliases | other.aliases,
            untimed=self.untimed | other.untimed,
        )


@dataclass(frozen=True, kw_only=True)
class Part:
    """Planning, or one task; `way` is the workflow by which it is done."""

    title: str
    figures: Figures
    task_id: str = ""
    who: str = ""
    way: str = ""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """`unknown` says in sentences what could not be counted."""

    parts: tuple[Part, ...]
    unknown: tuple[str, ...] = ()

    @property
    def total(self) -> Figures:
        return sum((part.figures for part in self.parts), Figures())


def figures(asked: Asked, model: ModelInfo, speed: float | None) -> Figures:
    """`speed` in tokens of the reply a second, None where it is not known."""
    one = [_seconds(tokens, speed) for tokens in (asked.reply.low, asked.reply.high)]
    return Figures(
        calls=asked.times,
        input_tokens=asked.prompt * asked.times,
        output_tokens=asked.reply * asked.times,
        money=Span(
            asked.times.low * model.price(asked.prompt.low, asked.reply.low, one[0]),
            asked.times.high * model.price(asked.prompt.high, asked.reply.high, one[1]),
        ),
        seconds=Span(math.floor(asked.times.low * one[0]), math.ceil(asked.times.high * one[1])),
        aliases=frozenset({asked.alias}) if asked.times.high else frozenset(),
        untimed=frozenset({asked.alias}) if speed is None and not model.rehearsal and asked.times.high else frozenset(),
    )


def _seconds(tokens: int, speed: float | None) -> float:
    return tokens / speed if speed else 0.0


def together(all: Iterable[Figures]) -> Figures:
    return sum(all, Figures())
