"""Abbreviations of a text: what a reader may have to look up."""

import re
from collections.abc import Sequence

ABBREVIATION = re.compile(r"\b[A-Z][A-Z0-9]{1,6}\b")
PLAIN = frozenset(
    {"AND", "OR", "THE", "NOT", "NO", "OK", "PDF", "CSV", "HTML", "JSON", "URL", "ID", "II", "III", "IV", "EUR", "USD"}
)
"""Capitals that nobody has to look up."""
SHOUTED = re.compile(r"\b[A-Z][A-Z'’]*(?:[\s\"“”]+[A-Z][A-Z'’]*){3,}\b")
"""A heading or a clause in capitals: four words or more."""
WORD = re.compile(r"(?<![\w.@/-])[A-Za-z]?[a-z]+\b(?![.@/-]\w)")
"""In small letters, and no part of an address."""


def abbreviations(texts: Sequence[str]) -> tuple[str, ...]:
    """Each once, the most frequent first. What also stands there in small letters is a word, written large."""
    words = {word.upper() for text in texts for word in WORD.findall(text)}
    counts: dict[str, int] = {}
    for text in texts:
        for term in ABBREVIATION.findall(SHOUTED.sub(" ", text)):
            if term not in PLAIN and term not in words:
                counts[term] = counts.get(term, 0) + 1
    return tuple(sorted(counts, key=lambda term: (-counts[term], term)))
