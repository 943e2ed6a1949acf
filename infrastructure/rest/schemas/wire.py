"""What all of it has in common: unknown fields are refused, times are RFC 3339 UTC, texts and numbers have an end."""

from datetime import UTC
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, PlainSerializer, WithJsonSchema

LARGEST = 2**53 - 1  # what every JSON parser keeps exactly (RFC 8259, section 6)

Time = Annotated[
    AwareDatetime,
    PlainSerializer(lambda at: at.astimezone(UTC).isoformat().replace("+00:00", "Z"), return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
Text = Annotated[str, Field(max_length=256_000)]
Amount = Annotated[int, Field(ge=0, le=LARGEST)]


class Wire(BaseModel):
    model_config = ConfigDict(extra="forbid")


def example(**fields: Any) -> ConfigDict:
    return ConfigDict(extra="forbid", json_schema_extra={"examples": [fields]})
