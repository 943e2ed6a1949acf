"""What is told outside of work while it happens, for traces and metrics: ids, kinds, models and numbers. Never what
the work is about: no prompt, no text, no sentence of an error."""

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager, nullcontext
from typing import Literal

from domain.run import Run

Attribute = str | int | float | bool
Episode = Literal["run", "effect", "call"]


class Span(ABC):
    @abstractmethod
    def note(self, **attributes: Attribute) -> None:
        """What came to be known on the way."""


class Telemetry(ABC):
    @abstractmethod
    def span(self, episode: Episode, run: Run, **attributes: Attribute) -> AbstractContextManager[Span]:
        """Lasts as long as its context, within the one that is open around it: a run while it is carried on, an
        effect of it, a call to a model or tool in that. Of an exception that leaves the context only the class is
        told. Telling never fails and never waits."""


class Silence(Telemetry, Span):
    """Nothing is told to anybody."""

    def span(self, episode: Episode, run: Run, **attributes: Attribute) -> AbstractContextManager[Span]:
        return nullcontext(self)

    def note(self, **attributes: Attribute) -> None:
        pass


SILENCE = Silence()
