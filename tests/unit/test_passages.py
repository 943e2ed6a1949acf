"""How a text is cut into passages."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.documents.passages import GIANT, LONGEST, SHORTEST, split

MEDIA_TYPES = ("text/plain", "text/markdown", "text/html", "text/csv", "application/json", "application/pdf")
SENTENCE = "The committee met on a Tuesday and wrote down what it had decided so far. "


def prose(words: int) -> str:
    return " ".join((SENTENCE * (words // 15 + 1)).split()[: words - 1]) + " end."


LINES = st.sampled_from(
    ["# A", "## B c", "===", "---", "```", "~~~~", "| a | b |", "- item", "a: 1; b: 2", "", " ", "\t", "x" * 5_000]
)
TEXTS = st.one_of(
    st.text(),
    st.lists(st.one_of(LINES, st.integers(1, 400).map(prose), st.text(max_size=80)), max_size=30).map("\n".join),
)


@given(TEXTS, st.sampled_from(MEDIA_TYPES))
def test_every_word_is_in_exactly_one_passage_and_in_order(text: str, media_type: str) -> None:
    passages = split(text, media_type)
    assert "".join("".join(passages).split()) == "".join(text.split())
    if max(map(len, text.split()), default=0) < 1_900:
        assert " ".join(passages).split() == text.split()


@given(TEXTS, st.sampled_from(MEDIA_TYPES))
def test_no_passage_is_blank_or_has_more_than_250_words(text: str, media_type: str) -> None:
    for passage in split(text, media_type):
        assert passage == passage.strip() != ""
        assert len(passage.split()) <= LONGEST


@given(st.lists(st.integers(1, 400).map(prose), min_size=1, max_size=20))
def test_a_short_passage_of_prose_stands_only_beside_one_that_it_does_not_fit_into(paragraphs: list[str]) -> None:
    sizes = [len(passage.split()) for passage in split("\n\n".join(paragraphs), "text/plain")]
    assert all(one >= SHORTEST - 20 or one + two > LONGEST for one, two in pairwise(sizes))


def test_a_blank_text_has_no_passages() -> None:
    assert split("", "text/plain") == split(" \n\t\n", "text/markdown") == ()


def test_a_long_section_begins_a_passage_with_its_heading() -> None:
    passages = split(f"# One\n\n{prose(150)}\n\n## Two\n\n{prose(150)}", "text/markdown")
    assert [passage.splitlines()[0] for passage in passages] == ["# One", "## Two"]


def test_a_heading_is_never_the_end_of_a_passage() -> None:
    text = "\n\n".join(f"## Part {size}\n\n{prose(size)}" for size in range(20, 260, 7))
    assert all(not passage.splitlines()[-1].startswith("#") for passage in split(text, "text/markdown"))


def test_an_underlined_heading_stays_with_what_follows() -> None:
    passages = split(f"{prose(170)}\n\nResults\n-------\n\n{prose(170)}", "text/plain")
    assert [passage.startswith("Results\n-------\n\n") for passage in passages] == [False, True]


def test_short_sections_share_a_passage() -> None:
    assert len(split("\n\n".join(f"# Part {n}\n\nOne line." for n in range(10)), "text/markdown")) == 1


def test_the_short_rest_of_a_section_stays_in_that_section() -> None:
    *_, rest, last = split(f"# One\n\n{prose(190)}\n\n{prose(20)}\n\n# Two\n\n{prose(100)}", "text/markdown")
    assert "# Two" not in rest
    assert last.startswith("# Two")


def test_a_long_paragraph_is_cut_at_sentence_ends() -> None:
    passages = split(SENTENCE * 60, "text/plain")
    assert len(passages) > 3
    assert all(passage.endswith("so far.") for passage in passages)


def test_a_sentence_of_many_words_is_cut_between_words() -> None:
    assert [len(passage.split()) for passage in split("word " * 450, "text/plain")] == [100, 100, 100, 150]


def test_a_code_block_is_not_cut_at_its_blank_lines_and_comments() -> None:
    code = "```python\n# not a heading\n\n\n" + "call(a, b, c)\n" * 30 + "```"
    assert any(code in passage for passage in split(f"{prose(200)}\n\n{code}\n\n{prose(200)}", "text/markdown"))


def test_a_code_block_without_end_takes_the_rest_of_the_text() -> None:
    assert split("```\n# a\n\n# b", "text/markdown") == ("```\n# a\n\n# b",)


@pytest.mark.parametrize("media_type", ["text/csv", "application/json"])
def test_rows_are_not_cut(media_type: str) -> None:
    row = "name: Ada. Lovelace; born: 1815; known for: the first program"
    passages = split("\n".join([row] * 200), media_type)
    assert all(line == row for passage in passages for line in passage.split("\n"))


def test_a_long_table_in_markdown_is_cut_between_its_rows() -> None:
    row = "| Ada Lovelace | mathematician. Wrote notes | London |"
    passages = split("\n".join([row] * 100), "text/markdown")
    assert len(passages) > 3
    assert all(line == row for passage in passages for line in passage.split("\n"))


def test_a_giant_word_is_cut_at_2000_characters() -> None:
    assert [len(passage) for passage in split("x" * 4_500, "text/plain")] == [GIANT, GIANT, 500]


def test_a_long_run_of_blanks_does_not_make_a_passage_long() -> None:
    assert split("a" + " " * 100_000 + "b", "text/plain") == ("a\nb",)


@pytest.mark.parametrize(
    "text",
    [
        "x" * 5_000_000,
        "\n" * 1_000_000 + "end",
        "." * 3_000_000,
        "." + '"' * 3_000_000,
        " " * 3_000_000 + "end",
        "`" * 3_000_000,
        "# a\n" * 200_000,
        "```\n" * 200_000,
        "a\n===\n" * 200_000,
        SENTENCE * 40_000,
    ],
    ids=["one word", "newlines", "dots", "quotes", "blanks", "ticks", "headings", "fences", "underlines", "prose"],
)
@pytest.mark.parametrize("media_type", ["text/markdown", "text/csv"])
def test_pathological_texts_come_to_an_end(text: str, media_type: str) -> None:
    """Quadratic time would show: hours."""
    assert all(len(passage) < 25_000 for passage in split(text, media_type))
