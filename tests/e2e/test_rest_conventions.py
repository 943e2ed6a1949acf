"""What holds on every route: the token, foreign ids, editing, repeating, bodies, headers."""

import asyncio
import socket
from dataclasses import fields, replace
from functools import cache
from typing import Any

import httpx
import pytest

from domain.artifact import Artifact, Version
from domain.ids import make_id
from domain.inbox import InboxItem
from domain.principal import User
from domain.project import Member, Project
from domain.run import Run
from domain.task import Task
from infrastructure.rest.__main__ import document
from infrastructure.rest.guards import OPEN
from services.ports.store import Changeset
from tests.e2e.rest_client import NOWHERE, Rest, Running, refused

Operation = tuple[str, str]


DOCUMENT = cache(document)


def operations() -> list[Operation]:
    return [(method.upper(), path) for path, item in DOCUMENT()["paths"].items() for method in item]


def filled(path: str, **ids: str) -> str:
    """The address with ids in it; what is not named gets one that nobody has."""
    for name in ("project_id", "task_id", "run_id", "artifact_id", "item_id", "member_id", "agent_id", "id"):
        path = path.replace(f"{{{name}}}", ids.get(name, NOWHERE))
    return path.replace("{kind}", ids.get("kind", "project"))


def body_of(method: str, path: str) -> dict[str, Any]:
    """A body that is well-formed, so that nothing but the id is wrong."""
    operation = DOCUMENT()["paths"][path][method.lower()]
    if "requestBody" not in operation:
        return {}
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    reference = schema.get("$ref") or schema["anyOf"][0]["$ref"]
    return {"json": DOCUMENT()["components"]["schemas"][reference.rpartition("/")[2]]["examples"][0]}


QUERY = {"node": "x", "from": "x", "to": "y", "when": "0", "topic": "x"}


@pytest.mark.parametrize("authorization", [None, "Bearer wrong", "Basic b3duZXI6dA==", "Bearer", "Bearer \xe9"])
def test_every_route_but_the_open_ones_needs_the_token(running: Running, authorization: str | None) -> None:
    headers = {} if authorization is None else {b"Authorization": authorization.encode("latin-1")}
    closed = [operation for operation in operations() if operation[1] not in OPEN]
    assert len(closed) > 35
    with httpx.Client(base_url=running.url, headers=headers, trust_env=False) as stranger:
        for method, path in (*closed, ("GET", "/v1/nothing")):
            answer = stranger.request(method, filled(path), params=QUERY, content=b"{")
            refused(answer, 401)
            assert answer.headers["WWW-Authenticate"] == "Bearer"
        for path in OPEN:
            assert stranger.get(path).status_code == 200


def test_an_id_that_nobody_has_answers_404_everywhere(rest: Rest) -> None:
    for method, path in operations():
        if "{" in path:
            refused(rest.request(method, filled(path), params=QUERY, **body_of(method, path)), 404)


async def foreign(running: Running, project: str) -> dict[str, str]:
    """A copy of all that belongs to a project, in another workspace; the new ids by kind."""
    container, principal = running.program.container, running.program.principal
    now = container.clock().now()
    made: dict[str, str] = {}
    workspace = make_id("workspace", now, container.clock().entropy())

    def moved(text: str) -> str:
        return text[:-2] + ("yy" if text.endswith("zz") else "zz")

    store = container.store()
    puts: list[Any] = []
    kinds: tuple[Any, ...] = (Project, Member, Task, Artifact, Version, Run, InboxItem, User)
    for kind in kinds:
        where = {"project_id": project} if kind is not Project and kind is not User else {}
        for found in await store.find(kind, principal.workspace_id, where=where):
            if kind is Project and found.id != project:
                continue
            values: dict[str, Any] = {"workspace_id": workspace, "version": 0}
            names = {field.name for field in fields(found)}
            values |= {
                name: moved(value)
                for name in ("id", "project_id", "artifact_id", "root_id", "parent_id")
                if name in names and (value := getattr(found, name)) is not None
            }
            if kind is Task:
                values["spec"] = replace(found.spec, id=moved(found.id))
            if kind is Artifact:
                values["qa"] = None
            copy = replace(found, **values)
            puts.append(copy)
            made[kind.__name__] = copy.id
    await store.commit(Changeset(workspace_id=workspace, puts=puts))
    return {**made, "Workspace": workspace}


