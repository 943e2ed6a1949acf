"""The workflows that there are: built in, shipped as YAML, written by users."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Literal, Protocol

from domain.agent_graph import AgentGraph
from domain.errors import Conflict, Fault, Forbidden, Invalid, InvalidGraph, NotFound, VersionMoved
from services.canonical import digest_of_graph
from services.staff import Staff
from services.work.graphs import SHIPPED
from services.workflow_rules import BUILT_IN, bare, strangers

Origin = Literal["built_in", "shipped", "own"]
TAKEN = frozenset({"schema", "validate"})
"""Names that mean something else in addresses."""


class Shelf(Protocol):
    """Where workflows are kept, as files by name."""

    def all(self) -> Mapping[str, AgentGraph]:
        """Those that hold: a file that cannot be used any more counts as what it said before."""

    def faults(self) -> Mapping[str, str]:
        """Why a file cannot be used as it is now, in a sentence, by name."""

    def place(self, name: str) -> str:
        """Which file it is, in words."""

    def text(self, name: str) -> str:
        """The YAML as it is now. Raises KeyError."""

    def check(self, name: str, text: str) -> AgentGraph:
        """With a `name`, it must be of that name. Raises InvalidGraph with all faults."""

    def lines(self, text: str, fields: Sequence[str]) -> list[int]:
        """On which lines of a text that was checked the fields stand."""

    def keep(self, name: str, text: str) -> None:
        """Writes it as it is."""

    def remove(self, name: str) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Workflow:
    """`text` is what is written, `graph` what holds: they part where `fault` says that the text cannot be used. Then
    there may be no graph at all, and no digest."""

    name: str
    origin: Origin
    text: str
    graph: AgentGraph | None = None
    digest: str = ""
    fault: str = ""


class Shelves:
    """`shipped` are YAML files in the configuration; a user's own one of the same name takes its place."""

    def __init__(self, shipped: Shelf, own: Shelf, staff: Staff) -> None:
        self._shipped, self._own, self._staff = shipped, own, staff
        self._writing = Lock()

    def known(self) -> dict[str, AgentGraph]:
        """Ways of working by name, without those that are built in."""
        own = {name: graph for name, graph in self._own.all().items() if name not in BUILT_IN}
        return {**self._shipped.all(), **own}

    def graph(self, name: str) -> AgentGraph:
        """By name, with or without its version. Raises NotFound."""
        if bare(name) in BUILT_IN:
            found = SHIPPED.get(name) or SHIPPED.get(f"{name}@1")
        else:
            found = self.known().get(bare(name))
        if found is None or ("@" in name and found.name != name):
            raise NotFound("workflow", name)
        return found

    def get(self, name: str) -> Workflow:
        """Raises NotFound; a file that was never usable is there, with its fault and without a graph."""
        if bare(name) not in BUILT_IN and bare(name) not in self.known() and bare(name) in self._faults():
            return self._told(bare(name), None)
        return self._told(bare(name), self.graph(name))

    def all(self) -> list[Workflow]:
        """By name: users' own and those that ship, then those that are built in."""
        names = sorted({*self.known(), *self._faults()} - BUILT_IN)
        return [self.get(name) for name in (*names, *sorted(BUILT_IN))]

    def faults(self, text: str, name: str = "") -> list[Fault]:
        """All that is wrong with a workflow; with a `name`, that it is called so too."""
        try:
            self.check(text, name)
        except InvalidGraph as error:
            return list(error.faults)
        return []

    def check(self, text: str, name: str = "") -> AgentGraph:
        """Raises InvalidGraph with line and field, also where it refers to what is not here."""
        graph = self._own.check(name, text)
        if found := list(strangers(graph, self.known(), self._staff)):
            lines = self._own.lines(text, [field for field, _ in found])
            raise InvalidGraph([Fault(line, *stray) for line, stray in zip(lines, found, strict=True)])
        return graph

    def keep(self, name: str, text: str, expected: str | None = None) -> Workflow:
        """Writes a user's workflow in the place of the one that is there. Raises NotFound without one, VersionMoved
        when `expected` is not its digest."""
        if self.get(name).origin == "built_in":
            raise Forbidden(f"The workflow {name} is built in and cannot be changed; choose another name.")
        self.check(text, name)
        with self._writing:
            self._expect(name, expected)
            self._own.keep(name, text)
        return self.get(name)

    def add(self, name: str, text: str) -> Workflow:
        """Writes a user's workflow of a new name. Raises Conflict where there is one."""
        if name in BUILT_IN or name in TAKEN:
            raise Forbidden(f"The name {name} is taken by Caseworks itself; choose another.")
        self.check(text, name)
        with self._writing:
            if name in self.known() or name in self._own.faults():
                raise Conflict(f"There is a workflow {name} already; change it, or choose another name.")
            self._own.keep(name, text)
        return self.get(name)

    def remove(self, name: str, expected: str | None = None) -> None:
        """Runs that pinned it go on. Raises Forbidden for what ships, VersionMoved as `keep` does."""
        found = self.get(name)
        if found.origin != "own":
            raise Forbidden(f"The workflow {name} ships with Caseworks and cannot be removed; keep your own beside it.")
        with self._writing:
            self._expect(name, expected)
            self._own.remove(bare(name))

    def usable(self, name: str) -> AgentGraph:
        """One to start. Raises NotFound, Forbidden for what is built in, Invalid for what cannot be used."""
        found = self.get(name)
        if found.origin == "built_in":
            raise Forbidden(f"The workflow {name} is started by the manager only.")
        if found.graph is None:
            raise Invalid(f"The workflow {name} cannot be used: {found.fault}")
        if stray := next(strangers(found.graph, self.known(), self._staff), None):
            raise Invalid(f"The workflow {name} cannot be used: {stray[0]}: {stray[1]}.")
        return self.graph(name)

    def digest(self, name: str) -> str | None:
        """Of what holds under that name now."""
        graph = self.known().get(bare(name))
        return None if graph is None else digest_of_graph(graph)

    def own_text(self, name: str) -> str | None:
        """What a user's file says; None where there is none."""
        try:
            return self._own.text(bare(name))
        except KeyError:
            return None

    def put_back(self, name: str, text: str | None) -> None:
        if text is None:
            self._own.remove(name)
        else:
            self._own.keep(name, text)

    def _expect(self, name: str, digest: str | None) -> None:
        if digest is not None and self.get(name).digest != digest:
            raise VersionMoved("workflow", name)

    def _faults(self) -> dict[str, str]:
        return {**self._shipped.faults(), **self._own.faults()}

    def _told(self, name: str, graph: AgentGraph | None) -> Workflow:
        if name in BUILT_IN:
            assert graph is not None
            return Workflow(name=name, origin="built_in", text="", graph=graph, digest=digest_of_graph(graph))
        fault = self._faults().get(name, "")
        own = name in self._own.all() or (name in self._own.faults() and name not in self._shipped.all())
        shelf = self._own if own else self._shipped
        text = _text(shelf, name)
        origin: Origin = "own" if own else "shipped"
        if graph is None:
            return Workflow(name=name, origin=origin, text=text, fault=fault)
        stray = next(strangers(graph, self.known(), self._staff), None)
        if not fault and stray is not None:
            fault = f"{shelf.place(name)}, {Fault(shelf.lines(text, [stray[0]])[0], *stray)}."
        return Workflow(name=name, origin=origin, text=text, graph=graph, digest=digest_of_graph(graph), fault=fault)


def _text(shelf: Shelf, name: str) -> str:
    """Empty for a file that is not even called as a workflow, or was taken away a moment ago."""
    try:
        return shelf.text(name)
    except KeyError:
        return ""
