"""Which tier of model does which work: rules that a person can read, and what they decided."""

import re
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from domain.task import Complexity

Tier = Literal["small", "medium", "large", "code"]
WORD = re.compile(r"\w+")
LADDER: tuple[Tier, ...] = ("small", "medium", "large")
NEARER: dict[Tier, tuple[Tier, ...]] = {
    "small": ("small", "medium", "large", "code"),
    "medium": ("medium", "large", "small", "code"),
    "large": ("large", "medium", "code", "small"),
    "code": ("code", "large", "medium", "small"),
}
"""For each tier: itself, then what stands in where nothing is configured for it."""


class Choice(BaseModel):
    """The alias that a call goes to, the tier it is for, and why in plain words. `stronger` is the alias for when its
    reply cannot be used; empty where there is none."""

    model_config = ConfigDict(frozen=True)

    alias: str
    tier: Tier
    reason: str
    stronger: str = ""


def above(tier: Tier) -> Tier:
    """The next one up; `large` is the last, and what `code` is beside."""
    return LADDER[min(LADDER.index(tier) + 1, len(LADDER) - 1)] if tier in LADDER else "large"


class Work(BaseModel):
    """What is known of a call before it is made. `purpose` is what it is for: draft, revise, review, plan, gate,
    route, converse …; `failed` how many times the work was refused; `text` what is asked."""

    model_config = ConfigDict(frozen=True)

    agent: str
    tier: Tier
    purpose: str
    project: str = ""
    complexity: Complexity | None = None
    kind: str = ""
    failed: int = 0
    text: str = ""


class Rule(BaseModel):
    """Fits work of which all that it names is true; then sets the tier, or moves it `by` so many steps."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    because: Annotated[str, Field(min_length=3, max_length=200)]
    purposes: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()
    tiers: tuple[Tier, ...] = ()
    complexity: tuple[Complexity, ...] = ()
    words: tuple[str, ...] = Field((), description="One of these words stands in what is asked.")
    failed: Annotated[int, Field(ge=0)] = Field(0, description="It was refused at least so many times.")
    tier: Tier | None = None
    by: Annotated[int, Field(ge=-2, le=2)] = 0

    @model_validator(mode="after")
    def _decides(self) -> "Rule":
        if (self.tier is None) == (self.by == 0):
            raise ValueError("a rule sets a `tier` or moves it `by` some steps, one of the two")
        return self

    def fits(self, work: Work, tier: Tier) -> bool:
        asked = [
            (self.purposes, work.purpose),
            (self.kinds, work.kind),
            (self.agents, work.agent),
            (self.tiers, tier),
            (self.complexity, work.complexity),
        ]
        if any(named and value not in named for named, value in asked) or work.failed < self.failed:
            return False
        said = set(WORD.findall(work.text.casefold())) if self.words else set()
        return not self.words or any(word.casefold() in said for word in self.words)

    def moved(self, tier: Tier) -> Tier:
        """`code` is beside the ladder: it stays, unless a rule sets it."""
        if self.tier is not None:
            return self.tier
        if tier not in LADDER:
            return tier
        return LADDER[min(max(LADDER.index(tier) + self.by, 0), len(LADDER) - 1)]


class Routing(BaseModel):
    """The rules, applied one after the other to the tier of the agent's profile."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rules: tuple[Rule, ...] = ()
    refine: bool = Field(
        False,
        description="Whether a small model is asked, once for each planned task of medium complexity, how hard it is.",
    )

    def tier(self, work: Work) -> tuple[Tier, str]:
        """The tier for `work`, and why."""
        tier, reasons = work.tier, [f"{work.agent} works with {work.tier}"]
        for rule in self.rules:
            if rule.fits(work, tier) and (moved := rule.moved(tier)) != tier:
                tier = moved
                reasons.append(f"{rule.because}: {tier}")
        return tier, "; ".join(reasons)
