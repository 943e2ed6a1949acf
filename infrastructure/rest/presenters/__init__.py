"""From what use cases give to what REST shows."""

from infrastructure.rest.presenters.artifacts import artifact, qa, refs, version
from infrastructure.rest.presenters.graphs import edge, graph, graph_answer
from infrastructure.rest.presenters.people import answering, inbox, recommendation, shortage, turn
from infrastructure.rest.presenters.runs import agent_message, call, project_of, run, usage
from infrastructure.rest.presenters.team import (
    agent,
    agent_whole,
    form,
    form_template,
    profile_template,
    template,
    workflow,
    workflow_whole,
)
from infrastructure.rest.presenters.work import member, plan, project, task

__all__ = [
    "agent",
    "agent_message",
    "agent_whole",
    "answering",
    "artifact",
    "call",
    "edge",
    "form",
    "form_template",
    "graph",
    "graph_answer",
    "inbox",
    "member",
    "plan",
    "profile_template",
    "project",
    "project_of",
    "qa",
    "recommendation",
    "refs",
    "run",
    "shortage",
    "task",
    "template",
    "turn",
    "usage",
    "version",
    "workflow",
    "workflow_whole",
]
