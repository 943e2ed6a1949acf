"""A model in a file, run by llama.cpp as a child of this process: really started, asked, broken off, killed."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator

from adapters.llm.backends import BackendLLM
from adapters.llm.configuration import Models
from adapters.llm.own_engine import Means
from adapters.llm.own_engines import OwnEngines, wanted_by
from domain.ports.llm import Delta, ModelMissing, ModelUnavailable, Reply, Request
from tests.tiny_models import write_tiny_model

REQUEST = Request(alias="main", system="You are terse.", task="Say it.", idempotency_key="step-1", deadline=60.0)
SCHEMA: Any = {
    "type": "object",
    "properties": {"verdict": {"enum": ["met", "not_met"]}, "score": {"type": "integer", "minimum": 1, "maximum": 9}},
    "required": ["verdict", "score"],
    "additionalProperties": False,
}
LONG: Any = {"type": "array", "items": {"type": "string", "minLength": 900}, "minItems": 8, "maxItems": 8}
"""Takes seconds."""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "tiny.gguf"
    write_tiny_model(path)
    return path


@pytest.fixture
async def engines() -> AsyncIterator[OwnEngines]:
    found = OwnEngines(lambda: Means(threads=1))
    yield found
    await found.close()


def models(file: Path, **alias: Any) -> Models:
    return Models.model_validate(
        {
            "default": "main",
            "backends": {"files": {"kind": "gguf"}},
            "aliases": {"main": {"backend": "files", "model": str(file), **alias}},
        }
    )


def llm(file: Path, engines: OwnEngines, **alias: Any) -> BackendLLM:
    return BackendLLM(models(file, **alias), {}, engines)


def gone(pid: int) -> bool:
    """Whether there is no such process any more; one that nobody asked after yet counts as gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


async def comes_true(holds: Any, seconds: float = 20.0) -> bool:
    end = asyncio.get_running_loop().time() + seconds
    while not holds() and asyncio.get_running_loop().time() < end:
        await asyncio.sleep(0.02)
    return bool(holds())


async def pid_of(engines: OwnEngines) -> int:
    async with engines.held("main") as engine:
        return engine.pid


async def test_it_is_begun_at_the_first_call_and_answers_as_other_backends_do(file: Path, engines: OwnEngines) -> None:
    asked = llm(file, engines, parallel=2)
    await asked.check("main")
    assert engines.running() == {}
    reply = await asked.complete(replace(REQUEST, schema=SCHEMA))
    Draft202012Validator(SCHEMA).validate(json.loads(reply.text))
    assert reply.model == str(file) and reply.output_tokens > 0
    pieces = [piece async for piece in asked.stream(replace(REQUEST, temperature=0.0))]
    assert isinstance(pieces[-1], Reply) and len(pieces) > 2
    assert "".join(piece.text for piece in pieces if isinstance(piece, Delta)) == pieces[-1].text
    assert engines.running()["main"] > file.stat().st_size


async def test_what_is_known_of_it_comes_from_the_file(file: Path, engines: OwnEngines) -> None:
    asked = llm(file, engines, context_tokens=4_096)
    before = await asked.seen("main")
    await engines.start("main")
    after = await asked.seen("main")
    assert (before.there, before.loaded, before.size, before.memory) == (True, False, file.stat().st_size, None)
    assert before.trained_tokens == 262_144
    assert (after.loaded, after.context_tokens, after.memory) == (True, 4_096, engines.running()["main"])


async def test_only_who_knows_its_key_is_answered_and_only_here(file: Path, engines: OwnEngines) -> None:
    llm(file, engines)
    async with engines.held("main") as engine, httpx.AsyncClient(trust_env=False) as client:
        body = {"messages": [{"role": "user", "content": "x"}], "max_tokens": 1}
        assert (await client.post(f"{engine.url}/chat/completions", json=body)).status_code == 401
        assert engine.url.startswith("http://127.0.0.1:")
        told = Path(f"/proc/{engine.pid}/cmdline").read_bytes() + Path(f"/proc/{engine.pid}/environ").read_bytes()
        assert engine.key.encode() not in told and len(engine.key) > 40


async def test_a_call_that_is_cancelled_gives_its_place_back(file: Path, engines: OwnEngines) -> None:
    asked = llm(file, engines, context_tokens=16_384)
    async with engines.held("main") as engine, httpx.AsyncClient(trust_env=False) as client:
        client.headers["Authorization"] = f"Bearer {engine.key}"

        async def busy() -> int:
            slots = (await client.get(f"{engine.url.removesuffix('/v1')}/slots")).json()
            return sum(bool(slot["is_processing"]) for slot in slots)

        call = asyncio.ensure_future(asked.complete(replace(REQUEST, schema=LONG, max_output_tokens=8_000)))
        while not await busy():
            assert not call.done()
            await asyncio.sleep(0.01)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        while await busy():
            await asyncio.sleep(0.01)
    assert (await asked.complete(REQUEST)).text


async def test_idle_for_its_time_it_ends_and_the_next_call_begins_it_anew(file: Path, engines: OwnEngines) -> None:
    asked = llm(file, engines, keep_alive="1s")
    await asked.complete(REQUEST)
    first = await pid_of(engines)
    assert await comes_true(lambda: gone(first) and engines.running() == {})
    assert (await asked.complete(REQUEST)).text
    assert await pid_of(engines) != first


async def test_a_call_keeps_it_however_short_its_time_is(file: Path, engines: OwnEngines) -> None:
    asked = llm(file, engines, context_tokens=16_384, keep_alive="0")
    reply = await asked.complete(replace(REQUEST, schema=SCHEMA))
    Draft202012Validator(SCHEMA).validate(json.loads(reply.text))
    assert await comes_true(lambda: engines.running() == {})


