"""Reading YAML against a pydantic schema, with errors that name file, line and field."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

M = TypeVar("M", bound=BaseModel)
MAX_BYTES = 1_000_000


class ConfigurationError(Exception):
    """One sentence: which file, line and field, what is wrong with it."""


def read(path: Path, schema: type[M], overlay: Mapping[str, Any] | None = None) -> M:
    """The file as `schema`; what `overlay` holds (from the environment) wins. A missing file is empty."""
    text = _text(path) if path.exists() else ""
    tree = _composed(path, text)
    values = _merged(_loaded(path, text), overlay or {})
    try:
        return schema.model_validate(values)
    except ValidationError as error:
        raise ConfigurationError(_told(path, tree, error, overlay or {})) from None


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ConfigurationError(f"{path} is larger than 1 MB; that is no settings file.")
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path} is not UTF-8 text.") from None
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}.") from None


def _composed(path: Path, text: str) -> yaml.Node | None:
    try:
        return yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark is not None else ""
        raise ConfigurationError(f"{path}{line}: {getattr(error, 'problem', None) or 'not YAML'}.") from None


def _loaded(path: Path, text: str) -> dict[str, Any]:
    value = yaml.safe_load(text)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ConfigurationError(f"{path}, line 1: it must hold `name: value` pairs.")
    return value


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(base)
    for key, value in over.items():
        inner = result.get(key)
        both = isinstance(value, Mapping) and isinstance(inner, Mapping)
        result[key] = _merged(inner, value) if both else value  # type: ignore[arg-type]
    return result


def _told(path: Path, tree: yaml.Node | None, error: ValidationError, overlay: Mapping[str, Any]) -> str:
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"]) or "the whole file"
    message = first["msg"].removeprefix("Value error, ")
    if _holds(overlay, first["loc"]):
        variable = "CASEWORKS_" + "__".join(str(part).upper() for part in first["loc"])
        return f"{variable} (environment): {message}."
    line = _line(tree, first["loc"])
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return f"{path}, line {line}, {field}: {message}{more}."


def _holds(overlay: Mapping[str, Any], location: tuple[int | str, ...]) -> bool:
    value: Any = overlay
    for part in location:
        if not isinstance(value, Mapping) or part not in value:
            return False
        value = value[part]
    return bool(location)


def _line(node: yaml.Node | None, location: tuple[int | str, ...]) -> int:
    """The line of the deepest part of `location` that the file has."""
    line = 1 if node is None else node.start_mark.line + 1
    for part in location:
        if isinstance(node, yaml.MappingNode):
            found = next(((key, value) for key, value in node.value if key.value == str(part)), None)
            if found is None:
                break
            line, node = found[0].start_mark.line + 1, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
    return line
