"""Signing in with a one-time link or the owner's token, and out."""

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse

from infrastructure.data_directory import same_token
from infrastructure.rest.access import program
from infrastructure.web import diagram
from infrastructure.web.access import Submitted
from infrastructure.web.door import ROOT, SIGN_IN, let_in, let_out, session_of
from infrastructure.web.rendering import plain_page, static
from infrastructure.web.routing import PageRoute

router = APIRouter(route_class=PageRoute)
LONGEST = 200
USED = "This link was used before, or is older than 15 minutes; `caseworks link` prints a new one."
WRONG = "That is not the owner's token; it is in the file `token` of the data directory."


@router.get(SIGN_IN)
async def sign_in() -> Response:
    """The link's token stands in the fragment, which browsers never send; a script posts it."""
    return plain_page("sign-in.html.j2", title="Sign in", refused="")


@router.post("/page/session/link")
async def by_link(request: Request) -> Response:
    sessions = program(request).sessions
    session = sessions.exchange(await _posted(request))
    if session is None:
        return plain_page("sign-in.html.j2", status=403, title="Sign in", refused=USED)
    return _entered(request, session)


@router.post("/page/session/token")
async def by_token(request: Request) -> Response:
    running = program(request)
    if not same_token(await _posted(request), running.token):
        return plain_page("sign-in.html.j2", status=403, title="Sign in", refused=WRONG)
    return _entered(request, running.sessions.begin())


@router.post("/page/sign-out")
async def sign_out(request: Request, form: Submitted) -> Response:
    program(request).sessions.end(session_of(request.headers) or "")
    response = RedirectResponse(SIGN_IN, 303)
    let_out(response, request)
    return response


@router.get("/page/static/{version}/{name}")
async def file(version: str, name: str) -> Response:
    try:
        content, media_type = static(name)
    except KeyError:
        raise HTTPException(404, f"The page has no file {name!r}.") from None
    headers = {"Cache-Control": "public, max-age=31536000, immutable"}
    if name == diagram.NAME:
        headers["Content-Security-Policy"] = diagram.policy()
    return Response(content, media_type=media_type, headers=headers)


async def _posted(request: Request) -> str:
    async with request.form(max_files=0, max_fields=1) as form:
        token = form.get("token", "")
    return token.strip()[:LONGEST] if isinstance(token, str) else ""


def _entered(request: Request, session: str) -> Response:
    response = RedirectResponse(ROOT, 303)
    let_in(response, request, session)
    return response
