"""`caseworks doctor`: what is well and what is not, each with what to do."""

from typing import Annotated, Any

import typer

from infrastructure.cli.endings import Code, explained
from infrastructure.cli.output import document, table
from infrastructure.cli.session import DataDir, Json, session


def doctor(
    ctx: typer.Context,
    verify: Annotated[
        bool, typer.Option("--verify", help="Also rebuild and compare, check the audit chain, re-hash all content.")
    ] = False,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Try the data directory, the database and the model. Exits with 3 when something failed.

    Example: caseworks doctor --verify
    """
    findings = _findings(ctx, verify, data_dir)
    if json:
        document({"items": findings})
    else:
        rows = [(found["level"], found["name"], found["detail"]) for found in findings]
        table(("level", "what", "finding"), rows, "Nothing was examined.")
    if any(found["level"] == "failed" for found in findings):
        raise typer.Exit(Code.ENVIRONMENT)


def _findings(ctx: typer.Context, verify: bool, data_dir: DataDir) -> list[dict[str, Any]]:
    """What the program says of itself; failing that, why it does not even start."""
    try:
        with session(ctx, data_dir) as found:
            items: list[dict[str, Any]] = found.api.get("/v1/doctor", verify=verify)["items"]
            return items
    except Exception as error:
        return [{"name": "start", "level": "failed", "detail": explained(error)[1]}]
