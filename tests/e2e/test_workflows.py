"""Workflows by REST: read, written, checked, changed under their ETag, and run to their end."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from config.workflow_files import schema
from tests.e2e.own_workflows import EVERYTHING, SMALL, TOPIC, of
from tests.e2e.rest_client import NOWHERE, Rest, Running, pointers, refused


@pytest.fixture(scope="module")
def project(rest: Rest) -> str:
    project = rest.project("Brief me on the lift")
    rest.source(project)
    return project


@pytest.fixture(scope="module")
def small(rest: Rest) -> str:
    made = rest.post("/v1/workflows", json={"name": "small", "yaml": SMALL})
    assert made.status_code == 201, made.text
    return "small"


def kept(rest: Rest, name: str, yaml: str) -> None:
    made = rest.post("/v1/workflows", json={"name": name, "yaml": yaml})
    assert made.status_code == 201, made.text


def begun(rest: Rest, name: str, project: str, **inputs: Any) -> str:
    started = rest.post(f"/v1/workflows/{name}/runs", json={"project_id": project, "inputs": inputs})
    assert started.status_code == 202, started.text
    run = started.json()
    assert started.headers["Location"] == f"/v1/runs/{run['id']}" and run["output"] is None
    return str(run["id"])


def ended(rest: Rest, name: str, project: str, **inputs: Any) -> dict[str, Any]:
    return rest.ended(begun(rest, name, project, **inputs))


def answered(rest: Rest, run: str, title: str, action: str = "approve") -> None:
    """Answers what the run asks under that title."""

    def mine(inbox: dict[str, Any]) -> list[dict[str, Any]]:
        return [item for item in inbox["items"] if item["run_id"] == run and item["title"] == title]

    item = mine(rest.until("/v1/inbox", mine))[0]
    assert rest.post(f"/v1/inbox/{item['id']}/answer", json={"action": action}).status_code == 200


# reading and writing


def test_those_that_ship_and_those_built_in_are_listed(rest: Rest) -> None:
    items = {item["name"]: item for item in rest.items("/v1/workflows", limit=4)}
    way = items["map_reduce"]
    assert way["origin"] == "shipped" and way["version"] == 1 and way["fits"]["sources"] == 8
    assert set(way["inputs"]) == {"agent", "title", "brief"} and way["inputs"]["agent"]["required"]
    assert items["project"]["origin"] == "built_in" and all(item["fault"] is None for item in items.values())


def test_one_is_shown_as_yaml_as_a_graph_and_as_a_picture(rest: Rest) -> None:
    answer = rest.get("/v1/workflows/judge_panel@1")
    found = answer.json()
    assert answer.headers["ETag"] == f'"{found["digest"]}"'
    assert "vote: better" in found["yaml"] and found["graph"]["nodes"]["panel"]["join"] == "majority"
    picture = rest.get("/v1/workflows/judge_panel", params={"format": "mermaid"})
    assert picture.headers["content-type"].startswith("text/plain") and picture.text.startswith("flowchart TD")
    refused(rest.get("/v1/workflows/judge_panel@2"), 404)


def test_the_schema_is_the_one_for_editors(rest: Rest) -> None:
    found = rest.get("/v1/workflows/schema").json()
    assert found == json.loads(json.dumps(schema()))
    Draft202012Validator.check_schema(found)


def test_one_of_my_own_is_written_changed_under_its_etag_and_removed(rest: Rest) -> None:
    mine = SMALL.replace("small@1", "mine@1")
    made = rest.post("/v1/workflows", json={"name": "mine", "yaml": mine})
    assert made.status_code == 201 and made.headers["Location"] == "/v1/workflows/mine"
    assert made.json()["origin"] == "own" and made.json()["yaml"] == mine
    refused(rest.post("/v1/workflows", json={"name": "mine", "yaml": mine}), 409)
    tag = {"If-Match": made.headers["ETag"]}
    longer = mine.replace("two sentences", "ten sentences")
    changed = rest.put("/v1/workflows/mine", json={"yaml": longer}, headers=tag)
    assert changed.status_code == 200 and changed.headers["ETag"] != made.headers["ETag"]
    problem = refused(rest.put("/v1/workflows/mine", json={"yaml": mine}, headers=tag), 412)
    assert "mine" in problem["detail"] and rest.get("/v1/workflows/mine").json()["yaml"] == longer
    refused(rest.delete("/v1/workflows/mine", headers=tag), 412)
    for wrong in (f"W/{changed.headers['ETag']}", '"7"', "what"):
        refused(rest.put("/v1/workflows/mine", json={"yaml": mine}, headers={"If-Match": wrong}), 422)
    assert rest.put("/v1/workflows/mine", json={"yaml": mine}, headers={"If-Match": "*"}).status_code == 200
    assert rest.delete("/v1/workflows/mine").status_code == 204
    refused(rest.get("/v1/workflows/mine"), 404)
    refused(rest.put("/v1/workflows/mine", json={"yaml": mine}), 404)


def test_writing_one_can_be_repeated_with_its_key(rest: Rest) -> None:
    body = {"name": "keyed", "yaml": SMALL.replace("small@1", "keyed@1")}
    first, second = (rest.post("/v1/workflows", json=body, headers={"Idempotency-Key": "w"}) for _ in range(2))
    assert first.status_code == second.status_code == 201 and first.json() == second.json()
    assert first.headers["ETag"] == second.headers["ETag"]
    other = {**body, "name": "other"}
    refused(rest.post("/v1/workflows", json=other, headers={"Idempotency-Key": "w"}), 422)


def test_my_own_takes_the_place_of_one_that_ships_until_it_is_removed(rest: Rest) -> None:
    shipped = rest.get("/v1/workflows/one_attempt").json()
    changed = shipped["yaml"].replace("title: One attempt", "title: My one attempt")
    refused(rest.post("/v1/workflows", json={"name": "one_attempt", "yaml": changed}), 409)
    assert rest.put("/v1/workflows/one_attempt", json={"yaml": changed}).json()["origin"] == "own"
    assert rest.get("/v1/workflows/one_attempt").json()["title"] == "My one attempt"
    assert rest.delete("/v1/workflows/one_attempt").status_code == 204
    assert rest.get("/v1/workflows/one_attempt").json() == shipped
    refused(rest.delete("/v1/workflows/one_attempt"), 403)


@pytest.mark.parametrize("name", ["project", "agent", "schema", "validate"])
def test_what_is_caseworks_own_cannot_be_taken(rest: Rest, name: str, project: str) -> None:
    yaml = SMALL.replace("small@1", f"{name}@1")
    refused(rest.post("/v1/workflows", json={"name": name, "yaml": yaml}), 403)
    assert rest.put(f"/v1/workflows/{name}", json={"yaml": yaml}).status_code in (403, 404)
    assert rest.delete(f"/v1/workflows/{name}").status_code in (403, 404)
    run = rest.post(f"/v1/workflows/{name}/runs", json={"project_id": project, "inputs": {}})
    assert run.status_code in (403, 404)


@pytest.mark.parametrize("name", ["../up", "Big", "", "a b", "x" * 61, "a@1"])
def test_a_name_that_is_none_is_refused(rest: Rest, name: str) -> None:
    refused(rest.post("/v1/workflows", json={"name": name, "yaml": SMALL}), 422)


# checking


def test_a_sound_one_is_checked_and_not_kept(rest: Rest) -> None:
    yaml = SMALL.replace("small@1", "unkept@1")
    assert rest.post("/v1/workflows/validate", json={"yaml": yaml}).json() == {"ok": True, "faults": []}
    refused(rest.get("/v1/workflows/unkept"), 404)


def test_all_that_is_wrong_is_told_with_line_and_field(rest: Rest) -> None:
    yaml = SMALL.replace("next: end", "nxt: end").replace("type: exit", "type: exti")
    found = rest.post("/v1/workflows/validate", json={"yaml": yaml}).json()
    assert not found["ok"]
    assert [(fault["line"], fault["field"]) for fault in found["faults"]] == [
        (6, "nodes.write.next"),
        (10, "nodes.write.nxt"),
        (12, "nodes.end.type"),
    ]
    problem = refused(rest.post("/v1/workflows", json={"name": "small", "yaml": yaml}), 422)
    assert "line 6, nodes.write.next: is missing (and 2 more)" in problem["detail"]
    assert pointers(problem) == ["/yaml"] * 3 and "line 12" in problem["errors"][2]["detail"]


STRANGERS = {
    "an agent": ("{type: agent, agent: crtic, next: end}", "agent", "there is no agent 'crtic'; there are archivist"),
    "what an agent makes": ("{type: agent, agent: critic, makes: poem, next: end}", "makes", "critic makes no 'poem'"),
    "a tool": ("{type: tool, tool: rm_rf, next: end}", "tool", "there is no tool 'rm_rf'; there are graph_neighbors"),
    "a function": ("{type: transform, function: eval@1, next: end}", "function", "there is no function eval@1"),
    "a workflow": ("{type: workflow, graph: nowhere, next: end}", "graph", "there is no workflow 'nowhere'"),
    "another version": ("{type: workflow, graph: one_attempt@9, next: end}", "graph", "no workflow 'one_attempt@9'"),
    "itself": ("{type: workflow, graph: odd, next: end}", "graph", "odd would start itself"),
    "the manager's": ("{type: workflow, graph: project@1, next: end}", "graph", "is built in"),
    "a rule of the house": ("{type: check, handler: rules@1, next: end}", "type", "only built-in workflows"),
    "a handler": ("{type: agent, handler: plan@1, next: end}", "handler", "only built-in workflows"),
    "a task's trouble": ("{type: human, title: x, kind: attention, next: end}", "kind", "only a task can need"),
    "a part's agent": ("{type: fan_out, copies: 2, do: {type: agent, agent: x}, next: end}", "do.agent", "no agent"),
}


@pytest.mark.parametrize("body, field, said", STRANGERS.values(), ids=list(STRANGERS))
def test_what_is_not_there_is_told(rest: Rest, body: str, field: str, said: str) -> None:
    found = rest.post("/v1/workflows/validate", json={"yaml": of("odd", f"  one: {body}\n")}).json()
    [fault] = found["faults"]
    assert (fault["line"], fault["field"]) == (5, f"nodes.one.{field}") and said in fault["message"]


def test_a_huge_text_is_refused(rest: Rest) -> None:
    refused(rest.post("/v1/workflows/validate", json={"yaml": "# " + "x" * 300_000}), 422)


def test_another_name_in_the_yaml_is_refused(rest: Rest) -> None:
    problem = refused(rest.post("/v1/workflows", json={"name": "mine", "yaml": SMALL}), 422)
    assert "line 1, name: it must be mine@" in problem["detail"]


# files


def test_a_file_in_the_data_directory_is_picked_up_and_a_broken_edit_of_it_told(rest: Rest, running: Running) -> None:
    folder = Path(running.program.settings.data_dir) / "workflows"
    folder.mkdir(exist_ok=True)
    path = folder / "dropped.yaml"
    path.write_text(SMALL.replace("small@1", "dropped@1"))
    before = rest.get("/v1/workflows/dropped").json()
    assert before["origin"] == "own" and before["fault"] is None
    path.write_text(before["yaml"].replace("next: end", "next: nowhere"))
    after = rest.get("/v1/workflows/dropped").json()
    assert after["digest"] == before["digest"] and after["graph"] == before["graph"]
    assert "line 10, nodes.write.next: there is no node 'nowhere'" in after["fault"]
    (folder / "never.yaml").write_text("name: [")
    items = {item["name"]: item for item in rest.items("/v1/workflows")}
    assert items["dropped"]["fault"] == after["fault"]
    assert items["never"]["digest"] is None and "never.yaml, line " in items["never"]["fault"]
    refused(rest.get("/v1/workflows/never", params={"format": "mermaid"}), 422)
    mended = rest.put("/v1/workflows/never", json={"yaml": SMALL.replace("small@1", "never@1")})
    assert mended.status_code == 200 and mended.json()["fault"] is None
    path.unlink()
    refused(rest.get("/v1/workflows/dropped"), 404)


# running


def test_every_kind_of_node_runs_to_its_end(rest: Rest, small: str, project: str) -> None:
    kept(rest, "everything", EVERYTHING)
    run = begun(rest, "everything", project, **TOPIC)
    answered(rest, run, "Is it as you want it?")
    found = rest.ended(run)
    assert (found["result"], found["reason"]) == ("succeeded", "")
    output = found["output"]
    assert all("400 kg" in output[name] for name in ("text", "facts", "inner")) and "[S1]" in output["risks"]
    assert output["rounds"] == 3 and output["found"] >= 1 and output["answer"] == "approve"
    assert "It took longer than the 0.3 seconds" in output["late"]
    runs = rest.items(f"/v1/projects/{project}/runs")
    assert next(item for item in runs if item["id"] == run)["output"] is None
    waiting = [item for item in rest.items("/v1/inbox") if item["run_id"] == run]
    assert waiting == []


def test_a_refusal_of_a_person_takes_its_own_way(rest: Rest, small: str, project: str) -> None:
    yaml = of(
        "asked", "  one: {type: human, title: 'Go on?', next: end, on_reject: no_}\n" + _ending("no_", "It was no.")
    )
    kept(rest, "asked", yaml)
    run = begun(rest, "asked", project)
    answered(rest, run, "Go on?", "reject")
    found = rest.ended(run)
    assert (found["result"], found["reason"], found["output"]) == ("failed", "It was no.", {})


def _ending(name: str, reason: str) -> str:
    return f"  {name}: {{type: exit, result: failed, reason: {reason}}}\n"


def test_a_change_leaves_a_run_that_is_under_way_as_it_was(rest: Rest, project: str) -> None:
    ask = "  one: {type: human, title: 'Which is it?', next: end}\n"
    first = of("pinned", ask).replace("type: exit", "type: exit, output: {is: the first}")
    kept(rest, "pinned", first)
    run = begun(rest, "pinned", project)
    rest.until(f"/v1/runs/{run}", lambda found: found["state"] == "waiting")
    second = first.replace("pinned@1", "pinned@2").replace("the first", "the second")
    assert rest.put("/v1/workflows/pinned", json={"yaml": second}).status_code == 200
    answered(rest, run, "Which is it?")
    old = rest.ended(run)
    assert (old["workflow"], old["output"]) == ("pinned@1", {"is": "the first"})
    pinned = rest.get(f"/v1/runs/{run}/workflow").json()
    assert pinned["graph"]["nodes"]["end"]["output"] == {"is": "the first"}
    assert pinned["digest"] != rest.get("/v1/workflows/pinned").json()["digest"]
    again = begun(rest, "pinned", project)
    assert rest.delete("/v1/workflows/pinned").status_code == 204
    answered(rest, again, "Which is it?")
    assert rest.ended(again)["output"] == {"is": "the second"}


@pytest.mark.parametrize("way", ["one_attempt", "draft_critique_revise", "map_reduce", "judge_panel"])
def test_those_that_ship_can_be_run_by_hand(rest: Rest, project: str, way: str) -> None:
    found = ended(rest, way, project, agent="synthesizer", title="The lift", brief="Say what it carries.")
    assert found["result"] == "succeeded" and "400 kg" in found["output"]["text"]


def test_inputs_are_checked(rest: Rest, small: str, project: str) -> None:
    address = f"/v1/workflows/{small}/runs"
    problem = refused(rest.post(address, json={"project_id": project, "inputs": {}}), 422)
    assert problem["detail"] == "The input topic is missing; small@1 takes: topic."
    assert pointers(problem) == ["/inputs/topic"]
    both = {"topic": "x", "tone": "y"}
    assert pointers(refused(rest.post(address, json={"project_id": project, "inputs": both}), 422)) == ["/inputs/tone"]
    refused(rest.post(address, json={"project_id": NOWHERE, "inputs": TOPIC}), 404)
    refused(rest.post(address, json={"inputs": TOPIC}), 422)


def test_a_run_is_started_once_with_a_key(rest: Rest, small: str, project: str) -> None:
    body, key = {"project_id": project, "inputs": TOPIC}, {"Idempotency-Key": "run-small"}
    first, second = (rest.post(f"/v1/workflows/{small}/runs", json=body, headers=key) for _ in range(2))
    assert first.json()["id"] == second.json()["id"]


CIRCLE = """  one: {type: delegate, agent: critic, task: Again, next: two}
  two:
    type: workflow
    graph: "{{ inputs.other }}"
    inputs: {other: "{{ inputs.me }}", me: "{{ inputs.other }}"}
    next: end
