"""Running `child.py` on an open document, within limits."""

import asyncio
import contextlib
import json
import math
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from pathlib import Path
from typing import BinaryIO, NamedTuple

_PROGRAM = Path(__file__).with_name("child.py")
_ENVIRONMENT = {"LC_ALL": "C.UTF-8"}
_CHUNK = 1 << 20

Places = tuple[tuple[int, str], ...]


class Limits(NamedTuple):
    """`seconds` of wall and of processor time, `memory` in bytes of the child, `characters` of text in its answer."""

    seconds: float
    memory: int
    characters: int


class ChildFailed(Exception):
    """`problem` is a key of `refusals.PROBLEMS`."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


async def parsed(file: BinaryIO, media_type: str, limits: Limits) -> tuple[str, Places]:
    """The text that the child finds in `file`, read from its start, and its places. Raises ChildFailed.

    The child is dead and reaped when this returns, raises or is cancelled.
    """
    try:
        async with asyncio.timeout(limits.seconds):
            process = await _start(file, media_type, limits)
            try:
                output = await _output_of(process, 5 * limits.characters + 1_000_000)
                code = await process.wait()
            finally:
                await _end(process)
    except TimeoutError:
        raise ChildFailed("slow") from None
    return _answer_in(output, code)


async def _start(file: BinaryIO, media_type: str, limits: Limits) -> Process:
    """Isolated mode ignores PYTHON* variables, the user's site and the working directory; the program is named by its
    path, so it is this one, however Caseworks was installed."""
    numbers = (limits.memory, math.ceil(limits.seconds) + 1, limits.characters)
    arguments = ("-I", "-B", str(_PROGRAM), media_type, *map(str, numbers))
    try:
        return await asyncio.create_subprocess_exec(
            sys.executable, *arguments, stdin=file, stdout=PIPE, stderr=DEVNULL,
            env=_ENVIRONMENT, cwd="/", start_new_session=True, limit=_CHUNK,
        )  # fmt: skip
    except OSError:
        raise ChildFailed("unstarted") from None


async def _output_of(process: Process, most: int) -> bytes:
    output = bytearray()
    assert process.stdout is not None
    while chunk := await process.stdout.read(_CHUNK):
        output += chunk
        if len(output) > most:
            raise ChildFailed("long")
    return bytes(output)


async def _end(process: Process) -> None:
    """Kills the child's whole group, and reads its pipe to the end, which closes it."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    await process.communicate()


def _answer_in(output: bytes, code: int) -> tuple[str, Places]:
    if code != 0:
        raise ChildFailed("slow" if code == -signal.SIGXCPU else "crashed")
    try:
        answer = json.loads(output)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise ChildFailed("crashed")
    text = answer.get("text")
    if not isinstance(text, str):
        raise ChildFailed(str(answer.get("error")))
    try:
        return text, tuple((int(offset), str(name)) for offset, name in answer.get("places", ()))
    except (TypeError, ValueError):
        raise ChildFailed("crashed") from None
