"""What a request may carry: JSON that is small, flat and whole, or a form where a file is handed over."""

import json
import re
from collections.abc import Iterator
from email.message import Message as Headed
from typing import Any

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from config.settings import Limits
from infrastructure.rest.problems import escaped, problem

MAX_DEPTH = 32
MAX_STRING = 256_000
FORM_PARTS = 100_000  # what a form may hold beside the file
FORMS = re.compile(r"/v1/projects/[^/]+/artifacts|/v1/artifacts/[^/]+/versions|/page/projects(/[^/]+/inputs)?")
"""Where files are handed over."""
PAGE = "/page/"
PAGE_FORMS = frozenset({"application/x-www-form-urlencoded", "multipart/form-data"})


class Bodies:
    """Refuses with 413 what is too large, told or not; with 415 what is no JSON (nor, on the page and where a file is
    handed over, a form); with 400 malformed JSON; with 422 JSON that is nested too deeply or has a string that is too
    long."""

    def __init__(self, app: ASGIApp, *, limits: Limits) -> None:
        self._app, self._limits = app, limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        kind = _media_type(headers.get("content-type", ""))
        is_form = kind == "multipart/form-data" and FORMS.fullmatch(scope["path"]) is not None
        most = self._limits.upload_bytes + FORM_PARTS if is_form else self._limits.body_bytes
        try:
            if int(headers.get("content-length", "0")) > most:
                raise _too_large(most)
            counted = _counted(receive, most)
            if is_form or (kind in PAGE_FORMS and scope["path"].startswith(PAGE)):
                await self._app(scope, counted, send)
                return
            body = await _whole(counted)
            refusal = _refused(kind, body, scope["path"])
        except HTTPException as error:
            await problem(error.status_code, error.detail, scope["path"])(scope, receive, send)
            return
        await (refusal or self._app)(scope, _again(body, receive), send)


def _media_type(header: str) -> str:
    message = Headed()
    message["content-type"] = header
    return message.get_content_type() if header else ""


def _too_large(most: int) -> HTTPException:
    return HTTPException(413, f"At most {most:,} bytes can be sent here.")


def _counted(receive: Receive, most: int) -> Receive:
    got = 0

    async def counted() -> Message:
        nonlocal got
        message = await receive()
        got += len(message.get("body", b""))
        if got > most:
            raise _too_large(most)
        return message

    return counted


async def _whole(receive: Receive) -> bytes:
    parts = bytearray()
    more = True
    while more:
        message = await receive()
        parts += message.get("body", b"")
        more = message["type"] == "http.request" and message.get("more_body", False)
    return bytes(parts)


def _again(body: bytes, receive: Receive) -> Receive:
    """Gives the body that was read, then what comes after it."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


def _refused(kind: str, body: bytes, path: str) -> ASGIApp | None:
    if not body:
        return None
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        return problem(415, f"Send JSON, as `Content-Type: application/json`; not {kind[:100] or 'nothing'}.", path)
    try:
        value = json.loads(body.decode("utf-8"), parse_constant=_no_constant)
    except RecursionError:
        return problem(422, f"The JSON is nested deeper than {MAX_DEPTH} levels.", path)
    except ValueError as error:
        return problem(400, f"The body is no JSON in UTF-8: {error}.", path)
    errors = list(_faults(value))[:20]
    return problem(422, f"{errors[0][0] or 'The body'} {errors[0][1]}.", path, errors) if errors else None


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number in JSON")


def _faults(value: Any) -> Iterator[tuple[str, str]]:
    """(pointer, what is wrong), without recursion."""
    left: list[tuple[str, Any, int]] = [("", value, 0)]
    while left:
        pointer, item, depth = left.pop()
        if isinstance(item, str):
            yield from _of_text(pointer, item, "is a text")
        elif isinstance(item, dict | list) and depth == MAX_DEPTH:
            yield pointer, f"is nested deeper than {MAX_DEPTH} levels"
        elif isinstance(item, dict):
            for name, inner in item.items():
                faults = list(_of_text(pointer, name, "has a name"))
                yield from faults
                left += [] if faults else [(f"{pointer}/{escaped(name)}", inner, depth + 1)]
        elif isinstance(item, list):
            left += [(f"{pointer}/{index}", inner, depth + 1) for index, inner in enumerate(item)]


def _of_text(pointer: str, text: str, what: str) -> Iterator[tuple[str, str]]:
    try:
        size = len(text.encode("utf-8"))
    except UnicodeEncodeError:
        yield pointer, "holds half of a surrogate pair, which is no character"
    else:
        if size > MAX_STRING:
            yield pointer, f"{what} longer than {MAX_STRING:,} bytes"
