"""A whole project by REST alone, and the conventions that hold on every route."""

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.e2e.rest_client import CSV, HTML, JSON, MARKDOWN, Rest, Running, pdf

FILES = {
    "manual.md": MARKDOWN,
    "parts.csv": CSV,
    "rules.json": JSON,
    "notice.html": HTML,
    "contract.pdf": pdf("The contract ends in May.", "It must be renewed in writing before that."),
}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


@pytest.fixture(scope="module")
def worked(rest: Rest) -> dict[str, Any]:
    """A project that five sources were handed over to, its run ended."""
    project = rest.project("Brief me on the lift", instructions="Be brief.", name="Lift")
    sources = {}
    for name, content in FILES.items():
        made = rest.upload(project, name, content)
        assert made.status_code == 201, made.text
        sources[made.json()["id"]] = made.json()
    started = rest.post(f"/v1/projects/{project}/runs")
    assert started.status_code == 202 and started.headers["Location"] == f"/v1/runs/{started.json()['id']}"
    run = started.json()["id"]
    return {"project": project, "sources": sources, "run": run, "events": rest.events(f"/v1/runs/{run}/events")}


def product(rest: Rest, worked: dict[str, Any], kind: str = "executive_brief") -> dict[str, Any]:
    found = rest.items(f"/v1/projects/{worked['project']}/artifacts")
    return next(item for item in found if item["kind"] == kind)


def test_the_stream_of_a_run_has_no_gaps_and_ends_with_it(rest: Rest, worked: dict[str, Any]) -> None:
    numbered = [event for event in worked["events"] if event.number is not None]
    assert [event.number for event in numbered] == list(range(1, len(numbered) + 1))
    assert {"run.created", "task.moved", "artifact.published", "call.made"} <= {event.kind for event in numbered}
    assert numbered[-1].kind == "run.ended" and numbered[-1].data["subject"] == worked["run"]
    assert {event.kind for event in worked["events"] if event.number is None} <= {"text"}
    assert all(TIME.fullmatch(event.data["at"]) for event in numbered)


@pytest.mark.parametrize("last", [1, 7])
def test_last_event_id_resumes_exactly(rest: Rest, worked: dict[str, Any], last: int) -> None:
    again = rest.events(f"/v1/runs/{worked['run']}/events", str(last))
    assert again == [event for event in worked["events"] if event.number is not None and event.number > last]


def test_a_stream_that_was_seen_to_its_end_ends_at_once(rest: Rest, worked: dict[str, Any]) -> None:
    seen = max(event.number for event in worked["events"] if event.number is not None)
    assert rest.events(f"/v1/runs/{worked['run']}/events", str(seen)) == []


@pytest.mark.parametrize("nonsense", ["²", "abc", "-1", "9" * 30])
def test_a_last_event_id_that_is_none_starts_anew(rest: Rest, worked: dict[str, Any], nonsense: str) -> None:
    headers = {b"Last-Event-ID": nonsense.encode("latin-1")}
    with rest.stream("GET", f"/v1/runs/{worked['run']}/events", headers=headers) as response:
        assert next(line for line in response.iter_lines() if line.startswith("id:")) == "id: 1"


def test_a_childs_stream_is_that_of_its_root(rest: Rest, worked: dict[str, Any]) -> None:
    child = next(e.data["subject"] for e in worked["events"] if e.kind == "run.created" and e.number != 1)
    numbered = [event for event in worked["events"] if event.number is not None]
    assert rest.events(f"/v1/runs/{child}/events") == numbered


def test_a_projects_stream_begins_with_the_project(rest: Rest, worked: dict[str, Any]) -> None:
    events = rest.events(f"/v1/projects/{worked['project']}/events", most=5)
    assert [event.number for event in events] == [1, 2, 3, 4, 5]
    assert events[0].kind == "project.created"


def test_a_project_says_what_was_promised(rest: Rest, worked: dict[str, Any]) -> None:
    found = rest.get(f"/v1/projects/{worked['project']}")
    fields = ["id", "name", "goal", "instructions", "state", "manager_id", "budget", "created_at"]
    assert set(fields) <= set(found.json()) and found.headers["ETag"]
    assert found.json()["state"] == "active" and found.json()["id"].startswith("prj_")


