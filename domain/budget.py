"""Budgets: caps on what may be used in all, at three levels; and what is said of one that is nearly or wholly used."""

import math
from collections.abc import Iterator, Mapping
from typing import Annotated, Literal, get_args

from pydantic import Field
from pydantic.dataclasses import dataclass

from domain.run import Usage

Measure = Literal["calls", "money", "tokens", "seconds"]
Level = Literal["workspace", "project", "task"]
MEASURES: tuple[Measure, ...] = get_args(Measure)
WARN_AT = 0.8
"""The share of a cap from which on people are warned."""


@dataclass(frozen=True, kw_only=True)
class Budget:
    """Caps on what may be used in all; None is no cap, 0 that nothing may be used. Money in millionths of the
    installation's currency; tokens of prompts and replies together; seconds that models worked."""

    money: Annotated[int, Field(ge=0)] | None = None
    calls: Annotated[int, Field(ge=0)] | None = None
    tokens: Annotated[int, Field(ge=0)] | None = None
    seconds: Annotated[int, Field(ge=0)] | None = None

    def cap(self, measure: Measure) -> int | None:
        return {"calls": self.calls, "money": self.money, "tokens": self.tokens, "seconds": self.seconds}[measure]

    def with_cap(self, measure: Measure, amount: int | None) -> "Budget":
        caps: dict[Measure, int | None] = {name: self.cap(name) for name in MEASURES} | {measure: amount}
        return Budget(**caps)


@dataclass(frozen=True, kw_only=True)
class Cap:
    """`amount` is the most that may be used of `measure` by all that `id` (a workspace, a project, a task) holds."""

    level: Level
    id: str
    measure: Measure
    amount: int

    @property
    def scope(self) -> str:
        """Of its counters."""
        return f"{self.level}:{self.id}"

    @property
    def needs(self) -> str:
        """What work that it stopped waits for."""
        return needs(self.scope, self.measure)

    def is_nearly_used(self, used: int) -> bool:
        return used >= WARN_AT * self.amount

    def nearly(self, used: int) -> str:
        return f"Of {self}, {shown(self.measure, used)} are used."

    def __str__(self) -> str:
        return f"the {self.level}'s budget of {shown(self.measure, self.amount)}"


@dataclass(frozen=True, kw_only=True)
class Shortage:
    """A cap that refused a call: what was `used`, what calls under way `held`, what the next one `wanted` at most."""

    cap: Cap
    used: int
    held: int
    wanted: int

    @property
    def passes(self) -> bool:
        """Whether it stays refused when nothing is under way any more."""
        return self.used + self.wanted > self.cap.amount

    @property
    def least(self) -> int:
        """The smallest cap that lets the call through."""
        return max(self.used + self.wanted, self.cap.amount + 1)

    @property
    def title(self) -> str:
        return f"The {self.cap.level}'s budget of {shown(self.cap.measure, self.cap.amount)} is used up"

    @property
    def told(self) -> str:
        measure = self.cap.measure
        held = f", {shown(measure, self.held)} are held by calls under way" if self.held else ""
        return (
            f"Of {self.cap}, {shown(measure, self.used)} are used{held}. The next call wants up to "
            f"{shown(measure, self.wanted)}. Raise the budget to at least {shown(measure, self.least)}, and the work "
            "goes on where it stands; or stop it: what waits for this ends as it is."
        )


def needs(scope: str, measure: str) -> str:
    return f"budget:{scope}:{measure}"


def caps(level: Level, id: str, budget: Budget) -> Iterator[Cap]:
    for measure in MEASURES:
        amount = budget.cap(measure)
        if amount is not None:
            yield Cap(level=level, id=id, measure=measure, amount=amount)


def widened(old: Budget, new: Budget) -> tuple[Measure, ...]:
    """Of which measures `new` lets more be used than `old`."""
    return tuple(name for name in MEASURES if _more(old.cap(name), new.cap(name)))


def _more(old: int | None, new: int | None) -> bool:
    return old is not None and (new is None or new > old)


def amounts(usage: Usage) -> Mapping[Measure, int]:
    """`usage` as budgets count it: whole seconds, tokens together."""
    return {
        "calls": usage.calls,
        "money": usage.money,
        "tokens": usage.input_tokens + usage.output_tokens,
        "seconds": math.ceil(usage.seconds),
    }


def shown(measure: Measure, amount: int) -> str:
    match measure:
        case "calls":
            return f"{amount:,} call{'s' * (amount != 1)} to models"
        case "money":
            return f"{_money(amount)} in money"
        case "tokens":
            return f"{amount:,} token{'s' * (amount != 1)}"
        case "seconds":
            return f"{amount:,} second{'s' * (amount != 1)} of model time"


def _money(millionths: int) -> str:
    """At least two places, and no digit lost."""
    whole, _, places = f"{millionths // 1_000_000:,}.{millionths % 1_000_000:06}".partition(".")
    return f"{whole}.{places.rstrip('0').ljust(2, '0')}"
