"""Profiles by REST: written, copied, changed, taken away, each on the record; what a task needs stays."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import httpx

from config.catalogue import AGENTS, profiles
from tests.e2e.rest_client import Rest, Running, refused

CRITIC = (AGENTS / "critic.yaml").read_text("utf-8")


def named(name: str, text: str = CRITIC) -> str:
    return text.replace("name: critic", f"name: {name}")


def made(rest: Rest, name: str, text: str = CRITIC, **headers: str) -> httpx.Response:
    return rest.post("/v1/agents", json={"name": name, "yaml": named(name, text)}, headers=headers)


def recorded(running: Running, name: str) -> list[dict[str, Any]]:
    path = Path(running.program.settings.data_dir) / "caseworks.db"
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)
    try:
        query = "SELECT body FROM events WHERE subject = ? AND type LIKE 'agent.%' ORDER BY position"
        return [json.loads(body) for (body,) in connection.execute(query, (name,))]
    finally:
        connection.close()


def test_an_agent_is_written_read_changed_and_taken_away_on_the_record(rest: Rest, running: Running) -> None:
    answer = made(rest, "harbour")
    assert (answer.status_code, answer.headers["Location"]) == (201, "/v1/agents/agt_harbour")
    found = rest.get("/v1/agents/agt_harbour")
    assert found.json() == answer.json() and found.json()["yaml"] == named("harbour")
    assert (found.json()["origin"], found.headers["ETag"]) == ("own", answer.headers["ETag"])
    changed = named("harbour", CRITIC.replace("title: Critic", "title: Harbour  # a person of few words"))
    kept = rest.put("/v1/agents/harbour", json={"yaml": changed}, headers={"If-Match": found.headers["ETag"]})
    assert (kept.status_code, kept.json()["title"], kept.json()["yaml"]) == (200, "Harbour", changed)
    assert rest.delete("/v1/agents/harbour", headers={"If-Match": kept.headers["ETag"]}).status_code == 204
    refused(rest.get("/v1/agents/harbour"), 404)
    events = recorded(running, "harbour")
    assert [event["type"] for event in events] == ["agent.created", "agent.changed", "agent.removed"]
    first, second = (answer.headers["ETag"].strip('"') for answer in (found, kept))
    assert [(event["data"]["before"], event["data"]["after"]) for event in events] == [
        (None, first),
        (first, second),
        (second, None),
    ]
    assert all(event["actor"].startswith("usr_") for event in events)
    told = rest.get("/v1/graphs/workspace/me/since", params={"when": "0"}).json()["answer"]
    assert "1 new agent, 1 changed agent, 1 removed agent" in told[-1]


def test_one_that_ships_is_back_when_your_own_in_its_place_is_taken_away(rest: Rest) -> None:
    shipped = rest.get("/v1/agents/planner").json()
    text = shipped["yaml"].replace("title: Planner", "title: My planner")
    own = rest.put("/v1/agents/agt_planner", json={"yaml": text}).json()
    assert (own["title"], own["origin"]) == ("My planner", "override")
    assert rest.delete("/v1/agents/agt_planner").status_code == 204
    assert rest.get("/v1/agents/planner").json() == shipped
    refused(rest.delete("/v1/agents/agt_planner"), 403)


def test_a_copy_is_made_from_any_agent_but_the_manager(rest: Rest) -> None:
    listed = rest.items("/v1/templates?kind=profile")
    assert {item["name"] for item in listed} == set(profiles()) - {"manager"}
    assert all(item["kind"] == "profile" and item["description"] for item in listed)
    copied = rest.post("/v1/agents", json={"name": "second_archivist", "copy_of": "agt_archivist"})
    assert copied.status_code == 201
    assert copied.json()["outputs"] == rest.get("/v1/agents/archivist").json()["outputs"]
    refused(rest.post("/v1/agents", json={"name": "boss", "copy_of": "manager"}), 403)
    refused(rest.post("/v1/agents", json={"name": "x", "copy_of": "nobody"}), 404)
    rest.delete("/v1/agents/second_archivist")


def test_what_cannot_be_is_refused_with_its_place_and_changes_nothing(rest: Rest, running: Running) -> None:
    faulty = CRITIC.replace("tier: large", "tier: huge").replace("drafts, code", "drafts, kitchen")
    answer = made(rest, "faulty", faulty)
    refused(answer, 422)
    assert [(e["pointer"], e["detail"].partition(":")[0]) for e in answer.json()["errors"]] == [
        ("/yaml", "line 11, tier")
    ]
    answer = made(rest, "faulty", CRITIC.replace("drafts, code", "drafts, kitchen"))
    assert "line 8, reads.1: there is no section 'kitchen'" in answer.json()["errors"][0]["detail"]
    refused(rest.post("/v1/agents", json={"name": "faulty", "yaml": CRITIC}), 422)
    refused(rest.post("/v1/agents", json={"name": "faulty"}), 422)
    refused(rest.post("/v1/agents", json={"name": "../x", "yaml": CRITIC}), 422)
    refused(made(rest, "critic"), 409)
    refused(rest.put("/v1/agents/nobody", json={"yaml": CRITIC}), 404)
    refused(rest.put("/v1/agents/critic", json={"yaml": "name: ["}), 422)
    tag = rest.get("/v1/agents/critic").headers["ETag"]
    rest.put("/v1/agents/critic", json={"yaml": CRITIC + "# mine\n"})
    refused(rest.put("/v1/agents/critic", json={"yaml": CRITIC}, headers={"If-Match": tag}), 412)
    refused(rest.delete("/v1/agents/critic", headers={"If-Match": tag}), 412)
    rest.delete("/v1/agents/critic")
    assert recorded(running, "faulty") == []
    refused(rest.get("/v1/agents/faulty"), 404)


def test_a_request_that_comes_twice_makes_one_agent(rest: Rest, running: Running) -> None:
    for _ in range(2):
        assert made(rest, "once", **{"Idempotency-Key": "agent once"}).status_code == 201
    refused(made(rest, "twice", **{"Idempotency-Key": "agent once"}), 422)
    assert len(recorded(running, "once")) == 1
    rest.delete("/v1/agents/once")


def test_one_whose_tasks_are_not_done_or_who_reviews_for_another_stays(rest: Rest) -> None:
    synthesizer = rest.get("/v1/agents/synthesizer").json()["yaml"]
    rest.post("/v1/agents", json={"name": "scribe", "copy_of": "synthesizer"})
    made(rest, "reader")
    rest.put(
        "/v1/agents/scribe",
        json={
            "yaml": named("scribe", synthesizer)
            .replace("name: synthesizer", "name: scribe")
            .replace("reviewer: critic", "reviewer: reader")
        },
    )
    refused(rest.delete("/v1/agents/reader"), 409)
    project = rest.project("Brief me on the harbour and its 3 cranes")
    task = {"title": "Summary", "brief": "Sum it up.", "assignee": {"kind": "core", "id": "agt_scribe"}}
    added = rest.post(f"/v1/projects/{project}/tasks", json=task)
    assert added.status_code == 201, added.text
    answer = rest.delete("/v1/agents/scribe")
    refused(answer, 409)
    assert "“Summary”" in answer.json()["detail"]
    assert rest.patch(f"/v1/tasks/{added.json()['id']}", json={"state": "cancelled"}).status_code == 200
    assert rest.delete("/v1/agents/scribe").status_code == 204
    assert rest.delete("/v1/agents/reader").status_code == 204


def test_an_output_that_a_task_at_work_must_make_cannot_be_taken_away(rest: Rest) -> None:
    project = rest.project("Brief me on the harbour and its 3 cranes")
    rest.source(project)
    rest.post("/v1/agents", json={"name": "clerk", "copy_of": "synthesizer"})
    text = rest.get("/v1/agents/clerk").json()["yaml"]
    asks = """name: clerk_asks@1
