"""Workflows in YAML: what is wrong with one is told with its line and field; files are read when they change."""

import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from config.reading import ConfigurationError
from config.workflow_files import SHIPPED, WorkflowFiles, examined, schema, workflow

GOOD = """name: mine@1
inputs:
  topic: {about: What it is about.}
start: write
nodes:
  write:
    type: agent
    agent: synthesizer
    task: "About {{ inputs.topic }}"
    next: end
  end:
    type: exit
    output: {text: "{{ nodes.write.text }}"}
"""
END = "  end: {type: exit}\n"
HEAD = "name: mine@1\nstart: one\nnodes:\n"


def told(text: str, name: str = "mine") -> list[str]:
    graph, faults = examined(name, text)
    assert (graph is None) == bool(faults)
    return [str(fault) for fault in faults]


def node(body: str) -> str:
    return f"{HEAD}  one: {body}\n{END}"


BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join([f'*{chr(97 + n)}'] * 10)}]\n" for n in range(8)
)
CHAIN = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 90))
BROKEN = {
    "no YAML": ("name: mine@1\nnodes: [\n", "the whole file: it ends too early"),
    "a tab": ("name: mine@1\n\tstart: one\n", "line 2, the whole file: it is indented with a tab"),
    "a control character": ("name: mine@1\ntitle: \x01\n", "line 2, the whole file: it holds a character"),
    "two documents": (f"{GOOD}---\n{GOOD}", "line 14, the whole file: it holds more than one document"),
    "a list": ("- one\n- two\n", "line 1, the whole file: it must hold `name: value` pairs"),
    "a word": ("workflow", "line 1, the whole file: it must hold `name: value` pairs"),
    "a Python object": (
        "name: !!python/object/apply:os.system [id]\n",
        "line 1, the whole file: the tag python/object",
    ),
    "a key that is a mapping": (f"{HEAD}  one: {{{{ inputs.x }}}}\n", "line 4, the whole file: a name must be a text"),
    "the same key twice": (f"{GOOD}title: x\ntitle: y\n", "line 15, the whole file: 'title' stands there twice, "),
    "the same node twice": (f"{GOOD}  write: {{type: exit}}\n", "line 14, the whole file: 'write' stands there twice"),
    "a billion laughs": (BOMB, "it unfolds to more than 50,000 values"),
    "an alias of itself": ("name: &n\n  of: *n\n", "line 1, the whole file: it holds itself, by an alias"),
    "a tower of aliases": (CHAIN, "it is nested more than 60 deep"),
    "a tower of brackets": ("name: " + "[" * 5000, "the whole file: it is nested more than 60 deep"),
    "an alias of nothing": ("name: *x\n", "line 1, the whole file: found undefined alias"),
    "a date that is none": (
        node("{type: exit, output: {due: 2026-13-45}}"),
        "line 4, the whole file: '2026-13-45' is no",
    ),
    "a date": (
        node("{type: exit, output: {due: 2026-12-24}}"),
        "line 4, nodes.one.output.due: YAML takes it for a date",
    ),
    "a number without an end": (node("{type: exit, output: {n: .inf}}"), "line 4, nodes.one.output.n: it is no number"),
    "a number of 30 digits": (node(f"{{type: exit, output: {{n: {'9' * 30}}}}}"), "output.n: the number is too large"),
    "half a character": (node('{type: exit, reason: "\\ud800"}'), "nodes.one.reason: it holds half of a surrogate"),
    "no start": ("name: mine@1\nnodes:\n" + END, "line 1, start: is missing"),
    "no nodes": ("name: mine@1\nstart: one\nnodes:\n", "line 3, nodes: must hold nodes by their names"),
    "no exit": (f"{HEAD}  one: {{type: wait, seconds: 1, next: one}}\n", "line 3, nodes: the graph has no exit"),
    "a start that is no node": (
        GOOD.replace("start: write", "start: wrote"),
        "line 4, start: there is no node 'wrote'",
    ),
    "a name without a version": (GOOD.replace("mine@1", "mine"), "line 1, name: may have small letters"),
    "another name": (GOOD.replace("mine@1", "yours@1"), "line 1, name: it must be mine@ and a number"),
    "an unknown kind": (
        node("{type: agnet, next: end}"),
        "line 4, nodes.one.type: there is no kind 'agnet'; there are",
    ),
    "no kind": (node("{next: end}"), "line 4, nodes.one: needs a `type`"),
    "a node that is a number": (node("3"), "line 4, nodes.one: "),
    "an unknown field": (node("{type: agent, promt: x, next: end}"), "line 4, nodes.one.promt: is not known here"),
    "an unknown field of a part": (
        node("{type: fan_out, copies: 2, do: {type: agent, tsk: x}, next: end}"),
        "line 4, nodes.one.do.tsk: is not known here (did you mean 'task'?)",
    ),
    "an unknown field of the whole": (f"{GOOD}naem: x\n", "line 14, naem: is not known here (did you mean 'name'?)"),
    "a field that is missing": (node("{type: agent}"), "line 4, nodes.one.next: is missing"),
    "a text that is a number": (GOOD.replace("synthesizer", "3"), "line 8, nodes.write.agent: write it in quotes"),
    "a number that is a text": (node("{type: wait, seconds: soon, next: end}"), "line 4, nodes.one.seconds: "),
    "a label that YAML takes for a truth": (
        node("{type: router, ask: Is it, labels: {yes: end, no: end}}"),
        "line 4, nodes.one.labels",
    ),
    "a node's name in capitals": (
        f"{HEAD}  One: {{type: exit}}\n",
        "line 4, nodes.One: a node's name has small letters",
    ),
    "a node's name that is a number": (f"{HEAD}  1: {{type: exit}}\n", "line 4, nodes.1: a node's name has"),
    "a node's name that is taken": (f"{HEAD}  one: {{type: exit}}\n  item: {{type: exit}}\n", "line 5, nodes.item: "),
    "an unknown node": (GOOD.replace("next: end", "next: ende"), "line 10, nodes.write.next: there is no node 'ende'"),
    "an unknown node behind a label": (
        node('{type: router, ask: Is it, labels: {"In part": ende}}'),
        "line 4, nodes.one.labels.In part: there is no node 'ende'",
    ),
    "an unknown reference": (
        GOOD.replace("nodes.write.text", "nodes.wrote.text"),
        "line 13, nodes.end.output: 'nodes.wrote.text' refers to a node that does not exist",
    ),
    "an unknown input": (
        GOOD.replace("inputs.topic }}", "inputs.tpic }}"),
        "line 9, nodes.write.task: there is no input",
    ),
    "an item outside a fan-out": (
        GOOD.replace("inputs.topic }}", "item }}"),
        "line 9, nodes.write.task: 'item' exists",
    ),
    "code in braces": (GOOD.replace("inputs.topic }}", "1 + 1 }}"), "line 9, nodes.write.task: '{{ 1 + 1 }}' is no"),
    "a cycle": (
        f"{HEAD}  one: {{type: agent, next: two}}\n  two: {{type: agent, next: one}}\n{END}",
        "line 4, nodes.one: a cycle without a loop node: one → two → one",
    ),
    "a loop without a limit": (
        node("{type: loop, back_to: one, until: {path: one.rounds}, next: end, exhausted: end}"),
        "line 4, nodes.one.limit: is missing",
    ),
    "a loop of a thousand rounds": (
        node("{type: loop, back_to: one, until: {path: one.rounds}, limit: 1000, next: end, exhausted: end}"),
        "line 4, nodes.one.limit: must be at most 100",
    ),
    "a wait of a year": (node("{type: wait, seconds: 31536000, next: end}"), "line 4, nodes.one.seconds: "),
    "a router to a join that is none": (
        node("{type: router, ask: Which, many: true, join: end, labels: {a: end}}"),
        "line 4, nodes.one.join: 'end' is not a join",
    ),
    "a gate that asks nothing": (node("{type: gate, next: end, otherwise: end}"), "line 4, nodes.one: a gate needs"),
    "a fan-out of a thousand": (
        node("{type: fan_out, copies: 1000, do: {type: agent}, next: end}"),
        "line 4, nodes.one.copies: must be at most 20",
    ),
    "a condition that is none": (
        node("{type: gate, when: {path: one.x, op: is}, next: end, otherwise: end}"),
        "line 4, nodes.one.when.op: must be ",
    ),
}


