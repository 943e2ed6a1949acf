"""`caseworks models add`: a model in a file, usable with nothing else installed."""

import re
from pathlib import Path
from shutil import copymode
from typing import TYPE_CHECKING, Annotated, Any

import typer

from infrastructure.cli.aliases import ALIAS
from infrastructure.cli.endings import Code, Ended
from infrastructure.cli.output import document, say, tell
from infrastructure.cli.session import DataDir, Json, settings

if TYPE_CHECKING:
    from adapters.llm.configuration import Models
    from domain.memory import Shape
    from infrastructure.data_directory import DataDirectory

LONGEST = 63
USUAL = 8_192
"""Tokens of context where nothing is said and the model was trained for more."""
HEAD = "# Which models are used. Written by `caseworks models add`; edit it as you like.\n"


def add(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="The GGUF file.", metavar="FILE", show_default=False)],
    alias: Annotated[
        str, typer.Option("--alias", help="What to call it; the file's name by default.", metavar="NAME")
    ] = "",
    context: Annotated[
        int, typer.Option("--context", help="Tokens of prompt and reply together; 0 chooses.", min=0, metavar="N")
    ] = 0,
    parallel: Annotated[
        int, typer.Option("--parallel", help="How many calls at once.", min=1, max=64, metavar="N")
    ] = 1,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Use a model in a GGUF file, without any server: it is run here by llama.cpp, from the first call on.

    Example: caseworks models add ~/models/qwen3-4b-q4_k_m.gguf --alias main
    """
    from infrastructure.data_directory import DataDirectory

    path = Path.cwd() / file.expanduser()
    name = _name(alias, path)
    directory = DataDirectory(settings(ctx, data_dir).data_dir)
    directory.prepare()
    wanted, shape = _looked_at(path, name, context, parallel)
    written = {"model": str(path), "context_tokens": wanted.context_tokens, "parallel": parallel}
    default = _write(directory, name, written)
    needed = wanted.bytes(shape)
    if json:
        document({"alias": name, **written, "bytes": needed, "default": default, "written": str(directory.models)})
        return
    say(f"{name} is {path}: it needs {needed / 1e9:.1f} GB of memory. Written: {directory.models}")
    say(f"`caseworks models check {name}` tries it." + ("" if default else f" Name {name} where it is to be used."))
    if wanted.context_tokens > shape.trained_tokens:
        tell(f"It was trained for {shape.trained_tokens:,} tokens only.")


def _name(alias: str, path: Path) -> str:

    if alias and not ALIAS.fullmatch(alias):
        raise Ended(Code.USAGE, f"“{alias}” is no alias; use small letters, digits, dots, dashes and underscores.")
    return alias or alias_for(path.stem)


def alias_for(name: str) -> str:
    """`name` as an alias may be written; `model` where nothing of it can be."""
    return re.sub(r"[^a-z0-9_.-]+", "-", name.lower()).strip("_.-")[:LONGEST].rstrip("_.-") or "model"


def _looked_at(path: Path, alias: str, context: int, parallel: int) -> "tuple[Any, Shape]":
    """What an engine is to run. Raises LLMError where it cannot."""
    from dataclasses import replace

    from adapters.llm.own_engine import Wanted
    from infrastructure.model_calls import means

    wanted = Wanted(path=path, context_tokens=context or 512, parallel=parallel)
    shape = wanted.shape(alias, 0)
    wanted = replace(wanted, context_tokens=context or min(USUAL, shape.trained_tokens))
    return wanted, wanted.shape(alias, means().memory)


def _write(directory: "DataDirectory", name: str, written: dict[str, Any]) -> bool:
    """Whether it is what all work uses. Raises ConfigurationError for a models.yaml that is bad already."""
    from adapters.llm.configuration import Models
    from config.reading import faults_in, read

    if not directory.models.exists():
        text = _new(name, written)
    else:
        models = read(directory.models, Models)
        if name in models.aliases:
            raise Ended(Code.USAGE, f"There is an alias {name} already in {directory.models}; say --alias NAME.")
        text = _edited(directory.models, models, name, written)
    if faults := faults_in(text, Models):
        raise Ended(Code.USAGE, f"{faults[0].field}: {faults[0].message}. Nothing was written.")
    draft = directory.models.with_name("models.yaml.draft")
    draft.write_bytes(text.encode())
    if directory.models.exists():
        copymode(directory.models, draft)
    draft.replace(directory.models.resolve())
    return read(directory.models, Models).default == name


def _new(name: str, written: dict[str, Any]) -> str:
    import yaml

    tree = {
        "default": name,
        "backends": {"files": {"kind": "gguf"}},
        "aliases": {name: {"backend": "files", **written}},
    }
    return HEAD + yaml.safe_dump(tree, sort_keys=False, allow_unicode=True)


def _edited(path: Path, models: "Models", name: str, written: dict[str, Any]) -> str:
    """The file as it is, with a backend for files if there is none, and the alias."""
    from adapters.llm.configuration import GGUF
    from config.entries import with_entry

    text: str | None = path.read_bytes().decode("utf-8")
    backend = next((name for name, each in models.backends.items() if each.kind == GGUF), None)
    missing = backend is None
    backend = backend or _free("files", models)
    entry = {"backend": backend, **written}
    if missing and text is not None:
        text = with_entry(text, "backends", backend, {"kind": GGUF})
    text = with_entry(text, "aliases", name, entry) if text is not None else None
    if text is None:
        tell(_new(name, written).partition("\n")[2].replace("files", backend))
        raise Ended(
            Code.ENVIRONMENT,
            f"{path} is written in a way that is not changed by itself; put the backend and the alias above into it.",
        )
    return text


def _free(name: str, models: "Models") -> str:
    numbered = (name, *(f"{name}-{n}" for n in range(2, 100)))
    return next(each for each in numbered if each not in models.backends)
