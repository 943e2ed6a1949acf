"""Templates become responses: escaped, under a policy that lets no foreign script or style run."""

from __future__ import annotations

import hashlib
import secrets
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from fastapi import Request
from starlette.responses import HTMLResponse

from adapters.report import words
from infrastructure.rest.access import container, program
from infrastructure.web import naming
from infrastructure.web.access import visitor
from infrastructure.web.door import session_of
from services.desk import Command

if TYPE_CHECKING:
    from jinja2 import Environment

SHARED = "adapters.report"
OWN = "infrastructure.web"
STATIC = {
    "shared.css": (SHARED, "shared.css", "text/css"),
    "page.css": (OWN, "static/page.css", "text/css"),
    "theme.js": (OWN, "static/theme.js", "text/javascript"),
    "page.js": (OWN, "static/page.js", "text/javascript"),
    "live.js": (OWN, "static/live.js", "text/javascript"),
    "sign-in.js": (OWN, "static/sign-in.js", "text/javascript"),
    "icon.svg": (OWN, "static/icon.svg", "image/svg+xml"),
}
MOST_WAITING = 100
SAID = {
    "accepted": "You vouched for it.",
    "advised": "It was accepted; here is what came of it.",
    "added": "The task is in the plan.",
    "answered": "Your answer was taken.",
    "approved": "The plan is approved; the work goes on.",
    "archived": "The project is archived.",
    "cancelled": "It is being cancelled; what is finished is kept.",
    "changed": "The task is changed.",
    "dismissed": "It was dismissed, and does not come back for the same reason.",
    "filled": "Your answers are filed.",
    "filed": "Your files are in the case file.",
    "goal": "The goal is changed; what was done for the old one is marked.",
    "handed_in": "Your work was handed in; it is checked next.",
    "locked": "It is locked.",
    "paused": "The work is being paused.",
    "planned": "What is not done is planned anew.",
    "refused": "You refused it; your reason is recorded.",
    "removed": "The task is no longer in the plan.",
    "resumed": "The work goes on.",
    "retried": "It is tried again.",
    "running": "The workflow has started.",
    "skipped": "The task is skipped.",
    "started": "The work has started.",
    "unlocked": "It is unlocked.",
}
"""What is said after a form was sent; an address names one by its key."""


def policy(nonce: str) -> str:
    return (
        f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )


async def page(request: Request, caller: Command, name: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """The template `name` for somebody who has a session."""
    parts = container(request)
    running = program(request)
    session = session_of(request.headers) or ""
    waiting = await parts.work_orders().inbox(caller, "", MOST_WAITING)
    values |= {
        "form_token": running.sessions.form_token(session),
        "waiting": len(waiting),
        "posted": request.method == "POST",
        "upload_bytes": running.settings.limits.upload_bytes,
        "rehearsal": parts.llm().describe(parts.alias()).rehearsal,
        "said": SAID.get(request.query_params.get("said", ""), ""),
    }
    return plain_page(name, status=status, **values)


def plain_page(name: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """The template `name` for anybody."""
    nonce = secrets.token_urlsafe(16)
    text = words.clean(_environment().get_template(name).render(nonce=nonce, **values))
    headers = {"Content-Security-Policy": policy(nonce), "Referrer-Policy": "same-origin", "Vary": "Cookie"}
    return HTMLResponse(text, status, headers=headers)


async def failure(request: Request, status: int, title: str, detail: str) -> HTMLResponse:
    """A page that says what went wrong; with the navigation for those who have a session."""
    session = session_of(request.headers)
    values = {"title": title, "detail": detail, "status_code": status}
    if session is None or not program(request).sessions.holds(session):
        return plain_page("failure.html.j2", status=status, **values)
    return await page(request, await visitor(request), "failure.html.j2", status=status, **values)


@cache
def static(name: str) -> tuple[bytes, str]:
    """A file that pages load, and its media type. Raises KeyError."""
    package, path, media_type = STATIC[name]
    return files(package).joinpath(path).read_bytes(), media_type


@cache
def address(name: str) -> str:
    """Where a file is loaded from: an address that changes with its content, so that browsers may keep it."""
    content, _ = static(name)
    return f"/page/static/{hashlib.sha256(content).hexdigest()[:12]}/{name}"


@cache
def _environment() -> Environment:
    from jinja2 import DictLoader, Environment, StrictUndefined

    texts = {"parts.html.j2": files(SHARED).joinpath("parts.html.j2").read_text(encoding="utf-8")}
    folder = files(OWN).joinpath("templates")
    texts |= {each.name: each.read_text(encoding="utf-8") for each in folder.iterdir() if each.name.endswith(".j2")}
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, loader=DictLoader(texts), trim_blocks=True, lstrip_blocks=True
    )
    environment.globals |= {"words": words, "naming": naming, "address": address}
    for filter in (words.plain, words.short, words.count, words.moment):
        environment.filters[filter.__name__] = filter
    return environment
