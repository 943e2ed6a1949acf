"""What a run gave, for readers: texts that are held as content stand there as texts."""

from pydantic import JsonValue

from domain.run import Run
from services.ports.content import Content, ContentMissing

MOST = 200_000
CUT = "… (the rest is left out here)"


async def readable(content: Content, run: Run) -> dict[str, JsonValue] | None:
    """The output of a run that has ended, of texts at most 200,000 characters in all; None before."""
    if run.phase != "ended":
        return None
    reader = _Reader(content, run.workspace_id)
    return {name: await reader.read(value) for name, value in run.output.items()}


class _Reader:
    def __init__(self, content: Content, workspace_id: str) -> None:
        self._content, self._workspace_id = content, workspace_id
        self._left = MOST

    async def read(self, value: JsonValue) -> JsonValue:
        match value:
            case str():
                return self._taken(value)
            case list():
                return [await self.read(item) for item in value]
            case dict() if isinstance(digest := value.get("content"), str) and len(value) == 1:
                return self._taken(await self._text(digest))
            case dict():
                return {name: await self.read(item) for name, item in value.items()}
        return value

    async def _text(self, digest: str) -> str:
        try:
            return (await self._content.get(self._workspace_id, digest)).decode("utf-8", "replace")
        except ContentMissing as missing:
            return f"({missing})"

    def _taken(self, text: str) -> str:
        kept = text[: self._left]
        self._left -= len(kept)
        return kept if len(kept) == len(text) else f"{kept}{CUT}"
