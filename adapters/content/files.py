"""Content as files named by their digest, two levels deep, under a directory per workspace."""

import asyncio
import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from domain.ids import digest_of
from services.ports.content import Content, ContentMissing


class FileContent(Content):
    def __init__(self, root: Path) -> None:
        self._root = root

    async def put(self, workspace_id: str, content: bytes) -> str:
        return await asyncio.to_thread(self._put, workspace_id, content)

    async def get(self, workspace_id: str, digest: str) -> bytes:
        return await asyncio.to_thread(self._get, workspace_id, digest)

    def digests(self, workspace_id: str) -> Iterator[str]:
        for path in (self._root / workspace_id).glob("??/*"):
            if len(path.name) == 64:
                yield f"sha256:{path.name}"

    def _put(self, workspace_id: str, content: bytes) -> str:
        digest = digest_of(content)
        path = self._path(workspace_id, digest)
        if path.exists() and digest_of(path.read_bytes()) == digest:
            return digest
        _make(path.parent)
        handle, draft = tempfile.mkstemp(dir=path.parent, prefix=".draft-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(draft).replace(path)
        except BaseException:
            Path(draft).unlink(missing_ok=True)
            raise
        _sync_directory(path.parent)
        return digest

    def _get(self, workspace_id: str, digest: str) -> bytes:
        try:
            content = self._path(workspace_id, digest).read_bytes()
        except FileNotFoundError:
            raise ContentMissing(
                f"The content {digest} is missing from the data directory; restore it from a backup."
            ) from None
        if f"sha256:{hashlib.sha256(content).hexdigest()}" != digest:
            raise ContentMissing(f"The content {digest} was changed on the disk; restore it from a backup.")
        return content

    def _path(self, workspace_id: str, digest: str) -> Path:
        name = digest.removeprefix("sha256:")
        if len(name) != 64 or not name.isalnum():
            raise ContentMissing(f"{digest[:80]!r} is not a digest.")
        return self._root / workspace_id / name[:2] / name


def _make(path: Path) -> None:
    """The directory, and each one above it that is missing, synced into the one that names it."""
    if path.is_dir():
        return
    _make(path.parent)
    path.mkdir(mode=0o700, exist_ok=True)
    _sync_directory(path.parent)


def _sync_directory(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
