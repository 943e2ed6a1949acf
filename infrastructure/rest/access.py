"""Who calls, and the command that their request becomes."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Header, Query, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.exceptions import HTTPException

from domain.errors import Invalid
from domain.ids import digest_of
from infrastructure.container import Container
from infrastructure.data_directory import same_token
from infrastructure.program import Program
from infrastructure.rest.guards import NEEDED
from services.desk import Command

T = TypeVar("T")
NUMBER = re.compile(r"[0-9]{1,18}")
ID = re.compile(r"[a-z]{3}_[0-9a-z]{26}")
STRONG = re.compile(r'"(sha256:[0-9a-f]{64})"')
UNMATCHED = (
    "Say in If-Match which version this takes the place of: send the ETag that was read last, or `*` to overwrite "
    "whatever is there."
)
bearer = HTTPBearer(auto_error=False, description="The owner's token, in the file `token` of the data directory.")
Key = Annotated[
    str | None,
    Header(alias="Idempotency-Key", min_length=1, max_length=200, description="Makes the call safe to repeat."),
]


def program(request: Request) -> Program:
    found: Program = request.app.state.program
    return found


def container(request: Request) -> Container:
    return program(request).container


async def command(
    request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]
) -> Command:
    """Raises 401 without the owner's token; the guards have looked before, so that nothing depends on one place."""
    running = program(request)
    if credentials is None or not same_token(credentials.credentials, running.token):
        raise HTTPException(401, NEEDED, {"WWW-Authenticate": "Bearer"})
    return Command(principal=running.principal, correlation=request.state.correlation)


async def posted(request: Request, caller: Annotated[Command, Depends(command)], key: Key = None) -> Command:
    """With the Idempotency-Key, and what must be equal for a request to be the same. Of a form, that is its address
    until its fields are known (`with_form`)."""
    if key is None:
        return caller
    form = request.headers.get("content-type", "").startswith("multipart/form-data")
    sent = b"" if form else await request.body()
    return replace(caller, key=key, request=digest_of(f"{request.method} {request.url.path}\n".encode() + sent))


def with_form(caller: Command, *parts: str) -> Command:
    """What makes a form the same one: its fields and its file's digest."""
    return replace(caller, request=digest_of("\n".join((caller.request, *map(repr, parts))).encode()))


def if_match(
    value: Annotated[str | None, Header(alias="If-Match", description="The ETag that was read last.")] = None,
) -> int | None:
    if value is None or value.strip() == "*":
        return None
    text = value.strip().removeprefix("W/").strip('"')
    if not NUMBER.fullmatch(text):
        raise Invalid("If-Match must hold an ETag that this server gave.", [("/header/If-Match", "is not an ETag")])
    return int(text)


def must_match(request: Request) -> None:
    """Raises 428 (RFC 6585) where no If-Match says which version is meant."""
    if "if-match" not in request.headers:
        raise HTTPException(428, UNMATCHED)


def if_match_digest(
    value: Annotated[str | None, Header(alias="If-Match", description="The ETag that was read last.")] = None,
) -> str | None:
    """The digest that the ETag holds: it is strong, and must be given as it was read."""
    if value is None or value.strip() == "*":
        return None
    found = STRONG.fullmatch(value.strip())
    if found is None:
        raise Invalid("If-Match must hold an ETag that this server gave.", [("/header/If-Match", "is not an ETag")])
    return found[1]


def etag(version: int | str) -> str:
    return f'"{version}"'


class Page:
    """`limit` (1 to 100) and `cursor` (as the last answer gave it)."""

    def __init__(
        self,
        limit: Annotated[int, Query(ge=1, le=100, description="How many.")] = 50,
        cursor: Annotated[str, Query(max_length=200, description="`next_cursor` of the page before.")] = "",
    ) -> None:
        self.limit, self._cursor = limit, cursor

    @property
    def cursor(self) -> str:
        """The id after which the page begins; empty for the first page. Raises Invalid."""
        if self._cursor and not ID.fullmatch(self._cursor):
            raise _no_cursor()
        return self._cursor

    @property
    def more(self) -> int:
        """One more than shown, to know whether there is a next page."""
        return self.limit + 1

    def cut(self, items: list[Any]) -> tuple[list[Any], str | None]:
        shown = items[: self.limit]
        return shown, shown[-1].id if len(items) > self.limit else None

    def window(self, items: Sequence[T], key: Callable[[T], str]) -> tuple[Sequence[T], str | None]:
        """The page of a list that is at hand as a whole; `key` tells its items apart. Raises Invalid."""
        keys = [key(item) for item in items]
        if self._cursor and self._cursor not in keys:
            raise _no_cursor()
        start = keys.index(self._cursor) + 1 if self._cursor else 0
        end = start + self.limit
        return items[start:end], keys[end - 1] if end < len(items) else None


def _no_cursor() -> Invalid:
    said = "The cursor is none that this list gave; begin again without one."
    return Invalid(said, [("/query/cursor", "is none that this list gave")])


Caller = Annotated[Command, Depends(command)]
Poster = Annotated[Command, Depends(posted)]
Parts = Annotated[Container, Depends(container)]
Match = Annotated[int | None, Depends(if_match)]
MatchDigest = Annotated[str | None, Depends(if_match_digest)]
Paged = Annotated[Page, Depends()]
