"""Which plan template fits a goal: by the words that they share."""

import re
from collections import Counter
from collections.abc import Sequence

from domain.template import PlanTemplate

OPENING, SHARE, FIRST = 4, 1.5, 2.0
"""The first words of a goal mostly say what is to be done, the very first most of all; they count this much more."""
ENDINGS = ("ations", "ation", "ings", "ing", "ies", "ied", "ed", "es", "s", "e", "y")


def fitting(templates: Sequence[PlanTemplate], goal: str) -> PlanTemplate:
    """The template that shares most words with the goal, rare ones among the templates counting more; of equal ones
    the first. The general one where none shares any."""
    known = {template.name: {stem(word) for word in template.words} for template in templates}
    holders = Counter(word for words in known.values() for word in words)
    said: dict[str, float] = {}
    for place, word in enumerate(re.findall(r"\w+", goal.lower())):
        said.setdefault(stem(word), FIRST if place == 0 else SHARE if place < OPENING else 1.0)
    scores = {
        name: sum(weight / holders[word] for word, weight in said.items() if word in words)
        for name, words in known.items()
    }
    best = max(templates, key=lambda template: scores[template.name])
    return best if scores[best.name] else next((template for template in templates if template.general), best)


def stem(word: str) -> str:
    """`word` without its ending, where at least three letters are left."""
    ending = next((ending for ending in ENDINGS if word.endswith(ending) and len(word) - len(ending) >= 3), "")
    return word.removesuffix(ending)
