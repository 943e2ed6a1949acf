"""Reading YAML against a pydantic schema, with errors that name file, line and field."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from domain.errors import Fault
from domain.wording import Place, told

M = TypeVar("M", bound=BaseModel)
MAX_BYTES = 1_000_000
MAX_VALUES = 50_000
"""What a file may hold once its aliases are unfolded."""
MAX_DEPTH = 60
WHOLE = "the whole file"
TOLD = 5
"""How many faults of a file are told at once."""
MERGE = "tag:yaml.org,2002:merge"


class ConfigurationError(Exception):
    """A sentence for each fault: which file, line and field, what is wrong with it."""


class NotReadable(ConfigurationError):
    """The file is no YAML that is read here: on which `line`, and why."""

    def __init__(self, path: Path, line: int | None, message: str) -> None:
        super().__init__(f"{path}{f', line {line}' if line else ''}: {message}.")
        self.line, self.message = line or 1, message


def read(path: Path, schema: type[M], overlay: Mapping[str, Any] | None = None) -> M:
    """The file as `schema`; what `overlay` holds (from the environment) wins. A missing file is empty."""
    tree, written = parsed(path, text_of(path) if path.exists() or path.is_symlink() else "")
    values = _merged(written, overlay or {})
    try:
        return schema.model_validate(values)
    except ValidationError as error:
        faults = told(error, schema.model_json_schema(), values)
        raise ConfigurationError(_lines(path, tree, faults, overlay or {})) from None


def faults_in(text: str, schema: type[BaseModel]) -> list[Fault]:
    """All that is wrong with `text`, each with its line and field."""
    try:
        tree, values = parsed(Path("text"), text)
        schema.model_validate(values)
    except NotReadable as error:
        return [Fault(error.line, WHOLE, error.message)]
    except ValidationError as error:
        found = told(error, schema.model_json_schema(), values)
        return sorted(Fault(line_of(tree, place), ".".join(map(str, place)) or WHOLE, said) for place, said in found)
    return []


def text_of(path: Path) -> str:
    try:
        if path.exists() and not path.is_file():
            raise ConfigurationError(f"{path} is no file.")
        if path.stat().st_size > MAX_BYTES:
            raise ConfigurationError(f"{path} is larger than 1 MB; that is no settings file.")
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path} is not UTF-8 text.") from None
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}.") from None


def parsed(path: Path, text: str) -> tuple[yaml.Node | None, dict[str, Any]]:
    """The nodes of `text`, which know their lines, and its values; of an empty one none. Raises NotReadable on what is
    no YAML, is no mapping, holds a key twice, or unfolds to more than it should."""
    try:
        tree = yaml.compose(text, Loader=_Loader)
        _Looked(path).at(tree)
        value = _Loader("").construct_document(tree) if tree is not None else {}
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark is not None else _line_at(text, error)
        raise NotReadable(path, line, _problem(error)) from None
    except RecursionError:
        raise NotReadable(path, None, f"it is nested more than {MAX_DEPTH} deep") from None
    if value is None:
        return tree, {}
    if not isinstance(value, dict):
        raise NotReadable(path, 1, "it must hold `name: value` pairs")
    return tree, value


class _Loader(yaml.SafeLoader):
    """Says on which line a value stands that looks like a number or a date and is none."""

    def construct_object(self, node: Any, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except (ValueError, OverflowError, ArithmeticError):
            said = f"{str(node.value)[:40]!r} is no number or date; write it in quotes"
            raise yaml.constructor.ConstructorError(None, None, said, node.start_mark) from None


class _Looked:
    """A walk through the nodes, each of them once however often an alias names it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: dict[int, tuple[int, int]] = {}
        self._under_way: set[int] = set()

    def at(self, node: yaml.Node | None) -> None:
        """Raises NotReadable."""
        if node is not None:
            self._weigh(node)

    def _weigh(self, node: yaml.Node) -> tuple[int, int]:
        """How many values `node` unfolds to, and how deep they are nested."""
        if (known := self._seen.get(id(node))) is not None:
            return known
        if id(node) in self._under_way:
            raise self._refused(node, "it holds itself, by an alias")
        self._under_way.add(id(node))
        parts = [self._weigh(part) for part in self._parts(node)]
        self._under_way.discard(id(node))
        size, height = 1 + sum(n for n, _ in parts), 1 + max((h for _, h in parts), default=0)
        if size > MAX_VALUES:
            raise self._refused(node, f"it unfolds to more than {MAX_VALUES:,} values")
        if height > MAX_DEPTH:
            raise self._refused(node, f"it is nested more than {MAX_DEPTH} deep")
        self._seen[id(node)] = size, height
        return size, height

    def _parts(self, node: yaml.Node) -> Iterator[yaml.Node]:
        if isinstance(node, yaml.SequenceNode):
            yield from node.value
        elif isinstance(node, yaml.MappingNode):
            lines: dict[tuple[str, str], int] = {}
            for key, value in node.value:
                if isinstance(key, yaml.ScalarNode) and key.tag != MERGE:
                    if (first := lines.get((key.tag, key.value))) is not None:
                        raise self._refused(key, f"{key.value!r} stands there twice, first on line {first}")
                    lines[key.tag, key.value] = line_in(key)
                yield key
                yield value

    def _refused(self, node: yaml.Node, message: str) -> NotReadable:
        return NotReadable(self._path, line_in(node), message)


