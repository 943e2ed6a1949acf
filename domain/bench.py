"""Small tasks for models, what a right answer is, and what came of them.

Code that a model wrote is never run: it is read with `ast`, and compared with what was asked for.
"""

import ast
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator
from pydantic.dataclasses import dataclass

from domain.ports.llm import Tool, ToolCall

Kind = Literal["extraction", "planning", "tools", "classification", "repair", "recall", "code"]
KINDS: tuple[Kind, ...] = ("extraction", "planning", "tools", "classification", "repair", "recall", "code")
MAX_CODE = 100_000
FENCE = re.compile(r"```(?:python|py)?[^\S\n]*\n(.*?)```", re.DOTALL)


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CodeWanted(_Part):
    """A function of that name with these parameters that gives something back, and tests that assert what it gives."""

    function: str
    parameters: tuple[str, ...]
    asserts: Annotated[int, Field(ge=0)] = 2


class Haystack(_Part):
    """`line` so many `times`, each with its number for `{n}`; the `needle` stands at its place, 0 the beginning, 1 the
    end."""

    line: str
    times: Annotated[int, Field(ge=1, le=2_000)]
    needle: str
    at: Annotated[float, Field(ge=0, le=1)]

    @property
    def text(self) -> str:
        lines = [self.line.replace("{n}", str(number)) for number in range(1, self.times + 1)]
        lines.insert(int(self.at * self.times), self.needle)
        return "\n".join(lines)


class BenchTask(_Part):
    """`{haystack}` in the prompt stands for that. One thing is wanted: fields that are `equal` in a reply to `schema`,
    words that it `says`, a `call` of a tool, or `code`."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
    kind: Kind
    prompt: str
    schema_: Annotated[dict[str, JsonValue] | None, Field(alias="schema")] = None
    tools: tuple[Tool, ...] = ()
    haystack: Haystack | None = None
    max_tokens: Annotated[int, Field(ge=10, le=4_000)] = 300
    equal: dict[str, JsonValue] | None = None
    says: tuple[str, ...] = ()
    call: dict[str, JsonValue] | None = None
    code: CodeWanted | None = None

    @model_validator(mode="after")
    def _one(self) -> "BenchTask":
        if sum(map(bool, (self.equal, self.says, self.call, self.code))) != 1:
            raise ValueError("one of `equal`, `says`, `call` and `code` says what is wanted")
        if (self.equal is not None) != (self.schema_ is not None) or (self.call is not None) != bool(self.tools):
            raise ValueError("`equal` needs a `schema`, and `call` needs `tools`")
        return self

    @property
    def asked(self) -> str:
        return self.prompt.replace("{haystack}", self.haystack.text if self.haystack is not None else "")


@dataclass(frozen=True, kw_only=True)
class Tried:
    """One task on one model. `rung` is the step of the ladder by which its JSON was read, `refused` where it could not
    be; empty where none was asked for."""

    name: str
    kind: Kind
    passed: bool
    detail: str
    rung: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    seconds: float = 0
    answered: bool = True


@dataclass(frozen=True, kw_only=True)
class Benched:
    """All tasks on one alias, at a time (RFC 3339)."""

    alias: str
    model: str
    at: str
    tried: tuple[Tried, ...]

    def rate(self, *kinds: Kind) -> float:
        """The part that passed, of these kinds or of all."""
        of = [each.passed for each in self.tried if not kinds or each.kind in kinds]
        return sum(of) / len(of) if of else 0.0

    @property
    def seconds(self) -> float:
        return sum(each.seconds for each in self.tried)

    @property
    def speed(self) -> float | None:
        """Tokens of the replies a second, with reading the prompts; None where nothing came."""
        tokens = sum(each.output_tokens for each in self.tried)
        return tokens / self.seconds if tokens and self.seconds > 0 else None

    @property
    def rungs(self) -> dict[str, int]:
        named = [each.rung for each in self.tried if each.rung]
        return {rung: named.count(rung) for rung in dict.fromkeys(named)}

    @property
    def answered(self) -> bool:
        return any(each.answered for each in self.tried)


# what is right


def equal(wanted: Mapping[str, JsonValue], found: Any) -> tuple[bool, str]:
    if not isinstance(found, Mapping):
        return False, "no object came"
    for name, value in wanted.items():
        if _plain(found.get(name)) != _plain(value):
            return False, f"{name} is {_short(found.get(name))}, not {_short(value)}"
    return True, "right"


def says(wanted: Sequence[str], text: str) -> tuple[bool, str]:
    missing = [words for words in wanted if words.casefold() not in text.casefold()]
    return not missing, f"does not say {missing[0]!r}" if missing else "right"


def called(wanted: Mapping[str, JsonValue], calls: Sequence[ToolCall]) -> tuple[bool, str]:
    if not calls:
        return False, "no call came"
    if len(calls) > 1 or calls[0].name != wanted["name"]:
        return False, f"it called {', '.join(call.name for call in calls)}"
    arguments = wanted.get("arguments")
    return equal(arguments if isinstance(arguments, Mapping) else {}, calls[0].arguments)


def written(wanted: CodeWanted, text: str) -> tuple[bool, str]:
    """Read, not run: whether it parses, and has what was asked for."""
    found = FENCE.findall(text)
    try:
        tree = ast.parse("\n".join(found) if found else text[:MAX_CODE])
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False, "it is no Python"
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    function = functions.get(wanted.function)
    if function is None:
        return False, f"there is no function {wanted.function}"
    if tuple(each.arg for each in function.args.args) != wanted.parameters:
        return False, f"{wanted.function} takes other parameters"
    if not any(isinstance(node, ast.Return) and node.value is not None for node in ast.walk(function)):
        return False, f"{wanted.function} gives nothing back"
    asserts = sum(_asserts(node, wanted.function) for name, node in functions.items() if name.startswith("test"))
    if asserts < wanted.asserts:
        return False, f"{asserts} asserts call {wanted.function}, not {wanted.asserts}"
    return True, "parses and has what was asked for; it was not run"


def _asserts(test: ast.AST, function: str) -> int:
    return sum(
        isinstance(node, ast.Assert)
        and any(
            isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == function
            for call in ast.walk(node.test)
        )
        for node in ast.walk(test)
    )


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return " ".join(value.casefold().split()).rstrip(".")
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:59]}…"
