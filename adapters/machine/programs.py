"""Asks programs of the system, each for a moment only."""

import shutil
import subprocess

WAIT = 5.0
LONGEST = 100_000


class Programs:
    """The programs found along `path` (as in PATH; None: the one of this process)."""

    def __init__(self, path: str | None = None, wait: float = WAIT) -> None:
        self._path, self._wait = path, wait

    def said(self, *command: str) -> str:
        """What it wrote; nothing where it is not there, fails, or takes longer than `wait` seconds."""
        program = shutil.which(command[0], path=self._path)
        if program is None:
            return ""
        try:
            done = subprocess.run(  # noqa: S603
                [program, *command[1:]],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=self._wait,
            )
        except (OSError, subprocess.SubprocessError):
            return ""
        return done.stdout[:LONGEST].decode("utf-8", "replace") if done.returncode == 0 else ""
