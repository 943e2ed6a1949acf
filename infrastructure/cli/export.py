"""`caseworks export`: a project as one zip file, to keep outside."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer
from typing import IO, Annotated

import typer

from infrastructure.cli import words
from infrastructure.cli.endings import Code, Ended
from infrastructure.cli.output import document, say, tell
from infrastructure.cli.session import DataDir, Json, Session, segment, session

QUIET_SECONDS = 2.0


def export(
    ctx: typer.Context,
    project: Annotated[str, typer.Argument(help="The project's id.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The zip file to write.", metavar="FILE")],
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it is there.")] = False,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Write a project with all that it holds to one zip file; archived ones too.

    Example: caseworks export prj_… --output lift.zip
    """
    path = _target(output, force=force)
    with session(ctx, data_dir) as found:
        size = _download(found, project, path)
    if json:
        document({"project_id": project, "path": str(path), "size": size})
    else:
        say(f"The project {project} is in {path} ({words.size(size)}); its README.txt says what is in it.")


def _target(output: Path, *, force: bool) -> Path:
    """An absolute path. Raises Ended where no file can be written, or must not."""
    path = output.expanduser().absolute()
    if path.is_dir() or not path.parent.is_dir():
        what = "is a folder" if path.is_dir() else "lies in a folder that does not exist"
        raise Ended(Code.USAGE, f"{path} {what}; name a file for the export.")
    if os.path.lexists(path) and not force:
        raise Ended(Code.USAGE, f"{path} is there already; name another file, or replace it with --force.")
    return path


def _download(found: Session, project: str, path: Path) -> int:
    """Its size. The file is there as a whole, for this user only, or not at all."""
    progress = Progress()
    with _draft(path) as (draft, file), progress.shown():
        for written, total in found.api.download(f"/v1/projects/{segment(project)}/export", file):
            progress.at(written, total)
        file.close()
        draft.replace(path)
        return path.stat().st_size


@contextmanager
def _draft(path: Path) -> Iterator[tuple[Path, IO[bytes]]]:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            yield draft, file
    finally:
        draft.unlink(missing_ok=True)


class Progress:
    """Says what goes on once it has taken `seconds`, and how far it is each time that they have passed again."""

    def __init__(self, seconds: float = QUIET_SECONDS) -> None:
        self._seconds, self._next = seconds, time.monotonic() + seconds
        self._timer = Timer(seconds, tell, ("The archive is being put together …",))

    @contextmanager
    def shown(self) -> Iterator[None]:
        self._timer.start()
        try:
            yield
        finally:
            self._timer.cancel()
            self._timer.join()

    def at(self, written: int, total: int) -> None:
        self._timer.cancel()
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + self._seconds
            tell(f"  {words.size(written)} of {words.size(total)}")
