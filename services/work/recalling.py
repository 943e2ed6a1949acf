"""What a conversation was about before: its newest turns as they are, the older ones in short. However long it gets,
what is read of it and what goes into a prompt stays the same."""

import re
from collections.abc import Sequence
from dataclasses import field

from pydantic.dataclasses import dataclass

from domain.conversation import Memory, Turn
from domain.tokens import estimated_tokens
from services.ports.store import Store

LOOKED_AT = 40  # turns that are read at all
TURN_CHARS = 900  # of one of them
MEMORY_CHARS = 1_200
SENTENCE_CHARS = 140


@dataclass(frozen=True, kw_only=True)
class Said:
    """An earlier turn, as far as it is read again."""

    who: str
    text: str
    id: str

    @property
    def tokens(self) -> int:
        return estimated_tokens(self.text) + 12


@dataclass(frozen=True, kw_only=True)
class Recalled:
    """`turns` as they go into the prompt; `folding` are those that must go into the memory first."""

    memory: Memory = field(default_factory=Memory)
    turns: tuple[Said, ...] = ()
    folding: tuple[Said, ...] = ()


async def recall(store: Store, workspace_id: str, project_id: str | None, before: str, budget: int) -> Recalled:
    """What was said before the turn `before`: at most `budget` tokens of turns, in their order."""
    found = await store.find(
        Turn, workspace_id, where={"project_id": project_id}, after=before, limit=LOOKED_AT, newest_first=True
    )
    memory = next((turn.memory for turn in found if turn.role == "manager" and turn.state == "said"), Memory())
    fresh = [_said(turn) for turn in reversed(found) if turn.state == "said" and turn.id > memory.until]
    if sum(said.tokens for said in fresh) <= budget:
        return Recalled(memory=memory, turns=tuple(fresh))
    kept = _newest(fresh, budget // 2)  # half of it, so that the next turns fit without folding again
    return Recalled(memory=memory, turns=tuple(fresh[len(fresh) - kept :]), folding=tuple(fresh[: len(fresh) - kept]))


def remembered(memory: Memory, folding: Sequence[Said]) -> Memory:
    """By rule: how each turn begins, after what was remembered before; the oldest is forgotten first."""
    if not folding:
        return memory
    told = [f"{said.who.capitalize()}: {_first_sentence(said.text)}" for said in folding]
    return shortened("\n".join(filter(None, (memory.text, *told))), folding[-1].id)


def shortened(text: str, until: str) -> Memory:
    """The end of `text`, from the beginning of a line."""
    if len(text) > MEMORY_CHARS:
        text = text[-MEMORY_CHARS:].partition("\n")[2] or text[-MEMORY_CHARS:]
    return Memory(text=text, until=until)


def clipped(text: str, most: int) -> str:
    """`text`, or its beginning and its end around a mark that says how much is left out."""
    if len(text) <= most:
        return text
    head = most * 2 // 3
    return f"{text[:head]}\n[… {len(text) - most:,} characters are left out here …]\n{text[-(most - head) :]}"


def _said(turn: Turn) -> Said:
    who = "the manager" if turn.role == "manager" else "the person"
    return Said(who=who, text=clipped(_plain(turn.text), TURN_CHARS), id=turn.id)


def _newest(turns: Sequence[Said], budget: int) -> int:
    """How many of the newest fit."""
    kept = 0
    for said in reversed(turns):
        budget -= said.tokens
        if budget < 0:
            break
        kept += 1
    return kept


def _plain(text: str) -> str:
    """Without labels, which mean nothing in another prompt."""
    return re.sub(r"\s*\[S\d[^\]]*\]", "", text)


def _first_sentence(text: str) -> str:
    flat = " ".join(text.split())
    first = re.split(r"(?<=[.!?])\s", flat, maxsplit=1)[0]
    return first if len(first) <= SENTENCE_CHARS else first[: SENTENCE_CHARS - 1] + "…"
