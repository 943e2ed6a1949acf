"""Whether everything agrees: the audit chain, the projections, the content, the money."""

import json
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator
from functools import partial
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, Table, select, union
from sqlalchemy.exc import DBAPIError

from adapters.store import rebuilding, tables
from adapters.store.committing import GENESIS, chained
from adapters.store.database import Database
from adapters.store.projections import indexed_of, passage_rows
from adapters.store.rebuilding import PAGE, REPAIR, events_at, pages
from domain.events import Event
from services.ports.content import Content, ContentMissing
from services.ports.views import Audit

OWNED = (tables.chains, tables.events, tables.streams, tables.nodes, tables.edges, tables.passages)
NAMING = (tables.versions, tables.calls)  # rows that name content
COUNTED = ("calls", "money", "tokens", "seconds")
LEVELS = ("workspace:", "project:", "task:")
DIGESTS = {"versions": ("digest", "text_digest"), "calls": ("request", "reply")}

Published = dict[str, int]  # of each artifact the position of the event that published its newest version


class SqlAudit(Audit):
    """Reads each workspace on one snapshot, so that it may run beside the work. Projections are only compared where
    the events can be trusted."""

    def __init__(self, database: Database, content: Content) -> None:
        self._database, self._content = database, content

    async def check(self) -> list[str]:
        faults: list[str] = []
        searched = True
        for workspace_id in await self._database.read(_workspaces):
            found, published, stored = await self._database.read(partial(_examined, workspace_id=workspace_id))
            passages = [fault async for fault in self._passages(workspace_id, published, stored)]
            searched = searched and not passages
            faults += [*found, *passages, *[fault async for fault in self._contents(workspace_id)]]
        if searched and not await self._database.write(_index_is_sound):
            faults.append(f"The full-text index does not agree with the passages; {REPAIR}.")
        return faults

    async def _passages(self, workspace_id: str, published: Published, stored: dict[str, bytes]) -> AsyncIterator[str]:
        """Published artifacts whose stored passages are not those of the newest version's text."""
        positions = sorted(published.values())
        for start in range(0, len(positions), PAGE // 10):
            page = positions[start : start + PAGE // 10]
            for event in await self._database.read(partial(events_at, workspace_id=workspace_id, positions=page)):
                try:
                    rows = passage_rows(workspace_id, indexed_of(event, await self._text(event)))
                except ContentMissing:
                    continue  # is told with the content
                if _fingerprint(rows) != stored.get(event.subject, _fingerprint([])):
                    yield (
                        f"The passages of the artifact {event.subject} in the workspace {workspace_id} are not those "
                        f"of its newest version; {REPAIR}, or publish the artifact again."
                    )
        for id in stored.keys() - published.keys():
            yield f"The passages of the artifact {id} in the workspace {workspace_id} follow from no event; {REPAIR}."

    async def _text(self, published: Event) -> tuple[str, ...]:
        digest = published.data.get("text_digest")
        if not isinstance(digest, str):
            return ()
        return tuple(json.loads(await self._content.get(published.workspace_id, digest)))

    async def _contents(self, workspace_id: str) -> AsyncIterator[str]:
        sound: set[bytes] = set()
        told: set[str] = set()
        for digest in self._content.digests(workspace_id):
            try:
                await self._content.get(workspace_id, digest)
                sound.add(bytes.fromhex(digest.removeprefix("sha256:")))
            except ContentMissing as error:
                told.add(digest)
                yield f"In the workspace {workspace_id}: {error}"
        for table in NAMING:
            after = ""
            while named := await self._database.read(
                partial(_named, table=table, workspace_id=workspace_id, after=after)
            ):
                for after, digest in named:
                    if digest in told or bytes.fromhex(digest.removeprefix("sha256:")) in sound:
                        continue
                    try:
                        await self._content.get(workspace_id, digest)  # written since the walk?
                    except ContentMissing as error:
                        told.add(digest)
                        yield f"In the workspace {workspace_id}, named by {after}: {error}"


def _workspaces(connection: Connection) -> list[str]:
    owners = (*OWNED, *NAMING, tables.counters, tables.ledger)
    return sorted(connection.execute(union(*(select(table.c.workspace_id) for table in owners))).scalars())


def _examined(connection: Connection, workspace_id: str) -> tuple[list[str], Published, dict[str, bytes]]:
    """What disagrees within the database; what is published; for each artifact a fingerprint of its passages."""
    faults, money = list(_chain(connection, workspace_id)), list(_money(connection, workspace_id))
    if faults:
        return faults + money, {}, {}
    faults = rebuilding.compared(connection, workspace_id)
    published: Published = {}
    for rows in pages(connection, workspace_id, "artifact.published"):
        published |= {row.subject: row.position for row in rows}
    return faults + money, published, dict(_stored_passages(connection, workspace_id))


def _chain(connection: Connection, workspace_id: str) -> Iterator[str]:
    """Positions without gaps, each hash over the one before and the body, the head as noted."""
    place = f"of the workspace {workspace_id}"
    position, previous = 0, GENESIS
    link: str | None = GENESIS  # None after an event whose hash says nothing
    for rows in pages(connection, workspace_id):
        for row in rows:
            if row.position != position + 1:
                gap = f"{position + 1}" if row.position == position + 2 else f"{position + 1} to {row.position - 1}"
                yield f"The event {gap} {place} is missing from the audit chain; {REPAIR}."
            elif link is not None and row.previous != link:
                yield f"The event {row.position} {place} does not follow from the one before it; {REPAIR}."
            link = row.hash
            if row.hash != chained(row.previous, row.body) or not _columns_agree(row):
                link = None
                yield f"The event {row.position} {place} was changed after it was written; {REPAIR}."
            position, previous = row.position, row.hash
    head = connection.execute(select(tables.chains).where(tables.chains.c.workspace_id == workspace_id)).first()
    noted = (head.position, head.hash) if head else (0, GENESIS)
    if noted != (position, previous) and (link is not None or noted[0] != position):
        yield f"The audit chain {place} ends at {position} but its head says {noted[0]}; {REPAIR}."


def _columns_agree(row: Any) -> bool:
    body = json.loads(row.body)
    return all(
        getattr(row, name) == body.get(name) for name in ("workspace_id", "type", "subject", "project_id", "root_id")
    )


def _stored_passages(connection: Connection, workspace_id: str) -> Iterator[tuple[str, bytes]]:
    table = tables.passages
    query = select(table).where(table.c.workspace_id == workspace_id).order_by(table.c.artifact_id, table.c.ordinal)
    current, rows = "", list[dict[str, Any]]()
    for row in connection.execute(query.execution_options(yield_per=PAGE)):
        if row.artifact_id != current and rows:
            yield current, _fingerprint(rows)
            rows = []
        current = row.artifact_id
        rows.append(row._asdict())
    if rows:
        yield current, _fingerprint(rows)


def _fingerprint(rows: Iterable[dict[str, Any]]) -> bytes:
    hash = sha256()
    for row in rows:
        hash.update(json.dumps({name: value for name, value in row.items() if name != "id"}, sort_keys=True).encode())
    return hash.digest()


def _named(connection: Connection, table: Table, workspace_id: str, after: str) -> list[tuple[str, str]]:
    """A page of rows' ids with the digests that they name."""
    (id,) = table.primary_key
    query = select(id, table.c.body).where(table.c.workspace_id == workspace_id, id > after).order_by(id).limit(PAGE)
    found = [(row[0], json.loads(row[1])) for row in connection.execute(query)]
    return [(key, body[name]) for key, body in found for name in DIGESTS[table.name] if body.get(name)]


def _money(connection: Connection, workspace_id: str) -> Iterator[str]:
    """Counters against the ledger, at each level: a reservation stands until its call is settled or released."""
    counters = tables.counters
    counted: dict[str, dict[str, tuple[int, int]]] = defaultdict(dict)
    for row in connection.execute(select(counters).where(counters.c.workspace_id == workspace_id)):
        if row.scope.startswith(LEVELS):
            counted[row.scope][row.name] = (row.spent, row.reserved)
    booked = _booked(connection, workspace_id)
    for scope in sorted({*counted, *booked}):
        for name in COUNTED:
            found, sums = counted[scope].get(name, (0, 0)), booked.get(scope, {}).get(name, (0, 0))
            if found != sums:
                level, _, id = scope.partition(":")
                yield (
                    f"The {name} counter of the {level} {id} in the workspace {workspace_id} says "
                    f"{found[0]} spent and {found[1]} reserved, the ledger {sums[0]} and {sums[1]}; {REPAIR}."
                )


def _booked(connection: Connection, workspace_id: str) -> dict[str, dict[str, tuple[int, int]]]:
    """By scope and name: what the ledger says is spent, and what is held."""
    c = tables.ledger.c
    columns = (c.call, c.kind, c.project_id, c.task_id, c.money, c.input_tokens + c.output_tokens, c.seconds)
    query = select(*columns).where(c.workspace_id == workspace_id, c.kind.in_(("reserve", "settle", "release")))
    held: dict[str, tuple[list[str], list[int]]] = {}
    sums: dict[str, list[list[int]]] = defaultdict(lambda: [[0] * len(COUNTED), [0] * len(COUNTED)])
    for call, kind, project, task, *amounts in connection.execute(
        query.order_by(c.position).execution_options(yield_per=PAGE)
    ):
        scopes = [f"workspace:{workspace_id}", f"project:{project}", *([f"task:{task}"] if task else [])]
        if kind == "reserve":
            before = held.get(call, ([], [0, 0, 0, 0]))[1]
            held[call] = (scopes, [1, *(a + b for a, b in zip(amounts, before[1:], strict=True))])
            continue
        held.pop(call, None)
        if kind == "settle":
            for scope in scopes:
                sums[scope][0] = [a + b for a, b in zip(sums[scope][0], [1, *amounts], strict=True)]
    for scopes, amounts in held.values():
        for scope in scopes:
            sums[scope][1] = [a + b for a, b in zip(sums[scope][1], amounts, strict=True)]
    return {
        scope: {name: (spent[n], reserved[n]) for n, name in enumerate(COUNTED)}
        for scope, (spent, reserved) in sums.items()
    }


def _index_is_sound(connection: Connection) -> bool:
    """FTS5's own check, against the table of passages too (rank 1)."""
    try:
        connection.exec_driver_sql("INSERT INTO passages_fts(passages_fts, rank) VALUES ('integrity-check', 1)")
    except DBAPIError as error:
        if "malformed" in str(error.orig):
            return False
        raise
    return True
