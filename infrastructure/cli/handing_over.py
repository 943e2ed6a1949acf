"""The inputs of a project: looked at here first, then uploaded one by one."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infrastructure.cli import words
from infrastructure.cli.endings import Code, Ended
from infrastructure.cli.output import tell
from infrastructure.cli.session import segment

if TYPE_CHECKING:
    from infrastructure.cli.connection import Connection

Input = tuple[Path, str]


def inputs(paths: Iterable[Path], limit: int) -> tuple[Input, ...]:
    """(file, readable name) of all that `paths` stand for, each file once. Raises Ended and UnreadableDocument for
    what cannot be handed over: missing, empty, larger than `limit` bytes, a link that leads out of its folder."""
    from adapters.documents.folder import files_under

    found: dict[Path, str] = {}
    for path in paths:
        files = files_under(path.expanduser())
        if not files:
            raise Ended(Code.USAGE, f"The folder {path} holds no files; name one that holds your documents.")
        for file, name in files:
            found.setdefault(file, name)
    for file, name in found.items():
        _check(file, name, limit)
    return tuple(found.items())


def _check(file: Path, name: str, limit: int) -> None:
    try:
        status = file.stat()
        if not file.is_file():
            raise Ended(Code.USAGE, f"{name} is no regular file; hand over documents and folders of documents.")
        with file.open("rb"):
            pass
    except OSError as error:
        raise Ended(Code.USAGE, f"{name} cannot be read: {error.strerror}; check the path and its rights.") from None
    if status.st_size == 0:
        raise Ended(Code.USAGE, f"{name} is empty; leave it out, or put something into it.")
    if status.st_size > limit:
        sizes = f"is {words.size(status.st_size)}; at most {words.size(limit)} can be read"
        raise Ended(Code.USAGE, f"{name} {sizes}: split it into smaller documents.")


def hand_over(api: "Connection", project_id: str, files: Sequence[Input]) -> list[Any]:
    """Uploads `files` with a line for each; their artifacts. Raises Refused for one that the program cannot read."""
    filed = []
    for number, (file, name) in enumerate(files, 1):
        with file.open("rb") as content:
            artifact = api.post(
                f"/v1/projects/{segment(project_id)}/artifacts",
                files={"file": (Path(name).name, content)},
                data={"title": words.line(name, 300)},
            )
        filed.append(artifact)
        tell(f"  read {number}/{len(files)}  {name} ({words.size(artifact['size'])})")
    return filed
