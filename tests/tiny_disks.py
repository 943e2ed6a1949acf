"""A real file system of a few megabytes, where this machine lets tests mount one."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def tiny_disk(path: Path, size: str) -> Iterator[Path]:
    """Skips the test where nothing may be mounted."""
    path.mkdir()
    if _ran("mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(path)) != 0:
        pytest.skip("nothing may be mounted here")
    try:
        yield path
    finally:
        _ran("umount", str(path))


def freeze(path: Path) -> None:
    """The mounted disk can only be read from now on."""
    assert _ran("mount", "-o", "remount,ro", str(path)) == 0


def _ran(*command: str) -> int:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode
    except OSError:
        return 1