"""
ENDS: dict[str, tuple[str, dict[str, Any], str]] = {
    "no way for a label": (
        "  one: {type: router, by: inputs.x, labels: {a: end, b: end}}\n",
        {"x": "c"},
        "The router one has no way for 'c'; its labels: a, b.",
    ),
    "too many items": (
        "  one: {type: fan_out, over: inputs.x, do: {type: model, prompt: x}, next: end}\n",
        {"x": list(range(10_000))},
        "The fan-out one has 10000 items; at most 20 run side by side.",
    ),
    "no list": (
        "  one: {type: fan_out, over: inputs.x, do: {type: model, prompt: x}, next: end}\n",
        {"x": "many"},
        "The fan-out one found no list at inputs.x.",
    ),
    "an agent that is not there": (
        '  one: {type: agent, agent: "{{ inputs.x }}", task: x, next: end}\n',
        {"x": "nobody"},
        "There is no agent nobody here",
    ),
    "a workflow that is not there": (
        '  one: {type: workflow, graph: "{{ inputs.x }}", next: end}\n',
        {"x": "nothing"},
        "There is no workflow nothing here",
    ),
    "a workflow that is the manager's": (
        '  one: {type: workflow, graph: "{{ inputs.x }}", next: end}\n',
        {"x": "project@1"},
        "The workflow project@1 is built in; a_workflow_that_is_the_managers@1 may not start it.",
    ),
    "arguments that a tool refuses": (
        '  one: {type: tool, tool: search_case_file, arguments: {query: "{{ inputs.x }}"}, next: end}\n',
        {"x": 7},
        "The tool search_case_file refuses its arguments: at $.query, 7 is not of type 'string'.",
    ),
    "values that a function cannot take": (
        '  one: {type: transform, function: count@1, arguments: {of: "{{ inputs.x }}"}, next: end}\n',
        {"x": 7},
        "It needs a list `of`.",
    ),
}


@pytest.mark.parametrize("case", ENDS)
def test_what_cannot_go_on_ends_with_a_sentence(rest: Rest, project: str, case: str) -> None:
    nodes, inputs, said = ENDS[case]
    name = case.replace(" ", "_").replace("'", "")
    kept(rest, name, of(name, nodes, inputs="{x: {}}"))
    found = ended(rest, name, project, **inputs)
    assert found["result"] == "failed" and said in found["reason"]


def test_a_loop_that_never_converges_ends_at_its_limit(rest: Rest, project: str) -> None:
    nodes = (
        "  one: {type: transform, function: count@1, arguments: {of: [1]}, next: again}\n"
        "  again: {type: loop, back_to: one, until: {path: one.value, op: gt, value: 1}, limit: 100, next: end,"
        " exhausted: no_}\n"
    )
    kept(rest, "endless", of("endless", nodes + _ending("no_", "It never came together.")))
    found = ended(rest, "endless", project)
    assert (found["result"], found["reason"]) == ("failed", "It never came together.")


SAYS = 'text: "{{ inputs.topic }}", tone: "{{ inputs.tone }}", places: "{{ inputs.places }}"'
WITH_DEFAULTS = f"""name: with_defaults@1
inputs:
  topic: {{about: What it is about.}}
  tone: {{default: plain}}
  places: {{default: [attic, cellar]}}
