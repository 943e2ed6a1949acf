"""Whether work gets anywhere, by looking at what was done and what came of it: the same again, two things in turn,
findings that stay. For drafts and their reviews, for loops of workflows, for the steps of an agent with tools."""

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

Kind = Literal["repeated", "alternating", "refused", "findings"]
WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Step:
    """What was done (a call with its arguments, a draft) and what came of it (its result, what a review found)."""

    did: str
    got: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Standstill:
    """`reason` in a sentence for people."""

    kind: Kind
    reason: str


def standstill(steps: Sequence[Step], times: int = 2) -> Standstill | None:
    """The last step was made `times` times in a row with the same outcome, or the last four are two in turn."""
    last = steps[-times:]
    if len(last) == times and len(set(last)) == 1:
        return Standstill(kind="repeated", reason=f"The same was done {times} times in a row and led to the same.")
    if alternates(steps):
        return Standstill(
            kind="alternating", reason="The same two things were done in turn, twice, and led to the same."
        )
    return None


def alternates(values: Sequence[object]) -> bool:
    """Whether the last four are A, B, A, B."""
    last = list(values[-4:])
    return len(last) == 4 and last[:2] == last[2:] and last[0] != last[1]


def refused_before(drafts: Sequence[Step], draft: str, asked: Collection[str]) -> Standstill | None:
    """Whether `draft` says what one of `drafts` (oldest first) said that was refused for something still `asked`: it
    would be refused again. Other spaces, marks and capitals make no other draft."""
    said = _said(draft)
    known = [n for n, step in enumerate(drafts, 1) if set(step.got) & set(asked) and _said(step.did) == said]
    if not known:
        return None
    where = f"number {known[-1]} of {len(drafts)}"
    reason = (
        f"Stopped early: the new draft says the same as one that was refused before ({where}); nothing moves any more."
    )
    return Standstill(kind="refused", reason=reason)


def stays(reviews: Sequence[Collection[str]], times: int) -> tuple[str, ...]:
    """The findings that stand in at least `times` of the reviews, in the order in which they came up."""
    counts = Counter(finding for found in reviews for finding in set(found))
    return tuple(one for one in dict.fromkeys(one for found in reviews for one in found) if counts[one] >= times)


def findings_stay(reviews: Sequence[Collection[str]], times: int) -> Standstill | None:
    """Whether something in the last of `reviews` (oldest first) stands in at least `times` of them."""
    again = [finding for finding in stays(reviews, times) if reviews and finding in reviews[-1]]
    if not again:
        return None
    counted = sum(again[0] in found for found in reviews)
    reason = f"Stopped early: “{again[0][:200]}” was not met in {counted} reviews, by revisions nor by another plan."
    return Standstill(kind="findings", reason=reason)


def _said(text: str) -> list[str]:
    return WORD.findall(text.casefold())
