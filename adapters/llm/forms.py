"""How what was picked is written down: rows of tables, severities, questions, and what was asked for."""

import re
from collections.abc import Iterable

from adapters.llm.sentences import clean, cut
from adapters.llm.themes import FIGURE, GRAVE, RISK

MOST_ASKED = 5
MONTH = r"(?:January|February|March|April|May|June|July|August|September|October|November|December)"
DATE = r"\b(?:19|20)\d\d(?:-\d\d){0,2}\b|" + (
    rf"\b(?:\d{{1,2}}(?:st|nd|rd|th)? {MONTH}|{MONTH} \d{{1,2}}\b|(?!May){MONTH})(?:,? (?:19|20)\d\d)?"
)
UNIT = r"(?:second|minute|hour|day|week|month|year)s?$"
LEAD = re.compile(r"^(?:The project's goal: |Your task: .*(?:\n|$))")


def rows(head: tuple[str, ...], found: Iterable[tuple[str, ...]]) -> str:
    cells = [tuple(cell.replace("|", "\\|") for cell in row) for row in found]
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, ("---",) * len(head), *cells))


def severity(text: str) -> tuple[int, tuple[str, ...]]:
    """0 high, 1 medium, 2 low, and the cue words that say so."""
    strong, weak = RISK.cues(text)
    level = 0 if re.search(GRAVE, text, re.IGNORECASE) else 1 if strong or len(weak) > 1 else 2
    return level, tuple(strong) + tuple(weak)


def question(text: str) -> str:
    """A hedged sentence as the question that it leaves open."""
    if text.endswith("?"):
        return text
    quoted = '"' + text.rstrip(".;!").replace('"', "'").replace("“", "'").replace("”", "'") + '"'
    if re.search(
        r"undefined|unspecified|not specified|not defined|implementation[- ]de|to be d|TB[DAC]|discretion", text
    ):
        return f"What holds for us where the source leaves it open: {quoted}?"
    if re.search(r"\bdepend", text):
        return f"What does this come down to in our case: {quoted}?"
    if re.search(r"(?<=\w )(?:should|optional|recommended)\b", text, re.IGNORECASE):
        return f"Do we follow this: {quoted}?"
    return f"Is it settled that {quoted}?"


def times(text: str) -> str:
    """The dates and durations that a sentence names."""
    dates = [hit.group(0) for hit in re.finditer(DATE, text)]
    spans = [hit.group(0) for hit in re.finditer(FIGURE, text) if re.search(UNIT, hit.group(0))]
    return ", ".join(dict.fromkeys((*dates, *spans))) or "not said"


def asked(task: str) -> tuple[str, ...]:
    """The sentences of what was asked for: of the goal and of the brief, which come first; the goal is not repeated."""
    found: dict[str, None] = {}
    for part in task.split("\n\n")[:2]:
        text = clean(LEAD.sub("", part)).strip()
        for sentence in list(cut(text)) or [text]:
            if sentence and not any(other.rstrip(".?!") in sentence for other in found):
                found[sentence] = None
    return tuple(found)[:MOST_ASKED]
