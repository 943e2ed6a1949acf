"""`caseworks models route`: which model would do which work by the rules as they stand; and, for calls that were made,
what would change."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from infrastructure.cli import words
from infrastructure.cli.endings import Code, Ended
from infrastructure.cli.output import document, say, table
from infrastructure.cli.session import DataDir, Json, segment, session, settings

if TYPE_CHECKING:
    from domain.agent import Profile
    from domain.routing import Choice
    from domain.task import Complexity
    from services.work.choosing import Choosing

KINDS: "tuple[tuple[str, str, Complexity | None, int], ...]" = (
    ("simple", "draft", "simple", 0),
    ("medium", "draft", "medium", 0),
    ("complex", "draft", "complex", 0),
    ("refused once", "revise", "medium", 1),
    ("review", "review", None, 0),
)
"""Columns: what the work is called, its purpose, its complexity, how often it was refused."""


def route(
    ctx: typer.Context,
    of: Annotated[
        str,
        typer.Argument(help="With --replay: of a project or a run; the newest project by default.", metavar="ID"),
    ] = "",
    replay: Annotated[
        bool, typer.Option("--replay", help="What the calls that were made would go to by today's rules.")
    ] = False,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Show which model does which work by routing.yaml and models.yaml; or what that would change. No model is asked.

    Example: caseworks models route --replay
    """
    if of and not replay:
        raise Ended(Code.USAGE, "A project or a run is named together with --replay.")
    if replay:
        _replayed(ctx, of, data_dir, json=json)
        return
    items = _decisions(settings(ctx, data_dir))
    if json:
        document({"items": items})
        return
    rows = [(words.agent(f"agt_{item['agent']}"), *(_cell(each) for each in item["work"])) for item in items]
    table(("agent", *(name for name, *_ in KINDS)), rows, "There are no agents.")


def _cell(decision: Any) -> str:
    return f"{decision['alias']} ({decision['tier']})"


def _decisions(found: Any) -> list[dict[str, Any]]:
    """For each agent and kind of work: tier, alias, reason."""
    from config import catalogue
    from infrastructure.data_directory import DataDirectory
    from infrastructure.models import ConfiguredModels
    from services.work.choosing import Choosing

    directory = DataDirectory(found.data_dir)
    choosing = Choosing(ConfiguredModels(found, directory))
    profiles = {**catalogue.profiles(), **catalogue.OwnProfiles(directory.agents).checked()}
    return [
        {
            "agent": name,
            "work": [
                {"work": kind[0]} | _choice(choosing, profile, kind).model_dump(include={"tier", "alias", "reason"})
                for kind in KINDS
            ],
        }
        for name, profile in sorted(profiles.items())
    ]


def _choice(choosing: "Choosing", profile: "Profile", kind: "tuple[str, str, Complexity | None, int]") -> "Choice":
    _, purpose, complexity, failed = kind
    return choosing.in_general(profile, purpose, complexity, failed)


def _replayed(ctx: typer.Context, of: str, data_dir: Any, *, json: bool) -> None:
    with session(ctx, data_dir) as found:
        if of.startswith("run_"):
            answer = found.api.get("/v1/models/routing", run_id=segment(of))
        else:
            answer = found.api.get("/v1/models/routing", project_id=found.project(of)["id"])
    if json:
        document(answer)
        return
    currency = answer["currency"]
    same, changed = f"{answer['same']:,}", f"{answer['changed']:,}"
    say(f"Of {words.count(answer['calls'], 'call')} {same} would go to the same model, {changed} to another.")
    if answer["unknown"]:
        say(f"{answer['unknown']:,} cannot be judged: their agent, task or workflow is not there any more.")
    if not answer["changes"]:
        return
    rows = [
        (words.agent(item["agent"]), item["purpose"], item["calls"], item["was"], item["now"], _money(item, currency))
        for item in answer["changes"]
    ]
    table(("agent", "purpose", "calls", "went to", "would go to", "money"), rows, "")
    for item in answer["changes"]:
        say(f"{item['purpose']} by {words.agent(item['agent'])}: {words.line(item['reason'], 300)}")


def _money(item: Any, currency: str) -> str:
    if not item["money_was"] and not item["money_now"]:
        return ""
    return f"{words.money(item['money_was'], '')} → {words.money(item['money_now'], currency)}"
