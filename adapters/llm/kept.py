"""Replies of models that are kept, so that the same need not be asked twice: a file each, a folder for each workspace.

They may be thrown away at any time. Those that were not used for long go, and the oldest where there are too many.
"""

import json
import os
import re
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from pydantic import TypeAdapter

from domain.ports.llm import Reply

MOST_BYTES = 256_000_000
MOST_AGE = 30 * 24 * 3600.0
"""Seconds since a reply was made."""
KEPT = 0.8
"""How much of what may be kept is left when some goes."""
PLAIN = re.compile(r"[A-Za-z0-9_-]{1,100}")
REPLIES = TypeAdapter(Reply)


class KeptReplies:
    """A reply is known by the workspace that it was made for and a digest. What cannot be read or written counts as not
    kept. Blocks on the disk."""

    def __init__(
        self,
        folder: Path,
        *,
        most_bytes: int = MOST_BYTES,
        most_age: float = MOST_AGE,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._folder, self._most_bytes, self._most_age, self._now = folder, most_bytes, most_age, now
        self._bytes: int | None = None

    def get(self, workspace: str, digest: str) -> Reply | None:
        try:
            path = self._at(workspace, digest)
            if self._now() - path.stat().st_mtime > self._most_age:
                path.unlink()
                return None
            return REPLIES.validate_json(path.read_bytes())
        except (OSError, ValueError):
            return None

    def put(self, workspace: str, digest: str, reply: Reply) -> None:
        body = json.dumps(asdict(reply), ensure_ascii=False).encode(errors="replace")
        with suppress(OSError, ValueError):
            path = self._at(workspace, digest)
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(body)
            os.utime(draft, (self._now(), self._now()))
            draft.replace(path)
            self._grew(len(body))

    def _at(self, workspace: str, digest: str) -> Path:
        """Raises ValueError for what is no name of a folder."""
        if not PLAIN.fullmatch(workspace):
            raise ValueError(f"{workspace!r} is no workspace")
        return self._folder / workspace / f"{digest.removeprefix('sha256:')}.json"

    def _grew(self, size: int) -> None:
        self._bytes = self._counted() if self._bytes is None else self._bytes + size
        if self._bytes > self._most_bytes:
            self._thinned()

    def _counted(self) -> int:
        return sum(size for _, size, _ in self._files())

    def _thinned(self) -> None:
        left = 0
        for age, size, path in sorted(self._files()):
            if age <= self._most_age and left + size <= KEPT * self._most_bytes:
                left += size
            else:
                path.unlink(missing_ok=True)
        self._bytes = left

    def _files(self) -> list[tuple[float, int, Path]]:
        """Age, size and place of each."""
        found = []
        for path in self._folder.glob("*/*.json"):
            with suppress(OSError):
                seen = path.stat()
                found.append((self._now() - seen.st_mtime, seen.st_size, path))
        return found
