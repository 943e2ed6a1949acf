"""Templates become responses: escaped, under a policy that lets no foreign script or style run."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from fastapi import Request
from markupsafe import Markup, escape
from starlette.responses import HTMLResponse

from adapters.report import words
from infrastructure.rest.access import container, program
from infrastructure.web import diagram, naming
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
    "diagrams.js": (OWN, "static/diagrams.js", "text/javascript"),
    "sign-in.js": (OWN, "static/sign-in.js", "text/javascript"),
    "icon.svg": (OWN, "static/icon.svg", "image/svg+xml"),
}
MOST_WAITING = 100
CODE = re.compile(r"`([^`\n]{1,200})`")
SAID = {
    "accepted": "You vouched for it.",
    "advised": "It was accepted; here is what came of it.",
    "added": "The task is in the plan.",
    "answered": "Your answer was taken.",
    "approved": "The plan is approved; the work goes on.",
    "archived": "The project is archived.",
    "budget": "The budget is changed; what waited for more of it goes on.",
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
    "redone": "What is out of date is done again.",
    "refused": "You refused it; your reason is recorded.",
    "removed": "The task is no longer in the plan.",
    "resumed": "The work goes on.",
    "retried": "It is tried again.",
    "running": "The workflow has started.",
    "settings": "The project's settings are changed.",
    "skipped": "The task is skipped.",
    "started": "The work has started.",
    "unlocked": "It is unlocked.",
}
"""What is said after a form was sent; an address names one by its key."""


def policy(nonce: str) -> str:
    return (
        f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "frame-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )


@dataclass(frozen=True)
class Asked:
    """The parts of a page that a request asks for (`?part=…`, ids of elements), so that an open page is brought up to
    date; without any, the page is asked for whole."""

    parts: frozenset[str]

    @classmethod
    def by(cls, request: Request) -> Asked:
        return cls(frozenset(request.query_params.getlist("part")))

    def __call__(self, *parts: str) -> bool:
        return self.whole or not self.parts.isdisjoint(parts)

    @property
    def whole(self) -> bool:
        return not self.parts

    def of(self, kind: str) -> frozenset[str]:
        """The ids of the things of which `kind-id` is asked for."""
        return frozenset(part.removeprefix(f"{kind}-") for part in self.parts if part.startswith(f"{kind}-"))


async def page(request: Request, caller: Command, name: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """The template `name` for somebody who has a session."""
    parts = container(request)
    running = program(request)
    session = session_of(request.headers) or ""
    asked = Asked.by(request)
    waiting = await parts.work_orders().inbox(caller, "", MOST_WAITING) if asked("waiting-count") else []
    values |= {
        "asked": asked,
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


def coded(text: str) -> Markup:
    """A sentence with what stands in backticks as code."""
    return Markup(CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 (escaped before)


@cache
def static(name: str) -> tuple[bytes, str]:
    """A file that pages load, and its media type. Raises KeyError."""
    if name == diagram.NAME:
        return diagram.document(), "text/html"
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
    for filter in (words.plain, words.short, words.count, words.moment, coded):
        environment.filters[filter.__name__] = filter
    return environment
