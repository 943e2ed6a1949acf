"""Content on a real disk: by digest, whole or not at all."""

import asyncio
import hashlib
import os
from pathlib import Path

import pytest

from adapters.content.files import FileContent
from services.ports.content import ContentMissing
from tests.stores import OTHER, W
from tests.tiny_disks import tiny_disk


def digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def files(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file()]


async def test_what_was_put_is_got_by_its_digest(tmp_path: Path) -> None:
    content = FileContent(tmp_path)
    for body in (b"", b"honey", os.urandom(300_000)):
        assert await content.put(W, body) == digest(body)
        assert await content.get(W, digest(body)) == body
    assert sorted(content.digests(W)) == sorted(f"sha256:{path.name}" for path in files(tmp_path))


async def test_each_workspace_has_its_own_tree(tmp_path: Path) -> None:
    content = FileContent(tmp_path)
    await content.put(OTHER, b"honey")
    with pytest.raises(ContentMissing):
        await content.get(W, digest(b"honey"))
    assert list(content.digests(W)) == []
    assert list(content.digests(OTHER)) == [digest(b"honey")]


async def test_the_same_content_is_stored_once_even_when_put_at_once(tmp_path: Path) -> None:
    content, body = FileContent(tmp_path), os.urandom(200_000)
    assert set(await asyncio.gather(*(content.put(W, body) for _ in range(40)))) == {digest(body)}
    assert len(files(tmp_path)) == 1
    assert await content.get(W, digest(body)) == body


async def test_content_that_changed_on_the_disk_is_not_given_out(tmp_path: Path) -> None:
    content = FileContent(tmp_path)
    await content.put(W, b"honey")
    (path,) = files(tmp_path)
    path.write_bytes(b"money")
    with pytest.raises(ContentMissing, match="changed on the disk"):
        await content.get(W, digest(b"honey"))
    path.unlink()
    with pytest.raises(ContentMissing, match="missing"):
        await content.get(W, digest(b"honey"))
    assert await content.put(W, b"honey") == digest(b"honey")
    assert await content.get(W, digest(b"honey")) == b"honey"


async def test_nothing_is_left_half_written_when_the_disk_is_full(tmp_path: Path) -> None:
    with tiny_disk(tmp_path / "disk", "1m") as disk:
        content = FileContent(disk / "content")
        await content.put(W, b"honey")
        with pytest.raises(OSError, match="No space"):
            await content.put(W, os.urandom(3_000_000))
        assert list(content.digests(W)) == [digest(b"honey")]
        assert len(files(disk)) == 1
        assert await content.put(W, b"wax") == digest(b"wax")


async def test_a_draft_that_a_crash_left_is_no_content(tmp_path: Path) -> None:
    content = FileContent(tmp_path)
    await content.put(W, b"honey")
    (path,) = files(tmp_path)
    (path.parent / ".draft-x").write_bytes(b"half")
    assert list(content.digests(W)) == [digest(b"honey")]
