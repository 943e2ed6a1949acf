"""What a named question is answered with."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from services.work.briefing import quoted

NAMED = 5
NOUN = re.compile(r"^(.+?)(?= (?:of|for|between) |$)")


@dataclass(frozen=True, kw_only=True)
class Item:
    """Something that the answer speaks of. `detail` says what it has to do with it."""

    id: str
    kind: str
    label: str
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """`truncated` says that there is more than the items show."""

    question: str
    answer: tuple[str, ...]
    items: tuple[Item, ...] = ()
    truncated: bool = False


def counted(number: int, singular: str, *, more: bool = False) -> str:
    """`1 task`, `3 tasks`, `more than 3 tasks`, `3 answers of a person`."""
    plural = singular if number == 1 else NOUN.sub(r"\1s", singular)
    return f"{'more than ' if more else ''}{number:,} {plural}"


def listed(labels: Sequence[str]) -> str:
    """The first few in quotation marks."""
    told = [quoted(label) for label in labels[:NAMED]]
    if len(labels) > NAMED:
        told.append(f"{len(labels) - NAMED} more")
    return told[0] if len(told) == 1 else f"{', '.join(told[:-1])} and {told[-1]}"
