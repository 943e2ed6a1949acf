"""`caseworks config`: every setting and where it comes from; which model is used."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from infrastructure.cli import model_choice
from infrastructure.cli.endings import Code, Ended
from infrastructure.cli.output import document, say, table
from infrastructure.cli.session import DataDir, Json, Options, settings

if TYPE_CHECKING:
    from pydantic import BaseModel

    from config.settings import Settings

HIDDEN = "********"
app = typer.Typer(
    help="Settings: show, path, model.\n\nExample: caseworks config show", rich_markup_mode=None, no_args_is_help=True
)


@app.command()
def show(ctx: typer.Context, json: Json = False, data_dir: DataDir = None) -> None:
    """Show every setting, its value and where that comes from.

    Example: caseworks config show
    """
    rows = _rows(settings(ctx, data_dir), flag=_has_flag(ctx, data_dir))
    if json:
        document({"items": [{"name": name, "value": value, "from": origin} for name, value, origin in rows]})
    else:
        table(("setting", "value", "from"), [(n, "" if v is None else v, o) for n, v, o in rows], "No settings.")


def _has_flag(ctx: typer.Context, data_dir: DataDir) -> bool:
    options: Options = ctx.find_root().obj
    return data_dir is not None or options.data_dir is not None


def _rows(found: "Settings", *, flag: bool) -> list[tuple[str, Any, str]]:
    import os

    import yaml

    from config.settings import FILE, PREFIX, from_environment

    path = found.data_dir / FILE
    from_file = yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else {}
    from_variables = from_environment(os.environ)
    if os.environ.get(PREFIX + "DATA_DIR"):
        from_variables["data_dir"] = os.environ[PREFIX + "DATA_DIR"]
    rows = []
    for name, value in _flat(found):
        origin = "environment" if _holds(from_variables, name) else "file" if _holds(from_file, name) else "default"
        rows.append((name, value, "flag" if name == "data_dir" and flag else origin))
    return rows


def _flat(model: "BaseModel", prefix: str = "") -> Iterator[tuple[str, Any]]:
    """(dotted name, value fit for JSON), without secrets."""
    from pydantic import BaseModel, SecretStr

    for name in type(model).model_fields:
        value = getattr(model, name)
        if isinstance(value, BaseModel):
            yield from _flat(value, f"{prefix}{name}.")
        elif isinstance(value, SecretStr):
            yield f"{prefix}{name}", HIDDEN
        elif isinstance(value, tuple):
            yield f"{prefix}{name}", ", ".join(map(str, value))
        else:
            yield f"{prefix}{name}", _shown(value)


def _shown(value: Any) -> Any:
    """Addresses may hold a password."""
    if value is None or isinstance(value, bool | int):
        return value
    scheme, mark, rest = str(value).partition("://")
    credentials, at, host = rest.partition("@")
    return f"{scheme}{mark}{HIDDEN}@{host}" if mark and at and "/" not in credentials else str(value)


def _holds(values: Mapping[str, Any] | None, name: str) -> bool:
    inner: Any = values or {}
    for part in name.split("."):
        if not isinstance(inner, Mapping) or part not in inner:
            return False
        inner = inner[part]
    return True


@app.command()
def path(ctx: typer.Context, data_dir: DataDir = None) -> None:
    """Show where settings can be written.

    Example: caseworks config path
    """
    from config.settings import FILE

    say(str(settings(ctx, data_dir).data_dir / FILE))


@app.command()
def model(
    ctx: typer.Context,
    choice: Annotated[str, typer.Argument(help="ollama:NAME, rehearsal, or show.", metavar="MODEL")] = "show",
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Choose the model for all work from now on, or show it.

    Example: caseworks config model ollama:qwen3:4b
    """
    found = settings(ctx, data_dir)
    kind, _, name = choice.partition(":")
    if choice == "rehearsal":
        model_choice.set_aside(found)
    elif kind == "ollama" and name:
        _use_ollama(found, name)
    elif choice != "show":
        raise Ended(Code.USAGE, f"“{choice}” is no choice; say ollama:NAME, rehearsal or show.")
    _show_model(found, json)
    if choice != "show":
        _mention_server(found)


def _use_ollama(found: "Settings", name: str) -> None:
    """Checked first, pinned then."""
    from adapters.llm.configuration import Backend, Deployment, Models

    backend = Backend(kind="ollama", base_url=model_choice.address())
    alias = Deployment(backend="ollama", model=name)
    wanted = Models(default="main", backends={"ollama": backend}, aliases={"main": alias})
    model_choice.check(wanted)
    model_choice.pin(found, name)


def _show_model(found: "Settings", json: bool) -> None:
    from infrastructure.data_directory import DataDirectory
    from infrastructure.models import configured

    directory = DataDirectory(found.data_dir)
    models = configured(found, directory)
    described = models.describe(models.default) if models is not None else None
    if json:
        alias, name = (models.default, described.model) if models and described else (None, "rehearsal")
        document({"alias": alias, "model": name, "backend": described.backend if described else None})
    elif described is None:
        say(f"No language model is used; {model_choice.REHEARSAL}")
    else:
        say(f"{described.model} on {described.backend}, as {directory.models} says.")


def _mention_server(found: "Settings") -> None:
    from infrastructure.cli.output import tell
    from infrastructure.data_directory import DataDirectory

    if DataDirectory(found.data_dir).server() is not None:
        tell("The server that runs works with it from the next call on.")
