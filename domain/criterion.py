"""An acceptance criterion: a sentence, and where code can decide it, the check that does."""

from typing import Annotated, Literal

from pydantic import Field, JsonValue
from pydantic.dataclasses import dataclass

Verdict = Literal["met", "not_met", "unverified"]


@dataclass(frozen=True, kw_only=True)
class Check:
    """A function registered as `name@version` and its parameters. Never code."""

    rule: Annotated[str, Field(pattern=r"^[a-z_]+@\d+$")]
    params: dict[str, JsonValue] = Field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Criterion:
    text: Annotated[str, Field(min_length=1, max_length=500)]
    check: Check | None = None


@dataclass(frozen=True, kw_only=True)
class CriterionVerdict:
    text: str
    verdict: Verdict
    evidence: str = ""
