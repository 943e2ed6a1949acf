"""`caseworks models import` and `export`: to and from LiteLLM's configuration file."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from infrastructure.cli.aliases import NONE
from infrastructure.cli.endings import Code, Ended
from infrastructure.cli.output import document, say, tell
from infrastructure.cli.session import DataDir, Json, settings

if TYPE_CHECKING:
    from infrastructure.data_directory import DataDirectory

HEAD = """# Which models are used: what `caseworks models import` made of {file}. Edit it as you like.
"""


def take(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="LiteLLM's configuration file.", metavar="FILE", show_default=False)],
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Write models.yaml from a LiteLLM configuration; one that is there stays, and the new one is put beside it.

    Example: caseworks models import litellm.config.yaml
    """
    import yaml

    from adapters.llm.configuration import Models
    from adapters.llm.litellm_import import PlainKey, taken_over
    from config.reading import ConfigurationError, faults_in, line_of, parsed, text_of
    from infrastructure.data_directory import DataDirectory

    tree, written = parsed(file, text_of(file))
    try:
        taken = taken_over(written)
    except PlainKey as error:
        place = ".".join(map(str, error.place))
        raise ConfigurationError(f"{file}, line {line_of(tree, error.place)}, {place}: {error}.") from None
    except ValueError as error:
        raise Ended(Code.ENVIRONMENT, f"{file}: {error}.") from None
    text = HEAD.format(file=file.name) + yaml.safe_dump(taken.models, sort_keys=False, allow_unicode=True)
    if faults := faults_in(text, Models):
        raise Ended(Code.ENVIRONMENT, f"{file}: {faults[0].field}: {faults[0].message}. Nothing was written.")
    left = [
        f"{file}, line {line_of(tree, place)}, {'.'.join(map(str, place))}: {why}."
        for place, why in sorted(taken.left, key=lambda one: line_of(tree, one[0]))
    ]
    directory = DataDirectory(settings(ctx, data_dir).data_dir)
    directory.prepare()
    path = put(directory, text)
    if json:
        document({"written": str(path), "aliases": list(taken.models["aliases"]), "left": left})
        return
    for line in left:
        tell(line)
    say(f"Written: {path}, with {', '.join(taken.models['aliases'])}.")


def put(directory: "DataDirectory", text: str) -> Path:
    """Writes models.yaml; beside one that is there models.yaml.suggested."""
    try:
        with directory.models.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        beside = directory.models.with_name("models.yaml.suggested")
        beside.write_text(text, encoding="utf-8")
        tell(f"{directory.models} is there already and stays as it is.")
        return beside
    return directory.models


def export(
    ctx: typer.Context,
    litellm: Annotated[bool, typer.Option("--litellm", help="As LiteLLM's configuration file.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Print the configured models as another program's file, and say what that cannot hold.

    Example: caseworks models export --litellm
    """
    import yaml

    from adapters.llm.configuration import Models
    from adapters.llm.litellm_export import written_for
    from config.reading import read
    from infrastructure.data_directory import DataDirectory

    if not litellm:
        raise Ended(Code.USAGE, "Say for which program: `caseworks models export --litellm`.")
    directory = DataDirectory(settings(ctx, data_dir).data_dir)
    if not directory.models.exists():
        raise Ended(Code.ENVIRONMENT, NONE)
    whole, left = written_for(read(directory.models, Models))
    for line in left:
        tell(line)
    say(yaml.safe_dump(whole, sort_keys=False, allow_unicode=True).rstrip("\n"))
