"""The audit: silent on a sound history, one sentence for each thing that was tampered with."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.histories import history
from tests.stores import OTHER, Opened, W, opened


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Opened]:
    with opened(tmp_path) as everything:
        yield everything


async def test_a_sound_history_has_nothing_to_tell(at: Opened) -> None:
    assert await at.audit.check() == []
    await history(at)
    await history(at, OTHER, "prj_2")
    assert await at.rows("SELECT count(*) > 10 FROM graph_edges WHERE workspace_id = :w", w=W) == [(1,)]
    assert await at.rows("SELECT count(*) > 5 FROM passages WHERE workspace_id = :w", w=OTHER) == [(1,)]
    assert await at.audit.check() == []


REPORT = "(SELECT subject FROM events WHERE type = 'artifact.judged' AND workspace_id = 'wsp_mine')"
MINE = "workspace_id = 'wsp_mine'"
TAMPERED = {
    "an event's words": (
        f"UPDATE events SET body = replace(body, 'Bees', 'Wasp') WHERE {MINE} AND position = 1",
        "The event 1 of the workspace wsp_mine was changed",
    ),
    "an event's columns": (
        f"UPDATE events SET project_id = 'prj_x' WHERE {MINE} AND position = 3",
        "The event 3 of the workspace wsp_mine was changed",
    ),
    "an event's hash": (
        f"UPDATE events SET hash = previous WHERE {MINE} AND position = 4",
        "event 4 of the workspace wsp_mine was changed",
    ),
    "an event in the middle": (f"DELETE FROM events WHERE {MINE} AND position = 3", "The event 3 .* is missing"),
    "the first events": (f"DELETE FROM events WHERE {MINE} AND position < 3", "The event 1 to 2 .* is missing"),
    "the last event": (
        f"DELETE FROM events WHERE {MINE} AND position = (SELECT position FROM chains WHERE {MINE})",
        r"ends at \d+ but its head says",
    ),
    "all events": (f"DELETE FROM events WHERE {MINE}", "ends at 0 but its head says"),
    "the chain's head": (f"DELETE FROM chains WHERE {MINE}", "but its head says 0"),
    "an edge that is gone": (
        f"DELETE FROM graph_edges WHERE {MINE} AND relation = 'dependsOn'",
        "The graph edge prj_1 prj_1_t2 dependsOn prj_1_t1 of the workspace wsp_mine is missing",
    ),
    "an edge that was added": (
        "INSERT INTO graph_edges VALUES ('wsp_mine', 'prj_1', 'art_x', 'used', 'art_y', NULL, 0)",
        "The graph edge prj_1 art_x used art_y of the workspace wsp_mine follows from no event",
    ),
    "an edge that changed": (
        f"UPDATE graph_edges SET run_id = 'run_x' WHERE {MINE} AND relation = 'dependsOn'",
        "The graph edge .* dependsOn .* is not what the events say",
    ),
    "a node that is gone": (
        f"DELETE FROM graph_nodes WHERE {MINE} AND id = 'prj_1'",
        "The graph node prj_1 of the workspace wsp_mine is missing",
    ),
    "a node's label": (
        f"UPDATE graph_nodes SET label = 'Wasps' WHERE {MINE} AND id = 'prj_1'",
        "The graph node prj_1 .* is not what the events say",
    ),
    "a stream row": (
        f"DELETE FROM streams WHERE {MINE} AND scope = 'prj_1' AND number = 2",
        "The stream row prj_1 2 of the workspace wsp_mine is missing",
    ),
    "a stream's counter": (
        f"UPDATE stream_heads SET number = number + 1 WHERE {MINE} AND scope = 'prj_1'",
        "The stream counter prj_1 .* is not what the events say",
    ),
    "a passage's words": (
        f"UPDATE passages SET text = 'Mead' WHERE artifact_id = {REPORT} AND ordinal = 1",
        "The passages of the artifact .* are not those of its newest version",
    ),
    "a passage's section": (
        f"UPDATE passages SET section = 'notes' WHERE artifact_id = {REPORT} AND ordinal = 1",
        "The passages of the artifact .* are not those of its newest version",
    ),
    "all passages of an artifact": (
        f"DELETE FROM passages WHERE artifact_id = {REPORT}",
        "The passages of the artifact .* are not those of its newest version",
    ),
    "passages of nothing": (
        "INSERT INTO passages VALUES (999, 'wsp_mine', 'prj_1', 'art_x', 'sha256:d', 'notes', NULL, 0, 'x')",
        "The passages of the artifact art_x in the workspace wsp_mine follow from no event",
    ),
    "the full-text index": (
        "INSERT INTO passages_fts(passages_fts, rowid, text) SELECT 'delete', id, text FROM passages LIMIT 1",
        "The full-text index does not agree with the passages",
    ),
    "money spent": (
        f"UPDATE counters SET spent = spent - 1 WHERE {MINE} AND name = 'money' AND scope LIKE 'project:%'",
        "The money counter of the project prj_1 .* says 59 spent and 50 reserved, the ledger 60 and 50",
    ),
    "calls reserved": (
        f"UPDATE counters SET reserved = 0 WHERE {MINE} AND name = 'calls' AND scope LIKE 'project:%'",
        "The calls counter of the project prj_1 .* says 2 spent and 0 reserved, the ledger 2 and 1",
    ),
}


@pytest.mark.parametrize("thing", TAMPERED)
async def test_what_was_tampered_with_is_told_in_one_sentence(at: Opened, thing: str) -> None:
    await history(at)
    await history(at, OTHER, "prj_2")
    statement, sentence = TAMPERED[thing]
    await at.tamper(statement)
    await told(at, sentence)


async def told(at: Opened, *sentences: str) -> None:
    """Exactly these, each of which says what to do."""
    faults = await at.audit.check()
    assert len(faults) == len(sentences), faults
    for fault, sentence in zip(sorted(faults), sorted(sentences), strict=True):
        with pytest.raises(AssertionError, match=sentence):
            raise AssertionError(fault)
        assert "restore" in fault


def file_of(at: Opened, folder: Path, digest: str | None) -> Path:
    name = (digest or "").removeprefix("sha256:")
    return folder / "content" / W / name[:2] / name


async def test_a_content_file_that_changed_or_is_gone_is_told_in_one_sentence(at: Opened, tmp_path: Path) -> None:
    report = await history(at)
    digests = await at.rows("SELECT body ->> '$.text_digest' FROM versions WHERE artifact_id = :a", a=report.id)
    for digest in [report.digest, *(row[0] for row in digests), await at.content.put(W, b"prompt")]:
        path = file_of(at, tmp_path, digest)
        whole = path.read_bytes()
        path.write_bytes(whole + b"!")
        await told(at, f"The content {digest} was changed on the disk")
        path.unlink()
        await told(at, f"The content {digest} is missing")
        path.write_bytes(whole)
    assert await at.audit.check() == []


async def test_content_that_nobody_names_yet_is_no_fault(at: Opened) -> None:
    await history(at)
    await at.content.put(W, b"written before its commit")
    assert await at.audit.check() == []


async def test_one_broken_thing_does_not_hide_another(at: Opened) -> None:
    await history(at)
    for thing in ("an edge that is gone", "a stream row", "a passage's words", "money spent"):
        await at.tamper(TAMPERED[thing][0])
    await told(
        at, *(TAMPERED[thing][1] for thing in ("an edge that is gone", "a stream row")), "The passages", "The money"
    )


async def test_a_great_many_faults_of_one_kind_are_summed_up(at: Opened) -> None:
    for n in range(10):
        await history(at, W, f"prj_{n}")
    await at.tamper("DELETE FROM graph_edges")
    faults = await at.audit.check()
    assert len(faults) == 51
    assert faults[-1].endswith("restore the database from a backup.")


async def test_the_audit_reads_a_snapshot_beside_the_work(at: Opened) -> None:
    await history(at)
    working = asyncio.gather(*(history(at, W, f"prj_{n}") for n in range(2, 6)))
    found = [await at.audit.check() for _ in range(3)]
    await working
    assert found == [[], [], []]
    assert await at.audit.check() == []
