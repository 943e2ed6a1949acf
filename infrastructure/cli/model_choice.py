"""Which model a command will work with: the configured one, checked; else an Ollama that is found; else none."""

import asyncio
import os
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from infrastructure.cli.endings import Code, Ended
from infrastructure.cli.output import ask, asked, tell

if TYPE_CHECKING:
    from adapters.llm.configuration import Models
    from config.settings import Settings

REHEARSAL = "this is a rehearsal: rules write what they can, and nothing is judged by a model."


def prepare(settings: "Settings") -> None:
    """Before work starts in this process: the configured model is there, or an Ollama is offered, or it is said that
    work is rehearsed. Raises LLMError, ConfigurationError,
    DataDirectoryError."""
    from infrastructure.data_directory import DataDirectory
    from infrastructure.models import configured

    if settings.rehearse or settings.replay is not None:
        return
    directory = DataDirectory(settings.data_dir)
    directory.prepare()
    models = configured(settings, directory)
    if models is not None:
        check(models)
    else:
        _offer(settings)


def prepare_here(settings: "Settings") -> None:
    """`prepare`, unless a server works already: then the model is its affair."""
    from infrastructure.data_directory import DataDirectory

    directory = DataDirectory(settings.data_dir)
    if not directory.path.is_dir() or directory.server() is None:
        prepare(settings)


def check(models: "Models") -> None:
    """Raises LLMError that says what to do, unless the default model is there."""
    from infrastructure.model_calls import language_model
    from infrastructure.models import alias_of

    asyncio.run(language_model(models).check(alias_of(models)))


def found() -> tuple[str, ...]:
    """The models of an Ollama on this machine, smallest first."""
    from adapters.llm.discovery import find_ollama

    return asyncio.run(find_ollama(address(), timeout=1.0))


def address() -> str:
    """Where Ollama listens: where its own variable OLLAMA_HOST says, else at its usual place."""
    from infrastructure.models import OLLAMA

    given = os.environ.get("OLLAMA_HOST", "").strip()
    if not given:
        return OLLAMA
    try:
        parts = urlsplit(given if "//" in given else f"//{given}")
        host, port = parts.hostname or "127.0.0.1", parts.port or 11434
    except ValueError:
        return OLLAMA
    host = "127.0.0.1" if host == "0.0.0.0" else f"[{host}]" if ":" in host else host  # noqa: S104
    return f"{parts.scheme or 'http'}://{host}:{port}"


def pin(settings: "Settings", name: str) -> None:
    """From now on the Ollama model `name`; what models.yaml held before is kept beside it."""
    from infrastructure.data_directory import DataDirectory
    from infrastructure.models import pin_ollama

    directory = DataDirectory(settings.data_dir)
    directory.prepare()
    set_aside(settings)
    pin_ollama(directory, name, address())


def set_aside(settings: "Settings") -> bool:
    """Renames models.yaml to models.yaml.old; False when there was none."""
    from infrastructure.data_directory import DataDirectory

    path = DataDirectory(settings.data_dir).models
    if not path.exists():
        return False
    path.replace(path.with_name("models.yaml.old"))
    return True


def must_rehearse(model: str) -> Ended:
    return Ended(
        Code.ENVIRONMENT,
        f"A server that works with {model} owns the data directory, so this cannot be rehearsed there; stop it, or "
        "name another directory with --data-dir.",
    )


def _offer(settings: "Settings") -> None:
    names = found()
    if not names:
        tell(f"No language model found; {REHEARSAL}")
    elif asked():
        answer = ask(f"Found Ollama with {', '.join(names[:3])}. Use {names[0]} from now on? [Y/n]").lower()
        if answer in ("", "y", "yes"):
            pin(settings, names[0])
        else:
            tell(f"Then {REHEARSAL}")
    else:
        use = f"`caseworks config model ollama:{names[0]}` uses it from now on"
        tell(f"Ollama has {names[0]}, and {use}; until then {REHEARSAL}")
