"""Which plan template fits a goal: by the words that they share."""

import re
from collections import Counter
from collections.abc import Sequence

from domain.template import PlanTemplate

OPENING, SHARE, FIRST = 4, 1.5, 3.0
"""The first words of a goal mostly say what is to be done, the very first most of all; they count this much more. So
does the first word of what stands behind a comma or an “and”."""
FAINT = 0.5
FAINT_WORDS = """
between day happen hour how month week weekend what when who why year spring summer autumn winter christmas
"""
"""They stand in goals of any kind, and say when or ask what; they count this much, wherever they stand."""
LIGHT_WORDS = "prepare make"
"""What is prepared tells more than that it is: as the first word such a one counts like any other."""
OTHERS = frozenset({"ready"})
"""Words that only look like a form of another one."""
ENDINGS = ("ations", "ation", "ings", "ing", "ies", "ied", "ed", "es", "s", "e", "y")


def fitting(templates: Sequence[PlanTemplate], goal: str) -> PlanTemplate:
    """The template that shares most words with the goal, rare ones among the templates counting more; of equal ones
    the first. The general one where none shares any, or faint ones only."""
    known = {template.name: {stem(word) for word in template.words} for template in templates}
    holders = Counter(word for words in known.values() for word in words)
    said = _weights(goal)
    scores = {
        name: sum(weight / holders[word] for word, weight in said.items() if word in words)
        for name, words in known.items()
    }
    best = max(templates, key=lambda template: scores[template.name])
    if known[best.name] & said.keys() - _FAINT:
        return best
    return next((template for template in templates if template.general), best)


def _weights(goal: str) -> dict[str, float]:
    """How much each word of a goal counts, by where it stands."""
    weights: dict[str, float] = {}
    place, opens = 0, False
    for token in re.findall(r"\w+|[,;:.!?]", goal.lower()):
        word = stem(token)
        weights[word] = max(weights.get(word, 0.0), _weight(word, place, opens=opens))
        opens = token in (",", ";", ":", ".", "!", "?", "and")
        place += token[0].isalnum()
    return weights


def _weight(word: str, place: int, *, opens: bool) -> float:
    if word in _FAINT:
        return FAINT
    if place == 0:
        return 1.0 if word in _LIGHT else FIRST
    return SHARE if opens or place < OPENING else 1.0


def stem(word: str) -> str:
    """`word` without its ending, where at least three letters are left."""
    if word in OTHERS:
        return word
    ending = next((ending for ending in ENDINGS if word.endswith(ending) and len(word) - len(ending) >= 3), "")
    return word.removesuffix(ending)


_FAINT = frozenset(map(stem, FAINT_WORDS.split()))
_LIGHT = frozenset(map(stem, LIGHT_WORDS.split()))
