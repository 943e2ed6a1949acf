"""llama.cpp as a process of ours, for one model file.

It listens on loopback, on a port of the system's choice, and answers only who knows a key: that is made anew each time
and goes to the process by its standard input, where no other can read it.
"""

import asyncio
import importlib.util
import json
import os
import secrets
import sys
import time
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from loguru import logger

from adapters.llm.gguf_header import UnreadableModel, shape_in
from domain.memory import Shape, need
from domain.ports.llm import LLMError, ModelMissing, ModelUnavailable

CHILD = Path(__file__).with_name("engine_child.py")
MISSING = "llama.cpp is not installed, which runs GGUF files; install it with `pip install 'caseworks[gguf]'`."
LOADING = 600.0
"""Seconds that a model may take to load."""
TELLING = 10.0
"""Seconds after which a model that is still being loaded is told of in the log, again and again."""
ENDING = 5.0
"""Seconds that an engine may take to end before it is killed."""
LINE = 1_000_000
PASSED_ON = ("PATH", "HOME", "TMPDIR", "LANG", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES")
"""What an engine gets of the environment: no keys of others."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What an engine is to run: the file, with `context_tokens` for each of `parallel` calls at once. Idle for `rest`
    seconds it is ended; with None never."""

    path: Path
    context_tokens: int
    parallel: int = 1
    rest: float | None = 300.0

    def shape(self, alias: str, memory: int) -> Shape:
        """That of the model in the file. Raises ModelMissing, one sentence, where it cannot be run: llama.cpp is not
        installed, the file is not there, no GGUF file, or needs more than `memory` bytes (0: not known)."""
        if importlib.util.find_spec("xllamacpp") is None:
            raise ModelMissing(MISSING)
        if not self.path.is_file():
            raise ModelMissing(f"There is no file {self.path}, which alias '{alias}' names; correct its path.")
        try:
            shape = shape_in(self.path)
        except UnreadableModel as error:
            raise ModelMissing(str(error)) from None
        if 0 < memory < (total := self.bytes(shape)):
            raise ModelMissing(
                f"{self.path} (alias '{alias}') needs {total / 1e9:.1f} GB of memory with {self._room()}, and this "
                f"machine has {memory / 1e9:.1f} GB; lower `context_tokens` or `parallel`, or take a smaller file."
            )
        return shape

    def bytes(self, shape: Shape) -> int:
        """The memory that it needs."""
        return need(shape, self.context_tokens, self.parallel).total

    def _room(self) -> str:
        return f"{self.context_tokens:,} tokens" + (f" for each of {self.parallel} calls" if self.parallel > 1 else "")


@dataclass(frozen=True, kw_only=True)
class Means:
    """What the machine gives: `memory` in bytes (0: not known); `threads` for a model (0: as llama.cpp sees fit)."""

    memory: int = 0
    threads: int = 0


Asked = Callable[[], Means]
"""May take its time; it is called in a thread."""


class OwnEngine:
    """Begun when made, after `after` if that is given, so that two models do not need their memory at once; ended when
    it was not used for `wanted.rest` seconds. To be made in an event loop."""

    def __init__(self, alias: str, wanted: Wanted, means: Asked, after: "OwnEngine | None" = None) -> None:
        self.wanted = wanted
        self.url = self.key = ""
        self.bytes = 0
        self._alias, self._means, self._rest = alias, means, wanted.rest
        self._process: Process | None = None
        self._calls = 0
        self._timer: asyncio.TimerHandle | None = None
        self._ending: asyncio.Task[None] | None = None
        self._beginning = asyncio.create_task(self._begin(after))
        self._beginning.add_done_callback(lambda task: task.cancelled() or task.exception())  # told to who waits

    @property
    def runs(self) -> bool:
        """Whether there is a process, one that is still loading included."""
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int:
        """0 before there is a process."""
        return 0 if self._process is None else self._process.pid

    @property
    def serves(self) -> bool:
        """Whether it can be asked, now or when it has begun."""
        if self._ending is not None:
            return False
        return not self._beginning.done() or self.runs

    @property
    def ready(self) -> bool:
        return self.serves and self._beginning.done()

    @contextmanager
    def used(self) -> Iterator[None]:
        """Keeps it from being ended for idleness."""
        self._calls += 1
        if self._timer is not None:
            self._timer.cancel()
        try:
            yield
        finally:
            self._calls -= 1
            self._idle()

    async def begun(self) -> None:
        """Returns once it serves. Raises LLMError where it does not come to that. Cancelling ends the waiting only."""
        await asyncio.shield(self._beginning)

    async def gone(self, seconds: float) -> bool:
        """Whether its process ends within that time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._process.wait() if self._process is not None else None
        return not self.runs

    def retire(self) -> None:
        """Ends it as soon as the calls under way have ended."""
        self._rest = 0.0
        self._idle()

    async def end(self) -> None:
        """Ends it now; calls under way fail."""
        if self._ending is None:
            self._ending = asyncio.create_task(self._end())
        await asyncio.shield(self._ending)

    def _idle(self) -> None:
        if self._calls or self._rest is None or self._ending is not None:
            return
        self._timer = asyncio.get_running_loop().call_later(self._rest, self._rested)

    def _rested(self) -> None:
        if not self._calls and self._ending is None:
            self._ending = asyncio.create_task(self._end())

    async def _begin(self, after: "OwnEngine | None") -> None:
        if after is not None:
            await after.end()
        means = await asyncio.to_thread(self._means)
        shape = await asyncio.to_thread(self.wanted.shape, self._alias, means.memory)
        self.bytes = self.wanted.bytes(shape)
        logger.info("{}: loading {}, {:.1f} GB", self._alias, self.wanted.path, self.bytes / 1e9)
        begun = time.monotonic()
        telling = asyncio.create_task(self._tell(begun))
        try:
            async with asyncio.timeout(LOADING):
                await self._serve(means.threads)
        except TimeoutError:
            raise self._failed(f"was not loaded within {LOADING:.0f} seconds; take a smaller file") from None
        finally:
            telling.cancel()
        logger.info("{}: ready after {:.1f} s", self._alias, time.monotonic() - begun)

    async def _tell(self, begun: float) -> None:
        while True:
            await asyncio.sleep(TELLING)
            logger.info("{}: still loading after {:.0f} s", self._alias, time.monotonic() - begun)

    async def _serve(self, threads: int) -> None:
        process = self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-I", "-B", str(CHILD), stdin=PIPE, stdout=PIPE, stderr=STDOUT, cwd="/",
            env={name: value for name, value in os.environ.items() if name in PASSED_ON}, start_new_session=True,
            limit=LINE,
        )  # fmt: skip
        key = secrets.token_urlsafe(32)
        try:
            await self._ask(process, key, threads)
            self.url, self.key = f"{await self._address(process)}/v1", key
        except BaseException:
            _kill(process)
            await _read_on(process)
            await process.wait()
            raise
        self._listening = asyncio.create_task(_read_on(process))

    async def _ask(self, process: Process, key: str, threads: int) -> None:
        asked = {
            "path": str(self.wanted.path),
            "context_tokens": self.wanted.context_tokens,
            "parallel": self.wanted.parallel,
            "threads": threads,
            "key": key,
        }
        assert process.stdin is not None
        process.stdin.write(json.dumps(asked).encode() + b"\n")
        with suppress(ConnectionError):  # it ended at once, which is told by what it says
            await process.stdin.drain()

    async def _address(self, process: Process) -> str:
        """Told by llama.cpp when the model is loaded and it answers."""
        while line := await _line(process):
            if line.startswith(b'{"address"'):
                return str(json.loads(line)["address"])
            logger.debug("{}: {}", self._alias, line.decode("utf-8", "replace").rstrip())
        if await process.wait() < 0:
            raise self._failed("was ended from outside while it was loaded, most likely for want of memory")
        raise self._failed(
            "cannot be run by llama.cpp: it is cut off, damaged or of a kind that this version does not know; fetch it "
            "again, or update with `pip install --upgrade 'caseworks[gguf]'`"
        )

    def _failed(self, said: str) -> LLMError:
        error: LLMError = ModelUnavailable(f"{self.wanted.path} (alias '{self._alias}') {said}.")
        error.retryable, error.remedy = False, "elsewhere"
        return error

    async def _end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if not self._beginning.done():
            self._beginning.cancel()
            await asyncio.wait({self._beginning})
        if self._process is None or not self.runs:
            return
        assert self._process.stdin is not None
        self._process.stdin.close()
        if not await self.gone(ENDING):
            _kill(self._process)
        await self._listening
        await self._process.wait()
        logger.info("{}: ended", self._alias)


async def _line(process: Process) -> bytes:
    """The next line of what it says; empty after the last."""
    assert process.stdout is not None
    try:
        return await process.stdout.readline()
    except ValueError:  # longer than LINE
        return b"\n"


async def _read_on(process: Process) -> None:
    while await _line(process):
        pass


def _kill(process: Process) -> None:
    with suppress(ProcessLookupError):
        process.kill()
