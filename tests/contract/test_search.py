"""Search: what is found, in which order, and what words cannot do."""

from typing import Any

import pytest

from services.ports.store import Changeset, Indexed
from tests.stores import OTHER, Opened, W, indexed

HOSTILE = [
    '"',
    '""',
    "NEAR(",
    "*",
    "AND",
    "OR NOT",
    "(",
    ")",
    "text:",
    "a\0b",
    "^",
    "honey*",
    "-",
    "+",
    "{a b}:",
    "\ud800",
    "'",
    "; DROP TABLE passages;",
    "honey" * 5000,
]


async def put(at: Opened, *items: Indexed, workspace_id: str = W) -> None:
    await at.store.commit(Changeset(workspace_id=workspace_id, indexed=items))


async def found(at: Opened, *words: str, **how: Any) -> list[str]:
    return [hit.artifact_id for hit in await at.search.match(W, "prj_1", words, **how)]


async def test_the_passage_that_says_more_of_it_comes_first(at: Opened) -> None:
    await put(
        at,
        indexed("art_a", "The bees sleep in winter, and so do the bears of the forest.", "Nothing of that."),
        indexed("art_b", "Honey bees: honey is made by bees."),
    )
    hits = await at.search.match(W, "prj_1", ["honey", "bees"])
    assert [(hit.artifact_id, hit.ordinal) for hit in hits] == [("art_b", 0), ("art_a", 0)]
    assert hits[0].score > hits[1].score
    assert await found(at, "wasps") == await found(at) == await found(at, " ", "") == []


async def test_accents_and_case_do_not_matter(at: Opened) -> None:
    await put(at, indexed("art_a", "Crème brûlée für Gäste"))
    assert await found(at, "BRULEE") == await found(at, "gaste") == await found(at, "crème") == ["art_a"]


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ({}, ["art_note", "art_other", "art_source", "art_task"]),
        ({"sections": ["notes"]}, ["art_note"]),
        ({"sections": []}, []),
        ({"artifacts": ["art_task", "art_none"]}, ["art_task"]),
        ({"tasks": []}, ["art_note", "art_source"]),
        ({"tasks": ["tsk_1"]}, ["art_note", "art_source", "art_task"]),
        ({"tasks": ["tsk_1"], "sections": ["drafts"]}, ["art_task"]),
    ],
)
async def test_filters_leave_only_what_is_asked_for(at: Opened, how: dict[str, Any], expected: list[str]) -> None:
    await put(
        at,
        indexed("art_source", "honey"),
        indexed("art_note", "honey", section="notes"),
        indexed("art_task", "honey", section="drafts", task_id="tsk_1"),
        indexed("art_other", "honey", section="drafts", task_id="tsk_2"),
    )
    assert await found(at, "honey", **how) == expected


async def test_better_matches_elsewhere_do_not_crowd_out_what_may_be_seen(at: Opened) -> None:
    for n in range(30):
        await put(at, indexed(f"art_x{n}", "honey honey honey", project_id="prj_2"))
        await put(at, indexed(f"art_y{n}", "honey honey honey"), workspace_id=OTHER)
        await put(at, indexed(f"art_z{n}", "honey honey honey", section="notes"))
    await put(at, indexed("art_mine", "a long passage in which honey is named only once, late and rather in passing"))
    assert await found(at, "honey", sections=["sources"], limit=1) == ["art_mine"]


async def test_a_new_version_replaces_the_passages_of_the_old(at: Opened) -> None:
    await put(at, indexed("art_a", "honey", "wax"), indexed("art_b", "honey"))
    await put(at, indexed("art_a", "mead", digest="sha256:e"))
    assert await found(at, "honey") == ["art_b"]
    assert await found(at, "wax") == []
    assert [(hit.text, hit.digest) for hit in await at.search.passages(W, "art_a")] == [("mead", "sha256:e")]
    await put(at, indexed("art_a"))
    assert await at.search.passages(W, "art_a") == await at.search.match(W, "prj_1", ["mead"]) == []


@pytest.mark.parametrize("word", HOSTILE, ids=lambda word: ascii(word)[:20])
async def test_no_word_is_taken_for_syntax(at: Opened, word: str) -> None:
    await put(at, indexed("art_a", "honey and wax, near the hive"))
    assert await found(at, word) in ([], ["art_a"])
    assert await found(at, word, "wax") == ["art_a"]


async def test_very_many_words_are_no_trouble(at: Opened) -> None:
    await put(at, indexed("art_a", "honey"))
    assert await found(at, *(f"w{n}" for n in range(3000)), "honey") == ["art_a"]
