"""Language models behind NVIDIA Triton's generate endpoints, which LiteLLM cannot ask without a word with the internet.

Format: the generate extension of Triton, `docs/protocol/extension_generate.md` of triton-inference-server/server.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from typing import Any
from urllib.parse import quote

import httpx

from adapters.llm.configuration import Deployment, Models
from adapters.llm.drafts import LIMIT, Draft, Refused
from adapters.llm.faults import Target, Trace, fault, made, overflows, seen_on
from adapters.llm.presence import look
from adapters.llm.prompts import STYLES, Until, prompt
from adapters.llm.targets import Targets
from adapters.llm.wire import Wire
from domain.ports.llm import (
    LLM,
    ContextTooLong,
    Delta,
    LLMError,
    ModelInfo,
    ModelTimedOut,
    ModelUnavailable,
    Reply,
    Request,
    RequestRefused,
    render,
)
from domain.tokens import estimated_tokens

FRAMED = 256
"""Bytes on the wire for a byte of reply at most."""

WANTED = (
    "exclude_input_in_output",
    "return_finish_reason",
    "return_num_input_tokens",
    "return_num_output_tokens",
)
"""Switches that are set where the model has them."""


class TritonLLM(LLM):
    """Each call asks first what the model can be told, then it; both on a connection of its own, closed when the call
    ends in whatever way. Schemas are asked for in the prompt only, and tools are refused: Triton passes on neither.
    Tokens are the server's count where the model tells it, else an estimate on the safe side."""

    def __init__(self, models: Models, environ: Mapping[str, str], reply_limit: int = LIMIT) -> None:
        self._models = models
        self._targets = Targets(models, environ)
        self._limit = reply_limit

    def describe(self, alias: str) -> ModelInfo:
        return self._targets.describe(alias)

    async def check(self, alias: str) -> None:
        target = self._targets.of(alias)
        await look(target, self._targets.key(target), timeout=10.0)

    async def complete(self, request: Request) -> Reply:
        call = self._call(request)
        try:
            async with asyncio.timeout(request.deadline), AsyncExitStack() as stack:
                return await call.whole(stack)
        except Exception as error:
            raise call.fault(error) from None

    async def stream(self, request: Request) -> AsyncIterator[Delta | Reply]:
        call = self._call(request)
        try:
            async with AsyncExitStack() as stack:
                await call.open(stack)
                while (text := await call.next()) is not None:
                    if text:
                        yield Delta(text=text)
                yield call.reply()
        except Exception as error:
            raise call.fault(error) from None

    def _call(self, request: Request) -> "_Call":
        target = self._targets.of(request.alias)
        if request.tools:
            raise RequestRefused(f"Triton passes no tools on to {target}; write `tools: envelope` for it.")
        deployment = self._models.deployments[request.alias]
        return _Call(request, deployment, target, self._targets.key(target), self.describe(request.alias), self._limit)


