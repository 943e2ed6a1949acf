"""Which passages are chosen depends on nothing but the words and the passages."""

from datetime import UTC, datetime
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.criterion import Criterion
from domain.plan import Plan
from domain.task import Assignee, Expected, TaskSpec
from services.ports.views import Hit
from services.work.context import QUERY_WORDS, STOP, _spread, ancestors, query_words, ranked

WORDS = st.sampled_from(["pump", "seal", "water", "tank", "the", "oil", "a", "Ölstand", "PUMP"])
TEXTS = st.lists(WORDS, max_size=12).map(" ".join)


def hit(text: str, ordinal: int = 0, artifact: str = "art_1", score: float = 0) -> Hit:
    return Hit(artifact_id=artifact, digest="sha256:0", ordinal=ordinal, text=text, score=score)


HITS = st.lists(st.tuples(TEXTS, st.sampled_from(["art_1", "art_2"]), st.floats(0, 9)), max_size=10).map(
    lambda rows: [hit(text, i, artifact, score) for i, (text, artifact, score) in enumerate(rows)]
)


# the words that are searched for


@given(st.lists(WORDS, max_size=40), st.randoms(use_true_random=False))
def test_the_order_of_the_words_does_not_matter(words: list[str], rng: Random) -> None:
    mixed = rng.sample(words, len(words))
    assert query_words(" ".join(mixed)) == query_words(" ".join(words))


@given(st.text(max_size=400))
def test_a_query_has_few_words_each_once_and_none_that_every_text_has(text: str) -> None:
    words = query_words(text)
    assert len(words) == len(set(words)) <= QUERY_WORDS
    assert not STOP & set(words)
    assert all(len(word) >= 3 for word in words)


def test_the_most_repeated_and_longest_words_come_first() -> None:
    assert query_words("Oil the pump: pump and seal, seals") == ["pump", "seals", "seal", "oil"]


# ranking


@given(HITS, st.lists(WORDS, max_size=5), st.randoms(use_true_random=False))
def test_the_ranking_has_every_passage_once_and_does_not_depend_on_their_order_or_scores(
    hits: list[Hit], query: list[str], rng: Random
) -> None:
    best = ranked(hits, query)
    assert sorted(best, key=lambda hit: hit.ordinal) == hits
    assert ranked(rng.sample(hits, len(hits)), query) == best
    flat = [hit(h.text, h.ordinal, h.artifact_id) for h in hits]
    assert [h.ordinal for h in ranked(flat, query)] == [h.ordinal for h in best]


def test_a_rare_word_counts_more_than_a_common_one() -> None:
    hits = [hit("pump", 0), hit("pump", 1), hit("pump", 2), hit("seal", 3)]
    assert [h.ordinal for h in ranked(hits, ["pump", "seal"])] == [3, 0, 1, 2]


def test_passages_that_hold_no_word_keep_their_reading_order_at_the_end() -> None:
    hits = [hit("oil", 2), hit("oil", 1), hit("pump", 3)]
    assert [h.ordinal for h in ranked(hits, ["pump"])] == [3, 1, 2]


# spreading


@given(st.integers(0, 300))
def test_spreading_has_every_passage_once(count: int) -> None:
    hits = [hit("", i) for i in range(count)]
    assert sorted(_spread(hits), key=lambda hit: hit.ordinal) == hits


@given(st.integers(2, 300), st.integers(1, 6))
def test_any_beginning_of_the_list_is_spread_over_the_whole(count: int, halvings: int) -> None:
    """Every pass over the passages halves the gaps, and is over before the next one begins."""
    width, looked_at = count, 1
    for _ in range(halvings):
        width = -(-width // 2)
        looked_at += -(-count // width)
    taken = {h.ordinal for h in _spread([hit("", i) for i in range(count)])[:looked_at]}
    assert set(range(0, count, width)) <= taken


def test_the_middle_comes_after_the_beginning() -> None:
    assert [h.ordinal for h in _spread([hit("", i) for i in range(8)])] == [0, 4, 2, 6, 1, 3, 5, 7]


# what a task builds on


def plan(edges: dict[str, tuple[str, ...]]) -> Plan:
    return Plan(
        project_id="prj_1",
        workspace_id="wsp_1",
        number=1,
        made_by="agt_manager",
        origin="By hand.",
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        tasks=tuple(
            TaskSpec(
                id=id,
                title=id,
                brief="",
                assignee=Assignee(kind="core", id="synthesizer"),
                expected=(Expected(kind="summary", section="synthesis"),),
                criteria=(Criterion(text="It is there"),),
                depends_on=depends_on,
            )
            for id, depends_on in edges.items()
        ),
    )


@pytest.mark.parametrize(("id", "before"), [("a", set()), ("c", {"a"}), ("e", {"a", "b", "c", "d"}), ("f", set())])
def test_a_task_builds_on_all_that_comes_before_it_and_on_nothing_else(id: str, before: set[str]) -> None:
    made = plan({"a": (), "b": ("a",), "c": ("a",), "d": ("b", "c"), "e": ("d",), "f": ()})
    found = ancestors(made, id)
    assert set(found) == before
    assert len(found) == len(before)