def test_ids_of_another_workspace_answer_404_everywhere(rest: Rest, running: Running) -> None:
    own = rest.project("Brief me on the lift", approve_plan=True)
    source = rest.source(own)
    run = rest.run_of(own)
    rest.until("/v1/inbox", lambda inbox: any(item["project_id"] == own for item in inbox["items"]))
    ids = asyncio.run(foreign(running, own))
    assert {"Project", "Member", "Task", "Artifact", "Run", "InboxItem", "User", "Workspace"} <= set(ids)
    names = {
        "project_id": ids["Project"],
        "task_id": ids["Task"],
        "run_id": ids["Run"],
        "artifact_id": ids["Artifact"],
        "item_id": ids["InboxItem"],
        "member_id": ids["Member"],
    }
    for method, path in operations():
        if "{" in path and "agent" not in path:
            addresses = [filled(path, **names, id=ids["Project"])]
            if "{member_id}" in path:
                addresses.append(filled(path, **{**names, "project_id": own}))
            if "{kind}" in path:
                addresses.append(filled(path, kind="workspace", id=ids["Workspace"]))
            for address in addresses:
                refused(rest.request(method, address, params=QUERY, **body_of(method, path)), 404)
    derived = {"title": "Copy", "text": "Copied.", "kind": "summary", "derived_from": [ids["Artifact"]]}
    refused(rest.post(f"/v1/projects/{own}/artifacts", json=derived), 404)
    refused(rest.post(f"/v1/projects/{own}/members", json={"subject_id": ids["User"]}), 404)
    near = rest.get(f"/v1/graphs/project/{own}/neighbors", params={"node": ids["Artifact"]})
    assert near.json()["edges"] == [] and {node["label"] for node in near.json()["nodes"]} <= {ids["Artifact"]}
    listed = [item["id"] for path in ("/v1/projects", "/v1/tasks", "/v1/inbox") for item in rest.items(path)]
    assert not set(listed) & set(ids.values())
    assert source in [item["id"] for item in rest.items(f"/v1/projects/{own}/artifacts")]
    refused(rest.get(f"/v1/artifacts/{source}/content", params={"version": 9}), 404)
    assert rest.post(f"/v1/runs/{run}/cancel").status_code == 202


def test_an_edit_with_an_old_etag_is_refused(rest: Rest) -> None:
    project = rest.project()
    tag = rest.get(f"/v1/projects/{project}").headers["ETag"]
    changed = rest.patch(f"/v1/projects/{project}", json={"name": "New"}, headers={"If-Match": tag})
    assert changed.json()["name"] == "New" and changed.headers["ETag"] not in ("", tag)
    problem = refused(rest.patch(f"/v1/projects/{project}", json={"name": "Old"}, headers={"If-Match": tag}), 412)
    assert project in problem["detail"]
    for wrong in ("what", '"²"', '"' + "9" * 5000 + '"'):
        given = {b"If-Match": wrong.encode("latin-1")}
        refused(rest.patch(f"/v1/projects/{project}", json={"name": "Old"}, headers=given), 422)
    for right in (f"W/{changed.headers['ETag']}", "*"):
        assert rest.patch(f"/v1/projects/{project}", json={}, headers={"If-Match": right}).status_code == 200
    artifact = rest.source(project)
    tag = rest.get(f"/v1/artifacts/{artifact}").headers["ETag"]
    address, old = f"/v1/artifacts/{artifact}/versions", {"If-Match": tag}
    assert rest.post(address, json={"text": "Two."}, headers=old).status_code == 201
    refused(rest.post(address, json={"text": "Three."}, headers=old), 412)


