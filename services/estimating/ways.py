"""The calls that a way of working makes: those of its nodes, on the cheapest way through it and on the dearest."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from domain.agent import Profile
from domain.agent_graph import (
    AgentGraph,
    AgentNode,
    ChildNode,
    DelegateNode,
    FanOutNode,
    GateNode,
    ModelNode,
    RequestNode,
    RouterNode,
    TransformNode,
    references_in,
)
from domain.agent_graph.extent import least, most
from domain.agent_graph.nodes import FAN_OUT, Node
from domain.errors import DomainError
from domain.estimate import Asked, Span, exactly
from domain.project import Project
from domain.routing import Choice
from domain.task import TaskSpec
from services.estimating import sizes
from services.estimating.house import House
from services.estimating.sizes import Source
from services.work.drafting import OVERHEAD, reply_tokens, shape_of
from services.work.steps import DECIDED, EXPECTED, MODEL_REPLY, usual_shape

PLAIN = 400  # words of an answer without a shape
ITEM = exactly(60)
DEEPEST = 3  # workflows in workflows


@dataclass(frozen=True, kw_only=True)
class Way:
    """One task on its way through `graph`; `known` is what may be put before its agents."""

    house: House
    project: Project
    spec: TaskSpec
    graph: AgentGraph
    sources: Sequence[Source]
    known: Span
    depth: int = 0
    unknown: list[str] = field(default_factory=list)

    def asked(self) -> list[Asked]:
        by_node = {node.id: self._asked(node) for node in self.graph.nodes}
        low = least(self.graph, lambda node: sum(asked.times.low for asked in by_node[node.id]))
        high = most(self.graph, lambda node: sum(asked.times.high for asked in by_node[node.id]))
        return [asked.often(Span(low[id], high[id])) for id, each in by_node.items() for asked in each]

    def _asked(self, node: Node) -> list[Asked]:
        match node:
            case FanOutNode():
                return [asked.often(self._width(node)) for asked in self._asked(node.do)]
            case AgentNode():
                return self._of_agent(node)
            case DelegateNode() | RequestNode():
                return self._by(self._agent(node.agent), self._told(getattr(node, "task", "")), None)
            case ModelNode():
                choice = self.house.choosing.plain("model", self.project.id)
                return [self._one(choice, "model", self._told(node.system + node.prompt), exactly(MODEL_REPLY))]
            case GateNode() if node.judge:
                return self._small("gate", node.judge, rehearsed=False)
            case RouterNode() if node.ask:
                return self._small("route", node.ask, rehearsed=True)
            case ChildNode():
                return self._of_child(node)
        return []

    def _of_agent(self, node: AgentNode) -> list[Asked]:
        profile = self._agent(node.agent)
        try:
            shape = shape_of(self.spec, profile.output(self.spec.expected[0].kind)) if node.makes == EXPECTED else None
            shape = usual_shape(profile.output(node.makes)) if node.makes and shape is None else shape
        except DomainError:
            shape = None
        words = shape.max_words if shape is not None and not node.gives else PLAIN
        return self._by(profile, self._told(node.task), words if shape else None, one=bool(node.reads_only))

    def _by(self, profile: Profile, told: Span, words: int | None, *, one: bool = False) -> list[Asked]:
        text = f"{self.spec.title} {self.spec.brief}"
        purpose = "draft" if words is not None else "answer"
        choice = self.house.choosing.choose(profile, purpose, self.project.id, text=text)
        model = self.house.describe(choice.alias)
        known = Span(0, max((source.tokens for source in self.sources), default=0)) if one else self.known
        taken = reply_tokens(words or PLAIN) + OVERHEAD
        given = sizes.given(profile, model, taken, known)
        prompt = sizes.of_text(profile.prompt + self.project.goal[:4_000]) + told + given
        reply = sizes.of_reply(words) if words is not None else Span(20, reply_tokens(PLAIN))
        return [self._one(choice, f"{self.graph.name}", prompt, reply)]

    def _small(self, purpose: str, asked: str, *, rehearsed: bool) -> list[Asked]:
        choice = self.house.choosing.plain(purpose, self.project.id)
        if self.house.describe(choice.alias).rehearsal and not rehearsed:
            return []
        return [self._one(choice, purpose, self._told(asked) + Span(60, 250), Span(5, DECIDED))]

    def _of_child(self, node: ChildNode) -> list[Asked]:
        name = node.graph.partition("@")[0]
        graph = self.house.workflows.get(name)
        if graph is None or self.depth >= DEEPEST:
            self.unknown.append(f"What the workflow {node.graph} that {self.graph.name} starts will cost is not known.")
            return []
        inner = Way(
            house=self.house, project=self.project, spec=self.spec, graph=graph, sources=self.sources,
            known=self.known, depth=self.depth + 1, unknown=self.unknown,
        )  # fmt: skip
        return inner.asked()

    def _width(self, node: FanOutNode) -> Span:
        if node.copies is not None:
            return exactly(node.copies)
        head = (node.over or "").removeprefix("nodes.").partition(".")[0]
        over = next((other for other in self.graph.nodes if other.id == head), None)
        if isinstance(over, TransformNode) and over.function == "sources@1":
            limit = over.arguments.get("most", FAN_OUT)
            return exactly(min(len(self.sources), limit if isinstance(limit, int) else FAN_OUT, FAN_OUT))
        return Span(node.least or 0, FAN_OUT)

    def _told(self, template: str) -> Span:
        return sizes.of_text(template) + sizes.summed([self._referred(path) for path in references_in(template)])

    def _referred(self, path: str) -> Span:
        head, _, rest = path.removeprefix("nodes.").partition(".")
        if head == "inputs":
            return sizes.of_text(str(getattr(self.spec, rest, "")))
        node = next((node for node in self.graph.nodes if node.id == head), None)
        if node is None:
            return ITEM
        size = Span(10, reply_tokens(self._most_words()))
        return size * self._width(node) if isinstance(node, FanOutNode) else size

    def _most_words(self) -> int:
        try:
            output = self._agent("").output(self.spec.expected[0].kind)
        except DomainError:
            return PLAIN
        return max(PLAIN, shape_of(self.spec, output).max_words)

    def _agent(self, name: str) -> Profile:
        """Who is named; whom the task is given to, where that is said only when it runs."""
        return self.house.staff.agent(self.spec.assignee.id if not name or "{{" in name else name)

    def _one(self, choice: Choice, purpose: str, prompt: Span, reply: Span) -> Asked:
        return Asked(alias=choice.alias, purpose=purpose, prompt=prompt, reply=reply)
