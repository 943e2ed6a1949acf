"""Texts of a workflow's nodes as they go into a prompt: references replaced, contents fetched, labels made to agree.

A node's text is content: its output holds `{"content": digest}`, and beside it the citations of the text.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import JsonValue, TypeAdapter

from domain.agent_graph import text_of
from domain.agent_graph.references import REFERENCE
from domain.artifact import Citation
from domain.ports.llm import Passage
from services.running.effects import EffectContext
from services.work.legend import LABEL

CITATIONS = TypeAdapter(tuple[Citation, ...])
MAX_TEXT = 60_000


@dataclass(kw_only=True)
class Teller:
    """Collects what a prompt cites while it is put together."""

    context: EffectContext
    passages: list[Passage] = field(default_factory=list)
    citations: list[Citation] = field(default_factory=list)

    async def told(self, template: str) -> str:
        """`template` with what its references name."""
        parts, end = [], 0
        for found in REFERENCE.finditer(template):
            parts += [template[end : found.start()], await self._value(found[1])]
            end = found.end()
        return "".join((*parts, template[end:]))[:MAX_TEXT]

    async def _value(self, path: str) -> str:
        value = self.context.look_up(path)
        if is_content(value):
            parent = self.context.look_up(path.rpartition(".")[0])
            return await self._text(value, parent)
        return await self._said(value)

    async def _said(self, value: JsonValue) -> str:
        """A node's whole output stands for its text, a list of them for all their texts."""
        match value:
            case Mapping() if isinstance(parts := value.get("parts"), list):
                return "".join([await self._said(part) for part in parts])
            case Mapping() if is_content(value.get("text")):
                return await self._text(value["text"], value)
            case list() if any(isinstance(item, Mapping) and is_content(item.get("text")) for item in value):
                said = [await self._said(item) for item in value if item is not None]
                return "\n\n".join(f"--- {number} ---\n{text}" for number, text in enumerate(said, 1))
            case list():
                return "\n".join(f"- {text_of(item)}" for item in value)
        return text_of(value)

    async def _text(self, content: JsonValue, output: JsonValue) -> str:
        assert isinstance(content, Mapping)
        text = (await self.context.content.get(self.context.run.workspace_id, str(content["content"]))).decode()
        cited = output.get("citations") if isinstance(output, Mapping) else None
        labels = {citation.label: await self._label(citation) for citation in CITATIONS.validate_python(cited or [])}
        return LABEL.sub(lambda found: _relabelled(found[1], labels), text)

    async def _label(self, citation: Citation) -> str:
        """The label that this prompt has for the passage; a new one where it has none."""
        place = (citation.artifact_id, citation.ordinal)
        for known in self.citations:
            if (known.artifact_id, known.ordinal) == place:
                return known.label
        label = f"S{len(self.citations) + 1}"
        self.citations.append(
            Citation(label=label, artifact_id=citation.artifact_id, digest=citation.digest, ordinal=citation.ordinal)
        )
        hits = await self.context.search.passages(self.context.run.workspace_id, citation.artifact_id)
        hit = next((hit for hit in hits if hit.ordinal == citation.ordinal), None)
        if hit is not None:
            self.passages.append(Passage(label=label, text=LABEL.sub("", hit.text), source=citation.artifact_id))
        return label


def is_content(value: Any) -> bool:
    return isinstance(value, Mapping) and isinstance(value.get("content"), str)


def cited(citations: Sequence[Citation]) -> list[JsonValue]:
    """Citations as a node's output holds them."""
    found: list[JsonValue] = CITATIONS.dump_python(tuple(citations), mode="json")
    return found


def _relabelled(group: str, labels: Mapping[str, str]) -> str:
    names = [labels.get(name.strip(), "") for name in re.split(r"[,;]", group)]
    kept = list(dict.fromkeys(name for name in names if name))
    return f"[{', '.join(kept)}]" if kept else ""
