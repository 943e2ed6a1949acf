"""Time and chance, handed in from outside."""

from abc import ABC, abstractmethod
from datetime import datetime


class Clock(ABC):
    @abstractmethod
    def now(self) -> datetime:
        """The time in UTC."""

    @abstractmethod
    def entropy(self) -> bytes:
        """At least 10 bytes that nobody can guess."""
