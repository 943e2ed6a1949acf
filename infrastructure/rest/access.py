"""Who calls, and the command that their request becomes."""

import hashlib
from typing import Annotated, Any

from fastapi import Depends, Header, Query, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.exceptions import HTTPException

from domain.errors import Invalid
from infrastructure.container import Container
from infrastructure.data_directory import same_token
from infrastructure.program import Program
from services.desk import Command

bearer = HTTPBearer(auto_error=False, description="The owner's token, in the file `token` of the data directory.")


def program(request: Request) -> Program:
    found: Program = request.app.state.program
    return found


def container(request: Request) -> Container:
    return program(request).container


async def command(
    request: Request,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
    idempotency_key: Annotated[str | None, Header(max_length=200, description="Makes a POST safe to repeat.")] = None,
) -> Command:
    """Raises 401 without the owner's token."""
    running = program(request)
    if credentials is None or not same_token(credentials.credentials, running.token):
        detail = "This call needs `Authorization: Bearer TOKEN`; the token is in the data directory's file `token`."
        raise HTTPException(401, detail, {"WWW-Authenticate": "Bearer"})
    return Command(
        principal=running.principal,
        correlation=request.state.correlation,
        key=idempotency_key if request.method == "POST" else None,
        request=await _digest(request) if idempotency_key and request.method == "POST" else "",
    )


async def _digest(request: Request) -> str:
    """What must be equal for a request to be the same. Of a form, that is its address; the fields are parsed later."""
    form = request.headers.get("content-type", "").startswith("multipart/form-data")
    body = b"" if form else await request.body()
    return hashlib.sha256(f"{request.method} {request.url.path}\n".encode() + body).hexdigest()


def if_match(
    value: Annotated[str | None, Header(alias="If-Match", description="The ETag that was read last.")] = None,
) -> int | None:
    if value is None or value.strip() == "*":
        return None
    text = value.strip().removeprefix("W/").strip('"')
    if not text.isdigit():
        raise Invalid("If-Match must hold an ETag that this server gave.", [("If-Match", "is not an ETag")])
    return int(text)


def etag(version: int) -> str:
    return f'"{version}"'


class Page:
    """`limit` (1 to 100) and `cursor` (as the last answer gave it)."""

    def __init__(
        self,
        limit: Annotated[int, Query(ge=1, le=100, description="How many.")] = 50,
        cursor: Annotated[str, Query(max_length=200, description="`next_cursor` of the page before.")] = "",
    ) -> None:
        self.limit, self.cursor = limit, cursor

    @property
    def more(self) -> int:
        """One more than shown, to know whether there is a next page."""
        return self.limit + 1

    def cut(self, items: list[Any]) -> tuple[list[Any], str | None]:
        shown = items[: self.limit]
        return shown, shown[-1].id if len(items) > self.limit else None


Caller = Annotated[Command, Depends(command)]
Parts = Annotated[Container, Depends(container)]
Match = Annotated[int | None, Depends(if_match)]
Paged = Annotated[Page, Depends()]