@pytest.mark.parametrize("text, said", BROKEN.values(), ids=list(BROKEN))
def test_what_is_wrong_is_told_with_its_line_and_field(text: str, said: str) -> None:
    assert any(said in each for each in told(text)), told(text)
    with pytest.raises(ConfigurationError) as refused:
        workflow("mine", text, Path("mine.yaml"))
    assert str(refused.value).startswith("mine.yaml, line ")
    assert "\n" not in str(refused.value)


def test_a_sound_workflow_is_read() -> None:
    graph = workflow("mine", GOOD, Path("mine.yaml"))
    assert graph.name == "mine@1" and [node.id for node in graph.nodes] == ["write", "end"]
    assert workflow("", GOOD, Path("any.yaml")) == graph


def test_all_faults_are_told_at_once() -> None:
    text = GOOD.replace("synthesizer", "[x]").replace("next: end", "nxt: end").replace("title", "tilte")
    assert told(text) == [
        "line 6, nodes.write.next: is missing",
        "line 8, nodes.write.agent: must be a text",
        "line 10, nodes.write.nxt: is not known here (did you mean 'next'?)",
    ]


def test_all_faults_of_the_whole_are_told_at_once() -> None:
    text = GOOD.replace("inputs.topic", "inputs.tpic").replace("nodes.write.text", "nodes.wrote.text")
    assert told(f"{text}  lost: {{type: wait, seconds: 1, next: lost}}\n") == [
        "line 9, nodes.write.task: there is no input 'tpic'; declared are: topic",
        "line 13, nodes.end.output: 'nodes.wrote.text' refers to a node that does not exist",
        "line 14, nodes.lost: a cycle without a loop node: lost → lost",
        "line 14, nodes.lost: nothing leads here",
    ]