def test_a_run_says_what_was_promised(rest: Rest, worked: dict[str, Any]) -> None:
    found = rest.get(f"/v1/runs/{worked['run']}").json()
    assert {"id", "project_id", "parent_id", "state", "result", "started_at", "ended_at", "usage"} <= set(found)
    assert {"input_tokens", "output_tokens", "money", "calls", "seconds"} <= set(found["usage"])
    assert (found["state"], found["result"]) == ("ended", "succeeded")
    assert worked["run"] in [item["id"] for item in rest.items(f"/v1/projects/{worked['project']}/runs")]


def test_tasks_and_the_plan_say_what_was_promised(rest: Rest, worked: dict[str, Any]) -> None:
    plan = rest.get(f"/v1/projects/{worked['project']}/plan").json()
    tasks = rest.items(f"/v1/projects/{worked['project']}/tasks")
    fields = {"id", "project_id", "title", "brief", "state", "complexity", "assignee", "depends_on", "expected"}
    assert {task["id"] for task in plan["tasks"]} == {task["id"] for task in tasks} and tasks
    for task in tasks:
        assert fields | {"criteria", "attempts"} <= set(task) and set(task["assignee"]) == {"kind", "id"}
        assert all(set(expected) == {"kind", "section"} for expected in task["expected"])
        assert task["state"] == "done"
        assert rest.get(f"/v1/tasks/{task['id']}").json() == task
    everywhere = rest.items("/v1/tasks?state=done")
    assert {task["id"] for task in tasks} <= {task["id"] for task in everywhere}
    who = tasks[0]["assignee"]["id"]
    theirs = rest.get("/v1/tasks", params={"assignee": who, "limit": 100}).json()["items"]
    assert {task["assignee"]["id"] for task in theirs} == {who}


def test_artifacts_say_what_was_promised(rest: Rest, worked: dict[str, Any]) -> None:
    fields = (
        "id project_id title kind section stage owner_id version digest locked derived_from made_by task_id run_id qa"
    )
    found = rest.items(f"/v1/projects/{worked['project']}/artifacts")
    for artifact in found:
        assert set(fields.split()) <= set(artifact)
        assert rest.get(f"/v1/artifacts/{artifact['id']}").json() == artifact
    assert {item["title"] for item in found} >= set(FILES) | {"Goal", "Instructions"}
    qa = product(rest, worked)["qa"]
    assert {"checked_by", "method", "verdict", "criteria", "at"} <= set(qa) and TIME.fullmatch(qa["at"])
    assert all({"text", "verdict", "evidence"} <= set(criterion) for criterion in qa["criteria"])


def test_content_comes_back_as_it_was_handed_over(rest: Rest, worked: dict[str, Any]) -> None:
    for id, made in worked["sources"].items():
        answer = rest.get(f"/v1/artifacts/{id}/content")
        assert answer.content == FILES[made["title"]]
        assert answer.headers["Content-Disposition"].startswith("attachment")
        assert "sandbox" in answer.headers["Content-Security-Policy"]
        assert "text/html" not in answer.headers["content-type"]
        versions = rest.items(f"/v1/artifacts/{id}/versions")
        assert [version["number"] for version in versions] == [1]
        assert rest.get(f"/v1/artifacts/{id}/content?version=1").content == answer.content
        assert rest.get(f"/v1/artifacts/{id}/content?version=2").status_code == 404


def test_the_lineage_of_the_brief_reaches_the_sources(rest: Rest, worked: dict[str, Any]) -> None:
    brief = product(rest, worked)
    lineage = rest.get(f"/v1/artifacts/{brief['id']}/lineage").json()
    assert {edge["relation"] for edge in lineage["edges"]} == {"wasDerivedFrom"}
    assert {node["id"] for node in lineage["nodes"]} & set(worked["sources"])


