"""The application factory."""

from fastapi import FastAPI

from config.settings import Settings
from infrastructure.program import Program
from infrastructure.rest import problems
from infrastructure.rest.bodies import Bodies
from infrastructure.rest.guards import Guards
from infrastructure.rest.measuring import Measuring
from infrastructure.rest.openapi import RESPONSES, TAGS, Api
from infrastructure.rest.routes import (
    agent_messages,
    agents,
    artifacts,
    costs,
    events,
    forms,
    graphs,
    health,
    inbox,
    members,
    messages,
    models,
    projects,
    recommendations,
    runs,
    sign_in_links,
    work,
    workflows,
)
from infrastructure.telemetry import Tracked, trace
from infrastructure.web import pages

DESCRIPTION = """An AI team that runs your projects, on your own hardware.

**Conventions.** `Authorization: Bearer TOKEN` on every call but `/health` and `/ready`. Ids are opaque, sortable,
prefixed. Lists take `?limit=&cursor=` and answer `{"items": [...], "next_cursor": null}`. Creation answers 201 with
`Location`, accepted work 202 with what was started. `Idempotency-Key` makes a POST safe to repeat. `If-Match` with the
`ETag` that was read guards edits. Errors are `application/problem+json` (RFC 9457). Unknown fields are refused. Times
are RFC 3339 UTC. Another workspace's id answers 404. `X-Correlation-ID` is accepted, made when missing, and returned.
"""


def create_app(settings: Settings, program: Program | None = None) -> FastAPI:
    """Routes and guards. Without a program it only describes itself."""
    app = Api(
        title="Caseworks",
        version="1",
        summary="Projects, plans, artifacts, runs and knowledge graphs.",
        description=DESCRIPTION,
        openapi_tags=[{"name": name, "description": description} for name, description in TAGS.items()],
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        responses=RESPONSES,
    )
    app.state.program = program
    app.state.streams = 0
    for module in (
        health,
        projects,
        members,
        messages,
        work,
        inbox,
        agents,
        models,
        costs,
        workflows,
        runs,
        agent_messages,
        events,
        artifacts,
        forms,
        recommendations,
        graphs,
        sign_in_links,
    ):
        app.include_router(module.router)
    pages.install(app)
    problems.install(app)
    app.add_middleware(Bodies, limits=settings.limits)
    if program is not None:
        traces = program.container.traces()
        if traces is not None:
            app.add_middleware(Tracked, traces=traces)
            trace(app, traces)
        app.add_middleware(
            Guards,
            hosts=settings.allowed_hosts,
            limits=settings.limits,
            token=program.token,
            sessions=program.sessions,
        )
        app.add_middleware(Measuring, metrics=program.container.metrics())
    return app
