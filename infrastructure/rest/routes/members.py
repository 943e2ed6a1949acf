"""Who is on a project's team."""

from fastapi import APIRouter, Response

from infrastructure.rest import identifiers, presenters, schemas
from infrastructure.rest.access import Caller, Match, Paged, Parts, Poster, etag
from infrastructure.rest.paging import Listed

router = APIRouter(prefix="/v1/projects/{project_id}/members", tags=["members"])


@router.get("", summary="The team", operation_id="list_members")
async def page(
    caller: Caller, parts: Parts, project_id: identifiers.Project, paged: Paged
) -> Listed[schemas.MemberOut]:
    shown, cursor = paged.window(await parts.projects().members(caller, project_id), lambda member: member.id)
    return Listed(items=[presenters.member(item) for item in shown], next_cursor=cursor)


@router.post("", status_code=201, summary="Add a member", operation_id="add_member")
async def add(
    caller: Poster, parts: Parts, project_id: identifiers.Project, body: schemas.MemberBody, response: Response
) -> schemas.MemberOut:
    member = await parts.projects().add_member(caller, project_id, body.subject_id, body.role)
    response.headers["Location"] = f"/v1/projects/{project_id}/members/{member.id}"
    response.headers["ETag"] = etag(member.version)
    return presenters.member(member)


@router.get("/{member_id}", summary="One member", operation_id="get_member")
async def get(
    caller: Caller, parts: Parts, project_id: identifiers.Project, member_id: identifiers.Member, response: Response
) -> schemas.MemberOut:
    member = await parts.projects().member(caller, project_id, member_id)
    response.headers["ETag"] = etag(member.version)
    return presenters.member(member)


@router.patch("/{member_id}", summary="Change a member", operation_id="change_member")
async def change(
    caller: Caller,
    parts: Parts,
    project_id: identifiers.Project,
    member_id: identifiers.Member,
    body: schemas.MemberPatch,
    match: Match,
    response: Response,
) -> schemas.MemberOut:
    member = await parts.projects().change_member(caller, project_id, member_id, body.role, body.behaviour, match)
    response.headers["ETag"] = etag(member.version)
    return presenters.member(member)


@router.delete("/{member_id}", status_code=204, summary="Remove a member", operation_id="remove_member")
async def remove(
    caller: Caller, parts: Parts, project_id: identifiers.Project, member_id: identifiers.Member, match: Match
) -> None:
    """What they did stays in the project. Refused for the owner, and while they have unfinished tasks."""
    await parts.projects().remove_member(caller, project_id, member_id, match)
