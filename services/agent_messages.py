"""Looking at what agents of a project said to each other."""

from dataclasses import dataclass

from domain.message import SentMessage
from domain.project import Project
from services import post
from services.desk import Command, Desk

MOST_CHARACTERS = 2_000


@dataclass(frozen=True, kw_only=True)
class ReadMessage:
    """`text` is what it says; where that is long, its beginning."""

    message: SentMessage
    text: str


class AgentMessages:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def page(self, command: Command, project_id: str, after: str, limit: int) -> list[ReadMessage]:
        """Newest first. Raises NotFound."""
        await self._desk.get(command, Project, project_id)
        found = await self._desk.store.find(
            SentMessage,
            command.principal.workspace_id,
            where={"project_id": project_id},
            after=after,
            limit=limit,
            newest_first=True,
        )
        return [ReadMessage(message=message, text=await self._text(message)) for message in found]

    async def _text(self, message: SentMessage) -> str:
        text = await post.words(self._desk.content, message)
        return text if len(text) <= MOST_CHARACTERS else text[:MOST_CHARACTERS].rstrip() + "…"
