"""Workflows."""

from typing import Any, Literal

from pydantic import Field

from infrastructure.rest.schemas.wire import Text, Wire, example

YAML = """name: short_brief@1
title: A brief, and a shorter one
inputs:
  topic: {about: What it is about.}
start: write
nodes:
  write:
    type: agent
    agent: synthesizer
    task: "Write about {{ inputs.topic }} from the sources."
    next: end
  end:
    type: exit
    output: {text: "{{ nodes.write.text }}"}
"""
Written = dict[str, Any]


class FitsOut(Wire):
    complexity: list[str]
    kinds: list[str]
    sources: int
    because: str


class InputOut(Wire):
    about: str
    required: bool
    default: Any


class WorkflowOut(Wire):
    """Without version and digest it is a file that was never usable; `fault` says why."""

    name: str
    version: int | None
    title: str
    description: str
    origin: Literal["built_in", "shipped", "own"]
    digest: str | None = Field(description="Of the graph that holds; its ETag.")
    fits: FitsOut | None = Field(description="Which tasks it is chosen for by itself.")
    inputs: dict[str, InputOut]
    fault: str | None = Field(
        description="Why what the file says now cannot be used, or what it names is not there. "
        "What it said before holds until then."
    )


class WorkflowWholeOut(WorkflowOut):
    yaml: str = Field(description="As it was written; empty for what is built in.")
    graph: Written | None = Field(description="What holds, without what is as it would be anyway.")


class WorkflowBody(Wire):
    model_config = example(name="short_brief", yaml=YAML)
    name: str = Field(pattern=r"^[a-z][a-z0-9_-]{0,59}$", description="As `name` in the YAML, without its version.")
    yaml: Text


class YamlBody(Wire):
    model_config = example(yaml=YAML)
    yaml: Text


class WorkflowFaultOut(Wire):
    line: int
    field: str
    message: str


class ValidationOut(Wire):
    model_config = example(
        ok=False, faults=[{"line": 9, "field": "nodes.write.next", "message": "there is no node 'ende'"}]
    )
    ok: bool
    faults: list[WorkflowFaultOut]


class WorkflowRunBody(Wire):
    model_config = example(project_id="prj_06b2x", inputs={"topic": "the lift"})
    project_id: str = Field(max_length=100)
    inputs: dict[str, Any] = Field(default_factory=dict, description="As the workflow's `inputs` say.")


class PinnedOut(Wire):
    name: str
    digest: str
    graph: Written
