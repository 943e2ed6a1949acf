"""The one writer: group commit, refusals, full disks, closing. Nobody who was told ok is lost."""

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Connection, create_engine

from adapters.store.database import driver
from adapters.store.writer import Writer
from domain.errors import VersionMoved
from domain.project import Project
from services.ports.store import Changeset, StoreFull, StoreUnusable
from tests.stores import Opened, W, a_project, asked, opened
from tests.tiny_disks import tiny_disk


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Opened]:
    with opened(tmp_path) as everything:
        yield everything


def big(id: str, size: int = 15_000) -> Changeset:
    return Changeset(workspace_id=W, puts=[replace(a_project(id), goal=(id * size)[:size])])


async def kept(at: Opened) -> set[str]:
    return {project.id for project in await at.store.find(Project, W, limit=10_000)}


async def told(at: Opened, *changesets: Changeset) -> dict[str, BaseException | None]:
    """What the caller of each changeset was told, by the id of the project in it."""
    answers = await asyncio.gather(*map(at.store.commit, changesets), return_exceptions=True)
    return {changes.puts[0].id: answer for changes, answer in zip(changesets, answers, strict=True)}


@contextmanager
def held(at: Opened) -> Iterator[None]:
    """The writer is busy inside, so that what is handed over waits together."""
    gate = threading.Event()
    busy = asyncio.create_task(at.database.write(lambda _: gate.wait(10)))
    try:
        yield
    finally:
        asyncio.get_running_loop().call_later(0.05, gate.set)
        busy.add_done_callback(lambda task: task.exception())


async def test_what_waits_together_is_committed_together(at: Opened) -> None:
    async with asked(at) as statements:
        with held(at):
            work = asyncio.gather(*(at.store.commit(big(f"prj_{n:03}", 10)) for n in range(250)))
        await work
    assert len(await kept(at)) == 250
    commits = [thread for thread, statement in statements if statement == "COMMIT"]
    assert len(commits) <= 3
    assert set(commits) == {"store-writer"}


async def test_a_refused_unit_fails_alone(at: Opened) -> None:
    with held(at):
        work = asyncio.create_task(told(at, *(big(f"prj_{n}", 10) for n in range(5)), big("prj_0", 10)))
        await asyncio.sleep(0)
    answers = await work
    assert isinstance(answers["prj_0"], VersionMoved)
    assert [answer for id, answer in answers.items() if id != "prj_0"] == [None] * 4
    assert await kept(at) == {f"prj_{n}" for n in range(5)}


async def test_a_fault_in_a_unit_fails_it_alone_and_the_writer_goes_on(at: Opened) -> None:
    def broken(_: Connection) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await at.database.write(broken)
    await at.store.commit(big("prj_1"))
    assert await kept(at) == {"prj_1"}


async def test_a_connection_that_broke_is_replaced(at: Opened) -> None:
    def closing(connection: Connection) -> None:
        connection.connection.dbapi_connection.close()  # type: ignore[union-attr]

    with pytest.raises(StoreUnusable):
        await at.database.write(closing)
    await at.store.commit(big("prj_1"))
    assert await kept(at) == {"prj_1"}


async def limit_pages(at: Opened, more: int) -> None:
    def unit(connection: Connection) -> None:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + more}")

    await at.database.write(unit)


async def test_when_the_file_is_full_the_whole_batch_is_told_so_and_nothing_of_it_is_kept(at: Opened) -> None:
    await limit_pages(at, 10)
    with held(at):
        batch = [big("prj_a", 10), big("prj_b", 10), big("prj_full", 19_999), big("prj_huge", 19_999)]
        batch += [big(f"prj_{n}", 19_999) for n in range(5)] + [big("prj_z", 10)]
        work = asyncio.create_task(told(at, *batch))
        await asyncio.sleep(0)
    answers = await work
    assert {type(answer) for answer in answers.values()} == {StoreFull}
    assert await kept(at) == set()
    assert {type(answer) for answer in (await told(at, *batch)).values()} == {type(None)}
    assert len(await kept(at)) == len(batch)