PLAINER = (
    (r"found character '\\t' that.*", "it is indented with a tab; use spaces"),
    (r"could not determine a constructor for the tag '(?:tag:yaml\.org,2002:)?(.*)'", r"the tag \1 is not known here"),
    (r"found unhashable key", "a name must be a text; a text in braces needs quotes"),
    (r"(.*), but found '<stream end>'", r"it ends too early: \1"),
    (r"special characters are not allowed", "it holds a character that no text has"),
)
"""What PyYAML says, and what is said instead."""


def _problem(error: yaml.YAMLError) -> str:
    said = getattr(error, "problem", None) or str(getattr(error, "reason", None) or "it is no YAML")
    for pattern, plainer in PLAINER:
        said = re.sub(pattern, plainer, said)
    if said == "but found another document":
        return "it holds more than one document"
    hint = "; a text with a ? in braces needs quotes" if said.endswith("got '?'") else ""
    return " ".join(said.split()).rstrip(".") + hint


def _line_at(text: str, error: yaml.YAMLError) -> int | None:
    """The line of a character that no YAML file may hold."""
    position = getattr(error, "position", None)
    return text.count("\n", 0, position) + 1 if isinstance(position, int) else None


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(base)
    for key, value in over.items():
        inner = result.get(key)
        both = isinstance(value, Mapping) and isinstance(inner, Mapping)
        result[key] = _merged(inner, value) if both else value  # type: ignore[arg-type]
    return result


def _lines(path: Path, tree: yaml.Node | None, faults: Sequence[tuple[Place, str]], overlay: Mapping[str, Any]) -> str:
    """A fault each, the first few."""
    lines = [_line(path, tree, place, said, overlay) for place, said in faults[:TOLD]]
    more = [f"And {len(faults) - TOLD} more."] if len(faults) > TOLD else []
    return "\n".join((*lines, *more))


def _line(path: Path, tree: yaml.Node | None, place: Place, said: str, overlay: Mapping[str, Any]) -> str:
    if _holds(overlay, place):
        return f"CASEWORKS_{'__'.join(str(part).upper() for part in place)} (environment): {said}."
    return f"{path}, line {line_of(tree, place)}, {'.'.join(map(str, place)) or WHOLE}: {said}."


def _holds(overlay: Mapping[str, Any], location: Place) -> bool:
    value: Any = overlay
    for part in location:
        if not isinstance(value, Mapping) or part not in value:
            return False
        value = value[part]
    return bool(location)


def line_in(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def line_of(node: yaml.Node | None, location: Place) -> int:
    """The line of the deepest part of `location` that the file has."""
    line = 1 if node is None else line_in(node)
    for part in location:
        if isinstance(node, yaml.MappingNode):
            found = next(((key, value) for key, value in node.value if key.value == str(part)), None)
            if found is None:
                break
            line, node = line_in(found[0]), found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = line_in(node)
    return line
