"""Workflows as YAML files: those that ship, and those in the data directory, read again when they change."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from pathlib import Path
from threading import Lock
from typing import Any

from loguru import logger
from pydantic import ValidationError

from config.reading import WHOLE, ConfigurationError, NotReadable, line_of, parsed, text_of
from domain.agent_graph import AS_WRITTEN, AgentGraph
from domain.errors import Fault, Invalid, InvalidGraph
from domain.wording import Place, phrased

SHIPPED = Path(__file__).parent / "workflows"
NAME = re.compile(r"[a-z][a-z0-9_-]{0,59}")
INTERNAL = ("CheckNode", "SuperviseNode")
LARGEST = 2**53 - 1
Stamp = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class _Read:
    """What a file said when it was of that stamp; `graph` is what holds."""

    stamp: Stamp | None = None
    graph: AgentGraph | None = None
    fault: str = ""


class WorkflowFiles:
    """The files `<name>.yaml` in `folder`. Those that cannot be used are told by `faults`; one that no longer can keeps
    what it said before, and that is logged."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[str, _Read] = {}
        self._reading = Lock()

    def all(self) -> dict[str, AgentGraph]:
        return {name: read.graph for name, read in self._current().items() if read.graph is not None}

    def faults(self) -> dict[str, str]:
        """Why a file cannot be used as it is now, in a sentence, by the file's name without its ending."""
        named = {name: read.fault for name, read in self._current().items() if read.fault}
        return {**_misnamed(self._folder), **named}

    def place(self, name: str) -> str:
        return str(self._path(name))

    def text(self, name: str) -> str:
        if name not in self._files():
            raise KeyError(name)
        return text_of(self._path(name))

    def check(self, name: str, text: str) -> AgentGraph:
        graph, faults = examined(name, text)
        if graph is None:
            raise InvalidGraph(faults)
        return graph

    def lines(self, text: str, fields: Sequence[str]) -> list[int]:
        tree = parsed(Path("workflow"), text)[0]
        return [line_of(tree, tuple(field.split("."))) for field in fields]

    def keep(self, name: str, text: str) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self._path(name).with_suffix(".draft")
        draft.write_text(text, encoding="utf-8")
        draft.replace(self._path(name))

    def remove(self, name: str) -> None:
        self._path(name).unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        if not NAME.fullmatch(name):
            raise Invalid(f"{name[:80]!r} cannot be a workflow's name; use small letters, digits, _ and -.")
        return self._folder / f"{name}.yaml"

    def _files(self) -> dict[str, Path]:
        return {path.stem: path for path in sorted(self._folder.glob("*.yaml")) if NAME.fullmatch(path.stem)}

    def _current(self) -> dict[str, _Read]:
        with self._reading:
            files = self._files()
            self._read = {name: read for name, read in self._read.items() if name in files}
            for name, path in files.items():
                before = self._read.get(name, _Read())
                if before.stamp != (now := _stamp(path)):
                    self._read[name] = replace(_again(name, path, before), stamp=now)
            return dict(self._read)


def workflow(name: str, text: str, path: Path) -> AgentGraph:
    """The workflow in `text`. Raises ConfigurationError naming file, line and field."""
    graph, faults = examined(name, text)
    if graph is None:
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        raise ConfigurationError(f"{path}, {faults[0]}{more}.")
    return graph


def examined(name: str, text: str) -> tuple[AgentGraph | None, tuple[Fault, ...]]:
    """The workflow that `text` describes, or all that is wrong with it. With a `name`, it must be of that name."""
    try:
        tree, values = parsed(Path("workflow"), text)
    except NotReadable as error:
        return None, (Fault(error.line, WHOLE, error.message),)
    places = [*_unstorable(values)]
    if not places:
        try:
            graph = AgentGraph.model_validate({"inputs": {}, **values}, context=AS_WRITTEN)
        except ValidationError as error:
            places = _all_told(error, values)
        else:
            if not name or graph.name.partition("@")[0] == name:
                return graph, ()
            places = [(("name",), f"it must be {name}@ and a number, as the workflow is called")]
    faults = (Fault(line_of(tree, at), ".".join(map(str, at)) or WHOLE, said) for at, said in places)
    return None, tuple(sorted(faults, key=lambda fault: fault.line))


def schema() -> dict[str, Any]:
    """The JSON Schema for editors: as the YAML is written, nodes by their names, without what is for built-in
    workflows only."""
    found = AgentGraph.model_json_schema()
    definitions = {name: made for name, made in found["$defs"].items() if name not in INTERNAL}
    for definition in definitions.values():
        properties = definition.get("properties", {})
        if "type" in properties and "id" in properties:
            del properties["id"]
            properties.pop("handler", None)
            definition["required"] = ["type", *(name for name in definition.get("required", []) if name != "id")]
    nodes = found["properties"]["nodes"]
    found["properties"]["nodes"] = {
        "type": "object",
        "additionalProperties": _without_internal(nodes["items"]),
        "propertyNames": {"pattern": r"^[a-z][a-z0-9_]{0,39}$"},
        "minProperties": 1,
        "maxProperties": nodes["maxItems"],
        "description": "The nodes by their names.",
    }
    found["title"] = "A workflow of Caseworks"
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found, "$defs": _parts(definitions)}


