"""`caseworks models`: what is configured, what is really there, and whether it can do the work."""

from typing import Annotated, Any
from urllib.parse import quote

import typer

from infrastructure.cli.aliases import ALIAS, NONE
from infrastructure.cli.endings import Code, Ended
from infrastructure.cli.model_advice import suggest
from infrastructure.cli.model_bench import bench
from infrastructure.cli.model_exchange import export, take
from infrastructure.cli.model_files import add
from infrastructure.cli.model_route import route
from infrastructure.cli.output import document, say, table, tell
from infrastructure.cli.session import DataDir, Json, session

app = typer.Typer(
    help="Models: what is there, and what it can do. Alone it lists.\n\nExample: caseworks models",
    rich_markup_mode=None,
)


@app.callback(invoke_without_command=True)
def bare(ctx: typer.Context, json: Json = False, data_dir: DataDir = None) -> None:
    if ctx.invoked_subcommand is None:
        listed(ctx, json=json, data_dir=data_dir)


@app.command("list")
def listed(ctx: typer.Context, json: Json = False, data_dir: DataDir = None) -> None:
    """List the configured models, what their backends say of them, and what is wrong with models.yaml.

    Example: caseworks models list --json
    """
    with session(ctx, data_dir) as found:
        pages = list(found.api.pages("/v1/models"))
    items, faults = [item for page in pages for item in page["items"]], pages[-1]["faults"]
    if json:
        document({"items": items, "faults": faults})
        return
    columns = ("alias", "model", "backend", "for", "context", "at once", "size", "needs", "state")
    table(columns, [_row(item) for item in items], NONE)
    for item in items:
        if item["fault"]:
            tell(item["fault"])
    for fault in faults:
        tell(fault)


def _row(item: Any) -> tuple[object, ...]:
    tiers = ", ".join(item["tiers"])
    return (
        item["key"],
        item["model"],
        item["backend"],
        ", ".join(part for part in ("all else" if item["default"] else "", tiers) if part),
        _context(item),
        item["parallel"],
        _bytes(item["size"]),
        _needs(item),
        _state(item),
    )


def _context(item: Any) -> str:
    """What it is given, beside what it was trained for where that is less."""
    given, trained = item["context_tokens"], item["trained_context"]
    return f"{given:,}" + (f" (trained for {trained:,} only)" if trained and trained < given else "")


def _bytes(size: int | None) -> str:
    return "" if size is None else f"{size / 1e9:.1f} GB"


def _needs(item: Any) -> str:
    """The memory that is planned for it, of what there is."""
    if not item["host"] or item["needs"] is None:
        return ""
    return f"{item['needs'] / 1e9:.1f} of {_bytes(item['host_limit'])} on {item['host']}"


def _state(item: Any) -> str:
    if not item["there"]:
        return "not there"
    if item["loaded"] is None:
        return "there"
    if not item["loaded"]:
        return "there, not loaded"
    part = ""
    if item["memory"] and item["on_gpu"] is not None and item["on_gpu"] < item["memory"]:
        part = f", {item['on_gpu'] / item['memory']:.0%} of it on the GPU"
    return f"loaded, {_bytes(item['memory'])}{part}" if item["memory"] else "loaded"


@app.command()
def check(
    ctx: typer.Context,
    alias: Annotated[str, typer.Argument(help="The alias; all of them by default.", metavar="ALIAS")] = "",
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Try models: a text, a stream, a structured reply, a tool call.

    Example: caseworks models check main
    """
    if alias and not ALIAS.fullmatch(alias):
        raise Ended(Code.USAGE, f"“{alias}” is no alias; `caseworks models` lists them.")
    with session(ctx, data_dir) as found:
        known = list(dict.fromkeys(item["alias"] for item in found.api.all("/v1/models")))
        if not known:
            raise Ended(Code.ENVIRONMENT, NONE)
        aliases = [alias] if alias else known
        checked = []
        for each in aliases:
            tell(f"Trying {each} …")
            checked.append(found.api.post(f"/v1/models/{quote(each)}/check"))
    if json:
        document({"items": checked})
    else:
        for item in checked:
            _told(item)
    if bad := [item["alias"] for item in checked if not item["usable"]]:
        raise Ended(Code.ENVIRONMENT, f"Work cannot be done with {', '.join(bad)}.")


def _told(item: Any) -> None:
    first, speed = item["first_token_seconds"], item["tokens_per_second"]
    pace = [
        f"the first token after {first:.2f} s" if first is not None else "",
        f"{speed:.1f} tokens a second" if speed is not None else "",
    ]
    say(f"{item['alias']} ({item['model']}): {', '.join(filter(None, pace)) or 'no answer'}")
    for trial in item["trials"]:
        say(f"  {'yes' if trial['passed'] else 'no ':3} {trial['name']}: {trial['detail']}")


app.command()(suggest)
app.command()(add)
app.command("import")(take)
app.command()(export)
app.command()(bench)
app.command()(route)
