"""Turns of a conversation, filed with whatever says them."""

from pydantic import JsonValue

from domain.conversation import Turn
from domain.run import Run, RunResult
from services.unit_of_work import UnitOfWork

CONVERSATION = "turn@1"  # the graph by which the manager answers


def say(uow: UnitOfWork, turn: Turn) -> None:
    uow.put(turn)
    uow.happened("turn.said", turn.id, project_id=scope_of(turn), data=_told(turn))


async def close(uow: UnitOfWork, run: Run, result: RunResult, reason: str) -> None:
    """A run that was to answer has ended: a turn that it leaves unsaid has failed."""
    turn = await uow.seek(Turn, str(run.inputs.get("turn_id", "")))
    if turn is not None and turn.state == "thinking":
        cancelled = "It was cancelled before it was answered." if result == "cancelled" else ""
        say(uow, turn.failed(cancelled or reason or "It could not be answered."))


def scope_of(turn: Turn) -> str:
    """What its run counts for: the project, else the workspace."""
    return turn.project_id or turn.workspace_id


def _told(turn: Turn) -> dict[str, JsonValue]:
    proposals: list[JsonValue] = [{"id": p.id, "kind": p.kind, "title": p.title} for p in turn.proposals]
    cited: list[JsonValue] = [{"artifact_id": c.artifact_id, "digest": c.digest} for c in turn.citations]
    return {
        "role": turn.role,
        "state": turn.state,
        "answers": turn.answers,
        "turn_run_id": turn.run_id,
        "characters": len(turn.text),
        "cited": cited,
        "proposals": proposals,
    }