def test_the_graph_is_there_whole_near_and_along_paths(rest: Rest, worked: dict[str, Any]) -> None:
    brief, address = product(rest, worked)["id"], f"/v1/graphs/project/{worked['project']}"
    graph = rest.get(address).json()
    assert all(set(node) == {"id", "kind", "label"} for node in graph["nodes"])
    assert all(set(edge) == {"source", "target", "relation", "at", "run_id"} for edge in graph["edges"])
    assert all(TIME.fullmatch(edge["at"]) for edge in graph["edges"])
    picture = rest.get(address, params={"format": "mermaid"})
    assert picture.headers["content-type"].startswith("text/plain") and picture.text.startswith("flowchart LR")
    near = rest.get(f"{address}/neighbors", params={"node": brief, "relation": "wasDerivedFrom", "direction": "out"})
    assert near.status_code == 200 and {edge["source"] for edge in near.json()["edges"]} == {brief}
    source = next(iter(worked["sources"]))
    paths = rest.get(f"{address}/paths", params={"from": brief, "to": source}).json()["paths"]
    assert all(path[0] == brief and path[-1] == source for path in paths)
    assert [len(path) for path in paths] == sorted(len(path) for path in paths)
    workspace = rest.get("/v1/graphs/workspace/wsp_none")
    assert workspace.status_code == 404
    agent = rest.get("/v1/graphs/agent/agt_synthesizer").json()
    assert agent["edges"]


def test_the_case_file_has_every_artifact_by_section(rest: Rest, worked: dict[str, Any]) -> None:
    sections = rest.get(f"/v1/projects/{worked['project']}/case-file").json()["sections"]
    filed = {item["id"]: section for section, items in sections.items() for item in items}
    found = rest.items(f"/v1/projects/{worked['project']}/artifacts")
    assert filed == {item["id"]: item["section"] for item in found}
    only = rest.get(f"/v1/projects/{worked['project']}/artifacts", params={"section": "sources"}).json()["items"]
    assert {item["id"] for item in only} == set(worked["sources"])


def test_the_report_is_one_file_that_loads_nothing(rest: Rest, worked: dict[str, Any]) -> None:
    report = rest.get(f"/v1/projects/{worked['project']}/report")
    assert report.headers["content-type"] == "text/html; charset=utf-8"
    assert "script-src" not in report.headers["Content-Security-Policy"]
    assert not re.search(r'(src|href)="(https?:)?//', report.text) and "<script src" not in report.text


def test_the_rest_of_the_house_can_be_read(rest: Rest, worked: dict[str, Any]) -> None:
    assert rest.items("/v1/inbox") == []
    agents = rest.items("/v1/agents", limit=2)
    assert len({agent["id"] for agent in agents}) == len(agents) > 2
    whole = rest.get(f"/v1/agents/{agents[0]['id']}").json()
    assert whole == {**agents[0], "yaml": whole["yaml"]} and whole["yaml"].startswith("name: ")
    templates = rest.items("/v1/templates", limit=1)
    assert len({template["name"] for template in templates}) == len(templates) >= 1
    assert len(rest.items("/v1/templates?kind=form", limit=3)) >= 10
    usage = rest.get(f"/v1/projects/{worked['project']}/usage").json()
    assert usage["calls"] >= 1 and {"input_tokens", "output_tokens", "money", "seconds"} < set(usage)
    child = next(e.data["run_id"] for e in worked["events"] if e.kind == "call.made")
    calls = rest.items(f"/v1/runs/{child}/calls")
    assert calls and all(call["model"] == "rehearsal" for call in calls)
    findings = rest.get("/v1/doctor", params={"verify": "true"}).json()["items"]
    assert not [finding for finding in findings if finding["level"] == "failed"]
    metrics = rest.get("/metrics")
    assert metrics.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert re.search(r'caseworks_runs\{state="ended"\} [1-9]', metrics.text)


def test_members_are_read_and_changed(rest: Rest, worked: dict[str, Any]) -> None:
    address = f"/v1/projects/{worked['project']}/members"
    (owner,) = rest.items(address)
    fields = ["id", "project_id", "kind", "subject_id", "name", "role", "behaviour", "autonomy", "triggers"]
    assert set(fields) <= set(owner) and owner["id"].startswith("mbr_")
    read = rest.get(f"{address}/{owner['id']}")
    assert read.json() == owner
    tag = {"If-Match": read.headers["ETag"]}
    changed = rest.patch(f"{address}/{owner['id']}", json={"role": "editor"}, headers=tag)
    assert changed.json()["role"] == "editor" and changed.headers["ETag"] != read.headers["ETag"]
    assert rest.patch(f"{address}/{owner['id']}", json={"role": "owner"}, headers=tag).status_code == 412
    assert rest.post(address, json={"subject_id": owner["subject_id"]}).status_code == 409


