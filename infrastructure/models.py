"""Which model is used: the configured one, else the rehearsal model."""

import os

from adapters.llm.configuration import Alias, Backend, Models
from adapters.llm.limited import LimitedLLM
from adapters.llm.providers import ProviderLLM
from adapters.llm.rehearsal import RehearsalLLM
from adapters.llm.retrying import RetryingLLM
from config.reading import read
from config.settings import Settings
from domain.ports.llm import LLM
from infrastructure.data_directory import DataDirectory

OLLAMA = "http://127.0.0.1:11434"
REHEARSAL = "rehearsal"


def configured(settings: Settings, directory: DataDirectory) -> Models | None:
    """None when work is rehearsed. Raises ConfigurationError with file, line and field."""
    if settings.rehearse or not directory.models.exists():
        return None
    return read(directory.models, Models)


def language_model(models: Models | None) -> LLM:
    """Decorators in one place: retry what was not billed, then limit what runs at once."""
    if models is None:
        return RehearsalLLM()
    return LimitedLLM(RetryingLLM(ProviderLLM(models, os.environ)))


def alias_of(models: Models | None) -> str:
    return REHEARSAL if models is None else models.default


def pin_ollama(directory: DataDirectory, model: str, base_url: str = OLLAMA) -> Models:
    """Writes models.yaml with one backend and one alias, so that the same model is used from now on."""
    import yaml

    models = Models(
        default="main",
        backends={"ollama": Backend(kind="ollama", base_url=base_url)},
        aliases={"main": Alias(backend="ollama", model=model)},
    )
    text = "# Which models are used. Written when you said yes to the Ollama that was found; edit it as you like.\n"
    text += yaml.safe_dump(models.model_dump(mode="json", exclude_defaults=True), sort_keys=False)
    directory.models.write_text(text)
    return models