class _Call:
    """One request on its way."""

    def __init__(
        self,
        request: Request,
        deployment: Deployment,
        target: Target,
        key: str | None,
        info: ModelInfo,
        limit: int,
    ) -> None:
        self._request, self._deployment, self._target, self._key, self._info = request, deployment, target, key, info
        self._wire, self._draft = Wire(target.address, limit * FRAMED, ca_file=target.ca_file), Draft(limit)
        template = deployment.template or "plain"
        self._prompt, self._stop = prompt(render(request), template), STYLES[template].stop
        self._until = Until(self._stop)
        self._text: list[str] = []
        self._finish: str | None = None
        self._counted = (0, 0)
        self._begun = time.monotonic()
        self._end = 0.0
        self._lines: AsyncIterator[str] | None = None

    async def whole(self, stack: AsyncExitStack) -> Reply:
        response = await self._send(stack, streamed=False)
        self._take(_object(await response.aread()))
        self._finished()
        return self.reply()

    async def open(self, stack: AsyncExitStack) -> None:
        """Sends the request; the stack ends it."""
        self._end = asyncio.get_running_loop().time() + self._request.deadline
        async with asyncio.timeout_at(self._end):
            self._lines = (await self._send(stack, streamed=True)).aiter_lines()

    async def next(self) -> str | None:
        """The answer's next piece, perhaps empty; None after the last."""
        if self._lines is None:
            return None
        async with asyncio.timeout_at(self._end):
            line = await anext(self._lines, None)
        if line is not None and not self._until.ended:
            return self._take(_object(line[5:])) if line.startswith("data:") else ""
        self._lines = None
        return self._finished()

    def reply(self) -> Reply:
        return self._draft.reply(self._info, time.monotonic() - self._begun)

    def fault(self, error: Exception) -> LLMError:
        if isinstance(error, TimeoutError | httpx.TimeoutException):
            error = made(ModelTimedOut, self._target, Trace())
        if isinstance(error, Refused):
            nothing = error.kind is ModelUnavailable
            found = f"The {self._target} {error}; try again or use another model."
            error = error.kind(found) if nothing else made(error.kind, self._target, seen_on(self._wire))
            error.retryable = nothing and not self._target.priced
        return fault(error, self._target, seen_on(self._wire))

    async def _send(self, stack: AsyncExitStack, streamed: bool) -> httpx.Response:
        client = await stack.enter_async_context(self._wire.client(self._request.deadline + 1))
        client.headers["Idempotency-Key"] = self._request.idempotency_key
        if self._key:
            client.headers["Authorization"] = f"Bearer {self._key}"
        model = f"{self._target.address}/v2/models/{quote(self._target.model, safe='')}"
        known = await self._open(stack, client, "GET", model)
        inputs = _object(await known.aread()).get("inputs") or ()
        asked = self._asked({str(each.get("name")) for each in inputs if isinstance(each, dict)}, streamed)
        return await self._open(stack, client, "POST", model + ("/generate_stream" if streamed else "/generate"), asked)

    async def _open(
        self, stack: AsyncExitStack, client: httpx.AsyncClient, method: str, url: str, body: Any = None
    ) -> httpx.Response:
        response = await stack.enter_async_context(client.stream(method, url, json=body))
        if response.status_code != 200:
            await response.aread()
            response.raise_for_status()
            raise Refused(ModelUnavailable, "answered with an unexpected status")
        return response

    def _asked(self, inputs: set[str], streamed: bool) -> dict[str, Any]:
        """Parameters are what the model's configuration takes for inputs, or else options of its engine."""
        temperature = self._deployment.temperature
        parameters = {
            "max_tokens": self._request.max_output_tokens,
            "temperature": self._request.temperature if temperature is None else temperature,
            "stop_words" if "stop_words" in inputs else "stop": self._stop,
            "stream": streamed,
        }
        switches = {name: True for name in WANTED if name in inputs}
        return {"text_input": self._prompt, "parameters": parameters} | switches

    def _take(self, answer: dict[str, Any]) -> str:
        text, finish = _first(answer.get("text_output")), _first(answer.get("finish_reason"))
        if "error" in answer or not isinstance(text, str):
            raise self._failed(str(answer.get("error")))
        inputs, outputs = (_whole(answer.get(f"num_{side}_tokens")) for side in ("input", "output"))
        self._counted = (max(self._counted[0], inputs), self._counted[1] + outputs)
        self._finish = finish if finish in ("stop", "length") else self._finish
        text = self._until.feed(text if self._lines is not None else text.removeprefix(self._prompt))
        self._text.append(text)
        return self._draft.add(text)

    def _finished(self) -> str:
        rest = self._until.flush()
        self._text.append(rest)
        inputs, outputs = self._counted
        self._draft.told(
            self._finish,
            inputs or estimated_tokens(self._prompt),
            outputs or estimated_tokens("".join(self._text)),
        )
        return self._draft.add(rest) + self._draft.end()

    def _failed(self, said: str) -> LLMError:
        """Triton tells what goes wrong in mid-reply under status 200."""
        kind = ContextTooLong if overflows(said.encode()) else ModelUnavailable
        found = made(kind, self._target, seen_on(self._wire))
        found.retryable = kind is ModelUnavailable and not self._target.priced
        return found


def _object(text: str | bytes) -> dict[str, Any]:
    """Raises Refused for what is no object."""
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise Refused(ModelUnavailable, "answered with what cannot be read")
    return value


def _first(value: Any) -> Any:
    """Triton writes a tensor of one as the value alone or as a list of it."""
    return value[0] if isinstance(value, list) and value else value


def _whole(value: Any) -> int:
    value = _first(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
