"""The AgentGraphs that ship. `project` is the manager's; `task` and `work` carry one attempt at a task by an agent or
a person, `fill` one at a form; `qa` checks one version; `replan` words a refused task anew."""

from domain.agent_graph import (
    AgentGraph,
    AgentNode,
    CheckNode,
    ChildNode,
    Condition,
    ExitNode,
    GateNode,
    HumanNode,
    LoopNode,
    SuperviseNode,
)
from domain.errors import NotFound
from domain.run import Limits

REJECTED = Condition(path="approve.action", op="ne", value="reject")
PASSED = Condition(path="qa.passed")
SAME_DRAFT = Condition(path="draft.stuck", op="gt", value="")
SAME_FINDINGS = Condition(path="qa.stuck", op="gt", value="")
REVISIONS = 2
PLAN_ROUNDS = 3
UNLIMITED = Limits(calls=None)
"""Of a frame: what it starts has limits of its own."""

PROJECT = AgentGraph(
    name="project@1",
    title="The manager's run",
    description="Plans the project, has the plan approved where that is wanted, starts what can start, reports.",
    start="plan",
    limits=UNLIMITED,
    nodes=(
        AgentNode(id="plan", handler="plan@1", next="approve"),
        HumanNode(
            id="approve",
            kind="approval",
            title="Approve the plan",
            detail_from="plan.summary",
            when=Condition(path="plan.ask"),
            next="agreed",
        ),
        LoopNode(id="agreed", back_to="plan", until=REJECTED, limit=PLAN_ROUNDS, next="schedule", exhausted="refused"),
        SuperviseNode(id="schedule", handler="schedule@1", next="report"),
        CheckNode(id="report", handler="report@1", next="end"),
        ExitNode(id="end", result_from="report.result", reason_from="report.reason"),
        ExitNode(id="refused", result="cancelled", reason_from="approve.hint"),
    ),
)

QA_INPUTS = {"version_id": "{{ draft.version_id }}", "task_id": "{{ inputs.task_id }}"}
TASK = AgentGraph(
    name="task@1",
    title="One attempt at a task",
    description="An agent writes, the result is checked, and revised at most twice.",
    start="draft",
    nodes=(
        AgentNode(id="draft", handler="draft@1", next="known"),
        GateNode(id="known", when=SAME_DRAFT, next="same_draft", otherwise="qa"),
        ChildNode(id="qa", graph="qa@1", inputs=QA_INPUTS, next="moves"),
        GateNode(id="moves", when=SAME_FINDINGS, next="same_findings", otherwise="revise"),
        LoopNode(id="revise", back_to="draft", until=PASSED, limit=REVISIONS, next="done", exhausted="attention"),
        ExitNode(id="done", publish=True, output={"version_id": "{{ draft.version_id }}"}),
        ExitNode(
            id="attention",
            result="partial",
            reason_from="qa.reason",
            output={"version_id": "{{ draft.version_id }}", "findings": "{{ qa.findings }}"},
        ),
        ExitNode(
            id="same_draft",
            result="partial",
            reason_from="draft.stuck",
            output={"version_id": "{{ draft.version_id }}", "findings": "{{ qa.findings }}"},
        ),
        ExitNode(
            id="same_findings",
            result="partial",
            reason_from="qa.stuck",
            output={"version_id": "{{ draft.version_id }}", "findings": "{{ qa.findings }}"},
        ),
    ),
)

WORK = AgentGraph(
    name="work@1",
    title="A task for a person",
    description="Somebody hands something in; it is checked like everybody's work.",
    start="hand_in",
    nodes=(
        HumanNode(
            id="hand_in",
            kind="work",
            title="Work for you",
            title_from="inputs.title",
            detail_from="inputs.brief",
            findings_from="qa.findings",
            next="draft",
        ),
        CheckNode(id="draft", handler="take_in@1", next="qa"),
        ChildNode(id="qa", graph="qa@1", inputs=QA_INPUTS, next="revise"),
        LoopNode(id="revise", back_to="hand_in", until=PASSED, limit=REVISIONS, next="done", exhausted="attention"),
        ExitNode(id="done", publish=True, output={"version_id": "{{ draft.version_id }}"}),
        ExitNode(
            id="attention",
            result="partial",
            reason_from="qa.reason",
            output={"version_id": "{{ draft.version_id }}", "findings": "{{ qa.findings }}"},
        ),
    ),
)

