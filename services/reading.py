"""Reading a version as people do: its text, and the passages that it cites."""

import json
from collections.abc import Mapping, Sequence

from domain.artifact import COGNITIVE, HANDED_OVER, Citation, Version
from domain.form import Form
from services import filing
from services.ports.content import Content
from services.ports.store import Store
from services.work.legend import without_legend

Cited = dict[str, tuple[str, str, str]]
"""A label like `S1`, and (artifact id, title, the passage's text)."""


async def text_of(content: Content, version: Version) -> str:
    """Markdown or plain text; of other formats the text that was read out of them."""
    if version.media_type in ("text/markdown", "text/plain"):
        found = await content.get(version.workspace_id, version.digest)
        return without_legend(found.decode("utf-8", "replace"))
    return "\n\n".join(await filing.passages_of(content, version))


async def form_in(content: Content, version: Version) -> Form | None:
    """The form that a version is; None where it is something else."""
    if version.media_type != "application/json" or version.kind not in COGNITIVE - HANDED_OVER:
        return None
    try:
        return Form.of(version.kind, json.loads(await content.get(version.workspace_id, version.digest)))
    except (ValueError, RecursionError):
        return None


async def cited(store: Store, content: Content, version: Version, titles: Mapping[str, str]) -> Cited:
    """What each label stands for; an artifact without a title keeps its id."""
    return await quoted(store, content, version.workspace_id, version.citations, titles)


async def quoted(
    store: Store, content: Content, workspace: str, citations: Sequence[Citation], titles: Mapping[str, str]
) -> Cited:
    """As `cited`, of what stands in no version."""
    found: Cited = {}
    read: dict[tuple[str, str], tuple[str, ...]] = {}
    for citation in citations:
        key = citation.artifact_id, citation.digest
        if key not in read:
            read[key] = await _passages(store, content, workspace, *key)
        if citation.ordinal < len(read[key]):
            title = titles.get(citation.artifact_id, citation.artifact_id)
            found[citation.label] = (citation.artifact_id, title, read[key][citation.ordinal])
    return found


async def _passages(store: Store, content: Content, workspace: str, artifact_id: str, digest: str) -> tuple[str, ...]:
    where = {"artifact_id": artifact_id, "state": "published"}
    versions = [each for each in await store.find(Version, workspace, where=where) if each.digest == digest]
    return await filing.passages_of(content, versions[0]) if versions else ()