def test_a_fault_behind_a_label_has_the_line_of_the_label() -> None:
    text = node('{type: router, by: inputs.x, labels: {\n    a: end,\n    "In. part": ende}}')
    assert told(text) == [
        "line 4, nodes.one.by: there is no input 'x'; declared are: none",
        "line 6, nodes.one.labels.In. part: there is no node 'ende'",
    ]


def test_anchors_and_merge_keys_may_be_used() -> None:
    text = f"{HEAD}  one: &base {{type: agent, agent: critic, next: two}}\n  two: {{<<: *base, next: end}}\n{END}"
    graph = workflow("mine", text, Path("mine.yaml"))
    assert getattr(graph.node("two"), "agent", "") == "critic"


# files


def touched(path: Path, text: str) -> None:
    """Written, and later than before by any clock."""
    later = path.stat().st_mtime_ns + 2_000_000 if path.exists() else None
    path.write_text(text)
    if later is not None:
        os.utime(path, ns=(later, later))


def test_a_file_is_there_at_once_changes_at_once_and_goes_at_once(tmp_path: Path) -> None:
    files = WorkflowFiles(tmp_path / "workflows")
    assert files.all() == {}
    files.keep("mine", GOOD)
    assert files.all()["mine"].title == "" and files.text("mine") == GOOD
    touched(tmp_path / "workflows" / "mine.yaml", f"{GOOD}title: Another\n")
    assert files.all()["mine"].title == "Another"
    files.remove("mine")
    assert files.all() == {} and files.faults() == {}


def test_a_broken_edit_leaves_the_old_one_in_force_and_is_told_until_it_is_mended(tmp_path: Path) -> None:
    files, path = WorkflowFiles(tmp_path), tmp_path / "mine.yaml"
    touched(path, GOOD)
    before = files.all()["mine"]
    touched(path, GOOD.replace("next: end", "next: ende"))
    assert files.all()["mine"] == before
    assert files.faults() == {"mine": f"{path}, line 10, nodes.write.next: there is no node 'ende'."}
    touched(path, f"{GOOD}title: Mended\n")
    assert files.all()["mine"].title == "Mended" and files.faults() == {}


def made(folder: Path, kind: str) -> Path:
    path = folder / "mine.yaml"
    match kind:
        case "huge":
            path.write_text(GOOD + "# " + "x" * 1_000_000)
        case "a folder":
            path.mkdir()
        case "a pipe":
            os.mkfifo(path)
        case "Latin-1":
            path.write_bytes("title: für\n".encode("latin-1"))
        case "empty":
            path.touch()
        case "another name":
            path.write_text(GOOD.replace("mine@1", "yours@1"))
    return path


@pytest.mark.parametrize("kind", ["huge", "a folder", "a pipe", "Latin-1", "empty", "another name"])
def test_a_file_that_was_never_usable_is_told_and_hides_no_other(tmp_path: Path, kind: str) -> None:
    path = made(tmp_path, kind)
    (tmp_path / "other.yaml").write_text(GOOD.replace("mine@1", "other@1"))
    files = WorkflowFiles(tmp_path)
    assert list(files.all()) == ["other"]
    assert list(files.faults()) == ["mine"] and files.faults()["mine"].startswith(str(path))


@pytest.mark.parametrize("name", ["My flow.yaml", "mine.yml", "1.yaml"])
def test_a_file_that_is_not_called_as_a_workflow_is_told(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(GOOD)
    files = WorkflowFiles(tmp_path)
    assert files.all() == {} and "call it <name>.yaml" in files.faults()[Path(name).stem]


# the schema for editors


def faults(value: Any) -> list[str]:
    return [error.json_path for error in Draft202012Validator(schema()).iter_errors(value)]


def test_the_schema_takes_what_the_program_takes() -> None:
    Draft202012Validator.check_schema(schema())
    for path in sorted(SHIPPED.glob("*.yaml")):
        assert faults(yaml.safe_load(path.read_text())) == [], path
    assert faults(yaml.safe_load(GOOD)) == []


@pytest.mark.parametrize(
    "body",
    [
        "{type: agnet, next: end}",
        "{type: agent, promt: x, next: end}",
        "{type: agent}",
        "{type: check, handler: rules@1, next: end}",
        "{type: agent, handler: plan@1, next: end}",
        "{type: fan_out, copies: 1000, do: {type: agent}, next: end}",
        "{type: fan_out, copies: 2, do: {type: agent, on_failure: end}, next: end}",
    ],
)
def test_the_schema_refuses_what_an_editor_should_mark(body: str) -> None:
    assert faults(yaml.safe_load(node(body))) != []
