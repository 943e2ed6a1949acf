"""Named questions, tags and sharing: by REST on a project that was really worked on, and on the command line."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.e2e.rest_client import MARKDOWN, NOWHERE, Rest, Running, pointers, refused

Answer = dict[str, Any]


@pytest.fixture(scope="module")
def worked(rest: Rest) -> dict[str, Any]:
    project, run = rest.done()
    artifacts = rest.items(f"/v1/projects/{project}/artifacts")
    source = next(item for item in artifacts if item["kind"] == "source")
    made = [item for item in artifacts if item["task_id"]]
    return {"project": project, "run": run, "source": source, "made": made}


def ask(rest: Rest, worked: dict[str, Any], question: str, **query: Any) -> Answer:
    return asked(rest, f"/v1/graphs/project/{worked['project']}/{question}", **query)


def asked(rest: Rest, address: str, **query: Any) -> Answer:
    answer = rest.get(address, params=query)
    assert answer.status_code == 200, answer.text
    found: Answer = answer.json()
    assert set(found) == {"question", "answer", "items", "truncated"}
    assert found["question"].endswith("?") and found["answer"]
    assert all(set(item) == {"id", "kind", "label", "detail"} for item in found["items"])
    return found


def ids(answer: Answer) -> list[str]:
    return [item["id"] for item in answer["items"]]


def test_why_leads_from_a_result_back_to_the_goal(rest: Rest, worked: dict[str, Any]) -> None:
    last = worked["made"][-1]
    found = ask(rest, worked, "why", node=last["id"])
    told = " ".join(found["answer"])
    assert "by rules, in a rehearsal" in told and "on behalf of" in told and "by rules alone" in told
    assert "Brief me on the lift" in told
    assert {last["task_id"], worked["source"]["id"], worked["project"]} <= set(ids(found))
    handed = ask(rest, worked, "why", node=worked["source"]["id"])
    assert "was handed over by" in handed["answer"][0]


def test_why_a_task_a_plan_and_a_run_are_there(rest: Rest, worked: dict[str, Any]) -> None:
    project = worked["project"]
    plan = rest.get(f"/v1/projects/{project}/plan").json()
    task = next(task for task in plan["tasks"] if task["depends_on"])
    found = ask(rest, worked, "why", node=task["id"])
    assert set(task["depends_on"]) <= set(ids(found))
    assert any("stands in the plan since version 1" in sentence for sentence in found["answer"])
    version = ask(rest, worked, "why", node=f"{project}/{plan['number']}")
    assert "by the manager" in version["answer"][0] and "Research brief" in version["answer"][0]
    run = rest.get(f"/v1/tasks/{task['id']}").json()["run_id"]
    assert task["id"] in ids(ask(rest, worked, "why", node=run))
    assert "succeeded" in " ".join(ask(rest, worked, "why", node=run)["answer"])
    assert project in ids(ask(rest, worked, "why", node=project)) or ask(rest, worked, "why", node=project)["answer"]


def test_impact_tells_nearest_first_and_what_is_out_of_date(rest: Rest, worked: dict[str, Any]) -> None:
    source, made = worked["source"]["id"], worked["made"]
    found = ask(rest, worked, "impact", node=source)
    direct = {item["id"] for item in made if source in [ref["artifact_id"] for ref in item["derived_from"]]}
    assert direct and direct <= set(ids(found)[: len(direct) + 5])
    assert any("out of date" in sentence for sentence in found["answer"])
    assert any(item["detail"].startswith("through others") for item in found["items"])
    leaf = made[-1]
    assert ask(rest, worked, "impact", node=leaf["id"])["answer"][0].startswith("Nothing here rests on")
    first = ask(rest, worked, "impact", node=source, limit=1)
    assert len(first["items"]) == 1 and first["truncated"]


def test_what_will_be_out_of_date_is_what_is_marked_when_the_source_changes(rest: Rest) -> None:
    project, _ = rest.done()
    source = next(i for i in rest.items(f"/v1/projects/{project}/artifacts") if i["kind"] == "source")["id"]
    answer = asked(rest, f"/v1/graphs/project/{project}/impact", node=source)["answer"][-1]
    assert rest.post(f"/v1/artifacts/{source}/versions", json={"text": "# New\n\nAll is new."}).status_code == 201
    stale = [task["title"] for task in rest.items(f"/v1/projects/{project}/tasks") if task["stale"]]
    assert stale and f"{len(stale)} finished task" in answer and "out of date" in answer


def test_unchecked_is_what_rules_alone_checked_until_a_person_judges_it(rest: Rest) -> None:
    project, _ = rest.done()
    address = f"/v1/graphs/project/{project}/unchecked"
    before = asked(rest, address)
    made = [item for item in rest.items(f"/v1/projects/{project}/artifacts") if item["task_id"]]
    assert sorted(ids(before)) == sorted(item["id"] for item in made)
    assert {item["detail"].partition(":")[0] for item in before["items"]} == {"judged by rules alone"}
    assert rest.post(f"/v1/artifacts/{made[0]['id']}/qa", json={"verdict": "accept"}).status_code == 200
    assert made[0]["id"] not in ids(asked(rest, address))
    for item in made[1:]:
        rest.post(f"/v1/artifacts/{item['id']}/qa", json={"verdict": "accept"})
    assert asked(rest, address)["answer"] == ["Everything that was made here was judged in full."]
    note = rest.post(f"/v1/projects/{project}/artifacts", json={"title": "N", "text": "Wax.", "kind": "note"})
    assert note.status_code == 201 and asked(rest, address)["items"][0]["detail"] == "judged by nobody"


def test_since_a_time_an_event_and_a_run(rest: Rest, worked: dict[str, Any]) -> None:
    found = ask(rest, worked, "since", when=worked["run"])
    assert {item["id"] for item in worked["made"]} <= set(ids(found))
    assert worked["source"]["id"] not in ids(found)
    assert any("now done" in sentence for sentence in found["answer"])
    assert worked["source"]["id"] in ids(ask(rest, worked, "since", when="0", limit=100))
    now = datetime.now(UTC).isoformat()
    assert ask(rest, worked, "since", when=now)["answer"][0].startswith("Nothing changed here since")
    assert ask(rest, worked, "since", when="99999999")["items"] == []
    assert ask(rest, worked, "since", when="2026-01-01")["items"]


def test_about_a_topic_by_label_id_beginning_and_other_forms(rest: Rest) -> None:
    project = rest.project("Think about bees")
    one = rest.source(project, "# Varroa mites\n\nA varroa mite is a parasite. Mites fall.", "Mites")
    two = rest.source(project, "# Honey\n\nHoney and honey. Varroa mites harm honey.", "Honey")
    for said in ("Varroa mites", "topic/varroa-mites", "varroa", "VARROA MITE"):
        found = asked(rest, f"/v1/graphs/project/{project}/about", topic=said)
        assert one in ids(found), said
    near = asked(rest, f"/v1/graphs/project/{project}/about", topic="honey")
    assert ids(near)[0] == two
    nothing = asked(rest, f"/v1/graphs/project/{project}/about", topic="zebra")
    assert nothing["items"] == [] and nothing["answer"] == ["Nothing here is about “zebra”."]
    assert asked(rest, "/v1/graphs/workspace/me/about", topic="varroa")["items"]
    assert asked(rest, "/v1/graphs/workspace/me/why", node="topic/varroa-mites")["items"]


def test_an_agent_is_asked_about_what_it_did(rest: Rest, worked: dict[str, Any]) -> None:
    mine = [item for item in worked["made"] if item["made_by"] in ("agt_synthesizer", "synthesizer")]
    others = [item for item in worked["made"] if item not in mine]
    address = "/v1/graphs/agent/agt_synthesizer"
    assert mine and mine[0]["id"] in ids(asked(rest, f"{address}/unchecked", limit=100))
    assert asked(rest, f"{address}/why", node=mine[0]["id"])["items"]
    assert asked(rest, f"{address}/impact", node=mine[0]["id"])["answer"]
    assert asked(rest, f"{address}/since", when="2026-01-01")["items"]
    refused(rest.get(f"{address}/why", params={"node": worked["source"]["id"]}), 404)
    assert others


def test_a_person_tags_and_links_and_it_is_found(rest: Rest, worked: dict[str, Any]) -> None:
    source, made = worked["source"]["id"], worked["made"][0]["id"]
    address = f"/v1/graphs/project/{worked['project']}"
    added = rest.post(f"{address}/edges", json={"source": source, "relation": "about", "target": "  Fire   doors "})
    assert added.status_code == 201, added.text
    assert added.json()["target"] == "topic/fire-doors" and added.headers["Location"]
    assert ids(ask(rest, worked, "about", topic="fire"))[0] == source
    again = rest.post(f"{address}/edges", json={"source": made, "relation": "about", "target": "topic/fire-doors"})
    assert again.status_code == 201
    assert [i["label"] for i in rest.get(address).json()["nodes"] if i["id"] == "topic/fire-doors"] == ["Fire doors"]
    part = {"source": made, "relation": "dependsOn", "target": source}
    assert rest.post(f"{address}/edges", json=part).status_code == 201
    keyed = {"Idempotency-Key": "tag-1"}
    for _ in range(2):
        assert rest.post(f"{address}/edges", json=part, headers=keyed).status_code == 201


def test_what_may_not_be_linked_is_refused(rest: Rest, worked: dict[str, Any]) -> None:
    source, task = worked["source"]["id"], worked["made"][0]["task_id"]
    address = f"/v1/graphs/project/{worked['project']}/edges"
    about = {"source": source, "relation": "about"}
    for body, status in (
        ({**about, "target": "art_none"}, 404),
        ({**about, "target": "topic/none-such"}, 404),
        ({**about, "source": "art_none", "target": "x"}, 404),
        ({**about, "target": "!!"}, 422),
        ({**about, "target": source}, 422),
        ({**about, "target": "usr_1"}, 422),
        ({**about, "relation": "wasDerivedFrom", "target": source}, 422),
        ({"source": task, "relation": "dependsOn", "target": source}, 422),
        ({**about, "target": "x" * 81}, 422),
    ):
        refused(rest.post(address, json=body), status)
    other = rest.project("Another")
    refused(rest.post(f"/v1/graphs/project/{other}/edges", json={**about, "target": "x"}), 404)
    assert rest.delete(f"/v1/projects/{other}").status_code in (200, 204)
    assert "topic/x" not in {node["id"] for node in rest.get(address.removesuffix("/edges")).json()["nodes"]}


def test_bad_questions_are_refused_in_a_sentence(rest: Rest, worked: dict[str, Any]) -> None:
    address = f"/v1/graphs/project/{worked['project']}"
    for path, query, status in (
        ("why", {"node": "art_none"}, 404),
        ("why", {"node": "usr_1"}, 404),
        ("why", {"node": "topic/none-such"}, 404),
        ("why", {"node": "../../etc"}, 404),
        ("impact", {"node": NOWHERE}, 404),
        ("since", {"when": "yesterday"}, 422),
        ("since", {"when": "run_none"}, 404),
        ("since", {"when": "9" * 50}, 422),
        ("since", {"when": "9999-12-31T23:59:59-23:59"}, 422),
        ("about", {"topic": "???"}, 422),
        ("about", {"topic": "x" * 90}, 422),
        ("unchecked", {"limit": "101"}, 422),
        ("why", {}, 422),
    ):
        problem = refused(rest.get(f"{address}/{path}", params=query), status)
        assert status == 404 or pointers(problem) or "cannot be a topic" in problem["detail"]


def test_a_question_in_one_project_does_not_see_another(rest: Rest, worked: dict[str, Any]) -> None:
    other = rest.project("Another")
    for question in ("why", "impact"):
        answer = rest.get(f"/v1/graphs/project/{other}/{question}", params={"node": worked["source"]["id"]})
        refused(answer, 404)
    refused(rest.get(f"/v1/graphs/project/{other}/since", params={"when": worked["run"]}), 404)
    assert asked(rest, f"/v1/graphs/project/{other}/unchecked")["items"] == []


def test_an_artifact_is_shared_as_a_source_that_derives_from_it(rest: Rest, worked: dict[str, Any]) -> None:
    other, source = rest.project("Another"), worked["made"][0]
    assert rest.post(f"/v1/artifacts/{source['id']}/lock").status_code == 200
    shared = rest.post(f"/v1/artifacts/{source['id']}/share", json={"project_id": other})
    assert shared.status_code == 201, shared.text
    copy = shared.json()
    assert shared.headers["Location"] == f"/v1/artifacts/{copy['id']}"
    assert (copy["project_id"], copy["kind"], copy["section"], copy["digest"], copy["locked"]) == (
        other, "source", "sources", source["digest"], False,
    )  # fmt: skip
    assert copy["derived_from"] == [{"artifact_id": source["id"], "digest": source["digest"]}]
    contents = [rest.get(f"/v1/artifacts/{id}/content").content for id in (copy["id"], source["id"])]
    assert contents[0] == contents[1]
    assert copy["id"] in ids(asked(rest, "/v1/graphs/workspace/me/impact", node=source["id"]))
    assert source["title"] in " ".join(asked(rest, f"/v1/graphs/project/{other}/why", node=copy["id"])["answer"])
    rest.post(f"/v1/artifacts/{source['id']}/unlock")


def test_sharing_is_refused_where_it_makes_no_sense(rest: Rest, worked: dict[str, Any]) -> None:
    address = f"/v1/artifacts/{worked['source']['id']}/share"
    refused(rest.post(address, json={"project_id": worked["project"]}), 409)
    refused(rest.post(address, json={"project_id": NOWHERE}), 404)
    refused(rest.post(address, json={}), 422)
    archived = rest.project("Another")
    rest.delete(f"/v1/projects/{archived}")
    refused(rest.post(address, json={"project_id": archived}), 409)
    refused(rest.post("/v1/artifacts/art_none/share", json={"project_id": archived}), 404)


async def test_tags_shares_and_edges_leave_a_sound_audit(running: Running, rest: Rest) -> None:
    project = rest.project("Sound")
    source = rest.source(project, MARKDOWN.decode())
    rest.post(f"/v1/graphs/project/{project}/edges", json={"source": source, "relation": "about", "target": "Lifts"})
    rest.post(f"/v1/artifacts/{source}/share", json={"project_id": rest.project("Other")})
    assert await running.program.container.audit().check() == []
