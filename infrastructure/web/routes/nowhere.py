"""What leads nowhere: last of all addresses, so that a wrong one is answered by a page too."""

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException

from infrastructure.web.access import Visitor
from infrastructure.web.routing import PageRoute

router = APIRouter(route_class=PageRoute)


@router.get("/page/{path:path}")
async def nowhere(request: Request, caller: Visitor, path: str) -> None:
    raise HTTPException(404, f"There is nothing at {request.url.path[:200]}.")