async def test_calls_that_come_at_once_begin_one_engine(file: Path, engines: OwnEngines) -> None:
    asked = llm(file, engines, parallel=2)
    await asyncio.gather(*(asked.complete(replace(REQUEST, schema=SCHEMA)) for _ in range(4)))
    assert len(engines.running()) == 1
    pid = await pid_of(engines)
    await engines.stop("main")
    assert gone(pid) and engines.running() == {}


async def test_who_is_cancelled_while_it_loads_stops_nobody_else(file: Path, engines: OwnEngines) -> None:
    asked = llm(file, engines)
    first = asyncio.ensure_future(asked.complete(REQUEST))
    second = asyncio.ensure_future(asked.complete(REQUEST))
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).text


async def test_another_model_for_its_alias_takes_its_place_when_its_calls_are_done(
    file: Path, engines: OwnEngines
) -> None:
    asked = llm(file, engines)
    async with engines.held("main") as old:
        engines.know(wanted_by(models(file, context_tokens=1_024)))
        await engines.start("main")
        assert old.runs and await pid_of(engines) != old.pid
        assert (await asked.seen("main")).context_tokens == 1_024
    assert await comes_true(lambda: not old.runs)
    engines.know({})
    assert await comes_true(lambda: engines.running() == {})
    with pytest.raises(ModelMissing, match="any more"):
        await engines.start("main")


async def test_one_that_was_killed_is_told_and_begun_anew(file: Path, engines: OwnEngines) -> None:
    asked = llm(file, engines, context_tokens=16_384)
    pid = await pid_of(engines)
    pieces = aiter(asked.stream(replace(REQUEST, schema=LONG, max_output_tokens=8_000)))
    await anext(pieces)
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(ModelUnavailable, match="want of memory; it is begun anew"):
        while True:
            await anext(pieces)
    assert (await asked.complete(REQUEST)).text


async def test_one_that_does_not_end_in_time_is_killed(file: Path, engines: OwnEngines) -> None:
    llm(file, engines)
    pid = await pid_of(engines)
    os.kill(pid, signal.SIGSTOP)
    await engines.close()
    assert gone(pid)


HOLDER = """
import asyncio, sys
from pathlib import Path
from adapters.llm.own_engines import OwnEngines, Wanted
async def main():
    engines = OwnEngines()
    engines.know({"main": Wanted(path=Path(sys.argv[1]), context_tokens=1024)})
    async with engines.held("main") as engine:
        print(engine.pid, flush=True)
        await asyncio.sleep(600)
asyncio.run(main())
"""


async def test_it_goes_with_its_parent_even_when_that_is_killed(file: Path) -> None:
    root = Path(__file__).parents[2]
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(file)], cwd=root, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    pid = int(await asyncio.to_thread(holder.stdout.readline))
    assert not gone(pid)
    holder.kill()
    holder.wait()
    holder.stdout.close()
    assert await comes_true(lambda: gone(pid))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "There is no file"),
        (b"", "ends in the middle"),
        (b"PK\x03\x04 is a zip", "does not begin with GGUF"),
        (b"GGUF\x03\x00\x00\x00", "ends in the middle"),
    ],
)
async def test_a_file_that_is_none_is_told_in_a_sentence(
    tmp_path: Path, engines: OwnEngines, content: bytes | None, told: str
) -> None:
    path = tmp_path / "model.gguf"
    if content is not None:
        path.write_bytes(content)
    asked = llm(path, engines)
    with pytest.raises(ModelMissing, match=told):
        await asked.check("main")
    with pytest.raises(ModelMissing, match=told):
        await asked.complete(REQUEST)
    seen = await asked.seen("main")
    assert not seen.there and told in seen.fault and "\n" not in seen.fault


async def test_a_folder_and_a_pipe_are_no_files(tmp_path: Path, engines: OwnEngines) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(ModelMissing, match="There is no file"):
            await llm(path, engines).check("main")


async def test_a_file_that_is_cut_off_is_told_when_it_is_loaded(file: Path, engines: OwnEngines) -> None:
    path = file.with_name("cut.gguf")
    path.write_bytes(file.read_bytes()[:-1_000])
    asked = llm(path, engines)
    for _ in range(2):
        with pytest.raises(ModelUnavailable, match=r"is cut off, damaged .* fetch it again") as caught:
            await asked.complete(REQUEST)
        assert caught.value.leaves and not caught.value.retryable
    assert engines.running() == {}


async def test_one_that_needs_more_than_the_machine_has_is_told_with_the_numbers(file: Path) -> None:
    small = OwnEngines(lambda: Means(memory=100_000_000))
    asked = llm(file, small, context_tokens=8_192, parallel=2)
    with pytest.raises(ModelMissing, match=r"needs 0\.\d GB of memory with 8,192 tokens for each of 2 calls.* 0\.1 GB"):
        await asked.check("main")


WITHOUT = """
import asyncio, sys
from pathlib import Path
sys.modules["xllamacpp"] = None
from adapters.llm.own_engines import OwnEngines, Wanted
engines = OwnEngines()
engines.know({"main": Wanted(path=Path(sys.argv[1]), context_tokens=1024)})
try:
    asyncio.run(engines.start("main"))
except Exception as error:
    print(type(error).__name__, error)
"""


def test_without_the_wheel_a_sentence_says_what_to_install(file: Path) -> None:
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", WITHOUT, str(file)], cwd=root, capture_output=True, text=True)
    assert done.stdout.startswith("ModelMissing llama.cpp is not installed")
    assert "pip install 'caseworks[gguf]'" in done.stdout and done.stderr == ""
