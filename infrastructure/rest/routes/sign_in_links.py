"""Ways into the page, for who has the owner's token."""

from fastapi import APIRouter, Request, Response

from infrastructure.rest import schemas
from infrastructure.rest.access import Parts, Poster, program
from infrastructure.web.door import SIGN_IN
from infrastructure.web.sessions import LINK_LIVES

router = APIRouter(tags=["page"])


@router.post(
    "/v1/sign-in-links", status_code=201, summary="A link that signs a browser in", operation_id="make_sign_in_link"
)
async def make(caller: Poster, parts: Parts, request: Request, response: Response) -> schemas.SignInLinkOut:
    """It works once, for 15 minutes, and is kept in memory only: each call makes another one."""
    expires_at = parts.clock().now() + LINK_LIVES
    path = f"{SIGN_IN}#{program(request).sessions.link()}"
    response.headers["Location"] = path
    return schemas.SignInLinkOut(path=path, expires_at=expires_at)
