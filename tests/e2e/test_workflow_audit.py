"""What a person makes of the workflows is on the record: who, which one, as it was before and after."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.own_workflows import SMALL
from tests.e2e.rest_client import Rest, Running, refused

CHANGED = SMALL.replace("two sentences", "one sentence")


def recorded(running: Running, name: str) -> list[dict[str, Any]]:
    path = Path(running.program.settings.data_dir) / "caseworks.db"
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)
    try:
        query = "SELECT body FROM events WHERE subject = ? AND type LIKE 'workflow.%' ORDER BY position"
        return [json.loads(body) for (body,) in connection.execute(query, (name,))]
    finally:
        connection.close()


def made(rest: Rest, name: str, text: str = SMALL, **headers: str) -> httpx.Response:
    body = {"name": name, "yaml": text.replace("small@1", f"{name}@1")}
    return rest.post("/v1/workflows", json=body, headers=headers)


def test_each_change_tells_who_made_it_and_the_digests_before_and_after(rest: Rest, running: Running) -> None:
    first = made(rest, "small").json()["digest"]
    second = rest.put("/v1/workflows/small", json={"yaml": CHANGED}).json()["digest"]
    assert rest.delete("/v1/workflows/small").status_code == 204
    events = recorded(running, "small")
    assert [(event["type"], event["data"]) for event in events] == [
        ("workflow.created", {"name": "small", "before": None, "after": first}),
        ("workflow.changed", {"name": "small", "before": first, "after": second}),
        ("workflow.removed", {"name": "small", "before": second, "after": None}),
    ]
    assert len({event["actor"] for event in events}) == 1 and events[0]["actor"].startswith("usr_")
    told = rest.get("/v1/graphs/workspace/me/since", params={"when": "0"}).json()["answer"]
    assert "1 new workflow, 1 changed workflow, 1 removed workflow" in told[-1]


def test_one_of_your_own_in_the_place_of_one_that_ships_is_told_by_what_it_replaced(
    rest: Rest, running: Running
) -> None:
    shipped = rest.get("/v1/workflows/one_attempt").json()
    own = rest.put("/v1/workflows/one_attempt", json={"yaml": shipped["yaml"].replace("title:", "title: My", 1)}).json()
    rest.delete("/v1/workflows/one_attempt")
    assert [(event["data"]["before"], event["data"]["after"]) for event in recorded(running, "one_attempt")] == [
        (shipped["digest"], own["digest"]),
        (own["digest"], shipped["digest"]),
    ]


def test_what_was_refused_is_not_on_the_record(rest: Rest, running: Running) -> None:
    tag = {"If-Match": made(rest, "picky").headers["ETag"]}
    assert rest.put("/v1/workflows/picky", json={"yaml": CHANGED.replace("small@1", "picky@1")}).status_code == 200
    refused(made(rest, "picky"), 409)
    refused(rest.put("/v1/workflows/picky", json={"yaml": "name: ["}), 422)
    refused(rest.delete("/v1/workflows/picky", headers=tag), 412)
    refused(rest.put("/v1/workflows/nowhere", json={"yaml": SMALL}), 404)
    assert len(recorded(running, "picky")) == 2 and recorded(running, "nowhere") == []


def test_a_request_that_comes_twice_is_on_the_record_once(rest: Rest, running: Running) -> None:
    for _ in range(2):
        assert made(rest, "once", **{"Idempotency-Key": "once"}).status_code == 201
    assert len(recorded(running, "once")) == 1


def test_what_cannot_be_put_on_the_record_is_not_done(
    rest: Rest, running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = made(rest, "kept").json()
    path = Path(running.program.settings.data_dir) / "caseworks.db"
    connection = sqlite3.connect(path, timeout=5, isolation_level=None)
    try:
        connection.execute("CREATE TRIGGER full BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, 'full'); END")
        assert rest.put("/v1/workflows/kept", json={"yaml": before["yaml"] + "title: x\n"}).status_code >= 500
        assert rest.delete("/v1/workflows/kept").status_code >= 500
        assert made(rest, "new").status_code >= 500
    finally:
        connection.execute("DROP TRIGGER full")
        connection.close()
    assert rest.get("/v1/workflows/kept").json()["digest"] == before["digest"]
    refused(rest.get("/v1/workflows/new"), 404)