def test_every_time_ends_in_z(rest: Rest, worked: dict[str, Any]) -> None:
    project, run = worked["project"], worked["run"]
    paths = [f"/v1/projects/{project}{more}" for more in ("", "/plan", "/tasks", "/artifacts", "/runs", "/case-file")]
    for path in (*paths, f"/v1/runs/{run}", f"/v1/graphs/project/{project}"):
        times = [text for name, text in _texts(rest.get(path).json()) if name.endswith("at") and name != "format"]
        assert times and all(TIME.fullmatch(text) for text in times), path


def _texts(value: object, name: str = "") -> Iterator[tuple[str, str]]:
    match value:
        case dict():
            for key, inner in value.items():
                yield from _texts(inner, str(key))
        case list():
            for inner in value:
                yield from _texts(inner, name)
        case str():
            yield name, value


def test_creation_answers_201_and_where_it_is(rest: Rest) -> None:
    made = rest.post("/v1/projects", json={"goal": "Say what a lift is"})
    assert (made.status_code, made.headers["Location"]) == (201, f"/v1/projects/{made.json()['id']}")
    artifact = rest.post(made.headers["Location"] + "/artifacts", json={"title": "Notes", "text": "A lift."})
    assert (artifact.status_code, artifact.headers["Location"]) == (201, f"/v1/artifacts/{artifact.json()['id']}")
    version = rest.post(artifact.headers["Location"] + "/versions", json={"text": "A lift goes up."})
    assert version.status_code == 201 and version.json()["version"] == 2
    assert rest.get(version.headers["Location"]).json() == version.json()
    assert rest.get(artifact.headers["Location"] + "/content").text == "A lift goes up."


@pytest.mark.parametrize("limit", [1, 3, 100])
def test_pages_walk_everything_exactly_once(rest: Rest, worked: dict[str, Any], limit: int) -> None:
    for number in range(4):
        rest.project(f"Goal {number}")
    project = worked["project"]
    lists = ["/v1/projects", "/v1/tasks", "/v1/tasks?assignee=agt_synthesizer", "/v1/inbox?state=withdrawn"]
    lists += [f"/v1/projects/{project}/{what}" for what in ("tasks", "artifacts", "runs", "members")]
    for path in lists:
        ids = [item["id"] for item in rest.items(path, limit)]
        assert len(set(ids)) == len(ids), path
        assert set(ids) == {item["id"] for item in rest.items(path)}, path
    projects = [item["id"] for item in rest.items("/v1/projects", limit)]
    assert projects == sorted(projects, reverse=True)


def test_an_unexpected_file_of_the_store_is_still_a_problem(rest: Rest, running: Running) -> None:
    """A content that is gone from the disk: a 500 with all headers, and nothing about the inside."""
    artifact = rest.source(rest.project(), "This text is going to be lost.")
    digest = rest.get(f"/v1/artifacts/{artifact}").json()["digest"].removeprefix("sha256:")
    (stored,) = [path for path in running.program.settings.data_dir.rglob("*") if digest[4:] in path.name]
    stored.unlink()
    answer = rest.get(f"/v1/artifacts/{artifact}/content")
    assert answer.status_code == 500 and answer.json()["title"] == "Content missing"
    assert answer.headers["X-Correlation-ID"] and "Traceback" not in answer.text


def test_the_same_key_gives_the_same_answer_even_at_once(rest: Rest, worked: dict[str, Any], running: Running) -> None:
    key = {"Idempotency-Key": "one"}

    def ask(_: int) -> httpx.Response:
        return httpx.post(
            f"{running.url}/v1/projects",
            json={"goal": "Once only"},
            headers={"Authorization": f"Bearer {running.token}", **key},
            trust_env=False,
        )

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(8)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({json.dumps(answer.json()) for answer in answers}) == 1
    assert len({answer.headers["Location"] for answer in answers}) == 1
    other = rest.post("/v1/projects", json={"goal": "Another"}, headers=key)
    assert other.status_code == 422 and other.json()["title"] == "Idempotency key reused"
    elsewhere = rest.post(f"/v1/projects/{worked['project']}/runs", headers=key)
    assert elsewhere.status_code == 422
