"""`caseworks agents`: the team, and profiles of one's own."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from infrastructure.cli import editor, words
from infrastructure.cli.endings import Code, Ended
from infrastructure.cli.output import document, facts, say, table
from infrastructure.cli.session import DataDir, Json, segment, session, settings, text_of

if TYPE_CHECKING:
    from config.catalogue import OwnProfiles

app = typer.Typer(
    help="Agents: list, show, diagram, copy, edit. Alone it lists.\n\nExample: caseworks agents", rich_markup_mode=None
)
Agent = Annotated[str, typer.Argument(help="An agent such as critic.", metavar="AGENT")]
NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
ORIGINS = {"shipped": "ships", "own": "yours", "override": "yours, in place of the one that ships"}


@app.callback(invoke_without_command=True)
def bare(ctx: typer.Context, json: Json = False, data_dir: DataDir = None) -> None:
    if ctx.invoked_subcommand is None:
        listed(ctx, json=json, data_dir=data_dir)


@app.command("list")
def listed(ctx: typer.Context, json: Json = False, data_dir: DataDir = None) -> None:
    """List the agents: what each is for, and where its profile comes from.

    Example: caseworks agents list --json
    """
    with session(ctx, data_dir) as found:
        items = found.api.all("/v1/agents")
    if json:
        document({"items": items})
        return
    rows = [(i["name"], words.line(i["role"], 80), ", ".join(i["writes"]), ORIGINS[i["origin"]]) for i in items]
    table(("agent", "for", "writes", "profile"), rows, "No agents.")


@app.command()
def show(ctx: typer.Context, agent: Agent, json: Json = False, data_dir: DataDir = None) -> None:
    """Show one agent: what it reads, writes and makes, and its prompt.

    Example: caseworks agents show critic
    """
    with session(ctx, data_dir) as found:
        item = found.api.get(f"/v1/agents/{segment(agent)}")
    if json:
        document(item)
    else:
        facts(_facts(item))


def _facts(item: Any) -> list[tuple[str, object]]:
    makes = [f"- {o['label']} ({o['kind']}){', signed off by a person' * o['needs_person']}" for o in item["outputs"]]
    return [
        ("agent", item["name"]),
        ("title", words.line(item["title"])),
        ("for", words.line(item["role"], 200)),
        ("profile", ORIGINS[item["origin"]]),
        ("wakes", item["wakes"]),
        ("reads", ", ".join(item["reads"])),
        ("writes", ", ".join(item["writes"])),
        ("makes", "\n".join(["", *makes]) if makes else ""),
        ("reviewer", item["reviewer"]),
        ("tools", ", ".join(item["tools"]) or "none"),
        ("tier", item["tier"]),
        ("context", _context(item)),
        ("memory", f"{item['memory']['outputs']} earlier outputs" if item["memory"]["outputs"] else "none"),
        ("prompt", f"\n{item['prompt']}"),
    ]


def _context(item: Any) -> str:
    policy = item["context"]
    parts = " then ".join(policy["order"])
    where = "" if policy["sections"] is None else f", searched in {', '.join(policy['sections'])}"
    return f"{item['context_tokens']} tokens: {parts}, direct inputs at most {policy['direct_share']:.0%}{where}"


@app.command()
def diagram(ctx: typer.Context, data_dir: DataDir = None) -> None:
    """Draw which agents read and write which sections, as a Mermaid diagram.

    Example: caseworks agents diagram
    """
    with session(ctx, data_dir) as found:
        say(found.api.text("/v1/agents", format="mermaid").rstrip())


@app.command()
def copy(
    ctx: typer.Context,
    agent: Agent,
    name: Annotated[str, typer.Argument(help="The name of the copy.", metavar="NAME")],
    data_dir: DataDir = None,
) -> None:
    """Copy an agent under another name, to change it.

    Example: caseworks agents copy critic strict_critic
    """
    if not NAME.fullmatch(name):
        raise Ended(Code.USAGE, f"“{name}” cannot be a name; use small letters, digits, - and _, a letter first.")
    with session(ctx, data_dir) as found:
        found.api.post("/v1/agents", {"name": name, "copy_of": segment(agent)})
    path = _own(ctx, data_dir).path(name)
    say(f"{name} is a copy of {_bare(agent)}: {path}. Change it with `caseworks agents edit {name}`.")


@app.command()
def edit(
    ctx: typer.Context,
    agent: Agent,
    file: Annotated[
        Path | None, typer.Option(help="The new profile; without it $EDITOR opens.", metavar="PATH")
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Change the profile of an agent; of one that ships, a version of your own takes its place.

    Example: caseworks agents edit critic --file critic.yaml
    """
    own = _own(ctx, data_dir)
    agent, before = _text(own, agent)
    changed = file.expanduser() if file is not None else _edited(own.path(agent).with_suffix(".draft"), before)
    if text_of(f"@{changed}", "profile") == before:
        say("Nothing was changed.")
    else:
        _keep(ctx, data_dir, own, agent, changed, before)
        say(f"{agent} is what {own.path(agent)} says now; delete that file to undo it.")
    if file is None:
        changed.unlink()


def _edited(draft: Path, before: str) -> Path:
    """What an editor made of `before`, or of a draft that could not be used."""
    if not draft.exists():
        draft.write_text(before, encoding="utf-8")
    try:
        editor.opened(draft)
    except Ended:
        if draft.read_text(encoding="utf-8") == before:
            draft.unlink()
        raise
    return draft


def _keep(ctx: typer.Context, data_dir: DataDir, own: "OwnProfiles", agent: str, file: Path, before: str) -> None:
    """By the program, which puts it on the record. It does not start while there is a profile that cannot be used; such
    a one is mended in its place."""
    from config.catalogue import own_profile
    from config.reading import ConfigurationError
    from domain.ids import digest_of

    try:
        own_profile(file, agent, own.names())
    except ConfigurationError as error:
        more = f" `caseworks agents edit {agent}` goes on with this draft." if file.suffix == ".draft" else ""
        raise Ended(Code.ENVIRONMENT, f"{error} Nothing was changed.{more}") from None
    try:
        own.checked()
    except ConfigurationError:
        own.adopt(agent, file)
        return
    with session(ctx, data_dir) as found:
        changed = {"yaml": file.read_text("utf-8")}
        found.api.put(f"/v1/agents/{segment(agent)}", changed, match=digest_of(before.encode()))


def _own(ctx: typer.Context, data_dir: DataDir) -> "OwnProfiles":
    from config.catalogue import OwnProfiles
    from infrastructure.data_directory import DataDirectory

    directory = DataDirectory(settings(ctx, data_dir).data_dir)
    directory.prepare()
    return OwnProfiles(directory.agents)


def _text(own: "OwnProfiles", agent: str) -> tuple[str, str]:
    """The name of an agent that is named by name or id, and its YAML."""
    name = _bare(agent)
    if not NAME.fullmatch(name) or name not in own.names():
        raise Ended(Code.USAGE, f"There is no agent {agent}; list them with `caseworks agents`.")
    return name, own.text(name)


def _bare(agent: str) -> str:
    return agent.removeprefix("agt_")