async def test_nobody_who_was_told_ok_is_lost_when_the_file_fills_up(at: Opened) -> None:
    await limit_pages(at, 150)
    answers: dict[str, BaseException | None] = {}
    for wave in range(40):
        answers |= await told(at, *(big(f"prj_{wave:02}_{n}") for n in range(5)))
        if any(answers.values()):
            break
    assert {type(answer) for answer in answers.values()} == {type(None), StoreFull}
    assert await kept(at) == {id for id, answer in answers.items() if answer is None}


async def test_a_full_disk_loses_nothing_and_work_goes_on_once_there_is_room(tmp_path: Path) -> None:
    with tiny_disk(tmp_path / "disk", "8m") as disk, opened(disk) as at:
        ballast = disk / "ballast"
        ballast.write_bytes(b"x" * 3_000_000)
        answers: dict[str, BaseException | None] = {}
        for wave in range(100):
            answers |= await told(at, *(big(f"prj_{wave:02}_{n}") for n in range(7)))
            if sum(1 for answer in answers.values() if answer) > 30:
                break
        full = {id for id, answer in answers.items() if answer}
        assert {type(answers[id]) for id in full} == {StoreFull}
        assert await kept(at) == answers.keys() - full
        ballast.unlink()
        assert not any((await told(at, *map(big, sorted(full)))).values())
        assert await kept(at) == answers.keys()
        assert await at.rows("PRAGMA integrity_check") == [("ok",)]


LIMITED = """
import asyncio, json, pathlib, resource, sys
from tests.integration.test_writer import big, kept, told
from tests.stores import opened

async def main(folder):
    with opened(folder) as at:
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_500_000, hard))
        answers = {}
        for wave in range(60):
            answers |= await told(at, *(big(f"prj_{wave:02}_{n}") for n in range(5)))
        during = await kept(at)
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        after = await told(at, big("prj_after"))
        print(json.dumps({
            "answers": {id: type(answer).__name__ for id, answer in answers.items()},
            "during": sorted(during), "after": type(after["prj_after"]).__name__, "now": len(await kept(at)),
        }))

asyncio.run(main(pathlib.Path(sys.argv[1])))
"""


def test_a_file_that_may_not_grow_loses_nothing_either(tmp_path: Path) -> None:
    ran = subprocess.run([sys.executable, "-c", LIMITED, tmp_path], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    said = json.loads(ran.stdout)
    assert set(said["answers"].values()) == {"NoneType", "StoreFull"}
    assert said["during"] == sorted(id for id, answer in said["answers"].items() if answer == "NoneType")
    assert said["after"] == "NoneType"
    assert said["now"] == len(said["during"]) + 1


async def test_a_cancelled_callers_unit_is_still_committed(at: Opened) -> None:
    with held(at):
        caller = asyncio.create_task(at.store.commit(big("prj_1")))
        await asyncio.sleep(0)
        caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    await at.store.commit(big("prj_2"))
    assert await kept(at) == {"prj_1", "prj_2"}


async def test_closing_writes_what_waits_and_then_refuses(tmp_path: Path) -> None:
    with opened(tmp_path) as at:
        with held(at):
            work = asyncio.gather(*(at.store.commit(big(f"prj_{n}", 10)) for n in range(20)))
            await asyncio.sleep(0)
        await asyncio.to_thread(at.database.close)
        assert await work == [None] * 20
        for refused in (at.store.commit(big("prj_late")), at.store.get(Project, W, "prj_0")):
            with pytest.raises(StoreUnusable, match="closed"):
                await refused
    with opened(tmp_path) as again:
        assert len(await kept(again)) == 20


async def test_what_was_handed_over_cannot_be_taken_back(tmp_path: Path) -> None:
    written: list[int] = []
    engine = create_engine(
        f"sqlite:///{tmp_path / 'x.db'}",
        module=driver(),
        isolation_level="AUTOCOMMIT",
        connect_args={"check_same_thread": False},
    )
    writer, gate = Writer(engine), threading.Event()
    writer.submit(lambda _: gate.wait(10))
    writer.submit(lambda _: written.append(1)).cancel()
    gate.set()
    assert await writer.submit(lambda _: list(written)) == [1]
    writer.close()
    writer.close()
    engine.dispose()