FILL = AgentGraph(
    name="fill@1",
    title="A form for a person",
    description="Somebody fills a form in; what is required must be there.",
    start="hand_in",
    nodes=(
        HumanNode(
            id="hand_in",
            kind="form",
            form="{{ inputs.form }}",
            title="A form for you",
            title_from="inputs.title",
            detail_from="inputs.brief",
            findings_from="qa.findings",
            next="draft",
        ),
        *WORK.nodes[1:],
    ),
)

CRAFTED = AgentGraph(
    name="crafted@1",
    title="A task by a way of working",
    description="A workflow writes, the result is checked, and revised at most twice.",
    start="way",
    limits=UNLIMITED,
    nodes=(
        ChildNode(
            id="way",
            graph="{{ inputs.way }}",
            inputs={"agent": "{{ inputs.agent }}", "title": "{{ inputs.title }}", "brief": "{{ inputs.brief }}"},
            next="draft",
        ),
        AgentNode(id="draft", handler="craft@1", next="known"),
        *TASK.nodes[1:],
    ),
)

DELEGATED = AgentGraph(
    name="agent@1",
    title="What one agent asks of another",
    description="The agent answers a request or a delegation.",
    start="work",
    nodes=(
        AgentNode(id="work", agent="{{ inputs.agent }}", task="{{ inputs.task }}", next="end"),
        ExitNode(
            id="end",
            output={
                "text": "{{ work.text }}",
                "citations": "{{ work.citations }}",
                "model": "{{ work.model }}",
                "rehearsed": "{{ work.rehearsed }}",
            },
        ),
    ),
)

QA = AgentGraph(
    name="qa@1",
    title="A check",
    description="What code can decide, then what needs a reader who is not the author.",
    start="rules",
    nodes=(
        CheckNode(id="rules", handler="rules@1", next="judge"),
        AgentNode(id="judge", handler="judge@1", next="end"),
        ExitNode(
            id="end",
            output={
                "passed": "{{ judge.passed }}",
                "findings": "{{ judge.findings }}",
                "qa_id": "{{ judge.qa_id }}",
                "stuck": "{{ judge.stuck }}",
            },
            reason_from="judge.reason",
        ),
    ),
)

REPLAN = AgentGraph(
    name="replan@1",
    title="A task in other words",
    description="What its review refused is planned once more.",
    start="replan",
    nodes=(AgentNode(id="replan", handler="replan@1", next="end"), ExitNode(id="end")),
)

CONVERSATION = AgentGraph(
    name="turn@1",
    title="An answer in a conversation",
    description="The manager looks things up, remembers, proposes, answers.",
    start="look",
    limits=Limits(calls=10, seconds=900),
    nodes=(
        CheckNode(id="look", handler="look@1", next="remember"),
        AgentNode(id="remember", handler="remember@1", next="propose", on_failure="propose"),
        AgentNode(id="propose", handler="propose@1", next="answer", on_failure="answer"),
        AgentNode(id="answer", handler="converse@1", next="end"),
        ExitNode(id="end"),
    ),
)

SHIPPED = {graph.name: graph for graph in (PROJECT, TASK, CRAFTED, WORK, FILL, DELEGATED, QA, REPLAN, CONVERSATION)}


def shipped(name: str) -> AgentGraph:
    """Raises NotFound."""
    if name not in SHIPPED:
        raise NotFound("workflow", name)
    return SHIPPED[name]
