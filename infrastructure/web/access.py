"""Who looks at the page, and what their forms hold."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from domain.errors import Forbidden, Invalid
from infrastructure.rest.access import program
from infrastructure.web.door import NEEDED, session_of
from services.desk import Command

MOST_FILES, MOST_FIELDS = 100, 3_000
STALE_FORM = "This form belongs to another session; open its page again and repeat."


@dataclass(frozen=True, kw_only=True)
class Form:
    """`fields` have the last value of each name, `pairs` all values in the order of the page."""

    fields: Mapping[str, str]
    files: Sequence[UploadFile] = ()
    pairs: Sequence[tuple[str, str]] = ()

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.pairs if key == name]

    def text(self, name: str, most: int = 5_000) -> str:
        """Raises Invalid when it is longer than `most` characters."""
        value = self.fields.get(name, "").replace("\r\n", "\n").strip()
        if len(value) > most:
            raise Invalid(f"What you wrote is longer than {most:,} characters; make it shorter.")
        return value


async def visitor(request: Request) -> Command:
    """The door has looked before, so that nothing depends on one place."""
    running = program(request)
    session = session_of(request.headers)
    if session is None or not running.sessions.holds(session):
        raise HTTPException(401, NEEDED)
    return Command(principal=running.principal, correlation=request.state.correlation)


Visitor = Annotated[Command, Depends(visitor)]


async def submitted(request: Request, caller: Visitor) -> AsyncIterator[Form]:
    """Raises Forbidden without the token that forms of this session carry."""
    async with request.form(max_files=MOST_FILES, max_fields=MOST_FIELDS) as found:
        pairs = [(name, value) for name, value in found.multi_items() if isinstance(value, str)]
        fields = dict(pairs)
        session = session_of(request.headers) or ""
        if not program(request).sessions.is_form_token(session, fields.pop("form_token", "")):
            raise Forbidden(STALE_FORM)
        files = [value for _, value in found.multi_items() if isinstance(value, UploadFile) and value.filename]
        yield Form(fields=fields, files=files, pairs=pairs)


Submitted = Annotated[Form, Depends(submitted)]
