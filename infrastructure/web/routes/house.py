"""What the installation is made of: its agents, the settings in force, what the whole workspace may use."""

from fastapi import APIRouter, Request, Response

from infrastructure.rest.access import Parts, program
from infrastructure.web.access import Submitted, Visitor
from infrastructure.web.rendering import Asked, page
from infrastructure.web.routing import PageRoute, said
from infrastructure.web.views import budget
from infrastructure.web.views import settings as view

router = APIRouter(route_class=PageRoute)
MODELS = "models"


@router.get("/page/agents")
async def agents(request: Request, caller: Visitor, parts: Parts) -> Response:
    profiles = list(parts.staff().profiles.values())
    return await page(request, caller, "agents.html.j2", title="Agents", here="agents", profiles=profiles)


@router.get("/page/settings")
async def settings(request: Request, caller: Visitor, parts: Parts) -> Response:
    """Backends may be slow to answer: they are asked for the part about the models only, which an open page fetches."""
    found = view.in_force(program(request).settings)
    looked = await parts.model_checks().listed(caller.principal) if MODELS in Asked.by(request).parts else ()
    return await page(
        request,
        caller,
        "settings.html.j2",
        title="Settings",
        here="settings",
        rows=found,
        deployed=parts.models().deployments(),
        seen={one.deployed.key: one.seen for one in looked},
        faults=parts.models().faults,
        caps=budget.fields((await parts.budgets().workspace(caller)).budget),
        standings=budget.rows(parts, await parts.budgets().standings(caller, None), {}),
    )


@router.post("/page/settings/models")
async def check_model(request: Request, caller: Visitor, parts: Parts, form: Submitted) -> Response:
    """Four short calls, then a page of what came of them."""
    found = await parts.model_checks().checked(caller.principal, form.text("alias", 63))
    return await page(
        request, caller, "model-check.html.j2", title=f"Trying {found.alias}", here="settings", found=found
    )


@router.post("/page/settings/budget")
async def set_budget(caller: Visitor, parts: Parts, form: Submitted) -> Response:
    await parts.budgets().set_workspace(caller, budget.read(form))
    return said("/page/settings", "budget")
