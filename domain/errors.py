"""What the rules refuse. A message says what happened, to which id, and what to do.

DomainError
├── NotFound              no such thing in this workspace
├── Forbidden             the caller may not do this
├── Invalid               a value breaks a rule (`errors` points at the fields)
│   ├── InvalidPlan
│   └── InvalidGraph
├── RefusedTransition     a state machine has no such edge
├── Conflict              somebody else changed it first
│   └── VersionMoved
├── ArtifactLocked
├── SelfReview            an author may not check their own work
└── LimitReached          a limit on calls, time, money or size
    └── CapReached        a counter that a budget caps
"""

from collections.abc import Sequence
from typing import NamedTuple


class DomainError(Exception):
    """Base of all refusals. `str(error)` is one sentence fit for a person. `outside`: no other way of doing the work
    would help."""

    outside = False


class NotFound(DomainError):
    def __init__(self, kind: str, id: str) -> None:
        super().__init__(f"There is no {kind} {id} here; check the id, or list what there is.")
        self.kind, self.id = kind, id


class Forbidden(DomainError):
    pass


class Invalid(DomainError):
    """`errors` holds (JSON pointer, message) pairs; empty when the whole value is meant."""

    def __init__(self, message: str, errors: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(message)
        self.errors = tuple(errors)


class InvalidPlan(Invalid):
    pass


class Fault(NamedTuple):
    """What is wrong with a text that describes an AgentGraph, where: its line and its field."""

    line: int
    field: str
    message: str

    def __str__(self) -> str:
        return f"line {self.line}, {self.field}: {self.message}"


class InvalidGraph(Invalid):
    def __init__(self, faults: Sequence[Fault]) -> None:
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        super().__init__(
            f"The workflow cannot be used: {faults[0]}{more}.", [("/yaml", str(fault)) for fault in faults]
        )
        self.faults = tuple(faults)


class RefusedTransition(DomainError):
    def __init__(self, kind: str, id: str, old: str, new: str) -> None:
        what = f"{old} already" if old == new else f"{old} and cannot become {new}"
        super().__init__(f"The {kind} {id} is {what}.")
        self.kind, self.id, self.old, self.new = kind, id, old, new


class Conflict(DomainError):
    pass


class VersionMoved(Conflict):
    def __init__(self, kind: str, id: str) -> None:
        super().__init__(f"The {kind} {id} was changed in the meantime; read it again and repeat.")


class ArtifactLocked(DomainError):
    def __init__(self, id: str) -> None:
        super().__init__(f"The artifact {id} is locked; unlock it before changing it.")


class SelfReview(DomainError):
    def __init__(self, id: str, author: str) -> None:
        super().__init__(f"{author} made {id} and cannot check it; let somebody else do it.")


class LimitReached(DomainError):
    """`limit` names what ran out: calls, seconds or money. `outside` where it is the project's, not the run's."""

    def __init__(self, limit: str, message: str, *, outside: bool = False) -> None:
        super().__init__(message)
        self.limit, self.outside = limit, outside


class CapReached(LimitReached):
    """The counter `limit` of `scope` would grow by `wanted` past `cap`; it has `used` and `held` so far."""

    def __init__(self, limit: str, message: str, *, scope: str, cap: int, used: int, held: int, wanted: int) -> None:
        super().__init__(limit, message, outside=True)
        self.scope, self.cap, self.used, self.held, self.wanted = scope, cap, used, held, wanted
