"""A real file system of a few megabytes, where this machine lets tests mount one."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def tiny_disk(path: Path, size: str) -> Iterator[Path]:
    """Where nothing may be mounted (no root) the test is skipped; in CI that is a failure."""
    path.mkdir()
    if _ran("mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(path)) != 0:
        refusal = "nothing may be mounted here"
        pytest.fail(refusal) if os.environ.get("CI") else pytest.skip(refusal)
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
