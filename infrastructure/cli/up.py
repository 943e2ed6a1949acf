"""`caseworks up`: the server, until it is stopped."""

from typing import TYPE_CHECKING, Annotated

import typer

from infrastructure.cli.output import say, tell
from infrastructure.cli.session import DataDir, LogLevel, settings

if TYPE_CHECKING:
    from infrastructure.serving import Served


def up(
    ctx: typer.Context,
    host: Annotated[str | None, typer.Option(help="The address to listen on; loopback, unless behind_proxy.")] = None,
    port: Annotated[int | None, typer.Option(help="The port; 0 takes any free one.", min=0, max=65535)] = None,
    rehearse: Annotated[bool, typer.Option("--rehearse", help="No language model: rules write what they can.")] = False,
    log_level: LogLevel = None,
    data_dir: DataDir = None,
) -> None:
    """Serve the page and the REST API on this machine and carry on all work; Ctrl-C stops it, and nothing is lost.

    Example: caseworks up --port 8470
    """
    found = settings(ctx, data_dir, host=host, port=port, rehearse=rehearse or None, log_level=log_level)
    from infrastructure.serving import serve

    serve(found, _ready)


def _ready(served: "Served") -> None:
    from infrastructure.web.door import SIGN_IN

    container = served.program.container
    info = container.llm().describe(container.alias())
    token = container.directory().path / "token"
    model = "none, a rehearsal" if info.rehearsal else f"{info.model} on {info.backend}"
    where = "the one in CASEWORKS_TOKEN" if served.program.settings.token is not None else str(token)
    say(f"Caseworks is ready at {served.url}  (token: {where}, model: {model})")
    tell(f"Open the page: {served.url}{SIGN_IN}#{served.program.sessions.link()}  (works once, for 15 minutes)")
