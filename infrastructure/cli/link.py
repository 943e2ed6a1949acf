"""`caseworks link`: a new way into the page of the server that runs."""

import typer

from infrastructure.cli import words
from infrastructure.cli.endings import Code, Ended
from infrastructure.cli.output import document, say, tell
from infrastructure.cli.session import DataDir, Json, session, settings


def link(ctx: typer.Context, json: Json = False, data_dir: DataDir = None) -> None:
    """Print a new link to the page of the server that runs on the data directory. It signs in once, for 15 minutes.

    Example: caseworks link
    """
    from infrastructure.data_directory import DataDirectory

    directory = DataDirectory(settings(ctx, data_dir).data_dir)
    if not directory.is_owned():
        raise Ended(
            Code.ENVIRONMENT,
            f"No server runs on {directory.path}; start one with `caseworks up`, which prints a link.",
        )
    with session(ctx, data_dir) as found:
        made = found.api.post("/v1/sign-in-links")
        url = f"{found.api.url}{made['path']}"
    if json:
        document({"url": url, "expires_at": made["expires_at"]})
    else:
        say(url)
        tell(f"It works once, until {words.when(made['expires_at'])}.")
