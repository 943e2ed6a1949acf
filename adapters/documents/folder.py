"""The files that a path given by a user stands for."""

import os
from collections.abc import Iterator
from pathlib import Path

from services.ports.documents import UnreadableDocument


def files_under(path: Path, *, max_files: int = 500) -> tuple[tuple[Path, str], ...]:
    """(file, readable name) of `path` itself, or of every regular file in the folder `path`, sorted by name.

    A link given as `path` is followed, for the user named it. In a folder hidden files and folders are skipped, and
    so are links to what is inside of the folder. Raises UnreadableDocument: nothing is there, a link leads out of the
    folder or to nowhere, a folder cannot be listed, there are more than `max_files` files.
    """
    try:
        real = path.resolve(strict=True)
    except (OSError, RuntimeError):  # RuntimeError: a circle of links, before Python 3.13
        raise UnreadableDocument(f"{path} does not exist or cannot be reached: check the path.") from None
    if not real.is_dir():
        return ((real, readable(path.name or real.name)),)
    found: list[tuple[Path, str]] = []
    for file in _walk(real):
        found.append((file, readable(file.relative_to(real).as_posix())))
        if len(found) > max_files:
            raise UnreadableDocument(f"{path} has more than {max_files} files: choose a smaller folder.")
    return tuple(sorted(found, key=lambda pair: pair[0].parts))


def _walk(root: Path) -> Iterator[Path]:
    folders = [root]
    while folders:
        for entry in _entries(folders.pop()):
            path = Path(entry.path)
            if entry.is_symlink():
                _refuse_if_outside(path, root)
            elif entry.is_dir(follow_symlinks=False):
                folders.append(path)
            elif entry.is_file(follow_symlinks=False):
                yield path


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return [entry for entry in entries if not entry.name.startswith(".")]
    except OSError as error:
        reason = error.strerror or "an error"
        raise UnreadableDocument(f"The folder {folder} cannot be listed ({reason}): check its rights.") from None


def _refuse_if_outside(link: Path, root: Path) -> None:
    try:
        inside = link.resolve(strict=True).is_relative_to(root)
    except (OSError, RuntimeError):
        inside = False
    if not inside:
        raise UnreadableDocument(
            f"{readable(str(link))} is a link out of the folder or to nowhere: remove it, or copy what it means."
        )


def readable(name: str) -> str:
    """`name` with what is not Unicode in it made visible, for file names are bytes."""
    return os.fsencode(name).decode(errors="replace")
