"""A file of calls to models and what came of them, one JSON value a line; the first says what was configured.

A request is known by its content, the n-th of the same by its place among them, so that it does not matter in which
order work that runs side by side asks. Prompts and replies stand in the file: it is its owner's alone (mode 0600).
"""

import json
import os
import re
from collections import defaultdict, deque
from dataclasses import asdict
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from domain.ids import digest_of
from domain.ports import llm
from domain.ports.llm import LLMError, ModelUnavailable, Reply, Request, RequestRefused, render

KIND, VERSION = "caseworks recording", 1
REPLIES = TypeAdapter(Reply)
ERRORS: dict[str, type[LLMError]] = {
    found.__name__: found for found in vars(llm).values() if isinstance(found, type) and issubclass(found, LLMError)
}
MOST_BYTES = 1_000_000_000
ID = re.compile(r"\b([a-z]{3}_)[0-9a-z]{26}\b")
COMPARED, SHOWN = 20_000, 60

Entry = dict[str, Any]


class BadTape(Exception):
    """One sentence: which file, which line, what is wrong with it."""


def asked(request: Request) -> Entry:
    """All of a request that decides on its reply."""
    return {
        "alias": request.alias,
        "messages": render(request),
        "schema": request.schema,
        "tools": [asdict(tool) for tool in request.tools],
        "options": {
            "max_output_tokens": request.max_output_tokens,
            "temperature": request.temperature,
            "must_call": request.must_call,
        },
    }


def digest(entry: Entry) -> str:
    """The same for the same, whatever ids its things have, which are new in each run."""
    return digest_of(ID.sub(r"\1", json.dumps(entry, sort_keys=True, ensure_ascii=False)).encode())


class Recorder:
    """Writes a new tape. Raises BadTape where there is a file already, or none can be written."""

    def __init__(self, path: Path, configuration: Entry) -> None:
        self._path = path
        try:
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        except FileExistsError:
            raise BadTape(f"{path} is there already; name a new file for the recording.") from None
        except OSError as error:
            raise BadTape(f"{path} cannot be written for the recording: {error.strerror}.") from None
        self._write({"kind": KIND, "version": VERSION, **configuration})

    def answered(self, request: Request, reply: Reply) -> None:
        entry = asked(request)
        self._write({"digest": digest(entry), **entry, "reply": asdict(reply)})

    def failed(self, request: Request, error: LLMError) -> None:
        entry, told = asked(request), {"kind": type(error).__name__, "text": str(error), "retryable": error.retryable}
        self._write({"digest": digest(entry), **entry, "error": told})

    def _write(self, entry: Entry) -> None:
        try:
            with os.fdopen(os.open(self._path, os.O_WRONLY | os.O_APPEND), "w", encoding="utf-8") as file:
                file.write(json.dumps(entry, ensure_ascii=False) + "\n")
        except OSError as error:
            raise RequestRefused(f"{self._path} cannot be written for the recording: {error.strerror}.") from None


class Tape:
    """A recorded tape. `configuration` is what its first line says."""

    def __init__(self, path: Path) -> None:
        """Raises BadTape."""
        self._path = path
        self._left: dict[str, deque[Entry]] = defaultdict(deque)
        self._lines: list[tuple[int, Entry]] = []
        first, *rest = self._read()
        if first.get("kind") != KIND or first.get("version") != VERSION:
            raise BadTape(f"{path} is no recording of Caseworks, or of another version; `--record` makes one.")
        self.configuration = first
        for number, entry in enumerate(rest, 2):
            self._keep(number, entry)

    def next(self, request: Request) -> Reply:
        """What came of the same request, the first time, the second … Raises what was raised then, and RequestRefused
        for a request that the tape does not know, or not once more."""
        entry = asked(request)
        known = digest(entry)
        if not self._left[known]:
            raise RequestRefused(self._unknown(request, entry))
        found = self._left[known].popleft()
        if (error := found.get("error")) is not None:
            raised = ERRORS.get(str(error.get("kind")), ModelUnavailable)(str(error.get("text")))
            raised.retryable = error.get("retryable") is True
            raise raised
        reply: Reply = found["reply"]
        return reply

    def _read(self) -> list[Entry]:
        try:
            if self._path.stat().st_size > MOST_BYTES:
                raise BadTape(f"{self._path} is longer than {MOST_BYTES:,} bytes; that is no recording of a run.")
            lines = self._path.read_text(encoding="utf-8").splitlines()
        except OSError as error:
            raise BadTape(f"The recording {self._path} cannot be read: {error.strerror}.") from None
        except UnicodeDecodeError:
            raise BadTape(f"The recording {self._path} is not UTF-8 text.") from None
        if not lines:
            raise BadTape(f"The recording {self._path} is empty.")
        return [self._line(number, line) for number, line in enumerate(lines, 1)]

    def _line(self, number: int, line: str) -> Entry:
        try:
            entry = json.loads(line)
        except ValueError:
            entry = None
        if not isinstance(entry, dict):
            raise BadTape(f"Line {number} of the recording {self._path} is no JSON object.")
        return entry

    def _keep(self, number: int, entry: Entry) -> None:
        try:
            if "error" not in entry:
                entry["reply"] = REPLIES.validate_python(entry["reply"])
            self._left[str(entry["digest"])].append(entry)
            self._lines.append((number, entry))
        except (KeyError, ValueError, AttributeError):
            raise BadTape(f"Line {number} of the recording {self._path} is no call and its reply.") from None

    def _unknown(self, request: Request, entry: Entry) -> str:
        asking = f"“{_clipped(request.task)}” of alias '{request.alias}'"
        same = [number for number, known in self._lines if known["digest"] == digest(entry)]
        if same:
            return f"{asking} is asked more often than in the recording {self._path}; line {same[-1]} was the last."
        text = _text(entry)
        near = max(self._lines, key=lambda line: _likeness(text, _text(line[1])), default=None)
        if near is None:
            return f"The recording {self._path} holds no calls, and {asking} is asked."
        number, known = near
        return f"The recording {self._path} has no reply to {asking}; {_nearest(number, entry, known)}."


def _text(entry: Entry) -> str:
    messages = entry.get("messages")
    return "\n".join(str(each.get("content")) for each in messages) if isinstance(messages, list) else ""


def _likeness(one: str, other: str) -> float:
    return SequenceMatcher(None, one[:COMPARED], other[:COMPARED], autojunk=False).quick_ratio()


def _nearest(number: int, entry: Entry, known: Entry) -> str:
    nearest = f"the nearest is on line {number}, which has"
    one, other = _text(entry), _text(known)
    if one == other:
        parts = [part for part in ("alias", "schema", "tools", "options") if entry[part] != known.get(part)]
        return f"{nearest} the same text and another {' and '.join(parts) or 'form'}"
    at = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    begin = max(0, at - SHOWN // 3)
    return f"{nearest} “{_clipped(other[begin:])}” where this has “{_clipped(one[begin:])}”"


def _clipped(text: str) -> str:
    line = " ".join(text[: 4 * SHOWN].split())
    return line if len(line) <= SHOWN else line[:SHOWN] + "…"
