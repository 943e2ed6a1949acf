"""The editor of the person at the terminal, on a file."""

import os
import shlex
import subprocess
from pathlib import Path

from infrastructure.cli.endings import Code, Ended


def opened(path: Path) -> None:
    """Returns when the editor was closed. Raises Ended when there is none, or it failed; the file stays."""
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if not editor:
        raise Ended(Code.USAGE, "No editor is set: set EDITOR, or hand the edited file over with --file PATH.")
    try:
        done = subprocess.run([*shlex.split(editor), str(path)])  # noqa: S603
    except (OSError, ValueError) as error:
        raise Ended(Code.USAGE, f"The editor {editor!r} cannot be started ({error}); set EDITOR to another.") from None
    if done.returncode != 0:
        raise Ended(Code.USAGE, f"The editor ended with {done.returncode}; nothing was changed. The draft is {path}.")
