"""Runs, their calls and what agents told each other, as REST shows them."""

from pydantic import JsonValue

from domain.ids import kind_of
from domain.message import SentMessage
from domain.run import Run, Usage
from infrastructure.rest import schemas
from services.ports.store import RecordedCall


def usage(item: Usage) -> schemas.UsageOut:
    return schemas.UsageOut(
        input_tokens=item.input_tokens,
        output_tokens=item.output_tokens,
        money=item.money,
        calls=item.calls,
        seconds=round(item.seconds, 3),
    )


def project_of(scope: str | None) -> str | None:
    """What runs in the workspace's conversation belongs to no project."""
    return scope if scope is not None and kind_of(scope) == "project" else None


def run(item: Run, output: dict[str, JsonValue] | None = None) -> schemas.RunOut:
    return schemas.RunOut(
        id=item.id,
        project_id=project_of(item.project_id),
        parent_id=item.parent_id,
        root_id=item.root_id,
        task_id=item.task_id,
        workflow=item.graph,
        state=item.phase,
        result=item.result,
        reason=item.reason,
        output=output,
        attempt=item.attempt,
        created_at=item.created_at,
        started_at=item.started_at,
        ended_at=item.ended_at,
        usage=usage(item.usage),
    )


def call(item: RecordedCall) -> schemas.CallOut:
    return schemas.CallOut(
        key=item.key,
        state=item.state,
        purpose=item.purpose,
        agent=item.agent,
        alias=item.alias,
        reason=item.reason,
        left_out=item.left_out,
        rung=item.fit.rung,
        repairs=item.fit.repairs,
        asked=item.fit.asked,
        cached=item.cached,
        model=item.model,
        started_at=item.started_at,
        ended_at=item.ended_at,
        usage=usage(item.usage),
        error=item.error,
    )


def agent_message(item: SentMessage, text: str) -> schemas.AgentMessageOut:
    return schemas.AgentMessageOut(
        id=item.id,
        project_id=item.project_id,
        kind=item.kind,
        sender=item.sender,
        recipient=item.recipient,
        correlation=item.correlation,
        run_id=item.run_id,
        state=item.state,
        sent_at=item.sent_at,
        deadline=item.deadline,
        text=text,
    )
