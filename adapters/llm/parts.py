"""What the parts of `models.yaml` have in common; prices and times, as they are written there."""

import re
from decimal import Decimal
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

Money = Annotated[Decimal, Field(ge=0, le=1_000_000)]
Place = tuple[str | int, ...]
SECRET = re.compile(r"(.*[_-])?(api[_-]?key|secret|password)|key|token|authorization", re.IGNORECASE)
"""Names under which people write a key."""


def misplaced(place: Place, said: str) -> PydanticCustomError:
    """What is wrong with the part at `place`, found when the whole is looked at."""
    where = ".".join(map(str, place))
    return PydanticCustomError("misplaced", "{where} {said}", {"where": where, "said": said, "place": place})


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _no_key(cls, written: Any) -> Any:
        names = map(str, written) if isinstance(written, dict) else ()
        if any(SECRET.fullmatch(name) and name not in cls.model_fields for name in names):
            raise ValueError(
                "a key is not written here: put it into an environment variable and name that in `api_key_env`, or "
                "into a file and name that in `api_key_file`"
            )
        return written


class Price(Part):
    """What a model costs, in the currency: for a million tokens, or, where it is your own, for a second of work."""

    input: Money = Field(Decimal(0), description="For a million tokens of the prompt.")
    output: Money = Field(Decimal(0), description="For a million tokens of the reply.")
    second: Money = Field(Decimal(0), description="For a second that the machine works.")
    watts: Annotated[Decimal, Field(ge=0, le=100_000)] = Field(Decimal(0), description="What it draws while it works.")
    kilowatt_hour: Money = Field(Decimal(0), description="What a kilowatt-hour costs; with `watts`.")

    @model_validator(mode="after")
    def _both(self) -> Self:
        if bool(self.watts) != bool(self.kilowatt_hour):
            raise ValueError("`watts` and `kilowatt_hour` belong together")
        return self

    @property
    def a_second(self) -> int:
        """Billionths of the currency."""
        return int((self.second + self.watts * self.kilowatt_hour / 3_600_000) * 1_000_000_000)


def seconds_kept(keep_alive: str | None) -> float | None:
    """Ollama's way of writing a time, such as 90, 10m or 1h30m; one below 0 is without end: None. Raises ValueError."""
    if keep_alive is None:
        return 300.0
    found = re.fullmatch(r"(-)?(?:([0-9]{1,6})h)?(?:([0-9]{1,6})m)?(?:([0-9]{1,8})s?)?", keep_alive)
    if found is None or not any(found.groups()[1:]):
        raise ValueError(f"'{keep_alive}' is no time such as 10m, 1h30m or 90s; -1 is for ever")
    hours, minutes, seconds = (int(each or 0) for each in found.groups()[1:])
    return None if found[1] else float(hours * 3600 + minutes * 60 + seconds)
