"""Where the calls for an alias go, and the key that they carry: all of it from `models.yaml` and nowhere else."""

from collections.abc import Mapping
from pathlib import Path

from adapters.llm.configuration import Models
from adapters.llm.faults import Target
from adapters.llm.wire import trust
from domain.ports.llm import ModelDenied, ModelInfo, ModelMissing

MOST_KEY = 4_000


class Targets:
    """`environ` is read for the variables only that `api_key_env` names."""

    def __init__(self, models: Models, environ: Mapping[str, str]) -> None:
        self._models = models
        self._environ = environ

    def describe(self, alias: str) -> ModelInfo:
        """Of an alias, or of one of its deployments by key. Raises ModelMissing."""
        try:
            return self._models.describe(alias)
        except KeyError:
            known = ", ".join(self._models.aliases)
            raise ModelMissing(f"No alias '{alias}' is configured; models.yaml has {known}.") from None

    def of(self, alias: str) -> Target:
        """Raises ModelMissing."""
        info = self.describe(alias)
        backend = self._models.backends[info.backend]
        return Target(
            alias=alias,
            model=info.model,
            address=backend.base_url,
            kind=backend.kind,
            provider=backend.provider,
            ca_file=backend.ca_file,
            key_variable=backend.api_key_env,
            key_file=backend.api_key_file,
            cloud_allowed=backend.allow_cloud,
            priced=info.priced,
        )

    def key(self, target: Target) -> str | None:
        """None where none is configured. Raises ModelDenied where it, or the certificates, are not to be had."""
        _trusted(target)
        if target.key_file is not None:
            return _written_key(target, target.key_file)
        if target.key_variable is None:
            return None
        key = self._environ.get(target.key_variable)
        if not key:
            raise ModelDenied(
                f"The environment variable {target.key_variable} is not set, which holds the key for {target}; set it."
            )
        return key


def _trusted(target: Target) -> None:
    try:
        trust(target.ca_file)
    except OSError:
        raise ModelDenied(
            f"The file {target.ca_file}, which holds the certificates for {target}, cannot be read; correct it."
        ) from None


def _written_key(target: Target, file: Path) -> str:
    try:
        key = file.expanduser().read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise ModelDenied(f"The file {file}, which holds the key for {target}, cannot be read; correct it.") from None
    if not key or len(key) > MOST_KEY or not key.isprintable():
        raise ModelDenied(f"The file {file} holds no key for {target}; write the key and nothing else into it.")
    return key
