"""What a structured reply means, for those who are given such a reader, and how it did."""

from collections.abc import Mapping
from typing import Any, Literal, Protocol

from pydantic.dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Understood:
    """`rung` is the dearest step that reading it took, `repairs` what was changed, each kind of change once."""

    value: Any
    rung: Literal["strict", "mended", "coerced", "repaired"]
    repairs: tuple[str, ...] = ()


class Understand(Protocol):
    def __call__(self, text: str, schema: Mapping[str, Any], *, cut: bool = False) -> Understood:
        """The one value in `text` that fits `schema`; `cut` where the backend broke the text off. Raises ValueError
        with one sentence: where, and what is wrong there."""


@dataclass(frozen=True, kw_only=True)
class Fit:
    """How a reply did that had to have a form. `rung`: as it stood (`strict`), or by which step of the ladder it could
    be read; `cut` by its length, `refused` and asked for once more, `failed` for good; empty where no form was asked
    for. `asked`: for the first time, `again` with the fault, with room for a `longer` one, or a `stronger` model."""

    rung: Literal["", "strict", "mended", "coerced", "repaired", "cut", "refused", "failed"] = ""
    repairs: tuple[str, ...] = ()
    asked: Literal["first", "again", "longer", "stronger"] = "first"


NO_FORM = Fit()
