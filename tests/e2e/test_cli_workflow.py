"""`caseworks workflow`: reading, checking, drawing, comparing, running; in files without a program."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.own_workflows import SMALL, of
from tests.e2e.rest_client import Running, server
from tests.e2e.test_cli import caseworks
from tests.e2e.test_cli_bad_input import only, refused

LATE = """
import json, sys
from infrastructure.cli.main import main
try:
    main(sys.argv[1:])
except SystemExit as ended:
    print(json.dumps([ended.code, sorted({name.partition(".")[0] for name in sys.modules})]), file=sys.stderr)
"""
HEAVY = ("litellm", "sqlalchemy", "fastapi", "httpx", "networkx", "uvicorn", "smolagents")


@pytest.fixture(scope="module")
def mine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("files") / "small.yaml"
    path.write_text(SMALL)
    return path


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def served(data: Path) -> Iterator[Running]:
    with server(data) as running:
        rest = running.rest
        assert rest.post("/v1/workflows", json={"name": "small", "yaml": SMALL}).status_code == 201
        rest.source(rest.project("Brief me on the lift"))
        yield running


# files


def test_a_file_is_checked_and_drawn_without_a_program(tmp_path: Path, mine: Path) -> None:
    data = tmp_path / "data"
    checked = caseworks(data, "workflow", "validate", str(mine))
    assert (checked.code, checked.out) == (0, f"{mine} is a workflow: small@1, 2 nodes.\n")
    assert caseworks(data, "workflow", "validate", str(mine), "--json").json == {"ok": True, "faults": []}
    drawn = caseworks(data, "workflow", "render", str(mine))
    assert drawn.out.splitlines()[1:] == ["* write (agent, synthesizer)  → end", "  end (exit, succeeded)"]
    picture = caseworks(data, "workflow", "render", str(mine), "--format", "mermaid")
    assert picture.out.startswith("flowchart TD\n")
    assert not data.exists()


@pytest.mark.parametrize("command", ["validate", "render", "diff"])
def test_files_load_nothing_heavy(tmp_path: Path, mine: Path, command: str) -> None:
    words = ["--data-dir", str(tmp_path), "workflow", command, str(mine), *([str(mine)] if command == "diff" else [])]
    done = subprocess.run(
        [sys.executable, "-c", LATE, *words], capture_output=True, text=True, timeout=60, env={**os.environ}
    )
    assert done.stderr.startswith("[0, "), done.stderr
    assert not [name for name in HEAVY if f'"{name}"' in done.stderr]


def test_all_that_is_wrong_with_a_file_is_said_with_file_line_and_field(tmp_path: Path) -> None:
    path = tmp_path / "odd.yaml"
    path.write_text(SMALL.replace("next: end", "nxt: end").replace("agent: synthesizer", "agent: [x]"))
    done = caseworks(tmp_path / "data", "workflow", "validate", str(path))
    assert done.code == 3 and done.out == ""
    assert done.err.splitlines() == [
        f"{path}, line 6, nodes.write.next: is missing.",
        f"{path}, line 8, nodes.write.agent: must be a text.",
        f"{path}, line 10, nodes.write.nxt: is not known here (did you mean 'next'?).",
    ]
    told = caseworks(tmp_path / "data", "workflow", "validate", str(path), "--json")
    assert told.code == 3 and [fault["line"] for fault in told.json["faults"]] == [6, 8, 10]
    only(caseworks(tmp_path / "data", "workflow", "render", str(path)), 3, str(path), "line 6", "(and 2 more)")


def test_what_a_file_names_is_looked_for_in_the_data_directory(tmp_path: Path) -> None:
    path = tmp_path / "outer.yaml"
    path.write_text(of("outer", "  one: {type: workflow, graph: inner, next: end}\n"))
    only(caseworks(tmp_path / "data", "workflow", "validate", str(path)), 3, "line 5", "there is no workflow 'inner'")
    (tmp_path / "data" / "workflows").mkdir(parents=True)
    (tmp_path / "data" / "workflows" / "inner.yaml").write_text(SMALL.replace("small@1", "inner@1"))
    assert caseworks(tmp_path / "data", "workflow", "validate", str(path)).code == 0


def test_arguments_that_a_tool_refuses_are_told_before_it_runs(tmp_path: Path) -> None:
    path = tmp_path / "looks.yaml"
    looks = "  one: {type: tool, tool: search_case_file, arguments: {%s}, next: end}\n"
    path.write_text(of("looks", looks % "quary: pump, most: many"))
    told = caseworks(tmp_path / "data", "workflow", "validate", str(path), "--json").json["faults"]
    assert [(fault["field"], fault["message"]) for fault in told] == [
        ("nodes.one.arguments.quary", "search_case_file takes no 'quary'; it takes query, most"),
        ("nodes.one.arguments", "search_case_file needs 'query'"),
        ("nodes.one.arguments.most", "'many' is not of type 'integer'"),
    ]
    path.write_text(
        of("looks", looks % 'query: "{{ nodes.two.text }}", most: "{{ nodes.two.n }}"').replace("two", "one")
    )
    again = caseworks(tmp_path / "data", "workflow", "validate", str(path), "--json").json["faults"]
    assert not [fault for fault in again if "search_case_file" in fault["message"] or "integer" in fault["message"]]


def test_the_example_gives_the_one_view_that_there_is(served: Running, data: Path) -> None:
    text = (Path(__file__).parents[2] / "docs" / "how-to" / "two_views.yaml").read_text()
    assert served.rest.post("/v1/workflows", json={"name": "two_views", "yaml": text}).status_code == 201
    words = ["--input", "topic=the lift", "--input", 'agents:=["nobody", "critic"]']
    done = caseworks(data, "workflow", "run", "two_views", *words)
    assert "lift" in done.out and "null" not in done.out and "ended partial" in done.err


def test_a_file_that_is_not_there_is_wrong_usage(tmp_path: Path) -> None:
    for command in ("validate", "render"):
        only(caseworks(tmp_path / "data", "workflow", command, "./nowhere.yaml"), 2, "There is no file", "nowhere.yaml")


def test_two_files_are_compared_by_what_they_mean(tmp_path: Path, mine: Path) -> None:
    same, other = tmp_path / "same.yaml", tmp_path / "other.yaml"
    same.write_text("# a comment\n" + SMALL.replace("type: exit", "type: exit\n    result: succeeded"))
    other.write_text(SMALL.replace("two sentences", "ten sentences"))
    assert "are the same workflow" in caseworks(tmp_path, "workflow", "diff", str(mine), str(same)).out
    lines = caseworks(tmp_path, "workflow", "diff", str(mine), str(other)).out.splitlines()
    changed = [line for line in lines if line[0] in "+-"][2:]
    assert len(changed) == 2 and "two sentences" in changed[0] and "ten sentences" in changed[1]


# with a program


def test_those_that_there_are_are_listed_and_shown(served: Running, data: Path) -> None:
    (data / "workflows" / "broken.yaml").write_text("name: [")
    listed = caseworks(data, "workflow")
    assert "small" in listed.out and "yours" in listed.out and "judge_panel" in listed.out
    assert any(line.startswith("broken: ") and "broken.yaml, line 1" in line for line in listed.out.splitlines())
    (data / "workflows" / "broken.yaml").unlink()
    assert caseworks(data, "workflow", "list", "--json").json["items"][0]["name"] == "draft_critique_revise"
    shown = caseworks(data, "workflow", "show", "small").out
    assert "small@1" in shown and "  start: write" in shown
    assert caseworks(data, "workflow", "show", "small", "--json").json["yaml"] == SMALL
    only(caseworks(data, "workflow", "show", "nothing"), 2, "There is no workflow nothing")
    only(caseworks(data, "workflow", "show", "../projects"), 2, "is not an id")


def test_a_broken_one_is_told_once_in_the_list_and_nowhere_else(tmp_path: Path, mine: Path) -> None:
    data = tmp_path / "data"
    (data / "workflows").mkdir(parents=True)
    (data / "workflows" / "broken.yaml").write_text("name: [")
    (data / "workflows" / "stray.yaml").write_text(SMALL.replace("small@1", "stray@1").replace("synthesizer", "nobody"))
    listed = caseworks(data, "workflow", "list")
    assert listed.out.count("broken.yaml, line 1, ") == 1 and listed.err == ""
    assert f"stray: {data / 'workflows' / 'stray.yaml'}, line 8, nodes.write.agent: there is no agent" in listed.out
    for words in (("workflow", "validate", str(mine)), ("chat", "-m", "hi"), ("workflow", "list", "--json")):
        done = caseworks(data, *words)
        assert done.code == 0 and "broken" not in done.err and "{" not in done.err


def test_one_is_run_and_what_it_gives_is_printed(served: Running, data: Path, tmp_path: Path) -> None:
    topic = tmp_path / "topic.txt"
    topic.write_text("the lift")
    done = caseworks(data, "workflow", "run", "small", "--input", f"topic=@{topic}")
    assert done.code == 0 and "400 kg" in done.out
    run = caseworks(data, "workflow", "run", "small", "--input", 'topic:="the lift"', "--json").json
    assert run["result"] == "succeeded" and run["output"]["topic"] == "the lift"
    refused(caseworks(data, "workflow", "run", "small"), 2, "The input topic is missing")
    only(caseworks(data, "workflow", "run", "small", "--input", "topic"), 2, "NAME=TEXT")
    changed = SMALL.replace("small@1", "small@2")
    assert served.rest.put("/v1/workflows/small", json={"yaml": changed}).status_code == 200
    lines = caseworks(data, "workflow", "diff", run["id"], "small").out.splitlines()
    assert "-name: small@1" in lines and "+name: small@2" in lines


def test_one_that_waits_for_a_person_says_so_and_one_that_fails_says_why(served: Running, data: Path) -> None:
    for name, nodes in (
        ("asks", "  one: {type: human, title: Go on, next: end}\n"),
        ("fails", "  one: {type: transform, function: count@1, next: end}\n"),
    ):
        assert served.rest.post("/v1/workflows", json={"name": name, "yaml": of(name, nodes)}).status_code == 201
    waits = caseworks(data, "workflow", "run", "asks")
    assert waits.code == 1 and "Waits for you: Go on" in waits.err and "caseworks inbox answer inb_" in waits.err
    fails = caseworks(data, "workflow", "run", "fails")
    assert fails.code == 1 and "ended failed: It needs a list `of`." in fails.err


def test_one_that_only_waits_for_time_is_followed_to_its_end_whatever_else_is_in_the_inbox(
    served: Running, data: Path
) -> None:
    for name, nodes in (
        ("stuck", "  one: {type: human, title: Nobody answers this, next: end}\n"),
        ("pauses", "  one: {type: wait, seconds: 2, next: end}\n"),
    ):
        assert served.rest.post("/v1/workflows", json={"name": name, "yaml": of(name, nodes)}).status_code == 201
    assert caseworks(data, "workflow", "run", "stuck").code == 1
    done = caseworks(data, "workflow", "run", "pauses")
    assert done.code == 0 and "Nobody answers this" not in done.err