inputs: {agent: {}, title: {}, brief: {}}
start: ask
nodes:
  ask: {type: human, kind: approval, title: "Go on?", next: write}
  write: {type: agent, agent: "{{ inputs.agent }}", task: "{{ inputs.brief }}", makes: expected, next: end}
  end: {type: exit, output: {text: "{{ write.text }}", citations: "{{ write.citations }}", model: "{{ write.model }}",
    rehearsed: "{{ write.rehearsed }}"}}
"""
    assert rest.post("/v1/workflows", json={"name": "clerk_asks", "yaml": asks}).status_code == 201
    task = {
        "title": "Summary", "brief": "Sum it up.", "way": "clerk_asks",
        "assignee": {"kind": "core", "id": "agt_clerk"}, "expected": [{"kind": "summary", "section": "synthesis"}],
    }  # fmt: skip
    added = rest.post(f"/v1/projects/{project}/tasks", json=task)
    assert added.status_code == 201, added.text
    run = rest.run_of(project)
    address = f"/v1/tasks/{added.json()['id']}"
    rest.until(address, lambda found: found["state"] == "running")
    less = text.replace("kind: summary", "kind: snapshot")
    refused(rest.put("/v1/agents/clerk", json={"yaml": less}), 409)
    refused(rest.delete("/v1/agents/clerk"), 409)
    assert (
        rest.put("/v1/agents/clerk", json={"yaml": text.replace("temperature: 0.2", "temperature: 0")}).status_code
        == 200
    )
    item = rest.until("/v1/inbox?state=open", lambda found: any(i["project_id"] == project for i in found["items"]))
    waiting = next(i for i in item["items"] if i["project_id"] == project)
    assert rest.post(f"/v1/inbox/{waiting['id']}/answer", json={"action": "approve"}).status_code < 300
    rest.ended(run)
    assert rest.get(address).json()["state"] == "done"
    assert rest.put("/v1/agents/clerk", json={"yaml": less}).status_code == 200
    rest.delete("/v1/workflows/clerk_asks")
    rest.delete("/v1/agents/clerk")


def test_what_cannot_be_put_on_the_record_is_not_done(rest: Rest, running: Running) -> None:
    before = made(rest, "kept").json()
    path = Path(running.program.settings.data_dir) / "caseworks.db"
    connection = sqlite3.connect(path, timeout=5, isolation_level=None)
    try:
        connection.execute("CREATE TRIGGER full BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, 'full'); END")
        assert rest.put("/v1/agents/kept", json={"yaml": before["yaml"] + "# x\n"}).status_code >= 500
        assert rest.delete("/v1/agents/kept").status_code >= 500
        assert made(rest, "new").status_code >= 500
    finally:
        connection.execute("DROP TRIGGER full")
        connection.close()
    assert rest.get("/v1/agents/kept").json() == before
    refused(rest.get("/v1/agents/new"), 404)
    rest.delete("/v1/agents/kept")
