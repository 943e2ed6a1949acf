"""Content by digest, a tree per workspace."""

from abc import ABC, abstractmethod
from collections.abc import Iterator


class ContentMissing(Exception):
    pass


class Content(ABC):
    @abstractmethod
    async def put(self, workspace_id: str, content: bytes) -> str:
        """Its digest (`sha256:<hex>`), once it is on the disk and synced. The same content is stored once.
        Raises OSError when it cannot be written; nothing is left half-written under its name."""

    @abstractmethod
    async def get(self, workspace_id: str, digest: str) -> bytes:
        """Raises ContentMissing when it is not there, or no longer is what its name says."""

    @abstractmethod
    def digests(self, workspace_id: str) -> Iterator[str]:
        """All digests of a workspace, in no order."""
