"""Folders of this machine that are looked into again and again."""

import contextlib
import os
import shutil
from pathlib import Path

from adapters.documents.folder import readable
from adapters.documents.opening import opened
from domain.errors import Invalid
from services.ports.documents import MAX_BYTES, UnreadableDocument
from services.ports.folders import Folders, Look, Seen

MOST_FILES = 500
LONGEST = 300  # characters of a path, which becomes a title


class LocalFolders(Folders):
    """Any folder but those that hold `data_dir` or lie in it."""

    def __init__(self, data_dir: Path, *, max_bytes: int = MAX_BYTES) -> None:
        self._data_dir, self._max_bytes = data_dir, max_bytes

    def fit(self, folder: str) -> str:
        path = Path(folder)
        if not path.is_absolute():
            raise _invalid(f"The folder to watch, {folder[:300]}, must be an absolute path.", "is not an absolute path")
        try:
            real = path.resolve(strict=True)
            listed = real.is_dir() and os.access(real, os.R_OK | os.X_OK)
        except (OSError, RuntimeError, ValueError):
            listed = False
        if not listed:
            said = f"The folder to watch, {folder[:300]}, is not there, or cannot be listed."
            raise _invalid(said, "is no folder that can be listed")
        own = self._data_dir.resolve()
        if real.is_relative_to(own) or own.is_relative_to(real):
            raise _invalid("The data directory, what holds it and what lies in it cannot be watched.", "is not allowed")
        return str(real)

    def look(self, folder: Path) -> Look:
        walk = _Walk(folder)
        walk.through()
        if len(walk.files) > MOST_FILES:
            raise UnreadableDocument(f"{folder} has more than {MOST_FILES} files: watch a smaller folder.")
        return Look(files=tuple(sorted(walk.files, key=lambda seen: seen.path)), refused=tuple(sorted(walk.refused)))

    def copy(self, folder: Path, seen: Seen, into: Path) -> bool:
        path = folder / seen.path
        if not path.resolve().is_relative_to(folder):
            return False
        with opened(path, seen.path, self._max_bytes) as source:
            if _mark(os.fstat(source.fileno())) != seen.mark:
                return False
            with into.open("wb") as target:
                shutil.copyfileobj(source, target)
            return _mark(os.fstat(source.fileno())) == seen.mark


class _Walk:
    """Through a folder and all below it, until there are too many files."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folders = [""]
        self.files: list[Seen] = []
        self.refused: list[str] = []

    def through(self) -> None:
        while self._folders and len(self.files) <= MOST_FILES:
            folder = self._folders.pop()
            try:
                with os.scandir(self._root / folder) as entries:
                    for entry in entries:
                        self._meet(entry, f"{folder}/{entry.name}" if folder else entry.name)
            except OSError as error:
                if not folder:
                    raise UnreadableDocument(f"{self._root} cannot be listed ({error.strerror}): check it.") from None
                self.refused.append(f"{readable(folder)} cannot be listed ({error.strerror}): check its rights.")

    def _meet(self, entry: os.DirEntry[str], path: str) -> None:
        if entry.name.startswith("."):
            return
        if entry.is_symlink():
            if not _leads_inside(self._root / path, self._root):
                self.refused.append(f"{readable(path)} is a link out of the folder or to nowhere: copy what it means.")
        elif entry.is_dir(follow_symlinks=False):
            self._folders.append(path)
        elif len(path) > LONGEST or readable(path) != path:
            self.refused.append(f"{readable(path)[:LONGEST]} has a name that is too long or not Unicode: rename it.")
        elif entry.is_file(follow_symlinks=False):
            with contextlib.suppress(FileNotFoundError):
                self.files.append(Seen(path=path, mark=_mark(entry.stat(follow_symlinks=False))))


def _mark(status: os.stat_result) -> tuple[int, ...]:
    return status.st_size, status.st_mtime_ns, status.st_ino


def _leads_inside(link: Path, folder: Path) -> bool:
    try:
        return link.resolve(strict=True).is_relative_to(folder)
    except (OSError, RuntimeError):
        return False


def _invalid(sentence: str, fault: str) -> Invalid:
    return Invalid(sentence, [("/watched_folder", fault)])
