"""All that is asked of models on a tape, and a tape that answers in place of models."""

import asyncio
import json
import re
import stat
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from adapters.llm.recording import RecordingLLM, ReplayingLLM
from adapters.llm.tape import BadTape, Recorder, Tape
from domain.ports.llm import (
    LLM,
    ContextTooLong,
    Delta,
    LLMError,
    ModelBusy,
    ModelInfo,
    ModelUnavailable,
    Reply,
    Request,
    RequestRefused,
    Tool,
    ToolCall,
)
from tests.unit.ways_of_asking import Ask, ask

__all__ = ["ask"]

REQUEST = Request(alias="main", system="s", task="Say it.", idempotency_key="k")
TOOL = Tool(name="search", description="Finds.", parameters={"type": "object"})
WHOLE = Reply(
    text="It is “so”.",
    model="tiny",
    input_tokens=3,
    output_tokens=2,
    money=7,
    seconds=0.25,
    thinking="hm",
    tool_calls=(ToolCall(id="a", name="search", arguments={"q": [1, None]}),),
    left_out=("Old notes",),
    rung="coerced",
    repairs=("x",),
)


class Numbered(LLM):
    """Answers the n-th call with n, or raises what a script says."""

    def __init__(self, *script: Reply | LLMError) -> None:
        self._script, self.asked = list(script), 0

    async def complete(self, request: Request) -> Reply:
        self.asked += 1
        step = self._script.pop(0) if self._script else replace(WHOLE, text=f"{request.task} {self.asked}")
        if isinstance(step, LLMError):
            raise step
        return step

    async def stream(self, request: Request) -> AsyncIterator[Delta | Reply]:
        reply = await self.complete(request)
        for word in reply.text:
            yield Delta(text=word)
        yield reply

    def describe(self, alias: str) -> ModelInfo:
        return ModelInfo(alias=alias, model="tiny", backend="box", context_tokens=8_192)

    async def check(self, alias: str) -> None:
        raise ModelUnavailable(f"{alias} is away")


def recording(path: Path, *script: Reply | LLMError) -> RecordingLLM:
    return RecordingLLM(Numbered(*script), Recorder(path, {"models": None}))


def replaying(path: Path) -> ReplayingLLM:
    return ReplayingLLM(Numbered(), Tape(path))


async def test_what_was_said_is_said_again_whole(tmp_path: Path, ask: Ask) -> None:
    path = tmp_path / "calls.jsonl"
    await ask(recording(path, WHOLE), REQUEST)
    again = await ask(replaying(path), replace(REQUEST, idempotency_key="other", deadline=9.0, reason="another"))
    assert again == WHOLE


async def test_the_same_request_gets_what_the_same_place_among_its_like_got(tmp_path: Path, ask: Ask) -> None:
    path, other = tmp_path / "calls.jsonl", replace(REQUEST, task="Say more.")
    llm = recording(path)
    said = [await ask(llm, each) for each in (REQUEST, other, REQUEST, other, REQUEST)]
    llm_again = replaying(path)
    replies = [await ask(llm_again, each) for each in (other, other, REQUEST, REQUEST, REQUEST)]
    assert replies == [said[1], said[3], said[0], said[2], said[4]]


async def test_ids_which_are_new_in_each_run_do_not_tell_requests_apart(tmp_path: Path) -> None:
    path, task = tmp_path / "calls.jsonl", "Look at art_01m8qfwvmm16njnt2nbz81ptwy."
    await recording(path, WHOLE).complete(replace(REQUEST, task=task))
    assert await replaying(path).complete(replace(REQUEST, task=task.replace("8qf", "9zz"))) == WHOLE
    with pytest.raises(RequestRefused):
        await replaying(path).complete(replace(REQUEST, task=task.replace("art_", "tsk_")))