def test_a_task_is_edited_under_its_etag(rest: Rest) -> None:
    project = rest.project(approve_plan=True)
    rest.source(project)
    run = rest.run_of(project)
    rest.until("/v1/inbox", lambda inbox: any(item["project_id"] == project for item in inbox["items"]))
    task = rest.items(f"/v1/projects/{project}/tasks")[0]["id"]
    tag = {"If-Match": rest.get(f"/v1/tasks/{task}").headers["ETag"]}
    owner = rest.get(f"/v1/projects/{project}").json()["owner_id"]
    person = {"assignee": {"kind": "person", "id": owner}}
    given = rest.patch(f"/v1/tasks/{task}", json=person, headers=tag)
    assert given.status_code == 200 and given.json()["assignee"] == person["assignee"]
    refused(rest.patch(f"/v1/tasks/{task}", json=person, headers=tag), 412)
    refused(rest.patch(f"/v1/tasks/{task}", json={"state": "skipped"}, headers=tag), 412)
    unknown = {"assignee": {"kind": "core", "id": "agt_nobody"}}
    assert rest.patch(f"/v1/tasks/{task}", json=unknown).status_code in (404, 422)
    stranger = {"assignee": {"kind": "person", "id": "usr_nobody"}}
    assert rest.patch(f"/v1/tasks/{task}", json=stranger).status_code in (404, 422)
    assert rest.post(f"/v1/runs/{run}/cancel").status_code == 202


def twice(rest: Rest, key: str, path: str, **more: Any) -> httpx.Response:
    """Asks twice with one key: the answers are of one thing, with one status."""
    headers = {"Idempotency-Key": key}
    first, second = rest.post(path, headers=headers, **more), rest.post(path, headers=headers, **more)
    assert first.status_code == second.status_code < 300, (path, first.text, second.text)
    assert first.json().get("id") == second.json().get("id")
    assert first.headers.get("Location") == second.headers.get("Location")
    return second


def test_every_post_can_be_repeated_with_its_key(rest: Rest) -> None:
    project = twice(rest, "a", "/v1/projects", json={"goal": "Brief me", "approve_plan": True}).json()["id"]
    address = f"/v1/projects/{project}"
    twice(rest, "b", f"{address}/artifacts", json={"title": "Text", "text": "The lift carries 400 kg."})
    form = {"files": {"file": ("a.md", b"# Lift\n\nIt must be inspected.")}, "data": {"title": "A"}}
    artifact = twice(rest, "c", f"{address}/artifacts", **form).json()["id"]
    twice(rest, "d", f"/v1/artifacts/{artifact}/versions", json={"text": "# Lift\n\nIt is inspected."})
    assert len(rest.items(f"/v1/artifacts/{artifact}/versions")) == 2
    twice(rest, "e", f"/v1/artifacts/{artifact}/lock")
    twice(rest, "f", f"/v1/artifacts/{artifact}/unlock")
    run = twice(rest, "g", f"{address}/runs").json()["id"]
    assert len(rest.items(f"{address}/runs")) == 1
    rest.until("/v1/inbox", lambda inbox: any(item["project_id"] == project for item in inbox["items"]))
    twice(rest, "h", f"{address}/plan/approve")
    assert rest.ended(run)["result"] == "succeeded"
    again = rest.post(f"{address}/runs", headers={"Idempotency-Key": "g"})
    assert again.status_code == 202 and again.json()["id"] == run
    assert len(rest.items(f"{address}/artifacts")) == len({a["id"] for a in rest.items(f"{address}/artifacts")})
    summary = next(a for a in rest.items(f"{address}/artifacts") if a["kind"] == "summary")["id"]
    judged = twice(rest, "i", f"/v1/artifacts/{summary}/qa", json={"verdict": "accept", "note": "Read."}).json()
    assert judged["qa"]["method"] == "person" and judged["stage"] == "information_product"
    bare = rest.project("Brief me")
    rest.source(bare, "Lift")  # nothing to cite: its tasks need attention
    assert rest.ended(rest.run_of(bare))["result"] == "partial"
    first, second, *_ = (item for item in rest.items("/v1/inbox") if item["project_id"] == bare)
    twice(rest, "j", f"/v1/inbox/{first['id']}/answer", json={"action": "discard"})
    twice(rest, "k", f"/v1/tasks/{second['task_id']}/retry")
    refused(rest.post(f"{address}/artifacts", headers={"Idempotency-Key": "c"}, **_other(form)), 422)
    refused(rest.post(f"{address}/artifacts", headers={"Idempotency-Key": "c"}, json={"title": "A", "text": "B"}), 422)
    refused(rest.post("/v1/projects", headers={"Idempotency-Key": "x" * 201}, json={"goal": "Long"}), 422)


