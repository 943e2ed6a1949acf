"""What pydantic finds is told in words for whoever wrote the value."""

from datetime import date
from typing import Annotated, Any, Literal

import pytest
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, field_validator

from domain.wording import told


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid")

    label: str = ""


class Cat(Part):
    kind: Literal["cat"]
    whiskers: int = 0


class Dog(Part):
    kind: Literal["dog"]
    tail: int = 0


class Thing(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")] = "x"
    graph: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,59}@\d+$")] = "x@1"
    title: Annotated[str, Field(min_length=1, max_length=5)] = "t"
    size: Literal["small", "large"] = "small"
    sizes: Annotated[tuple[Literal["small", "large"], ...], Field(min_length=1)] = ("small",)
    share: Annotated[float, Field(ge=0, le=1)] = 0
    many: int = 1
    right: bool = True
    due: AwareDatetime | None = None
    day: date | None = None
    parts: tuple[Part, ...] = ()
    by_name: dict[str, Part] = Field(default_factory=dict)
    pet: Annotated[Cat | Dog, Field(discriminator="kind")] | None = None

    @field_validator("many")
    @classmethod
    def _not_seven(cls, value: int) -> int:
        if value == 7:
            raise ValueError("seven is taken; use another")
        return value


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"name": "No!"}, "name may have small letters, digits and _ only, a letter first, and 40 of them at most"),
        ({"graph": "x"}, "graph may have small letters, digits, _ and - only, a letter first, and 60 of them at most"
                         ", then @ and a number"),
        ({"title": ""}, "title must not be empty"),
        ({"title": "too long"}, "title may have at most 5 characters"),
        ({"title": 3}, "title must be a text"),
        ({"size": "huge"}, "size must be 'small' or 'large'"),
        ({"sizes": []}, "sizes needs at least one"),
        ({"share": 2}, "share must be at most 1"),
        ({"share": "much"}, "share must be a number"),
        ({"many": 1.5}, "many must be a whole number"),
        ({"many": 7}, "many seven is taken; use another"),
        ({"right": "perhaps"}, "right must be true or false"),
        ({"due": "soon"}, "due must be a time such as 2026-12-01T09:00:00Z"),
        ({"due": "2026-12-01T09:00:00"}, "due must be a time such as 2026-12-01T09:00:00Z"),
        ({"day": "soon"}, "day must be a date such as 2026-12-01"),
        ({"parts": 3}, "parts must be a list"),
        ({"parts": [3]}, "parts.0 must hold names with their values"),
        ({"titel": "x"}, "titel is not known here (did you mean 'title'?)"),
        ({"zzz": "x"}, "zzz is not known here"),
        ({"parts": [{"lable": "x"}]}, "parts.0.lable is not known here (did you mean 'label'?)"),
        ({"by_name": {"a": {"labl": "x"}}}, "by_name.a.labl is not known here (did you mean 'label'?)"),
    ],
)  # fmt: skip
def test_a_fault_is_one_plain_phrase(given: dict[str, Any], said: str) -> None:
    assert _said(given) == [said]


def test_a_field_of_another_kind_is_not_suggested() -> None:
    assert _said({"pet": {"kind": "cat", "tial": 1}})[0].endswith("is not known here")


def test_what_follows_from_another_fault_is_not_told() -> None:
    assert _said({"sizes": ["huge"]}) == ["sizes.0 must be 'small' or 'large'"]


def _said(given: dict[str, Any]) -> list[str]:
    with pytest.raises(ValidationError) as raised:
        Thing.model_validate(given)
    return [f"{'.'.join(map(str, at))} {said}" for at, said in told(raised.value, Thing.model_json_schema(), given)]
