"""Named questions: why, impact, since, unchecked, about. Answered by code, for a project, an agent or the workspace."""

from services.desk import Command, Desk
from services.graph_questions import GraphQuestions, Kind
from services.ports.views import Graphs, Streams
from services.questions import about, impact, since, unchecked, why
from services.questions.answer import Answer
from services.questions.scope import Scope


class NamedQuestions:
    """Each raises NotFound for ids that are not the caller's, or not in what is asked."""

    def __init__(self, desk: Desk, graphs: Graphs, streams: Streams, questions: GraphQuestions) -> None:
        self._desk, self._graphs, self._streams, self._questions = desk, graphs, streams, questions

    async def why(self, command: Command, kind: Kind, id: str, node: str, limit: int) -> Answer:
        return await why.why(await self._scope(command, kind, id), node, limit)

    async def impact(self, command: Command, kind: Kind, id: str, node: str, limit: int) -> Answer:
        return await impact.impact(await self._scope(command, kind, id), node, limit)

    async def since(self, command: Command, kind: Kind, id: str, when: str, limit: int) -> Answer:
        """Raises Invalid unless `when` is a time, an event's number or a run."""
        return await since.since(await self._scope(command, kind, id), self._streams, when, limit)

    async def unchecked(self, command: Command, kind: Kind, id: str, limit: int) -> Answer:
        return await unchecked.unchecked(await self._scope(command, kind, id), limit)

    async def about(self, command: Command, kind: Kind, id: str, topic: str, limit: int) -> Answer:
        """Raises Invalid for what cannot be a topic."""
        return await about.about(await self._scope(command, kind, id), topic, limit)

    async def _scope(self, command: Command, kind: Kind, id: str) -> Scope:
        await self._questions.check(command, kind, id)
        return Scope(
            store=self._desk.store,
            graphs=self._graphs,
            workspace_id=command.principal.workspace_id,
            project_id=id if kind == "project" else None,
            agent=id if kind == "agent" else None,
        )
