"""Whether a passage speaks to a question: a rule on words, so that nobody has to believe a model that it does."""

import re
from collections.abc import Sequence

from services.work.context import query_words

ASKING_WORDS = """
about again anything are can could did does doing done else ever get gets give given going got had has hello here
just know known let like long look made many may maybe mean might much must need needs new now ok okay one only
please possible put really right said say says see show some something sure take tell thank thanks there thing
things think too use very want was were when where which who why yes yet
"""
ASKING = frozenset(ASKING_WORDS.split())
ENDINGS = ("s", "es", "ed", "d", "ing")
MOST = 40


def asked_words(text: str) -> list[str]:
    """The words of a question that tell what it is about."""
    return [word for word in query_words(text) if word not in ASKING]


def forms(words: Sequence[str]) -> list[str]:
    """`words` with their commonest other forms: the search knows a word as it is written only."""
    found: dict[str, None] = dict.fromkeys(words)
    for word in words:
        for ending in ENDINGS:
            if word.endswith(ending) and len(word) - len(ending) >= 3:
                found.setdefault(word.removesuffix(ending))
        if word.endswith("ies"):
            found.setdefault(f"{word[:-3]}y")
        found |= dict.fromkeys([f"{word[:-1]}ies", f"{word[:-1]}ied"] if word.endswith("y") else [f"{word}s"])
    return list(found)[:MOST]


def shared(text: str, words: Sequence[str]) -> int:
    """How many of `words` stand in `text`, in whatever form."""
    said = set(re.findall(r"\w{3,}", text.lower()))
    return sum(any(alike(word, other) for other in said) for word in words)


def alike(one: str, other: str) -> bool:
    """Forms of one word, as far as their beginnings tell: carry, carries; inspected, inspection."""
    shorter = min(len(one), len(other))
    common = next((i for i in range(shorter) if one[i] != other[i]), shorter)
    return common >= max(3, shorter - 2) and abs(len(one) - len(other)) <= 5