def _other(form: dict[str, Any]) -> dict[str, Any]:
    return {**form, "files": {"file": ("a.md", b"# Lift\n\nAnother text.")}}


def test_runs_are_steered_once_with_a_key(rest: Rest) -> None:
    project = rest.project(approve_plan=True)
    rest.source(project)
    run = rest.run_of(project)
    rest.until(f"/v1/runs/{run}", lambda found: found["state"] == "waiting")
    for key, verb, state in (("p", "pause", "paused"), ("q", "resume", "waiting"), ("r", "cancel", "ended")):
        twice(rest, key, f"/v1/runs/{run}/{verb}")
        rest.until(f"/v1/runs/{run}", lambda found, state=state: found["state"] == state)
    twice(rest, "r", f"/v1/runs/{run}/cancel")
    refused(rest.post(f"/v1/runs/{run}/cancel"), 409)


def test_a_correlation_id_is_taken_made_and_returned(rest: Rest, running: Running) -> None:
    for given in ("abc-1.2_3", "x" * 64):
        assert rest.get("/v1/projects", headers={"X-Correlation-ID": given}).headers["X-Correlation-ID"] == given
    for given in ("", "with space", "x" * 65, "<b>"):
        made = rest.get("/v1/projects", headers={"X-Correlation-ID": given}).headers["X-Correlation-ID"]
        assert made and made != given
    for path, status in (("/v1/nothing", 404), ("/v1/projects?limit=0", 422)):
        answer = rest.get(path, headers={"X-Correlation-ID": "mine"})
        assert (answer.status_code, answer.headers["X-Correlation-ID"]) == (status, "mine")
    stranger = httpx.get(f"{running.url}/v1/projects", headers={"X-Correlation-ID": "mine"}, trust_env=False)
    assert (stranger.status_code, stranger.headers["X-Correlation-ID"]) == (401, "mine")


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "", "127.0.0.2:80", "localhost@evil.example"]
)
def test_another_host_is_refused_on_every_route(rest: Rest, host: str) -> None:
    for method, path in (*operations(), ("GET", "/reference"), ("GET", "/openapi.json")):
        refused(rest.request(method, filled(path), headers={"Host": host}), 421)


def test_without_a_host_nothing_is_answered(running: Running) -> None:
    url = httpx.URL(running.url)
    with socket.create_connection((url.host, url.port), timeout=10) as line:
        line.sendall(b"GET /health HTTP/1.0\r\n\r\n")
        assert b" 421 " in line.recv(4096).partition(b"\r\n")[0]


def test_headers_keep_browsers_from_running_or_keeping_anything(rest: Rest) -> None:
    for path in ("/health", "/v1/projects", "/v1/nothing", "/reference", "/openapi.json", "/metrics"):
        headers = rest.get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cache-Control"] == "no-store"
        assert headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert "Access-Control-Allow-Origin" not in headers and "server" not in headers


def test_other_methods_and_addresses_are_problems(rest: Rest) -> None:
    answer = rest.put("/v1/projects", json={})
    refused(answer, 405)
    assert {"GET", "POST"} >= set(answer.headers["Allow"].replace(" ", "").split(","))
    refused(rest.request("OPTIONS", "/v1/projects"), 405)
    for path in ("/v1", "/v1/projects/", "/v1/projects//", "/v1/../etc/passwd", "/v1/tasks/%00", "/v1/tasks/%ff"):
        refused(rest.get(path), 404)
