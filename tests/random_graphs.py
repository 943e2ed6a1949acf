"""AgentGraphs drawn from a seed: valid ones, with every kind of node. Edges lead forward, loops lead anywhere on the
main line, also into each other; branches lie between their router and its join, also within each other."""

import random
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from domain.agent_graph import AgentGraph
from domain.run import RunResult

RESULTS: tuple[RunResult, ...] = ("succeeded", "partial", "failed", "cancelled")
FIELDS = ("flag", "passed", "ask", "action", "digest", "nowhere", "deep.flag", "deep.list.1", "score", "labels")
LISTS = ("inputs.items", "inputs.items", "inputs.many", "inputs.flag", "n0.deep.list", "n1.labels")
LABELS = ("a", "b", "c", "d")
PARTS = ("agent", "model", "tool", "workflow", "delegate")
KINDS = (
    *("agent", "agent", "check", "supervise", "loop", "loop", "human", "human", "workflow", "model", "tool"),
    *("transform", "gate", "router", "wait", "fan_out", "fan_out", "fan_out", "delegate", "branches", "branches"),
)
SPREADING = ("branches", "branches", "branches", "fan_out", "gate", "loop", "agent")
BRANCH = tuple(kind for kind in KINDS if kind != "branches")


def random_graph(rng: random.Random) -> AgentGraph:
    work = rng.randint(1, 9)
    exits = rng.randint(1, 3)
    ids = [f"n{i}" for i in range(work + exits)]
    draw = _Draw(rng, ids, ids[work:])
    kinds = rng.choice([KINDS, SPREADING])
    for i, id in enumerate(ids[:work]):
        draw.node(rng.choice(kinds), id, ids[i + 1 : i + 4], ids[:work])
    for id in ids[work:]:
        draw.exit(id)
    rng.shuffle(draw.nodes)
    start = ids[0] if rng.random() < 0.8 else rng.choice(ids)
    return AgentGraph.model_validate({"name": "random@1", "start": start, "nodes": draw.nodes})


def agent_graphs() -> st.SearchStrategy[AgentGraph]:
    return st.randoms(use_true_random=False).map(random_graph)


