"""Unchecked: what nobody judged, or not in full."""

from domain.artifact import Artifact, Checked
from services.questions.answer import Answer, Item, counted
from services.questions.scope import Scope
from services.work.briefing import UNJUDGED

OF_AGENT = 1000
"""How many of the newest are looked at for those of one agent."""


async def unchecked(scope: Scope, limit: int) -> Answer:
    """Newest first. What was handed over is not judged, and not told."""
    said, items = list[str](), list[Item]()
    more = False
    for way, words in UNJUDGED.items():
        found, truncated = await _found(scope, way, limit)
        more = more or truncated
        if found:
            verb = "is" if len(found) == 1 and not truncated else "are"
            said.append(f"{counted(len(found), 'artifact', more=truncated).capitalize()} {verb} {words}.")
        items += [_item(artifact, words) for artifact in found]
    return Answer(
        question="What did nobody judge in full?",
        answer=tuple(said) or ("Everything that was made here was judged in full.",),
        items=tuple(items[:limit]),
        truncated=more or len(items) > limit,
    )


async def _found(scope: Scope, way: Checked, limit: int) -> tuple[list[Artifact], bool]:
    where: dict[str, str] = {"checked": way} | ({"project_id": scope.project_id} if scope.project_id else {})
    most = limit + 1 if scope.agent is None else OF_AGENT
    found = await scope.store.find(Artifact, scope.workspace_id, where=where, limit=most, newest_first=True)
    more = len(found) == most
    touched = await scope.touched([artifact.id for artifact in found])
    kept = [artifact for artifact in found if artifact.id in touched]
    return kept[:limit], more or len(kept) > limit


def _item(artifact: Artifact, words: str) -> Item:
    open_ones = [item.text for item in artifact.qa.criteria if item.verdict == "unverified"] if artifact.qa else []
    detail = f"{words}: {'; '.join(open_ones)}"[:300] if open_ones else words
    return Item(id=artifact.id, kind=artifact.kind, label=artifact.title, detail=detail)
