"""Predicates of AgentGraphs: a small tree over values at paths, never code."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    JsonValue,
    SerializerFunctionWrapHandler,
    Tag,
    model_serializer,
)

from domain.agent_graph.references import LookUp, references_in, resolved

Path = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*(\.[a-z0-9_]+)*$")]


class _Spec(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Condition(_Spec):
    """The value at `path` compared with `value`, in which references may stand. What leads nowhere is null; what
    cannot be ordered is neither less nor greater. `in`: the value is one of a list; `has`: a list or text holds it."""

    path: Path
    op: Literal["eq", "ne", "lt", "le", "gt", "ge", "in", "has"] = "eq"
    value: JsonValue = True

    @model_serializer(mode="wrap")
    def _with_number(self, plain: SerializerFunctionWrapHandler) -> dict[str, JsonValue]:
        """1 is not left out as if it were true, which Python takes for its equal."""
        made: dict[str, JsonValue] = plain(self)
        return made if self.value is True else {**made, "value": self.value}


class AllOf(_Spec):
    all: Annotated[tuple["Expression", ...], Field(min_length=1, max_length=20)]


class AnyOf(_Spec):
    any: Annotated[tuple["Expression", ...], Field(min_length=1, max_length=20)]


class Not(_Spec):
    negated: Annotated["Expression", Field(alias="not")]


def _kind(value: Any) -> str:
    match value:
        case AllOf():
            return "all"
        case AnyOf():
            return "any"
        case Not():
            return "not"
        case Mapping():
            names = {"all": "all", "any": "any", "not": "not", "negated": "not"}
            return next((name for key, name in names.items() if key in value), "condition")
    return "condition"


Expression = Annotated[
    Annotated[Condition, Tag("condition")]
    | Annotated[AllOf, Tag("all")]
    | Annotated[AnyOf, Tag("any")]
    | Annotated[Not, Tag("not")],
    Discriminator(_kind),
]
for _model in (AllOf, AnyOf, Not):
    _model.model_rebuild()


def holds(expression: Condition | AllOf | AnyOf | Not, look_up: LookUp) -> bool:
    match expression:
        case AllOf():
            return all(holds(part, look_up) for part in expression.all)
        case AnyOf():
            return any(holds(part, look_up) for part in expression.any)
        case Not():
            return not holds(expression.negated, look_up)
        case Condition():
            return _compared(look_up(expression.path), expression.op, resolved(expression.value, look_up))


def paths_in(expression: Condition | AllOf | AnyOf | Not) -> tuple[str, ...]:
    match expression:
        case AllOf():
            return tuple(path for part in expression.all for path in paths_in(part))
        case AnyOf():
            return tuple(path for part in expression.any for path in paths_in(part))
        case Not():
            return paths_in(expression.negated)
        case Condition():
            return (expression.path, *references_in(expression.value))


def _compared(found: JsonValue, op: str, value: JsonValue) -> bool:
    match op:
        case "eq":
            return found == value
        case "ne":
            return found != value
        case "in":
            return isinstance(value, list) and found in value
        case "has":
            return (isinstance(found, list) and value in found) or (
                isinstance(found, str) and isinstance(value, str) and value in found
            )
    if not _ordered(found, value):
        return False
    left: Any = found
    right: Any = value
    return bool({"lt": left < right, "le": left <= right, "gt": left > right, "ge": left >= right}[op])


def _ordered(found: JsonValue, value: JsonValue) -> bool:
    numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in (found, value))
    return numbers or (isinstance(found, str) and isinstance(value, str))