class _Draw:
    """`ids` are those of the main line, `exits` the last of them."""

    def __init__(self, rng: random.Random, ids: Sequence[str], exits: Sequence[str]) -> None:
        self.rng, self.ids, self.exits = rng, ids, exits
        self.nodes: list[dict[str, Any]] = []
        self._loops = 0

    def node(self, kind: str, id: str, later: Sequence[str], back: Sequence[str]) -> None:
        """A node that leads to one of `later`; a loop leads back to one of `back`."""
        self._loops += kind == "loop"
        if kind == "branches":
            self.branches(id, self._one(later))
        elif kind == "loop" and self._loops <= 4:
            self._add(id, type="loop", next=self._one(later), **self._loop(later, back))
        else:
            kind = "check" if kind == "loop" else kind
            onward = {} if kind == "router" else {"next": self._one(later)}
            self._add(id, type=kind, **onward, **self._fields(kind, later))

    def branches(self, id: str, after: str, outer: str | None = None) -> None:
        """A router with many labels, its branches (two labels may share one, or have none), and their join."""
        join = outer or f"{id}_join"
        heads = [join]
        for b in range(self.rng.randint(1, 3)):
            chain = [f"{id}_{b}{k}" for k in range(self.rng.randint(1, 3))]
            heads.append(chain[0])
            for k, name in enumerate(chain):
                onward = [*chain[k + 1 : k + 2], join]
                if outer is None and self.rng.random() < 0.3:
                    self.branches(name, onward[0], self._one([join, f"{name}_join"]))
                else:
                    self.node(self._one(BRANCH), name, onward, chain[: k + 1])
        labels = {label: self._one(heads) for label in self.rng.sample(LABELS, self.rng.randint(2, 4))}
        chosen = self._choice([join]) | self._one([{}, {"ask": "", "by": "inputs.labels"}])
        self._add(id, type="router", labels=labels, many=True, join=join, **chosen)
        if outer is None or outer == f"{id}_join":
            self._add(join, type="join", next=after)

    def exit(self, id: str) -> None:
        result = self._one(RESULTS)
        result_from = self._one([None, None, f"{self._one(self.ids)}.result"])
        self._add(
            id,
            type="exit",
            result=result,
            result_from=result_from,
            reason_from=self._one([None, f"{self._one(self.ids)}.reason"]),
            publish=result == "succeeded" and result_from is None and self.rng.random() < 0.8,
            output={"a": self._reference()},
        )

    def _add(self, id: str, **fields: Any) -> None:
        self.nodes.append({"id": id, **fields})

    def _fields(self, kind: str, later: Sequence[str]) -> dict[str, Any]:
        rng, failing = self.rng, self._failing(later)
        match kind:
            case "check":
                return {"handler": "look@1", **failing}
            case "supervise":
                return {"handler": "watch@1"}
            case "wait":
                return {"seconds": self._one([0.5, 60])}
            case "gate":
                asked = {"when": self._expression()} if rng.random() < 0.5 else {"judge": "Is it good?"}
                return {**asked, **failing, "otherwise": self._one(later)}
            case "router":
                labels = {label: self._one(later) for label in rng.sample(LABELS, rng.randint(1, 4))}
                return {"labels": labels, **self._choice(later)}
            case "human":
                when, reject = self._one([None, self._expression()]), self._one([None, *later])
                asked = self._one([{}, {}, {"kind": "form", "form": "Of {{ inputs.digest }}"}])
                return {"title": f"Say {self._reference()}", "when": when, "on_reject": reject, **asked, **failing}
            case "fan_out":
                return {**self._fan_out(), **failing}
            case _:
                return {**self._part(kind), **failing}

    def _part(self, kind: str) -> dict[str, Any]:
        said, values = f"About {self._reference()} {{{{ inputs.flag }}}}", {"a": self._reference(), "b": [1, "two"]}
        match kind:
            case "agent" | "model":
                own = {"task": said} if kind == "agent" else {"prompt": said, "gives": {"vote": {"choices": ["x"]}}}
                return {"retries": self.rng.randint(0, 3), "retry_after": self._one([0.0, 5.0]), **own}
            case "tool":
                return {"tool": "search", "arguments": values}
            case "transform":
                return {"function": "count@1", "arguments": values}
            case "delegate":
                return {"agent": "critic", "task": said}
            case _:
                return {"graph": "other@1", "inputs": values}

    def _fan_out(self) -> dict[str, Any]:
        kind = self._one(PARTS)
        times = {"over": self._one(LISTS)} if self.rng.random() < 0.5 else {"copies": self._one([1, 2, 2, 3, 3, 4, 20])}
        do = {"type": kind, **self._part(kind), "timeout": self._one([None, None, 4])}
        join = self._one(["all", "all", "first", "majority", "best"])
        least = self._one([None, 1, 2]) if join == "all" else None
        return {**times, "do": do, "join": join, "least": least, "vote": "digest"}

    def _loop(self, later: Sequence[str], back: Sequence[str]) -> dict[str, Any]:
        watch, limit = self._one([None, self._path()]), self.rng.randint(0, 3)
        until, exhausted = self._expression(), self._one(later)
        return {"back_to": self._one(back), "until": until, "limit": limit, "watch": watch, "exhausted": exhausted}

    def _choice(self, later: Sequence[str]) -> dict[str, Any]:
        asked = {"by": self._path()} if self.rng.random() < 0.5 else {"ask": "Which?"}
        return {**asked, "otherwise": self._one([None, *later]), **self._failing(later)}

    def _failing(self, later: Sequence[str]) -> dict[str, Any]:
        return {"on_failure": self._one([None, *later, *self.exits[-1:]]), "timeout": self._one([None, None, 2, 100])}

    def _expression(self, depth: int = 0) -> dict[str, Any]:
        kind = self._one(["condition", "condition", "all", "any", "not"] if depth < 2 else ["condition"])
        if kind == "condition":
            op = self._one(["eq", "eq", "ne", "lt", "ge", "in", "has"])
            return {"path": self._path(), "op": op, "value": self._one([True, None, "a", 2, ["a", 1]])}
        parts = [self._expression(depth + 1) for _ in range(self.rng.randint(1, 3))]
        return {kind: parts[0] if kind == "not" else parts}

    def _path(self) -> str:
        return f"{self._one([*self.ids, 'inputs'])}.{self._one(FIELDS)}"

    def _reference(self) -> str:
        return f"{{{{ {self._path()} }}}}"

    def _one(self, things: Sequence[Any]) -> Any:
        return self.rng.choice(things)
