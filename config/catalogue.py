"""The agents and templates that ship, read from the YAML beside this file, and the agents that users wrote."""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Self

from loguru import logger
from pydantic import field_validator, model_validator

from config.reading import ConfigurationError, faults_in, parsed, read
from domain.agent import Profile
from domain.agent_graph.places import faulty
from domain.errors import Invalid
from domain.form import FormTemplate
from domain.template import PlanTemplate

HERE = Path(__file__).parent
AGENTS = HERE / "agents"
FORMS = HERE / "templates" / "forms"
ROUTING = HERE / "routing.yaml"
REVIEWER = "critic"
"""Who reviews where a profile names nobody."""


def profiles(folder: Path = AGENTS) -> dict[str, Profile]:
    found = (read(path, Profile) for path in sorted(folder.glob("*.yaml")))
    return {profile.name: profile for profile in found}


def templates(folder: Path = HERE / "templates") -> dict[str, PlanTemplate]:
    found = (read(path, PlanTemplate) for path in sorted(folder.glob("*.yaml")))
    return {template.name: template for template in found}


def forms(own: Path | None = None) -> dict[str, FormTemplate]:
    """Those that ship and those in the folder `own`, where one with the name of a shipped one takes its place. Raises
    ConfigurationError."""
    folders = [FORMS] if own is None else [FORMS, own]
    found = (read(path, FormTemplate) for folder in folders for path in sorted(folder.glob("*.yaml")))
    return {template.name: template for template in found}


def own_profile(path: Path, name: str, known: Collection[str]) -> Profile:
    """The profile `name` in the file `path`. Raises ConfigurationError, also where the file calls it otherwise or its
    reviewer is not among `known`."""
    return Profile.model_validate(dict(read(path, _of_user(name, known))))


def _of_user(name: str, known: Collection[str]) -> type[Profile]:
    """What a profile of that name has to be, where there are the agents `known`."""

    class Own(Profile):
        @field_validator("name")
        @classmethod
        def _named(cls, value: str) -> str:
            if value != name:
                raise ValueError(f"the file of {name} must hold the name {name!r}, not {value!r}")
            return value

        @field_validator("reviewer")
        @classmethod
        def _there(cls, value: str | None) -> str | None:
            if value is not None and value not in known:
                raise ValueError(f"there is no agent {value!r}; use one of {', '.join(sorted(known))}")
            return value

        @model_validator(mode="after")
        def _by_another(self) -> Self:
            if self.outputs and (self.reviewer or REVIEWER) == name:
                raise faulty("Profile", [(("reviewer",), f"{name} cannot review its own work; name another agent")])
            return self

    return Own


class OwnProfiles(Mapping[str, Profile]):
    """The files `<name>.yaml` in `folder`, read again when one is new, changed or gone. While one cannot be used, what
    it held before stays in force."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[str, tuple[tuple[int, int], Profile | None]] = {}

    def checked(self) -> "OwnProfiles":
        """Itself. Raises ConfigurationError where a file cannot be used."""
        for name, path in self._files().items():
            self._read[name] = (_stamp(path), own_profile(path, name, self.names()))
        return self

    def __getitem__(self, name: str) -> Profile:
        return self._current()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._current())

    def __len__(self) -> int:
        return len(self._current())

    def path(self, name: str) -> Path:
        """Where the profile lies, or would. The folder is made."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self._folder / f"{name}.yaml"

    def adopt(self, name: str, file: Path) -> None:
        """What `file` holds, in the place of the old profile. Raises ConfigurationError, and nothing is changed."""
        own_profile(file, name, {*self.names(), name})
        self.keep(name, file.read_text(encoding="utf-8"))

    def check(self, name: str, text: str) -> Profile:
        """The profile `name` in `text`. Raises Invalid with all faults, each with its line and field."""
        schema = _of_user(name, {*self.names(), name})
        if faults := faults_in(text, schema):
            more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
            said = f"The profile cannot be used: {faults[0]}{more}."
            raise Invalid(said, [("/yaml", str(fault)) for fault in faults])
        return Profile.model_validate(parsed(self.path(name), text)[1])

    def keep(self, name: str, text: str) -> None:
        fresh = self.path(name).with_suffix(".new")
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(self.path(name))

    def remove(self, name: str) -> None:
        self.path(name).unlink(missing_ok=True)

    def text(self, name: str) -> str:
        """The YAML of an agent: the user's own, else the one that ships. Raises KeyError."""
        own = self.own_text(name)
        if own is not None:
            return own
        if name not in {path.stem for path in AGENTS.glob("*.yaml")}:
            raise KeyError(name)
        return (AGENTS / f"{name}.yaml").read_text(encoding="utf-8")

    def own_text(self, name: str) -> str | None:
        """What the user's own file says, whether it can be used or not; None without one."""
        path = self._files().get(name)
        return None if path is None else path.read_text(encoding="utf-8", errors="replace")

    def _files(self) -> dict[str, Path]:
        return {path.stem: path for path in sorted(self._folder.glob("*.yaml"))}

    def names(self) -> set[str]:
        """Of all agents, whether their files can be used or not."""
        return {path.stem for path in AGENTS.glob("*.yaml")} | set(self._files())

    def _current(self) -> dict[str, Profile]:
        files = self._files()
        self._read = {name: read for name, read in self._read.items() if name in files}
        for name, path in files.items():
            stamp, before = self._read.get(name, (None, None))
            if stamp != (now := _stamp(path)):
                self._read[name] = (now, self._again(name, path, before))
        return {name: profile for name, (_, profile) in self._read.items() if profile is not None}

    def _again(self, name: str, path: Path, before: Profile | None) -> Profile | None:
        try:
            return own_profile(path, name, self.names())
        except ConfigurationError as error:
            logger.warning("{} What it said before holds until it is mended.", error)
            return before


def _stamp(path: Path) -> tuple[int, int]:
    """Changes when the file does; zeros once it is gone."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return 0, 0
    return found.st_mtime_ns, found.st_size
