"""Functions that a workflow's `transform` may use, registered as `name@version`: values in, a value out, no model."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping

from pydantic import JsonValue

from domain.artifact import Artifact
from domain.errors import Invalid
from services.running.effects import EffectContext

Values = Mapping[str, JsonValue]
Function = Callable[[EffectContext, Values], Awaitable[JsonValue]]


async def transformed(context: EffectContext, function: str, values: Values) -> JsonValue:
    """Raises Invalid for a function that is not known here, and for values that it cannot take."""
    if function not in FUNCTIONS:
        raise Invalid(f"There is no function {function}; there are {', '.join(NAMES)}.")
    return await FUNCTIONS[function](context, values)


async def sources(context: EffectContext, values: Values) -> JsonValue:
    """What people handed over, at most `most` (20): a list of `{id, title}`."""
    where = {"project_id": context.run.project_id, "section": "sources", "visible": "1"}
    most = values.get("most", 20)
    found = await context.store.find(Artifact, context.run.workspace_id, where=where, limit=1000)
    kept = found[: most if isinstance(most, int) else 20]
    return [{"id": artifact.id, "title": artifact.title} for artifact in kept]


async def count(_: EffectContext, values: Values) -> JsonValue:
    """How many items `of` has."""
    return len(_list(values, "of"))


async def pick(_: EffectContext, values: Values) -> JsonValue:
    """The field `field` of each item `of`, without those that lack it."""
    field = str(values.get("field", ""))
    found = [item.get(field) for item in _list(values, "of") if isinstance(item, dict)]
    return [value for value in found if value is not None]


async def flatten(_: EffectContext, values: Values) -> JsonValue:
    """The items of the lists `of`, each once, in order, at most 20."""
    seen: list[JsonValue] = []
    for item in _list(values, "of"):
        for value in item if isinstance(item, list) else [item]:
            if value not in seen:
                seen.append(value)
    return seen[:20]


async def tally(_: EffectContext, values: Values) -> JsonValue:
    """How often each value of `of` stands there, the most frequent first."""
    counts = Counter(str(item) for item in _list(values, "of"))
    return [{"value": value, "count": number} for value, number in counts.most_common()]


async def mean(_: EffectContext, values: Values) -> JsonValue:
    """The mean of the numbers `of`; null without any."""
    numbers = [n for n in _list(values, "of") if isinstance(n, int | float) and not isinstance(n, bool)]
    return sum(numbers) / len(numbers) if numbers else None


FILL_FORM = "fill_form@1"
"""Made by the handler itself: what it fills in is staged."""
FUNCTIONS: dict[str, Function] = {
    "sources@1": sources,
    "count@1": count,
    "pick@1": pick,
    "flatten@1": flatten,
    "tally@1": tally,
    "mean@1": mean,
}

NAMES = tuple(sorted((*FUNCTIONS, FILL_FORM)))


def _list(values: Values, name: str) -> list[JsonValue]:
    value = values.get(name)
    if not isinstance(value, list):
        raise Invalid(f"It needs a list `{name}`.")
    return value
