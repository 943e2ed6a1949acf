"""The calls of planning: an outline, a detail for each task; and of planning one task anew."""

from collections.abc import Sequence

from domain.estimate import Asked, Span, exactly
from domain.project import Project
from domain.task import TaskSpec
from services.estimating import sizes
from services.estimating.house import House
from services.estimating.sizes import Source
from services.work.fitting import fitting
from services.work.planning import (
    DETAIL,
    MAX_SOURCES_SHOWN,
    PLAN_TOKENS,
    Brief,
    detail_task,
    outline_schema,
    outline_task,
)
from services.work.sizing import SIZED, SIZED_TOKENS, SYSTEM, sizing_task
from services.work.structured import REASKS

FINDINGS = exactly(300)
"""What a review found, as it is told to whoever mends it."""


def planning(house: House, project: Project, sources: Sequence[Source], tasks: int) -> list[Asked]:
    """None where work is rehearsed: a template is the plan. It is, too, where no outline could be used; then nothing is
    detailed."""
    manager = house.staff.manager
    choice = house.choosing.choose(manager, "plan", project.id, text=project.goal)
    if house.describe(choice.alias).rehearsal:
        return []
    offers = [(profile, output) for profile in house.staff.specialists for output in profile.outputs]
    example = fitting(list(house.staff.templates.values()), project.goal)
    brief = Brief(project=project, sources=(), passages=())
    outline = sizes.of_prompt(manager.prompt, outline_task(brief, offers, example), outline_schema(offers))
    detail = sizes.of_prompt(manager.prompt, detail_task(project.goal, "", offers[0][1], example.steps), DETAIL)
    seen = sizes.summed([_opening(source) for source in sources[:MAX_SOURCES_SHOWN]])
    return [
        Asked(
            alias=choice.alias,
            purpose="plan: outline",
            prompt=outline + seen,
            reply=Span(60, PLAN_TOKENS),
            times=Span(1, 1 + REASKS + bool(choice.stronger)),
        ),
        Asked(
            alias=choice.alias,
            purpose="plan: detail",
            prompt=detail + seen,
            reply=Span(60, PLAN_TOKENS),
            times=Span(min(REASKS, tasks), tasks),
        ),
        *_sizing(house, project, tasks),
    ]


def _sizing(house: House, project: Project, tasks: int) -> list[Asked]:
    """Of tasks of medium complexity only, and a model's plan may have other ones."""
    if not house.choosing.refines:
        return []
    choice = house.choosing.small("complexity", project.id)
    prompt = sizes.of_prompt(SYSTEM, sizing_task("", project.goal), SIZED) + Span(20, 400)
    reply = Span(20, SIZED_TOKENS)
    return [Asked(alias=choice.alias, purpose="plan: complexity", prompt=prompt, reply=reply, times=Span(0, tasks))]


def replanning(house: House, project: Project, spec: TaskSpec) -> list[Asked]:
    manager = house.staff.manager
    choice = house.choosing.choose(manager, "replan", project.id, text=project.goal)
    if house.describe(choice.alias).rehearsal:
        return []
    prompt = sizes.of_prompt(manager.prompt, spec.brief[:3_000], DETAIL) + FINDINGS
    return [
        Asked(alias=choice.alias, purpose="replan", prompt=prompt, reply=Span(60, PLAN_TOKENS), times=Span(0, 1)),
    ]


def _opening(source: Source) -> Span:
    return Span(int(source.opening * sizes.SURE), source.opening + 30)
