"""Which models to run in so much memory: one for each tier, the strongest that surely fits.

A model fits when its file, its cache and its buffers stay within the budget. Models of several tiers need not fit
together: the backend loads them in turn; whether they do is said. They all serve as many calls at once as each of them
has room for, because a backend such as Ollama has one number for all.
"""

from collections.abc import Iterable, Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.dataclasses import dataclass

from domain.memory import Shape, need
from domain.routing import Tier

TIERS: tuple[Tier, ...] = ("small", "medium", "large", "code")
CONTEXTS = (16_384, 8_192)
"""The contexts that are tried, in tokens, longest first."""
SHORT = 4_096
"""The context where none of the longer ones fits with any model: enough for short work only."""
PARALLEL = 4
SHARED = "the model for large work: another one of about its size would have to be swapped for it"


class OpenModel(BaseModel):
    """An open model in one quantised file. `parameters` are all of it, `active` those that each token passes through;
    `tiers` the sizes of work that it is good for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-zA-Z0-9_.-]*:[a-zA-Z0-9_.-]+$", max_length=62)] = Field(
        description="As Ollama names it."
    )
    title: Annotated[str, Field(min_length=2, max_length=80)]
    licence: Annotated[str, Field(min_length=2, max_length=80)] = Field(
        description="Its SPDX identifier, else its name."
    )
    quantisation: Annotated[str, Field(pattern=r"^[A-Z0-9_]+$")] = "Q4_K_M"
    parameters: Annotated[int, Field(ge=1_000_000)]
    active: Annotated[int, Field(ge=1_000_000)] | None = None
    abilities: tuple[Literal["tools", "thinking", "code", "vision"], ...] = ()
    tiers: tuple[Tier, ...] = Field((), description="What it is proposed for; none: it is known, not proposed.")
    shape: Shape

    @property
    def alias(self) -> str:
        """A name for it in models.yaml."""
        return self.name.replace(":", "-").lower()


@dataclass(frozen=True, kw_only=True)
class Pick:
    """A model for some tiers, with the context and the calls at once that it has room for, and its memory then."""

    model: OpenModel
    tiers: tuple[Tier, ...]
    context_tokens: int
    parallel: int
    bytes: int


@dataclass(frozen=True, kw_only=True)
class Suggestion:
    """`reasons` say for each tier why it is that model, or why none; `together` is what all of them need at once, which
    may be more than the budget."""

    picks: tuple[Pick, ...]
    reasons: tuple[tuple[Tier, str], ...]
    budget: int

    @property
    def parallel(self) -> int:
        return self.picks[0].parallel if self.picks else 1

    @property
    def together(self) -> int:
        return sum(pick.bytes for pick in self.picks)

    def of(self, tier: Tier) -> Pick | None:
        return next((pick for pick in self.picks if tier in pick.tiers), None)


def suggest(
    models: Sequence[OpenModel], budget: int, *, active: int | None = None, parallel: int = PARALLEL
) -> Suggestion:
    """For each tier the strongest model that fits into `budget` bytes; a tier for which none fits is left out. `active`
    is how many parameters the machine works through at a speed that can be waited for (None: any), `parallel` the most
    calls at once."""
    usable = [model for model in models if active is None or (model.active or model.parameters) <= active]
    best = {tier: _strongest((m for m in usable if tier in m.tiers), budget) for tier in TIERS}
    chosen = {tier: _worth_a_swap(tier, model, best["large"], budget) for tier, model in best.items()}
    served: dict[str, tuple[OpenModel, tuple[Tier, ...]]] = {}
    for tier, model in chosen.items():
        if model is not None:
            served[model.name] = model, (*served.get(model.name, (model, ()))[1], tier)
    contexts = {name: _context(model, budget) for name, (model, _) in served.items()}
    at_once = next(
        (n for n in range(parallel, 1, -1) if all(fits(m, contexts[m.name], budget, n) for m, _ in served.values())), 1
    )
    picks = (
        Pick(
            model=model,
            tiers=tiers,
            context_tokens=contexts[name],
            parallel=at_once,
            bytes=need(model.shape, contexts[name], at_once).total,
        )
        for name, (model, tiers) in served.items()
    )
    reasons = tuple(
        (tier, SHARED if model is not best[tier] else _reason(models, usable, tier, model))
        for tier, model in chosen.items()
    )
    return Suggestion(picks=tuple(picks), reasons=reasons, budget=budget)


def fits(model: OpenModel, context_tokens: int, budget: int, parallel: int = 1) -> bool:
    trained = model.shape.trained_tokens >= context_tokens
    return trained and need(model.shape, context_tokens, parallel).total <= budget


def lightest(models: Iterable[OpenModel]) -> OpenModel | None:
    """The one that needs least; of those that are proposed for anything and know a decent context."""
    proposed = (model for model in models if model.tiers and model.shape.trained_tokens >= CONTEXTS[-1])
    return min(proposed, key=lambda model: need(model.shape, CONTEXTS[-1]).total, default=None)


def _strongest(models: Iterable[OpenModel], budget: int) -> OpenModel | None:
    """Where none fits with a decent context, the lightest with a short one, and no other: more memory then never leads
    to a smaller model."""
    known = list(models)
    able = [model for model in known if fits(model, CONTEXTS[-1], budget)]
    if able:
        return max(able, key=lambda model: (model.parameters, model.name))
    last = lightest(known)
    return last if last is not None and fits(last, SHORT, budget) else None


def _worth_a_swap(tier: Tier, model: OpenModel | None, large: OpenModel | None, budget: int) -> OpenModel | None:
    """`model`, unless it would take turns with the model for large work without being much smaller."""
    if model is None or large is None or tier not in ("small", "medium") or model.parameters * 2 <= large.parameters:
        return model
    together = sum(need(each.shape, CONTEXTS[-1]).total for each in (model, large))
    return model if together <= budget else large


def _reason(models: Sequence[OpenModel], usable: Sequence[OpenModel], tier: Tier, chosen: OpenModel | None) -> str:
    """By the next stronger model, which is not chosen."""
    if chosen is None:
        last = lightest(model for model in usable if tier in model.tiers)
        return f"none fits; {_told(last, SHORT)}" if last is not None else "the list has none"
    above = [model for model in models if tier in model.tiers and model.parameters > chosen.parameters]
    if not above:
        return "the strongest of the list for it"
    beyond = min(above, key=lambda model: model.parameters)
    if beyond not in usable:
        return f"the strongest for it that is quick enough on this machine; {beyond.name} is not"
    return f"the strongest for it that fits; {_told(beyond, CONTEXTS[-1])}"


def _told(model: OpenModel, context_tokens: int) -> str:
    total = need(model.shape, context_tokens).total
    return f"{model.name} needs {total / 1e9:.1f} GB with {context_tokens:,} tokens"


def _context(model: OpenModel, budget: int) -> int:
    return next((tokens for tokens in CONTEXTS if fits(model, tokens, budget)), SHORT)
