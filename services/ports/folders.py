"""Looking into folders of this machine again and again."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A file by its path in the folder, with slashes. Its `mark` changes when it is written to or replaced."""

    path: str
    mark: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Look:
    """`refused` are sentences on what is not taken, such as links out of the folder; the rest is."""

    files: tuple[Seen, ...]
    refused: tuple[str, ...] = ()


class Folders(ABC):
    @abstractmethod
    def fit(self, folder: str) -> str:
        """The real path of `folder`. Raises Invalid when it is not absolute, not a folder, or has to do with the data
        directory."""

    @abstractmethod
    def look(self, folder: Path) -> Look:
        """What lies in `folder` and below, hidden files left out. Raises UnreadableDocument when it is not there or
        has too many files."""

    @abstractmethod
    def copy(self, folder: Path, seen: Seen, into: Path) -> bool:
        """Writes the file to `into`; false when it is not what was seen any more. Raises UnreadableDocument."""
