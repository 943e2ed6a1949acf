"""The configured models: what is there, and whether they can do what work asks of them."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

from domain.errors import NotFound
from domain.ports.llm import LLM, Delta, LLMError, Reply, Request, Tool
from domain.principal import Principal
from services.ports.models import Deployed, Models, Seen

WAIT = 120.0
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "colour": {"type": "string", "enum": ["red", "green", "blue"]},
        "number": {"type": "integer", "minimum": 1, "maximum": 9},
    },
    "required": ["colour", "number"],
    "additionalProperties": False,
}
CLOCK = Tool(
    name="time_in",
    description="The time in a city.",
    parameters={"type": "object", "properties": {"city": {"type": "string", "maxLength": 60}}, "required": ["city"]},
)


@dataclass(frozen=True, kw_only=True)
class Listed:
    deployed: Deployed
    seen: Seen


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One thing that was tried: `text`, `streaming`, `structured`, `tools`."""

    name: str
    passed: bool
    detail: str


@dataclass(frozen=True, kw_only=True)
class Checked:
    """`first_token` in seconds; `speed` in tokens a second, from the backend's own count; None where nothing came."""

    alias: str
    model: str
    trials: tuple[Trial, ...]
    first_token: float | None
    speed: float | None
    input_tokens: int
    output_tokens: int

    @property
    def usable(self) -> bool:
        """Whether it can be worked with; tools are not needed for that."""
        return all(trial.passed for trial in self.trials if trial.name != "tools")


class ModelChecks:
    def __init__(self, models: Models, llm: LLM, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._models, self._llm, self._monotonic = models, llm, monotonic

    async def listed(self, principal: Principal) -> tuple[Listed, ...]:
        """All that are configured, each with what its backend says of it."""
        deployed = self._models.deployments()
        seen = await asyncio.gather(*(self._models.look(each.key) for each in deployed))
        return tuple(Listed(deployed=each, seen=what) for each, what in zip(deployed, seen, strict=True))

    async def checked(self, principal: Principal, alias: str) -> Checked:
        """Tries a text, streaming, a structured reply and a tool call on the model: four short calls. Raises
        NotFound."""
        known = {each.alias for each in self._models.deployments()} | {self._models.alias()}
        if alias not in known:
            raise NotFound("model", alias)
        trying = _Trying(self._llm, alias, self._monotonic)
        trials = [await trying.told("text", trying.text)]
        if trials[0].passed:
            trials += [
                await trying.told("streaming", trying.streaming),
                await trying.told("structured", trying.structured),
                await trying.told("tools", trying.tools),
            ]
        return trying.checked(tuple(trials))


class _Trying:
    def __init__(self, llm: LLM, alias: str, monotonic: Callable[[], float]) -> None:
        self._llm, self._monotonic = llm, monotonic
        self._request = Request(
            alias=alias,
            system="You follow instructions exactly.",
            task="",
            idempotency_key="check",
            max_output_tokens=200,
            temperature=0.0,
            deadline=WAIT,
        )
        self._first: float | None = None
        self._speed: float | None = None
        self._tokens = (0, 0)

    def checked(self, trials: tuple[Trial, ...]) -> Checked:
        return Checked(
            alias=self._request.alias,
            model=self._llm.describe(self._request.alias).model,
            trials=trials,
            first_token=self._first,
            speed=self._speed,
            input_tokens=self._tokens[0],
            output_tokens=self._tokens[1],
        )

    async def told(self, name: str, trial: Callable[[], Awaitable[tuple[bool, str]]]) -> Trial:
        try:
            passed, detail = await trial()
        except LLMError as error:
            passed, detail = False, str(error)
        return Trial(name=name, passed=passed, detail=detail)

    async def text(self) -> tuple[bool, str]:
        reply = self._counted(await self._llm.complete(replace(self._request, task="Answer with the word: ready")))
        return bool(reply.text.strip()), f"answered in {reply.seconds:.1f} s"

    async def streaming(self) -> tuple[bool, str]:
        asked = replace(self._request, task="Count from one to twenty in words, separated by commas.")
        begun, pieces, reply = self._monotonic(), 0, None
        async for piece in self._llm.stream(asked):
            if isinstance(piece, Delta):
                self._first = self._first or self._monotonic() - begun
                pieces += 1
            else:
                reply = self._counted(piece)
        if reply is None or self._first is None:
            return False, "nothing came"
        rest = self._monotonic() - begun - self._first
        self._speed = reply.output_tokens / rest if rest > 0 and reply.output_tokens else None
        return pieces > 1, f"{pieces} pieces" if pieces > 1 else "the answer came in one piece"

    async def structured(self) -> tuple[bool, str]:
        from jsonschema import Draft202012Validator

        asked = replace(self._request, task="Choose a colour and a number from 1 to 9.", schema=SCHEMA)
        reply = self._counted(await self._llm.complete(asked))
        try:
            passed = Draft202012Validator(SCHEMA).is_valid(json.loads(reply.text))
        except ValueError:
            passed = False
        return passed, "fits the schema" if passed else "does not fit the schema: it will be mended or asked again"

    async def tools(self) -> tuple[bool, str]:
        asked = replace(self._request, task="What time is it in Oslo? Use the tool.", tools=(CLOCK,), must_call=True)
        reply = self._counted(await self._llm.complete(asked))
        names = [call.name for call in reply.tool_calls]
        how = "called, by an envelope" if reply.rung else "called"
        return names == [CLOCK.name], how if names else "no call came"

    def _counted(self, reply: Reply) -> Reply:
        self._tokens = self._tokens[0] + reply.input_tokens, self._tokens[1] + reply.output_tokens
        return reply
