"""How many of something are told in words."""

import pytest

from services.questions.answer import counted
from services.questions.since import ACTS


@pytest.mark.parametrize(
    ("number", "words", "said"),
    [
        (1, "task", "1 task"),
        (2, "tagged artifact", "2 tagged artifacts"),
        (4, "message between agents", "4 messages between agents"),
        (3, "answer of a person", "3 answers of a person"),
    ],
)
def test_the_noun_is_counted_not_what_follows_it(number: int, words: str, said: str) -> None:
    assert counted(number, words) == said


def test_all_that_happens_can_be_counted() -> None:
    assert not [words for words in ACTS.values() if "ss " in f"{counted(2, words)} "]
