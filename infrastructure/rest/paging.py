"""Pages of a list."""

from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict

T = TypeVar("T")


class Listed(BaseModel, Generic[T]):
    """`next_cursor` is null on the last page."""

    model_config = ConfigDict(extra="forbid")

    items: list[T]
    next_cursor: str | None = None
