"""The inbox: what waits for a person."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.responses import PlainTextResponse

from domain.errors import NotFound
from domain.inbox import InboxItem
from infrastructure.container import Container
from infrastructure.rest import identifiers, presenters, schemas
from infrastructure.rest.access import Caller, Paged, Parts, Poster
from infrastructure.rest.paging import Listed
from services.desk import Command
from services.forms import Filling
from services.work_orders import Answer

router = APIRouter(tags=["inbox"])


@router.get("/v1/inbox", summary="What waits for you", operation_id="list_inbox")
async def page(
    caller: Caller,
    parts: Parts,
    paged: Paged,
    state: Annotated[Literal["open", "answered", "withdrawn"], Query(description="Only these.")] = "open",
) -> Listed[schemas.InboxOut]:
    found = await parts.work_orders().inbox(caller, paged.cursor, paged.more, state)
    shown, cursor = paged.cut(found)
    return Listed(items=[await _presented(caller, parts, item) for item in shown], next_cursor=cursor)


@router.get("/v1/inbox/{item_id}", summary="One item", operation_id="get_inbox_item")
async def get(caller: Caller, parts: Parts, item_id: identifiers.Item) -> schemas.InboxOut:
    return await _presented(caller, parts, await parts.desk().get(caller, InboxItem, item_id))


@router.get(
    "/v1/inbox/{item_id}/draft",
    summary="The draft that an item is about",
    operation_id="get_draft",
    response_class=PlainTextResponse,
)
async def draft(caller: Caller, parts: Parts, item_id: identifiers.Item) -> PlainTextResponse:
    item = await parts.desk().get(caller, InboxItem, item_id)
    if item.draft is None:
        raise NotFound("draft of the inbox item", item_id)
    _, body = await parts.artifacts().draft(caller, item.draft)
    return PlainTextResponse(body.decode("utf-8", "replace"))


@router.post("/v1/inbox/{item_id}/answer", summary="Answer an item", operation_id="answer_inbox")
async def answer(caller: Poster, parts: Parts, item_id: identifiers.Item, body: schemas.AnswerBody) -> schemas.InboxOut:
    """An approval: `approve`, `reject`. Work: `hand_in` with `text`. A task that needs attention: `accept` its draft
    as it is, `retry` with a hint, or `discard`. A form: `fill_in` with `answers` or `markdown`. A budget that is used
    up: `raise` it to a new `cap`, or `stop` what waits for it. With any of them you may say the `minutes` that you
    worked."""
    await parts.desk().get(caller, InboxItem, item_id)
    stored = await parts.intake().text(caller.principal.workspace_id, body.text) if body.text.strip() else None
    given = Answer(
        action=body.action,
        hint=body.hint,
        title=body.title,
        handed_in=stored,
        filling=Filling(answers=body.answers, markdown=body.markdown),
        cap=body.cap,
        minutes=body.minutes,
    )
    return await _presented(caller, parts, await parts.work_orders().answer(caller, item_id, given))


async def _presented(caller: Command, parts: Container, item: InboxItem) -> schemas.InboxOut:
    return presenters.inbox(item, await parts.forms().asked(caller, item))
