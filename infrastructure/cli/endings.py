"""How a command ends: the exit codes, and the one table from an error to a sentence and a code.

The table names classes by their address, so that showing a help page imports none of them.
"""

from enum import IntEnum


class Code(IntEnum):
    """Done; the work failed, needs attention or waits for a person; wrong usage; configuration or environment."""

    DONE = 0
    WORK = 1
    USAGE = 2
    ENVIRONMENT = 3
    INTERRUPTED = 130
    PIPE = 141


class Ended(Exception):
    """A command that ends early: one sentence for standard error, and the exit code."""

    def __init__(self, code: Code, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


KNOWN: dict[str, Code] = {
    "config.reading.ConfigurationError": Code.ENVIRONMENT,
    "infrastructure.data_directory.DataDirectoryError": Code.ENVIRONMENT,
    "infrastructure.serving.CannotListen": Code.ENVIRONMENT,
    "services.ports.store.StoreError": Code.ENVIRONMENT,
    "services.ports.documents.UnreadableDocument": Code.USAGE,
    "domain.ports.llm.LLMError": Code.ENVIRONMENT,
    "domain.errors.DomainError": Code.USAGE,
}
UNREACHABLE = "httpx.HTTPError"
REFUSED = "infrastructure.cli.connection.Refused"
OURS_TO_SOLVE = frozenset({401, 421, 429})
"""Refusals that are about the environment, not about what was asked."""


def explained(error: BaseException) -> tuple[Code, str]:
    """The exit code and the sentence for whatever ended a command."""
    if isinstance(error, Ended):
        return error.code, str(error)
    addresses = [_address(kind) for kind in type(error).__mro__]
    if REFUSED in addresses:
        return _refusal(int(getattr(error, "status", 500))), str(error)
    for address in addresses:
        if address in KNOWN:
            return KNOWN[address], str(error)
    if UNREACHABLE in addresses:
        return Code.ENVIRONMENT, _unreachable(error)
    if isinstance(error, OSError):
        return Code.ENVIRONMENT, _system(error)
    return Code.ENVIRONMENT, (
        f"Something broke inside Caseworks ({type(error).__name__}); nothing that was stored is lost. "
        "`caseworks --log DEBUG …` or CASEWORKS_LOG__LEVEL=DEBUG tells more."
    )


def _address(kind: type) -> str:
    """Where a class is made known; httpx says that all of its classes are its own."""
    return f"{kind.__module__}.{kind.__qualname__}"


def _refusal(status: int) -> Code:
    return Code.ENVIRONMENT if status >= 500 or status in OURS_TO_SOLVE else Code.USAGE


def _unreachable(error: BaseException) -> str:
    try:
        where = str(getattr(error, "request").url.copy_with(path="/", query=None)).rstrip("/")  # noqa: B009
    except RuntimeError:
        where = "that owns the data directory"
    return f"The server {where} does not answer any more; start it again with `caseworks up`. Nothing is lost."


def _system(error: OSError) -> str:
    name = f"{error.filename}: " if error.filename else ""
    return f"{name}{error.strerror or error}; check that it is there and that this user may use it."
