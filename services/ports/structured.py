"""What a structured reply means, for those who are given such a reader."""

from collections.abc import Mapping
from typing import Any, Protocol

from pydantic.dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Understood:
    """`rung` is the dearest step that reading it took, `repairs` what was changed, each kind of change once."""

    value: Any
    rung: str
    repairs: tuple[str, ...] = ()


class Understand(Protocol):
    def __call__(self, text: str, schema: Mapping[str, Any], *, cut: bool = False) -> Understood:
        """The one value in `text` that fits `schema`; `cut` where the backend broke the text off. Raises ValueError
        with one sentence: where, and what is wrong there."""