start: end
nodes:
  end: {{type: exit, output: {{{SAYS}}}}}
"""


@pytest.fixture(scope="module")
def with_defaults(rest: Rest) -> str:
    kept(rest, "with_defaults", WITH_DEFAULTS)
    return "with_defaults"


def test_a_workflow_in_a_workflow_gets_the_defaults_of_what_is_left_out(
    rest: Rest, with_defaults: str, project: str
) -> None:
    nodes = (
        '  one: {type: workflow, graph: with_defaults, inputs: {topic: lift, tone: "{{ inputs.tone }}"}, next: two}\n'
        "  two: {type: fan_out, copies: 2, next: end, do: {type: workflow, graph: with_defaults,"
        ' inputs: {topic: "{{ index }}", tone: short}}}\n'
    )
    exit = '  end: {type: exit, output: {one: "{{ nodes.one }}", two: "{{ nodes.two.items }}"}}\n'
    graph = of("giving", nodes, inputs="{tone: {required: false}}").replace("  end: {type: exit}\n", exit)
    kept(rest, "giving", graph)
    output = ended(rest, "giving", project)["output"]
    made = [{name: found[name] for name in ("text", "tone", "places")} for found in (output["one"], *output["two"])]
    places = ["attic", "cellar"]
    assert made[0] == {"text": "lift", "tone": "plain", "places": places}
    assert made[1:] == [{"text": i, "tone": "short", "places": places} for i in (0, 1)]


CANNOT_START: dict[str, tuple[str, str]] = {
    "not there": ('graph: "{{ inputs.nothing }}"', "There is no workflow nothing here"),
    "the manager's": ('graph: "{{ inputs.managers }}"', "The workflow project@1 is built in"),
    "without what it needs": ("graph: with_defaults, inputs: {tone: short}", "The input topic is missing"),
}


@pytest.mark.parametrize("case", CANNOT_START)
def test_a_workflow_that_cannot_start_goes_the_way_of_a_failure(
    rest: Rest, with_defaults: str, project: str, case: str
) -> None:
    part, said = CANNOT_START[case]
    name = f"starts_{list(CANNOT_START).index(case)}"
    nodes = (
        "  zero: {type: transform, function: count@1, arguments: {of: [1]}, next: one, on_failure: wrong}\n"
        f"  one: {{type: workflow, {part}, next: wrong, on_failure: two}}\n"
        f"  two: {{type: fan_out, copies: 2, do: {{type: workflow, {part}}}, next: wrong, on_failure: end}}\n"
    )
    exit = '  end: {type: exit, output: {one: "{{ nodes.one.reason }}", two: "{{ nodes.two.reason }}"}}\n'
    inputs = "{nothing: {default: nothing}, managers: {default: project@1}}"
    graph = of(name, nodes + _ending("wrong", "It went on."), inputs=inputs, start="zero")
    kept(rest, name, graph.replace("  end: {type: exit}\n", exit))
    found = ended(rest, name, project)
    assert found["result"] == "succeeded", found["reason"]
    assert said in found["output"]["one"]
    assert found["output"]["two"].startswith(f"1 of 2 parts failed: {found['output']['one'][:40]}")


def test_where_runs_are_too_deep_a_delegation_goes_the_way_of_a_failure_too(rest: Rest) -> None:
    project = rest.project("How deep runs go")
    last = "  one: {type: delegate, agent: critic, task: Look at it, next: wrong, on_failure: end}\n"
    exit = '  end: {type: exit, output: {said: "{{ nodes.one.reason }}"}}\n'
    kept(rest, "down0", of("down0", last + _ending("wrong", "It went on.")).replace("  end: {type: exit}\n", exit))
    for depth in range(1, 6):
        into = f"  one: {{type: workflow, graph: down{depth - 1}, next: end}}\n"
        said = '  end: {type: exit, output: {said: "{{ nodes.one.said }}"}}\n'
        kept(rest, f"down{depth}", of(f"down{depth}", into).replace("  end: {type: exit}\n", said))
    found = ended(rest, "down5", project)
    assert (found["result"], found["usage"]["calls"]) == ("succeeded", 0), found["reason"]
    assert "Runs may start runs 5 deep" in found["output"]["said"]
    sent = rest.items(f"/v1/projects/{project}/agent-messages")
    assert [(item["kind"], item["state"]) for item in sent] == [("delegate", "expired")]


def test_workflows_that_start_each_other_in_a_circle_end(rest: Rest, project: str) -> None:
    for name in ("chicken", "egg"):
        kept(rest, name, of(name, CIRCLE, inputs="{other: {}, me: {}}"))
    found = ended(rest, "egg", project, other="chicken", me="egg")
    assert found["result"] == "failed" and "Runs may start runs 5 deep" in found["reason"]
    assert found["usage"]["calls"] <= 6, "one delegation for each level"


def test_workflows_that_name_each_other_in_a_circle_are_refused(rest: Rest) -> None:
    kept(rest, "hen", of("hen", "  one: {type: wait, seconds: 0.01, next: end}\n"))
    kept(rest, "chick", of("chick", "  one: {type: workflow, graph: hen, next: end}\n"))
    circle = of("hen", "  one: {type: fan_out, copies: 2, do: {type: workflow, graph: chick@1}, next: end}\n")
    problem = refused(rest.put("/v1/workflows/hen", json={"yaml": circle}), 422)
    told = "line 5, nodes.one.do.graph: it starts runs more than 5 deep: hen → chick → hen → chick → hen → chick → hen."
    assert told in problem["detail"]


def test_workflows_that_start_each_other_are_five_deep_at_most(rest: Rest, project: str) -> None:
    last = "  one: {type: wait, seconds: 0.01, next: end}\n"
    for depth in range(6):
        kept(rest, f"deep{depth}", of(f"deep{depth}", last))
        last = f"  one: {{type: workflow, graph: deep{depth}, next: end}}\n"
    assert ended(rest, "deep5", project)["result"] == "succeeded"
    problem = refused(rest.post("/v1/workflows", json={"name": "deep6", "yaml": of("deep6", last)}), 422)
    assert "deep6 → deep5 → deep4 → deep3 → deep2 → deep1 → deep0" in problem["detail"]


def test_the_limits_of_a_workflow_hold_with_all_that_it_starts(rest: Rest, project: str) -> None:
    asks = (
        '  one: {type: model, prompt: "Say {{ inputs.x }}", next: two}\n  two: {type: model, prompt: More, next: end}\n'
    )
    kept(rest, "two_calls", of("two_calls", asks, inputs="{x: {}}"))
    part = 'type: workflow, graph: two_calls, inputs: {x: "{{ inputs.x }}"}'
    nodes = f"  one: {{{part}, next: two}}\n  two: {{{part}, next: three}}\n  three: {{{part}, next: end}}\n"
    limited = of("limited", nodes, inputs="{x: {}}")
    kept(rest, "limited", limited + "limits: {calls: 3}\n")
    found = ended(rest, "limited", project, x="a")
    assert found["result"] == "failed" and found["usage"]["calls"] == 3
    assert found["reason"].startswith("Its limit of calls is used up (1)")
    rest.put("/v1/workflows/limited", json={"yaml": limited + "limits: {calls: 6}\n"})
    found = ended(rest, "limited", project, x="a")
    assert (found["result"], found["usage"]["calls"]) == ("succeeded", 6)


def test_a_project_run_and_a_workflow_run_side_by_side(rest: Rest, small: str) -> None:
    own = rest.project("Brief me on the lift", approve_plan=True)
    rest.source(own)
    yaml = of("beside", "  one: {type: human, title: 'Mine?', next: end}\n")
    kept(rest, "beside", yaml)
    workflow = begun(rest, "beside", own)
    rest.until(f"/v1/runs/{workflow}", lambda found: found["state"] == "waiting")
    refused(rest.post(f"/v1/projects/{own}/plan/approve"), 409)
    work = rest.run_of(own)
    _until(lambda: len([i for i in rest.items("/v1/inbox") if i["project_id"] == own]) == 2)
    assert rest.post(f"/v1/projects/{own}/plan/approve").status_code == 200
    assert rest.ended(work)["state"] == "ended"
    assert rest.get(f"/v1/runs/{workflow}").json()["state"] == "waiting", "the plan's approval is not the workflow's"
    answered(rest, workflow, "Mine?")
    assert rest.ended(workflow)["result"] == "succeeded"


def _until(holds: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)
