"""Tokens are estimated on the safe side."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.tokens import estimated_tokens


@given(st.text(), st.text())
def test_a_longer_text_never_has_fewer_tokens_and_two_texts_apart_never_fewer_than_together(a: str, b: str) -> None:
    together = estimated_tokens(a + b)
    assert max(estimated_tokens(a), estimated_tokens(b)) <= together <= estimated_tokens(a) + estimated_tokens(b)


@given(st.text())
def test_a_text_has_a_token_for_three_characters_at_least_and_for_each_at_most(text: str) -> None:
    assert -(-len(text) // 3) <= estimated_tokens(text) <= len(text)


@pytest.mark.parametrize(
    ("text", "tokens"), [("", 0), ("a", 1), ("abc", 1), ("abcd", 2), ("äöü", 3), ("日本語 ok", 4), ("\ud800", 1)]
)
def test_ascii_counts_a_third_and_everything_else_a_whole(text: str, tokens: int) -> None:
    assert estimated_tokens(text) == tokens
