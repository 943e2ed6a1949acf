"""The same question to the same model, asked once."""

import stat
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from adapters.llm.caching import CachingLLM
from adapters.llm.configuration import Models
from adapters.llm.kept import KeptReplies
from domain.ports.llm import LLM, Delta, ModelInfo, ModelUnavailable, Reply, Request
from tests.unit.ways_of_asking import Ask, ask

__all__ = ["ask"]

REQUEST = Request(alias="main", system="s", task="Say it.", idempotency_key="k", workspace_id="wsp_1", temperature=0.0)


class Counting(LLM):
    def __init__(self, **more: Any) -> None:
        self.asked, self._more = 0, more

    async def complete(self, request: Request) -> Reply:
        self.asked += 1
        reply = Reply(text=f"No. {self.asked}", model="tiny", input_tokens=3, output_tokens=2, money=7, seconds=0.5)
        return replace(reply, **self._more)

    async def stream(self, request: Request) -> AsyncIterator[Delta | Reply]:
        reply = await self.complete(request)
        yield Delta(text=reply.text)
        yield reply

    def describe(self, alias: str) -> ModelInfo:
        return ModelInfo(alias=alias, model="tiny", backend="box", context_tokens=8_192)

    async def check(self, alias: str) -> None:
        raise ModelUnavailable(f"{alias} is away")


def caching(inner: LLM, folder: Path, *, keeps: bool = True, identity: str = "a", **limits: Any) -> CachingLLM:
    return CachingLLM(inner, KeptReplies(folder, **limits), lambda _: keeps, lambda _: identity)


async def test_what_was_asked_before_is_given_again_marked_and_for_nothing(tmp_path: Path, ask: Ask) -> None:
    inner = Counting(thinking="hm")
    first = await ask(caching(inner, tmp_path), REQUEST)
    again = await ask(caching(inner, tmp_path), replace(REQUEST, idempotency_key="other", deadline=5.0, reason="r"))
    assert inner.asked == 1 and not first.cached
    assert again == replace(first, cached=True, input_tokens=0, output_tokens=0, money=0, seconds=0)


@pytest.mark.parametrize(
    "change",
    [
        {"workspace_id": "wsp_2"},
        {"task": "Say more."},
        {"schema": {"type": "string"}},
        {"temperature": 0.1},
        {"max_output_tokens": 9},
        {"alias": "other"},
        {"earlier": (("user", "No."),)},
    ],
)
async def test_another_question_or_another_workspace_is_asked(tmp_path: Path, ask: Ask, change: dict[str, Any]) -> None:
    inner = Counting()
    llm = caching(inner, tmp_path)
    await ask(llm, REQUEST)
    assert not (await ask(llm, replace(REQUEST, **change))).cached
    assert inner.asked == 2


async def test_a_deployment_that_is_written_otherwise_is_another_one(tmp_path: Path, ask: Ask) -> None:
    inner = Counting()
    await ask(caching(inner, tmp_path), REQUEST)
    await ask(caching(inner, tmp_path, identity="b"), REQUEST)
    assert inner.asked == 2


@pytest.mark.parametrize(
    ("request_", "keeps", "more"),
    [
        (REQUEST, False, {}),
        (replace(REQUEST, workspace_id=""), True, {}),
        (replace(REQUEST, workspace_id="../wsp_2"), True, {}),
        (REQUEST, True, {"finish": "length"}),
    ],
)
async def test_nothing_is_kept_that_should_not_be(
    tmp_path: Path, ask: Ask, request_: Request, keeps: bool, more: dict[str, Any]
) -> None:
    inner = Counting(**more)
    llm = caching(inner, tmp_path / "replies", keeps=keeps)
    for _ in range(2):
        await ask(llm, request_)
    assert inner.asked == 2 and not list(tmp_path.rglob("*.json"))


async def test_what_is_old_is_asked_again(tmp_path: Path, ask: Ask) -> None:
    inner, now = Counting(), [1_000_000.0]
    llm = caching(inner, tmp_path, now=lambda: now[0], most_age=60.0)
    await ask(llm, REQUEST)
    now[0] += 59
    assert (await ask(llm, REQUEST)).cached
    now[0] += 2
    assert not (await ask(llm, REQUEST)).cached


async def test_the_oldest_go_where_there_are_too_many(tmp_path: Path) -> None:
    inner, now = Counting(), [1_000_000.0]
    llm = caching(inner, tmp_path, now=lambda: now[0], most_bytes=2_000)
    for number in range(20):
        now[0] += 1
        await llm.complete(replace(REQUEST, task=f"Number {number}."))
    assert sum(path.stat().st_size for path in tmp_path.rglob("*.json")) <= 2_000
    assert (await llm.complete(replace(REQUEST, task="Number 19."))).cached
    assert not (await llm.complete(replace(REQUEST, task="Number 0."))).cached


async def test_only_its_owner_reads_what_is_kept_and_what_is_broken_is_asked_again(tmp_path: Path) -> None:
    inner = Counting()
    llm = caching(inner, tmp_path / "replies")
    await llm.complete(REQUEST)
    (path,) = tmp_path.rglob("*.json")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    path.write_text('{"text": ')
    assert not (await llm.complete(REQUEST)).cached
    assert (await llm.complete(REQUEST)).cached


async def test_where_nothing_can_be_written_all_is_asked(tmp_path: Path) -> None:
    (tmp_path / "replies").write_text("a file, not a folder")
    inner = Counting()
    llm = caching(inner, tmp_path / "replies")
    for _ in range(2):
        await llm.complete(REQUEST)
    assert inner.asked == 2


async def test_check_and_description_go_through(tmp_path: Path) -> None:
    llm = caching(Counting(), tmp_path)
    assert llm.describe("main").model == "tiny"
    with pytest.raises(ModelUnavailable):
        await llm.check("main")


@pytest.mark.parametrize(
    ("whole", "own", "fixed", "asked", "kept"),
    [
        (False, None, None, 0.0, False),
        (True, None, None, 0.0, True),
        (True, None, None, 0.2, False),
        (True, None, 0.7, 0.0, False),
        (True, None, 0.0, 0.7, True),
        (True, False, None, 0.0, False),
        (False, True, None, 0.9, True),
    ],
)
def test_models_yaml_says_what_is_kept(
    whole: bool, own: bool | None, fixed: float | None, asked: float, kept: bool
) -> None:
    deployment = {"backend": "box", "model": "tiny", "cache": own, "temperature": fixed}
    models = Models.model_validate(
        {
            "default": "main",
            "cache": whole,
            "backends": {"box": {"kind": "vllm", "base_url": "http://127.0.0.1:9/v1"}},
            "aliases": {"main": deployment},
        }
    )
    assert models.cached("main", asked) is kept
