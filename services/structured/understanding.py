"""The ladder as the port that adapters are given."""

from collections.abc import Mapping
from typing import Any

from services.ports.structured import Understood
from services.structured.ladder import read


def understood(text: str, schema: Mapping[str, Any], *, cut: bool = False) -> Understood:
    """Raises Unreadable."""
    reading = read(text, schema, cut=cut)
    repairs = sorted({coercion.what for coercion in reading.coercions})
    return Understood(value=reading.value, rung=reading.rung, repairs=tuple(repairs))