def _without_internal(union: Mapping[str, Any]) -> dict[str, Any]:
    internal = {f"#/$defs/{name}" for name in INTERNAL}
    mapping = {kind: ref for kind, ref in union["discriminator"]["mapping"].items() if ref not in internal}
    kept = [each for each in union["oneOf"] if each["$ref"] not in internal]
    return {"oneOf": kept, "discriminator": {**union["discriminator"], "mapping": mapping}}


def _parts(definitions: dict[str, Any]) -> dict[str, Any]:
    """What a fan-out does has no place to go of its own."""
    fan_out = definitions["FanOutNode"]["properties"]["do"]
    for each in fan_out["oneOf"]:
        name = each["$ref"].rpartition("/")[2]
        part = {**definitions[name], "properties": dict(definitions[name]["properties"]), "title": f"{name} as a part"}
        part["properties"].pop("on_failure", None)
        part["properties"].pop("next", None)
        part["required"] = [field for field in part["required"] if field != "next"]
        definitions = {**definitions, f"{name}Part": part}
        each["$ref"] = f"#/$defs/{name}Part"
    mapping = fan_out["discriminator"]["mapping"]
    fan_out["discriminator"]["mapping"] = {kind: f"{ref}Part" for kind, ref in mapping.items()}
    return definitions


def _again(name: str, path: Path, before: _Read) -> _Read:
    try:
        return _Read(graph=workflow(name, text_of(path), path))
    except ConfigurationError as error:
        if before.graph is not None:
            logger.warning("{} What it said before holds until it is mended.", error)
        return replace(before, fault=str(error))


def _misnamed(folder: Path) -> dict[str, str]:
    """Files that look like workflows and are not read."""
    wrong = [path for path in sorted(folder.glob("*.yaml")) if not NAME.fullmatch(path.stem)]
    return {
        path.stem: f"{path} is not read: call it <name>.yaml, with small letters, digits, _ and - in the name."
        for path in (*wrong, *sorted(folder.glob("*.yml")))
    }


def _all_told(error: ValidationError, values: Any) -> list[tuple[Place, str]]:
    found = phrased(error.errors(), schema(), values)
    return list(dict.fromkeys(_told(*fault) for fault in found))


def _told(fault: Mapping[str, Any], place: Place, said: str) -> tuple[Place, str]:
    """Where a fault is, and what is wrong, in words for whoever writes YAML."""
    if len(place) == 3 and place[0] == "nodes" and place[2] == "id":
        return place[:2], "a node's name has small letters, digits and _, a letter first"
    match fault["type"]:
        case "string_type":
            return place, _no_text(fault["input"])
        case "tuple_type" if place == ("nodes",):
            return place, "must hold nodes by their names"
        case "union_tag_not_found":
            return place, "needs a `type`, the kind of the node"
        case "union_tag_invalid":
            tags = fault["ctx"]["expected_tags"].replace("'", "").split(", ")
            known = ", ".join(kind for kind in tags if kind not in ("check", "supervise", "child"))
            return (*place, "type"), f"there is no kind {fault['ctx']['tag']!r}; there are {known}"
    return place, said


def _no_text(value: Any) -> str:
    if isinstance(value, bool):
        return "YAML takes yes, no, on and off for true and false; write it in quotes"
    return "must be a text" if isinstance(value, list | dict) or value is None else "write it in quotes"


def _unstorable(value: Any, place: Place = ()) -> Iterator[tuple[Place, str]]:
    """What YAML can say and a journal in JSON cannot."""
    match value:
        case dict():
            for key, item in value.items():
                yield from _unstorable(item, (*place, key if isinstance(key, str) else str(key)))
        case list():
            for index, item in enumerate(value):
                yield from _unstorable(item, (*place, index))
        case bool() | None:
            return
        case int() if abs(value) > LARGEST:
            yield place, "the number is too large to be kept exactly; write it in quotes"
        case float() if not isfinite(value):
            yield place, "it is no number that can be kept"
        case int() | float():
            return
        case str():
            if any("\ud800" <= character <= "\udfff" for character in value):
                yield place, "it holds half of a surrogate pair, which is no character"
        case _:
            yield place, f"YAML takes it for a {type(value).__name__}; write it in quotes"


def _stamp(path: Path) -> Stamp:
    try:
        found = path.stat()
    except FileNotFoundError:
        return 0, 0
    return found.st_mtime_ns, found.st_size
