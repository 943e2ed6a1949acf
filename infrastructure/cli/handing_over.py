"""The inputs of a project: looked at here first, then uploaded one by one."""

import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from infrastructure.cli import words
from infrastructure.cli.endings import Code, Ended
from infrastructure.cli.output import tell
from infrastructure.cli.session import segment

if TYPE_CHECKING:
    from infrastructure.cli.connection import Connection


@dataclass(frozen=True, kw_only=True)
class Input:
    """A file, by a readable name; or what a commit of a repository holds under that name."""

    name: str
    file: Path | None = None
    content: bytes = b""

    def open(self) -> BinaryIO:
        return self.file.open("rb") if self.file is not None else io.BytesIO(self.content)


def inputs(paths: Iterable[Path], limit: int) -> tuple[Input, ...]:
    """All that `paths` stand for, each file once. Raises Ended and UnreadableDocument for what cannot be handed over:
    missing, empty, larger than `limit` bytes, a link that leads out of its folder."""
    from adapters.documents.repository import is_repository

    found: dict[object, Input] = {}
    for given in paths:
        path = given.expanduser()
        files = list(_tracked(path, limit) if is_repository(path) else _files(path))
        if not files:
            raise Ended(Code.USAGE, f"The folder {given} holds no files; name one that holds your documents.")
        for file in files:
            found.setdefault(file.file or file.name, file)
    for file in found.values():
        if file.file is not None:
            _check(file.file, file.name, limit)
    return tuple(found.values())


def single(path: Path, limit: int) -> Input:
    """The one file at `path`. Raises as `inputs` does, and Ended for a folder."""
    if path.expanduser().is_dir():
        raise Ended(Code.USAGE, f"{path} is a folder; a version is made of one file.")
    [file] = inputs([path], limit)
    return file


def _files(path: Path) -> Iterator[Input]:
    from adapters.documents.folder import files_under

    return (Input(name=name, file=file) for file, name in files_under(path))


def _tracked(path: Path, limit: int) -> Iterator[Input]:
    """The text files of the last commit, named `folder@commit/path`."""
    from adapters.documents.repository import tracked

    found = tracked(path, limit)
    name = f"{path.resolve().name}@{found.commit[:12]}"
    left_out = f"; {words.count(found.left_out, 'file')} without text left out" if found.left_out else ""
    tell(f"  {path} as of commit {found.commit[:12]}: {words.count(len(found.files), 'text file')}{left_out}")
    return (Input(name=f"{name}/{inner}", content=content) for inner, content in found.files)


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
    """Uploads `files` with a line for each; their artifacts. Raises Refused for one that the program cannot read; of a
    repository such ones are left out, with a line that says why."""
    from infrastructure.cli.connection import Refused

    filed = []
    for number, file in enumerate(files, 1):
        try:
            artifact = _uploaded(api, project_id, file)
        except Refused as refused:
            if file.file is not None:
                raise
            tell(f"  left out {number}/{len(files)}  {file.name}: {refused}")
            continue
        filed.append(artifact)
        tell(f"  read {number}/{len(files)}  {file.name} ({words.size(artifact['size'])})")
    return filed


def _uploaded(api: "Connection", project_id: str, file: Input) -> Any:
    address = f"/v1/projects/{segment(project_id)}/artifacts"
    return _sent(api, address, file, data={"title": words.line(file.name, 300)})


def revise(api: "Connection", artifact_id: str, file: Input) -> Any:
    """The artifact, with `file` as its newest version."""
    return _sent(api, f"/v1/artifacts/{segment(artifact_id)}/versions", file)


def _sent(api: "Connection", address: str, file: Input, **more: Any) -> Any:
    with file.open() as content:
        return api.post(address, files={"file": (Path(file.name).name, content)}, **more)
