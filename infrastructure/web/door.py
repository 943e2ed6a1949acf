"""What stands before the page: its session cookie, and that a request comes from the page itself.

The cookie opens `/page` only, never `/v1`; the owner's token opens `/v1` only.
"""

import re
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection, cookie_parser
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Scope

from infrastructure.rest.problems import problem
from infrastructure.web.sessions import SESSION_LIVES, Sessions

ROOT = "/page"
SIGN_IN = "/page/sign-in"
OPEN = ("/page/static/", "/page/session")
SAFE = frozenset({"GET", "HEAD"})
PORT = re.compile(r":(\d+)$")
NEEDED = "This needs a session; open the link that `caseworks up` or `caseworks link` prints."
FOREIGN = "This request does not come from the page itself, so it is refused; open the page and do it there."


def is_page(path: str) -> bool:
    return path in ("/", ROOT) or path.startswith(f"{ROOT}/")


def is_open(path: str) -> bool:
    return path == SIGN_IN or path.startswith(OPEN)


class Door:
    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def knows(self, headers: Headers) -> bool:
        session = session_of(headers)
        return session is not None and self._sessions.holds(session)

    def refused(self, scope: Scope, headers: Headers, *, known: bool) -> ASGIApp | None:
        if not _from_the_page(scope["method"], headers):
            return problem(403, FOREIGN, scope["path"], title="Not from the page")
        if known or is_open(scope["path"]):
            return None
        if scope["method"] in SAFE and "text/html" in headers.get("accept", ""):
            return RedirectResponse(SIGN_IN, 303)
        return problem(401, NEEDED, scope["path"])


def _from_the_page(method: str, headers: Headers) -> bool:
    """Browsers say where a request comes from. One that writes must come from this very origin; one that reads may
    come from elsewhere only as a link that somebody followed (other ports of this machine count as the same site)."""
    site = headers.get("sec-fetch-site", "same-origin")
    if method in SAFE:
        followed = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
        return site in ("same-origin", "none") or followed
    origin = urlsplit(headers.get("origin", ""))
    return site == "same-origin" and origin.scheme in ("http", "https") and origin.netloc == headers.get("host")


def cookie_name(host: str) -> str:
    """Cookies know no ports: each server on this machine has a name of its own for its cookie."""
    port = PORT.search(host)
    return f"__Host-caseworks-{port[1]}" if port else "__Host-caseworks"


def session_of(headers: Headers) -> str | None:
    return cookie_parser(headers.get("cookie", "")).get(cookie_name(headers.get("host", "")))


def let_in(response: Response, request: HTTPConnection, session: str) -> None:
    """`Secure` on plain HTTP: browsers hold this machine's own addresses to be trustworthy."""
    response.set_cookie(
        cookie_name(request.headers.get("host", "")),
        session,
        max_age=int(SESSION_LIVES.total_seconds()),
        path="/",
        secure=True,
        httponly=True,
        samesite="strict",
    )


def let_out(response: Response, request: HTTPConnection) -> None:
    name = cookie_name(request.headers.get("host", ""))
    response.delete_cookie(name, path="/", secure=True, httponly=True, samesite="strict")
