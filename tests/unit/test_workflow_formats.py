"""A workflow as YAML, as a Mermaid flowchart, as lines of text."""

import re
from pathlib import Path

import pytest
import yaml

from config.workflow_files import SHIPPED as FOLDER
from config.workflow_files import WorkflowFiles, workflow
from domain.agent_graph import AgentGraph
from services.canonical import digest_of_graph
from services.work.graphs import SHIPPED
from services.workflow_formats import mermaid, outline, written, yaml_of

EVERY = """name: every@1
inputs: {topic: {default: x}}
start: which
nodes:
  which: {type: router, by: inputs.topic, many: true, labels: {a: one, 'b "]--> x': two}, join: met}
  one: {type: agent, agent: critic, task: "t", next: met, timeout: 5, on_failure: bad}
  two: {type: delegate, agent: critic, task: "t", next: met}
  met: {type: join, next: each}
  each: {type: fan_out, copies: 2, do: {type: agent, agent: critic, task: "{{ index }}"}, next: fine}
  fine: {type: gate, when: {not: {path: each.count, op: lt, value: 1}}, next: pause, otherwise: round}
  round: {type: loop, back_to: each, until: {path: each.count, op: ge, value: 1}, limit: 2, next: pause, exhausted: bad}
  pause: {type: wait, seconds: 1, next: ask}
  ask: {type: human, title: '<b onclick="x()">&amp; `%%{init}%%`', next: sub, on_reject: bad}
  sub: {type: workflow, graph: one_attempt, next: look}
  look: {type: tool, tool: search_case_file, arguments: {query: x}, next: count}
  count: {type: transform, function: count@1, arguments: {of: "{{ look.result }}"}, next: model}
  model: {type: model, prompt: x, next: tell}
  tell: {type: broadcast, text: x, next: know}
  know: {type: request, agent: critic, question: x, next: end}
  end: {type: exit}
  bad: {type: exit, result: failed}
"""
ALL = [*SHIPPED.values(), *WorkflowFiles(FOLDER).all().values(), workflow("", EVERY, Path("every.yaml"))]


@pytest.mark.parametrize("graph", ALL, ids=lambda graph: graph.name)
def test_what_is_written_is_the_same_workflow(graph: AgentGraph) -> None:
    again = AgentGraph.model_validate(written(graph))
    assert again.nodes == graph.nodes and again.limits == graph.limits and again.fits == graph.fits
    assert written(again) == written(graph)


@pytest.mark.parametrize("graph", ALL, ids=lambda graph: graph.name)
def test_a_graph_that_was_made_in_python_is_the_same_once_it_is_written_as_yaml_and_read(graph: AgentGraph) -> None:
    values = yaml.safe_load(yaml_of(graph))
    again = AgentGraph.model_validate({"inputs": {}, **values} if graph.inputs is not None else values)
    assert digest_of_graph(again) == digest_of_graph(graph)
    assert yaml_of(again) == yaml_of(graph)


@pytest.mark.parametrize("graph", WorkflowFiles(FOLDER).all().values(), ids=lambda graph: graph.name)
def test_what_ships_keeps_its_digest_through_yaml_and_the_check(graph: AgentGraph) -> None:
    assert digest_of_graph(workflow(graph.name.partition("@")[0], yaml_of(graph), Path("x"))) == digest_of_graph(graph)


@pytest.mark.parametrize("graph", ALL, ids=lambda graph: graph.name)
def test_a_picture_holds_every_node_and_every_way(graph: AgentGraph) -> None:
    lines = mermaid(graph).splitlines()
    assert lines[0] == "flowchart TD"
    drawn = [re.match(r"  n\d+(.+?)\"([a-z0-9_]+)<br/>", line) for line in lines]
    assert [found[2] for found in drawn if found] == [node.id for node in graph.nodes]
    assert all(
        re.fullmatch(r"  (n\d+|begin\(\(start\)\)) -\.?->?(\|\"[^\"]*\"\|)? n\d+|  n\d+\W.*\W", line)
        for line in lines[1:]
    )


def test_kinds_have_shapes_of_their_own() -> None:
    picture = mermaid(ALL[-1])
    shapes = {found[2]: found[1] for found in re.finditer(r'n\d+([^"\s]+)"(\w+)<br/>', picture)}
    assert shapes["which"] == shapes["fine"] == "{" and shapes["round"] == "{{" and shapes["ask"] == "[/"
    assert shapes["each"] == shapes["sub"] == "[[" and shapes["met"] == "((" and shapes["end"] == "(["


def test_texts_can_do_nothing_to_a_picture() -> None:
    picture = mermaid(ALL[-1])
    assert "<b" not in picture.replace("<br/>", "") and "onclick" in picture
    assert not re.search(r"[`%&#]|\|\"[^\"]*--> x\"\|(?! n)", picture)
    for line in picture.splitlines():
        assert line.count('"') in (0, 2)


def test_lines_say_kind_and_ways() -> None:
    text = outline(ALL[-1])
    assert "* which (router, several)  a → one" in text
    assert "  one (agent, critic)  → met, on failure → bad" in text
    assert "  round (loop, at most 2 times)  → pause, again → each, exhausted → bad" in text
    assert text.splitlines()[-1] == "  bad (exit, failed)"
