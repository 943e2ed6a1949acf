"""`caseworks models bench`: small tasks over the configured models, compared with the last time."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from infrastructure.cli import words
from infrastructure.cli.endings import Code, Ended
from infrastructure.cli.output import document, say, table, tell
from infrastructure.cli.session import DataDir, Json, settings

if TYPE_CHECKING:
    from adapters.llm.configuration import Models
    from domain.bench import Benched, Tried
    from domain.routing import Tier
    from infrastructure.data_directory import DataDirectory
    from services.bench import Bench

NONE = "No model is configured, so there is nothing to measure; `caseworks models suggest` proposes one."
HEAD = """# The tiers are what `caseworks models bench` proposes by what it measured on {day}; all else stands as in
# models.yaml, without its comments. Nothing uses this file: take over what you like.
{reasons}
"""


def bench(
    ctx: typer.Context,
    aliases: Annotated[
        list[str] | None, typer.Argument(help="The aliases; all of them by default.", metavar="ALIAS")
    ] = None,
    write_tiers: Annotated[
        bool, typer.Option("--write-tiers", help="Write the proposed tiers to models.yaml.suggested.")
    ] = False,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Measure models on small tasks: what passes, tokens, seconds, how their JSON had to be read.

    Example: caseworks models bench main --json
    """
    from domain.bench_tiers import proposed
    from infrastructure.bench_results import BenchResults
    from infrastructure.data_directory import DataDirectory

    found = settings(ctx, data_dir)
    directory = DataDirectory(found.data_dir)
    models = _configured(found, directory)
    chosen = _chosen(models, aliases or ())
    results = BenchResults(directory)
    measured = [_measured(_bench(models), alias, results) for alias in chosen]
    tiers = proposed([now for now, _ in measured])
    suggestion = _suggested(directory, tiers) if write_tiers and tiers else None
    if json:
        document(_document(measured, tiers, results.path, suggestion))
    else:
        _told(measured, tiers, suggestion)
    if silent := [now.alias for now, _ in measured if not now.answered]:
        raise Ended(Code.ENVIRONMENT, f"No task was answered by {', '.join(silent)}; `caseworks models` says why.")


def _configured(found: Any, directory: "DataDirectory") -> "Models":
    from infrastructure.models import configured

    models = configured(found, directory)
    if models is None:
        raise Ended(Code.ENVIRONMENT, NONE)
    return models


def _chosen(models: "Models", asked: "list[str] | tuple[str, ...]") -> list[str]:
    for alias in asked:
        if alias not in models.aliases:
            raise Ended(
                Code.USAGE, f"There is no alias “{words.line(alias, 80)}”; there are {', '.join(models.aliases)}."
            )
    return list(dict.fromkeys(asked)) or list(models.aliases)


def _bench(models: "Models") -> "Bench":
    from config.bench_tasks import bench_tasks
    from infrastructure.model_calls import language_model
    from services.bench import Bench

    return Bench(language_model(models), bench_tasks())


def _measured(on: "Bench", alias: str, results: Any) -> "tuple[Benched, Benched | None]":
    """What was measured now, filed, and the last time."""
    import asyncio

    from domain.bench import Benched

    model = on.model(alias)
    tell(f"{alias} ({model}): {words.count(len(on.tasks), 'task')}")
    before: Benched | None = results.last(alias, model)
    tried = tuple(asyncio.run(_all(on, alias)))
    now = Benched(alias=alias, model=model, at=datetime.now(UTC).isoformat(timespec="seconds"), tried=tried)
    if now.answered:
        results.file(now)
    return now, before


async def _all(on: "Bench", alias: str) -> "list[Tried]":
    found = []
    async for tried in on.tried(alias):
        found.append(tried)
        how = f", {words.plain(tried.rung)}" if tried.rung else ""
        tell(f"  {'yes' if tried.passed else 'no ':3} {tried.kind}: {tried.name}, {tried.seconds:.1f} s{how}"
             + ("" if tried.passed else f": {words.line(tried.detail)}"))  # fmt: skip
    return found


def _told(
    measured: "list[tuple[Benched, Benched | None]]", tiers: "dict[Tier, tuple[str, str]]", written: Path | None
) -> None:
    from domain.bench import KINDS

    columns = ("alias", "model", "passed", "last time", *KINDS, "tokens a second", "seconds")
    table(columns, [_row(now, before) for now, before in measured], NONE)
    for now, _ in measured:
        if now.rungs:
            read = ", ".join(f"{count} {words.plain(rung)}" for rung, count in now.rungs.items())
            say(f"{now.alias}: replies to a schema were read {read}.")
    say("Code that a model wrote was read, not run.")
    if not tiers:
        say("No tiers are proposed: nothing passed.")
    for tier, (alias, reason) in tiers.items():
        say(f"For {tier}: {alias}, which {reason}.")
    if written is not None:
        say(f"Written: {written}")


def _row(now: "Benched", before: "Benched | None") -> tuple[object, ...]:
    from domain.bench import KINDS

    return (
        now.alias,
        now.model,
        f"{now.rate():.0%}",
        f"{before.rate():.0%}" if before is not None else "",
        *(f"{now.rate(kind):.0%}" for kind in KINDS),
        f"{now.speed:.1f}" if now.speed is not None else "",
        f"{now.seconds:.1f}",
    )


def _suggested(directory: "DataDirectory", tiers: "dict[Tier, tuple[str, str]]") -> Path:
    """Beside models.yaml, which stays as it is."""
    import yaml

    written = yaml.safe_load(directory.models.read_text(encoding="utf-8"))
    written["tiers"] = {tier: alias for tier, (alias, _) in tiers.items()}
    reasons = "\n".join(f"#   {tier}: {alias} {reason}" for tier, (alias, reason) in tiers.items())
    head = HEAD.format(day=datetime.now(UTC).date().isoformat(), reasons=reasons)
    path = directory.models.with_name("models.yaml.suggested")
    path.write_text(head + yaml.safe_dump(written, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return path


def _document(
    measured: "list[tuple[Benched, Benched | None]]",
    tiers: "dict[Tier, tuple[str, str]]",
    filed: Path,
    written: Path | None,
) -> dict[str, Any]:
    return {
        "items": [{**_item(now), "before": _item(before) if before is not None else None} for now, before in measured],
        "tiers": {tier: {"alias": alias, "reason": reason} for tier, (alias, reason) in tiers.items()},
        "filed": str(filed),
        "written": str(written) if written is not None else None,
    }


def _item(found: "Benched") -> dict[str, Any]:
    from dataclasses import asdict

    from domain.bench import KINDS

    return {
        "alias": found.alias,
        "model": found.model,
        "at": found.at,
        "pass_rate": found.rate(),
        "kinds": {kind: found.rate(kind) for kind in KINDS},
        "rungs": found.rungs,
        "input_tokens": sum(tried.input_tokens for tried in found.tried),
        "output_tokens": sum(tried.output_tokens for tried in found.tried),
        "seconds": found.seconds,
        "tokens_per_second": found.speed,
        "tasks": [asdict(tried) for tried in found.tried],
    }
