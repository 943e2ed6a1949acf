"""A reply in the making, out of LiteLLM's responses and chunks."""

import json
from typing import Any, Literal

from adapters.llm.thinking import Thoughts, unveil
from domain.ports.llm import LLMError, ModelInfo, ModelRepeats, ModelUnavailable, Reply, ReplyTooLong, ToolCall

LIMIT = 1_000_000
"""Bytes of answer and thoughts together."""

REPEATS = 100
"""Equal pieces of a stream, one after the other, after which a model would go on for ever."""


class Refused(Exception):
    """A draft that cannot become a reply, and the error it is."""

    def __init__(self, kind: type[LLMError], reason: str) -> None:
        super().__init__(reason)
        self.kind = kind


class Draft:
    """Collects the pieces; `reply` gives the whole."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._size = 0
        self._last, self._repeats = "", 0
        self._thoughts = Thoughts()
        self._answer: list[str] = []
        self._thinking: list[str] = []
        self._calls: dict[int, dict[str, str]] = {}
        self._finish: str | None = None
        self._usage = (0, 0)

    def whole(self, response: Any) -> None:
        """Takes a response that was not streamed."""
        self._take(response, "message")
        self.end()

    def chunk(self, chunk: Any) -> str:
        """Takes a chunk of a stream; what it adds to the answer. Raises Refused past the size limit."""
        return self._take(chunk, "delta")

    def end(self) -> str:
        """Ends the pieces; what was held back of the answer."""
        return self._keep(*self._thoughts.flush())

    def reply(self, info: ModelInfo, seconds: float) -> Reply:
        """Raises Refused when there is nothing to give."""
        text, calls = "".join(self._answer), self._tool_calls()
        finish = self._finished(calls)
        if not text.strip() and not calls and finish != "length":
            raise Refused(ModelUnavailable, "answered with nothing")
        inputs, outputs = self._usage
        return Reply(
            text=text,
            model=info.model,
            input_tokens=inputs,
            output_tokens=outputs,
            money=info.price(inputs, outputs, seconds),
            seconds=seconds,
            finish=finish,
            thinking="".join(self._thinking).strip(),
            tool_calls=calls,
        )

    def _take(self, part: Any, field: Literal["message", "delta"]) -> str:
        usage = getattr(part, "usage", None)
        if usage is not None:
            self._usage = (usage.prompt_tokens or 0, usage.completion_tokens or 0)
        if not part.choices:
            return ""
        choice = part.choices[0]
        self._finish = choice.finish_reason or self._finish
        piece = getattr(choice, field)
        for at, call in enumerate(getattr(piece, "tool_calls", None) or ()):
            self._call(at, call)
        thought = getattr(piece, "reasoning_content", None) or ""
        self._watch(thought)
        return self.add(unveil(piece.content or ""), thought)

    def add(self, text: str, thought: str = "") -> str:
        """Takes a piece of text; what it adds to the answer. Raises Refused past the limit and where it repeats."""
        self._watch(text)
        answer, more = self._thoughts.feed(text)
        return self._keep(answer, thought + more)

    def told(self, finish: str | None, inputs: int, outputs: int) -> None:
        """Takes why the reply ended and its tokens, of the prompt and of itself."""
        self._finish = finish or self._finish
        self._usage = (inputs, outputs)

    def _watch(self, piece: str) -> None:
        """Rules and white space are made of short pieces that repeat; words are not."""
        if not piece:
            return
        self._repeats = self._repeats + 1 if piece == self._last and len(piece) > 2 else 1
        self._last = piece
        if self._repeats >= REPEATS:
            raise Refused(ModelRepeats, "says the same over and over")

    def _keep(self, answer: str, thought: str) -> str:
        self._answer.append(answer)
        self._thinking.append(thought)
        self._size += len(answer.encode(errors="replace")) + len(thought.encode(errors="replace"))
        if self._size > self._limit:
            raise Refused(ReplyTooLong, f"passed the limit of {self._limit} bytes")
        return answer

    def _call(self, at: int, call: Any) -> None:
        index = getattr(call, "index", None)
        kept = self._calls.setdefault(at if index is None else index, {"id": "", "name": "", "arguments": ""})
        kept["id"] = call.id or kept["id"]
        kept["name"] = call.function.name or kept["name"]
        given = call.function.arguments or ""
        kept["arguments"] += given if isinstance(given, str) else json.dumps(given)
        self._size += len(kept["arguments"])

    def _tool_calls(self) -> tuple[ToolCall, ...]:
        return tuple(_tool_call(at, kept) for at, kept in sorted(self._calls.items()))

    def _finished(self, calls: tuple[ToolCall, ...]) -> Literal["stop", "length", "tools"]:
        if self._finish == "length":
            return "length"
        return "tools" if calls else "stop"


def _tool_call(at: int, kept: dict[str, str]) -> ToolCall:
    try:
        arguments = json.loads(kept["arguments"] or "{}")
    except ValueError:
        arguments = None
    if not kept["name"] or not isinstance(arguments, dict):
        raise Refused(ModelUnavailable, "asked for a tool in a way that cannot be read")
    return ToolCall(id=kept["id"] or f"call_{at}", name=kept["name"], arguments=arguments)
