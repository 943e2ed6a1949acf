"""What the manager recommends, and what a person says to it."""

from typing import Annotated

from fastapi import APIRouter, Query

from infrastructure.rest import identifiers, presenters, schemas
from infrastructure.rest.access import Caller, Paged, Parts, Poster
from infrastructure.rest.paging import Listed
from services.recommendations import State

router = APIRouter(tags=["thinking tools"])
OfState = Annotated[State | None, Query(description="Only these.")]


@router.get(
    "/v1/projects/{project_id}/recommendations",
    summary="What the manager recommends",
    operation_id="list_project_recommendations",
)
async def of_project(
    caller: Caller, parts: Parts, project_id: identifiers.Project, paged: Paged, state: OfState = None
) -> Listed[schemas.RecommendationOut]:
    """Oldest first. The rules look again when something has happened in the project; no model is asked. What is open
    and lost its reason is `withdrawn`, and may be open again later."""
    found = await parts.recommendations().of_project(caller, project_id, state)
    shown, cursor = paged.window(found, lambda one: one.id)
    return Listed(items=[presenters.recommendation(item) for item in shown], next_cursor=cursor)


@router.get("/v1/recommendations", summary="Recommendations in all projects", operation_id="list_recommendations")
async def everywhere(
    caller: Caller, parts: Parts, paged: Paged, state: OfState = None
) -> Listed[schemas.RecommendationOut]:
    """Oldest first, as they were made."""
    found = await parts.recommendations().of_workspace(caller, state)
    shown, cursor = paged.window(found, lambda one: one.id)
    return Listed(items=[presenters.recommendation(item) for item in shown], next_cursor=cursor)


@router.post(
    "/v1/recommendations/{recommendation_id}/accept", summary="Accept it", operation_id="accept_recommendation"
)
async def accept(
    caller: Poster, parts: Parts, recommendation_id: identifiers.Recommendation
) -> schemas.RecommendationOut:
    """Makes the form and, where there is a plan, a task for you to fill it in."""
    return presenters.recommendation(await parts.recommendations().accept(caller, recommendation_id))


@router.post(
    "/v1/recommendations/{recommendation_id}/dismiss", summary="Dismiss it", operation_id="dismiss_recommendation"
)
async def dismiss(
    caller: Poster, parts: Parts, recommendation_id: identifiers.Recommendation
) -> schemas.RecommendationOut:
    """It does not come back for the same reason."""
    return presenters.recommendation(await parts.recommendations().dismiss(caller, recommendation_id))
