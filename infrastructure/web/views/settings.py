"""The settings in force. A secret is only said to be set."""

from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import BaseModel, SecretStr

from config.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Setting:
    name: str
    value: str
    about: str


def in_force(settings: Settings) -> tuple[Setting, ...]:
    return tuple(_settings(settings, ""))


def _settings(section: BaseModel, prefix: str) -> Iterator[Setting]:
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        if isinstance(value, BaseModel):
            yield from _settings(value, f"{prefix}{name}.")
        else:
            said = str(value) if name == "port" else _told(value)
            yield Setting(name=prefix + name, value=said, about=field.description or "")


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