async def test_it_does_not_matter_in_which_order_those_beside_each_other_ask(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    asked = [replace(REQUEST, task=f"Number {number}.") for number in range(12)]
    llm = recording(path)
    said = await asyncio.gather(*map(llm.complete, asked))
    again = replaying(path)
    assert list(reversed(await asyncio.gather(*map(again.complete, reversed(asked))))) == said


@pytest.mark.parametrize(
    "error", [ContextTooLong("Too long by 5."), ModelBusy("Busy.", 3.0), ModelUnavailable("Gone.")]
)
async def test_what_failed_fails_again_in_the_same_way(tmp_path: Path, ask: Ask, error: LLMError) -> None:
    path = tmp_path / "calls.jsonl"
    error.retryable = False
    with pytest.raises(type(error)):
        await ask(recording(path, error), REQUEST)
    with pytest.raises(type(error), match=str(error)) as caught:
        await ask(replaying(path), REQUEST)
    assert not caught.value.retryable


async def test_a_request_that_is_not_on_the_tape_is_refused_and_the_nearest_is_told(tmp_path: Path, ask: Ask) -> None:
    path = tmp_path / "calls.jsonl"
    llm = recording(path)
    for task in ("Describe the pump in the cellar.", "Count the lifts."):
        await llm.complete(replace(REQUEST, task=task))
    with pytest.raises(RequestRefused) as caught:
        await ask(replaying(path), replace(REQUEST, task="Describe the pump on the roof."))
    told = str(caught.value)
    assert told.count(". ") == 0 or told.endswith(".”."), told
    assert f"The recording {path} has no reply to “Describe the pump on the roof.” of alias 'main'" in told
    assert "the nearest is on line 2, which has “" in told and "in the cellar" in told and "on the roof" in told


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"schema": {"type": "object"}}, '"type": "string"}” where this has'),
        ({"tools": (TOOL,)}, "tools"),
        ({"temperature": 0.9}, "options"),
        ({"max_output_tokens": 9}, "options"),
        ({"alias": "other"}, "alias"),
    ],
)
async def test_another_form_is_another_request(tmp_path: Path, change: dict[str, Any], part: str) -> None:
    path = tmp_path / "calls.jsonl"
    await recording(path).complete(replace(REQUEST, schema={"type": "string"}) if "schema" in change else REQUEST)
    with pytest.raises(RequestRefused, match=re.escape(part)):
        await replaying(path).complete(replace(REQUEST, **change))


async def test_more_of_the_same_than_was_recorded_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    await recording(path).complete(REQUEST)
    llm = replaying(path)
    await llm.complete(REQUEST)
    with pytest.raises(RequestRefused, match="asked more often than in the recording"):
        await llm.complete(REQUEST)


async def test_only_its_owner_reads_the_file_and_nothing_is_written_over(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    recording(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(BadTape, match="is there already"):
        recording(path)
    with pytest.raises(BadTape, match="cannot be written"):
        recording(tmp_path / "nowhere" / "calls.jsonl")


async def test_a_line_holds_what_was_asked_and_what_came_of_it(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    await recording(path, WHOLE).complete(replace(REQUEST, schema={"type": "object"}))
    head, line = (json.loads(each) for each in path.read_text().splitlines())
    assert (head["kind"], head["models"]) == ("caseworks recording", None)
    assert line["digest"].startswith("sha256:") and line["schema"] == {"type": "object"}
    assert [each["role"] for each in line["messages"]] == ["system", "user"]
    assert line["options"]["max_output_tokens"] == 1_500
    assert (line["reply"]["text"], line["reply"]["input_tokens"]) == ("It is “so”.", 3)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "is empty"),
        ("{}", "is no recording of Caseworks"),
        ('{"kind": "caseworks recording", "version": 9}', "of another version"),
        ("[]", r"Line 1 .* is no JSON object"),
        ('{"kind": "caseworks recording", "version": 1}\n{"digest"', r"Line 2 .* is no JSON object"),
        ('{"kind": "caseworks recording", "version": 1}\n{"digest": "x"}', r"Line 2 .* is no call and its reply"),
        ('{"kind": "caseworks recording", "version": 1}\n{"digest": "x", "reply": {"a": 1}}', "Line 2"),
        ('{"kind": "caseworks recording", "version": 1}\n{"digest": "x", "reply": 5}', "Line 2"),
    ],
)
def test_what_is_no_recording_is_refused_with_its_line(tmp_path: Path, text: str, fault: str) -> None:
    path = tmp_path / "calls.jsonl"
    path.write_text(text)
    with pytest.raises(BadTape, match=fault):
        Tape(path)


def test_bytes_that_are_no_text_and_files_that_are_not_there_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadTape, match="not UTF-8"):
        Tape(path)
    with pytest.raises(BadTape, match="cannot be read"):
        Tape(tmp_path / "none")


async def test_nobody_is_asked_whether_the_model_is_there_in_a_replay(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    llm = recording(path)
    with pytest.raises(ModelUnavailable):
        await llm.check("main")
    await replaying(path).check("main")
    assert replaying(path).describe("main").model == llm.describe("main").model == "tiny"
