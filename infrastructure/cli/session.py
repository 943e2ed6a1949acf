"""What every command needs first: the settings, the logs, a connection to the program."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from infrastructure.cli.endings import Code, Ended

if TYPE_CHECKING:
    from config.settings import Settings
    from infrastructure.cli.connection import Connection

DataDir = Annotated[
    Path | None, typer.Option("--data-dir", help="Where everything is kept.", metavar="DIR", show_default=False)
]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
OfProject = Annotated[
    str, typer.Option("--project", help="The project's id; the newest one by default.", metavar="PROJECT")
]


ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,99}")


class Level(StrEnum):
    debug = "DEBUG"
    info = "INFO"
    warning = "WARNING"
    error = "ERROR"


LogLevel = Annotated[
    Level | None, typer.Option(help="DEBUG, INFO, WARNING or ERROR.", metavar="LEVEL", case_sensitive=False)
]


@dataclass
class Options:
    """The global options. A command's own --data-dir wins."""

    data_dir: Path | None = None
    log: Level | None = None


@dataclass(frozen=True, kw_only=True)
class Session:
    """`served` is true when a server that stays carries the work on."""

    settings: "Settings"
    api: "Connection"
    served: bool

    def project(self, id: str) -> Any:
        """The project `id`, or the newest active one."""
        if id:
            return self.api.get(f"/v1/projects/{segment(id)}")
        found = self.api.get("/v1/projects", state="active", limit=1)["items"]
        if not found:
            raise Ended(Code.USAGE, 'There is no project yet; start one with `caseworks run "GOAL" --input PATH`.')
        return found[0]


def settings(ctx: typer.Context, data_dir: Path | None = None, **flags: Any) -> "Settings":
    """The settings, with the logs set up by them. Raises ConfigurationError."""
    from config.settings import load
    from infrastructure.telemetry import set_up

    options: Options = ctx.find_root().obj
    level: Level | None = flags.pop("log_level", None) or options.log
    if level is not None:
        flags["log"] = {"level": level.value}
    found = load(data_dir or options.data_dir, **flags)
    set_up(found.log)
    return found


@contextmanager
def session(
    ctx: typer.Context, data_dir: Path | None = None, *, dispatch: bool = False, **flags: Any
) -> Iterator[Session]:
    """A connection to the server that owns the data directory, else to a program that is started here. With
    `dispatch` that one carries work on too."""
    from infrastructure.cli.connection import connected
    from infrastructure.data_directory import DataDirectory

    found = settings(ctx, data_dir, **flags)
    directory = DataDirectory(found.data_dir)
    served = directory.path.is_dir() and directory.server() is not None
    with connected(found, dispatch=dispatch) as api:
        yield Session(settings=found, api=api, served=served)


def segment(id: str) -> str:
    """`id` as one segment of an address: what a user writes cannot become another address."""
    if not ID.fullmatch(id):
        raise Ended(Code.USAGE, f"“{id}” is not an id; list what there is, and take the id from there.")
    return id


def going_on(found: Session, project_id: str) -> str:
    """When the work that was just asked for goes on."""
    if found.served:
        return "The server carries it on."
    return f"It goes on with `caseworks run --continue {project_id}`, or at the next `caseworks up`."


def text_of(value: str, what: str) -> str:
    """`value` itself, or the content of the file that `@path` names."""
    if not value.startswith("@"):
        return value
    path = Path(value[1:]).expanduser()
    try:
        if path.stat().st_size > 1_000_000:
            raise Ended(Code.USAGE, f"{path} is too long for the {what}; hand it over with --input instead.")
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise Ended(Code.USAGE, f"{path}, which should hold the {what}, cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise Ended(Code.USAGE, f"{path}, which should hold the {what}, is not UTF-8 text.") from None
