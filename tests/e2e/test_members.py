"""Who leaves a team, who cannot, and what stays."""

import asyncio
from dataclasses import replace

import pytest

from domain.ids import make_id
from domain.principal import User
from domain.task import Assignee, Task, TaskState
from services.ports.store import Changeset
from tests.e2e.rest_client import Rest, Running, refused
from tests.stores import a_task


@pytest.fixture
def project(rest: Rest) -> str:
    return rest.project("Brief me on the lift")


def member_of(rest: Rest, running: Running, project: str) -> dict[str, str]:
    """Another person of the workspace, on the team."""
    clock, owner = running.program.container.clock(), running.program.principal
    user = make_id("user", clock.now(), clock.entropy())
    ada = User(id=user, workspace_id=owner.workspace_id, name="Ada", created_at=clock.now())
    commit(running, Changeset(workspace_id=owner.workspace_id, puts=[ada]))
    made = rest.post(f"/v1/projects/{project}/members", json={"subject_id": user})
    assert made.status_code == 201, made.text
    return {"id": made.json()["id"], "user": user, "etag": made.headers["ETag"], "address": made.headers["Location"]}


def commit(running: Running, changes: Changeset) -> None:
    asyncio.run(running.program.container.store().commit(changes))


def give(running: Running, project: str, user: str, id: str, state: TaskState) -> None:
    workspace = running.program.principal.workspace_id
    task = a_task(id, workspace, project)
    spec = replace(task.spec, assignee=Assignee(kind="person", id=user), title=f"Write {state}")
    given: Task = replace(task, spec=spec, state=state)
    commit(running, Changeset(workspace_id=workspace, puts=[given]))


def test_a_member_is_removed_and_can_come_back(rest: Rest, running: Running, project: str) -> None:
    ada, address = member_of(rest, running, project), f"/v1/projects/{project}/members"
    gone = rest.delete(ada["address"])
    assert (gone.status_code, gone.content) == (204, b"")
    assert ada["id"] not in [member["id"] for member in rest.items(address)]
    for answer in (rest.get(ada["address"]), rest.delete(ada["address"]), rest.patch(ada["address"], json={})):
        refused(answer, 404)
    again = rest.post(address, json={"subject_id": ada["user"], "role": "editor"})
    assert again.status_code == 201 and again.json()["id"] != ada["id"]
    assert again.json()["id"] in [member["id"] for member in rest.items(address)]


def test_a_removal_is_an_event_and_takes_nothing_from_the_graph(rest: Rest, running: Running, project: str) -> None:
    ada = member_of(rest, running, project)
    graph = rest.get(f"/v1/graphs/project/{project}").json()
    assert rest.delete(ada["address"]).status_code == 204
    number = len(graph["edges"])
    assert len(rest.get(f"/v1/graphs/project/{project}").json()["edges"]) == number
    last = rest.events(f"/v1/projects/{project}/events", most=5)[-1]
    assert (last.kind, last.data["subject"], last.data["data"]["name"]) == ("member.removed", ada["id"], "Ada")
    findings = rest.get("/v1/doctor", params={"verify": "true"}).json()["items"]
    assert not [finding for finding in findings if finding["level"] == "failed"]


def test_the_owner_stays(rest: Rest, project: str) -> None:
    (owner,) = rest.items(f"/v1/projects/{project}/members")
    problem = refused(rest.delete(f"/v1/projects/{project}/members/{owner['id']}"), 409)
    assert "owns the project" in problem["detail"]


def test_a_removal_with_an_old_etag_is_refused(rest: Rest, running: Running, project: str) -> None:
    ada = member_of(rest, running, project)
    changed = rest.patch(ada["address"], json={"role": "editor"})
    refused(rest.delete(ada["address"], headers={"If-Match": ada["etag"]}), 412)
    assert rest.delete(ada["address"], headers={"If-Match": changed.headers["ETag"]}).status_code == 204


def test_somebody_with_unfinished_tasks_stays_and_hears_which(rest: Rest, running: Running, project: str) -> None:
    ada = member_of(rest, running, project)
    for state in ("ready", "needs_attention", "done", "cancelled"):
        give(running, project, ada["user"], f"tsk_{state}_{ada['id'][-6:]}", state)
    detail = refused(rest.delete(ada["address"]), 409)["detail"]
    assert "Ada has unfinished tasks" in detail and "“Write ready”" in detail and "“Write needs_attention”" in detail
    assert "Write done" not in detail and "Write cancelled" not in detail


def test_many_unfinished_tasks_are_counted(rest: Rest, running: Running, project: str) -> None:
    ada = member_of(rest, running, project)
    for number in range(12):
        give(running, project, ada["user"], f"tsk_{number:02}_{ada['id'][-6:]}", "waiting")
    assert "and 2 more; give them" in refused(rest.delete(ada["address"]), 409)["detail"]


def test_finished_tasks_keep_nobody(rest: Rest, running: Running, project: str) -> None:
    ada = member_of(rest, running, project)
    give(running, project, ada["user"], f"tsk_done_{ada['id'][-6:]}", "done")
    assert rest.delete(ada["address"]).status_code == 204


def test_a_member_of_one_project_is_not_one_of_another(rest: Rest, running: Running, project: str) -> None:
    ada, other = member_of(rest, running, project), rest.project("Another")
    refused(rest.delete(f"/v1/projects/{other}/members/{ada['id']}"), 404)
    assert rest.get(ada["address"]).status_code == 200


def test_the_team_of_an_archived_project_stays_as_it_is(rest: Rest, running: Running, project: str) -> None:
    ada = member_of(rest, running, project)
    assert rest.delete(f"/v1/projects/{project}").status_code == 200
    assert "is archived" in refused(rest.delete(ada["address"]), 409)["detail"]
