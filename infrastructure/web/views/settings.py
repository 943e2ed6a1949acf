"""The settings in force. A secret is only said to be set."""

import os
from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import BaseModel, SecretStr

from config.settings import Settings
from infrastructure.container import Container


@dataclass(frozen=True, kw_only=True)
class Setting:
    name: str
    value: str
    about: str


@dataclass(frozen=True, kw_only=True)
class Model:
    """An alias and what stands behind it; `key` says where its key comes from, never what it is."""

    alias: str
    model: str
    backend: str
    where: str
    key: str
    default: bool


def in_force(settings: Settings) -> tuple[Setting, ...]:
    return tuple(_settings(settings, ""))


def _settings(section: BaseModel, prefix: str) -> Iterator[Setting]:
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        if isinstance(value, BaseModel):
            yield from _settings(value, f"{prefix}{name}.")
        else:
            yield Setting(name=prefix + name, value=_told(value), about=field.description or "")


def _told(value: object) -> str:
    match value:
        case None:
            return "not set"
        case SecretStr():
            return "set, hidden"
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case tuple():
            return ", ".join(map(str, value))
        case _:
            return str(value)


def models(parts: Container) -> tuple[Model, ...]:
    """None where work is rehearsed."""
    found = parts.models()
    if found is None:
        return ()
    return tuple(
        Model(
            alias=name,
            model=alias.model,
            backend=alias.backend,
            where=found.backends[alias.backend].base_url,
            key=_key(found.backends[alias.backend].api_key_env),
            default=name == found.default,
        )
        for name, alias in found.aliases.items()
    )


def _key(variable: str | None) -> str:
    if variable is None:
        return "none needed"
    return f"{variable} (environment), {'set' if os.environ.get(variable) else 'NOT set'}"
