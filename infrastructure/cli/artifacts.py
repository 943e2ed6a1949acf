"""`caseworks artifacts`: the case file — reading it, adding to it, judging it, forms."""

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from infrastructure.cli import handing_over, words
from infrastructure.cli.endings import Code, Ended
from infrastructure.cli.filling import Answers, File, filled, given
from infrastructure.cli.output import document, facts, say, table
from infrastructure.cli.session import DataDir, Json, OfProject, segment, session

app = typer.Typer(
    help="Artifacts: list, show, content, versions, add, revise, accept, refuse, lock, unlock, share, lineage;\n"
    "forms: new, form, fill. Alone it lists.\n\n"
    "Example: caseworks artifacts",
    rich_markup_mode=None,
)
Id = Annotated[str, typer.Argument(help="The artifact's id.", metavar="ARTIFACT")]
Note = Annotated[str, typer.Option(help="What you looked at, or what is wrong with it.")]


LARGEST = 50_000_000  # bytes of a document


@app.callback(invoke_without_command=True)
def bare(ctx: typer.Context, project: OfProject = "", json: Json = False, data_dir: DataDir = None) -> None:
    if ctx.invoked_subcommand is None:
        listed(ctx, project=project, json=json, data_dir=data_dir)


@app.command("list")
def listed(
    ctx: typer.Context,
    project: OfProject = "",
    section: Annotated[str | None, typer.Option(help="Only of this section, such as synthesis.")] = None,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """List a project's artifacts.

    Example: caseworks artifacts list --section synthesis
    """
    with session(ctx, data_dir) as found:
        id = found.project(project)["id"]
        items = found.api.all(f"/v1/projects/{segment(id)}/artifacts", section=section)
    if json:
        document({"items": items})
        return
    rows = [
        (i["id"], words.line(i["title"], 50), i["section"], words.plain(i["stage"]), words.verdict(i), i["version"])
        for i in items
    ]
    table(("id", "artifact", "section", "stage", "verdict", "version"), rows, "The case file is empty.")


@app.command()
def show(ctx: typer.Context, artifact: Id, json: Json = False, data_dir: DataDir = None) -> None:
    """Show one artifact: where it came from, who checked it.

    Example: caseworks artifacts show art_…
    """
    with session(ctx, data_dir) as found:
        item = found.api.get(f"/v1/artifacts/{segment(artifact)}")
    if json:
        document(item)
    else:
        facts(_facts(item))


def _facts(item: Any) -> list[tuple[str, object]]:
    criteria = (item["qa"] or {}).get("criteria", [])
    return [
        ("id", item["id"]),
        ("title", words.line(item["title"])),
        ("kind", words.plain(item["kind"])),
        ("stage", words.plain(item["stage"])),
        ("version", f"{item['version']}{', locked' if item['locked'] else ''}"),
        ("size", words.size(item["size"])),
        ("made by", words.agent(item["made_by"])),
        ("model", item["model"] or ""),
        ("verdict", words.verdict(item)),
        ("project", item["project_id"]),
        ("from", "".join(f"{ref['artifact_id']}\n" for ref in item["derived_from"])),
        ("criteria", "".join(f"- {words.plain(c['verdict'])}: {c['text']} ({c['evidence']})\n" for c in criteria)),
    ]


@app.command()
def content(
    ctx: typer.Context,
    artifact: Id,
    version: Annotated[int | None, typer.Option(help="The version's number; the newest by default.", min=1)] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write it there.", metavar="PATH")] = None,
    data_dir: DataDir = None,
) -> None:
    """Write an artifact's content to standard output or to a file.

    Example: caseworks artifacts content art_… -o a.md
    """
    query = f"?version={version}" if version is not None else ""
    with session(ctx, data_dir) as found:
        body = found.api.content(f"/v1/artifacts/{segment(artifact)}/content{query}")
    if output is not None:
        with os.fdopen(os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(body)
    elif sys.stdout.isatty():
        say(body.decode("utf-8", "replace"))
    else:
        sys.stdout.buffer.write(body)
        sys.stdout.flush()


@app.command()
def versions(ctx: typer.Context, artifact: Id, json: Json = False, data_dir: DataDir = None) -> None:
    """List an artifact's versions.

    Example: caseworks artifacts versions art_…
    """
    with session(ctx, data_dir) as found:
        items = found.api.get(f"/v1/artifacts/{segment(artifact)}/versions")["items"]
    if json:
        document({"items": items})
        return
    rows = [
        (i["number"], words.agent(i["made_by"]), words.size(i["size"]), words.when(i["created_at"]), i["digest"][:19])
        for i in items
    ]
    table(("version", "made by", "size", "at", "digest"), rows, "It has no versions.")


@app.command()
def add(
    ctx: typer.Context,
    path: Annotated[list[Path], typer.Argument(help="Documents, or folders of them.", metavar="PATH…")],
    project: OfProject = "",
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Hand documents over to a project.

    Example: caseworks artifacts add annex.pdf
    """
    files = handing_over.inputs(path, LARGEST)
    with session(ctx, data_dir) as found:
        id = found.project(project)["id"]
        items = handing_over.hand_over(found.api, id, files)
    if json:
        document({"items": items})
    else:
        say(f"The project {id} has {words.count(len(items), 'document')} more.")


@app.command()
def revise(
    ctx: typer.Context,
    artifact: Id,
    file: Annotated[Path, typer.Option(help="The document as it is now.", metavar="PATH")],
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Add a version to an artifact, from a file. What was made from an earlier one is marked as out of date.

    Example: caseworks artifacts revise art_… --file annex.pdf
    """
    document_now = handing_over.single(file, LARGEST)
    with session(ctx, data_dir) as found:
        item = handing_over.revise(found.api, artifact, document_now)
    _told(item, f"“{words.line(item['title'], 80)}” has a new version: {item['version']}.", json)


@app.command()
def new(
    ctx: typer.Context,
    template: Annotated[str, typer.Argument(help="Its template, such as checklist.")],
    title: Annotated[str, typer.Option(help="Its title; the template's own by default.")] = "",
    answers: Answers = "",
    project: OfProject = "",
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Make a form: note, list, checklist, worksheet, questionnaire, decision_matrix, pre_mortem, risk_matrix, timeline,
    glossary, or one of your own.

    Example: caseworks artifacts new decision_matrix --title "Which hall?"
    """
    body = {"template": template, "title": title}
    known = given(None, answers) or {}
    with session(ctx, data_dir) as found:
        id = found.project(project)["id"]
        item = found.api.post(f"/v1/projects/{segment(id)}/forms", body | known)
    _told(item, f"“{words.line(item['title'], 80)}” is made: {item['id']}.", json)


@app.command()
def form(ctx: typer.Context, artifact: Id, json: Json = False, data_dir: DataDir = None) -> None:
    """Print a form as Markdown, to fill in and give to `fill --file`.

    Example: caseworks artifacts form art_… > form.md
    """
    with session(ctx, data_dir) as found:
        item = found.api.get(f"/v1/artifacts/{segment(artifact)}/form")
    if json:
        document(item)
    else:
        say(item["markdown"].rstrip("\n"))


@app.command()
def fill(
    ctx: typer.Context,
    artifact: Id,
    file: File = None,
    answers: Answers = "",
    derived: Annotated[
        bool, typer.Option("--derived", help="As an artifact of its own, derived from the form.")
    ] = False,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Fill a form in: from a Markdown file, from JSON, or field by field in the terminal.

    Example: caseworks artifacts fill art_… --file form.md
    """
    with session(ctx, data_dir) as found:
        address = f"/v1/artifacts/{segment(artifact)}"
        more = {"as": "derived" if derived else "version"}
        item = filled(
            file,
            answers,
            lambda: found.api.get(f"{address}/form"),
            lambda body: found.api.post(f"{address}/fill", body | more),
        )
    what = f"filled in as {item['id']}" if derived else f"filled in; it is version {item['version']}"
    _told(item, f"“{words.line(item['title'], 80)}” is {what}.", json)


@app.command()
def accept(ctx: typer.Context, artifact: Id, note: Note = "", json: Json = False, data_dir: DataDir = None) -> None:
    """Vouch for an artifact; it becomes an information product.

    Example: caseworks artifacts accept art_…
    """
    _judge(ctx, artifact, {"verdict": "accept", "note": note}, json, data_dir)


@app.command()
def refuse(ctx: typer.Context, artifact: Id, note: Note = "", json: Json = False, data_dir: DataDir = None) -> None:
    """Refuse an artifact and say why.

    Example: caseworks artifacts refuse art_… --note "Annex B is missing."
    """
    if not note.strip():
        raise Ended(Code.USAGE, "Say with --note what is wrong with it.")
    _judge(ctx, artifact, {"verdict": "refuse", "note": note}, json, data_dir)


def _judge(ctx: typer.Context, artifact: str, body: dict[str, str], json: bool, data_dir: DataDir) -> None:
    with session(ctx, data_dir) as found:
        item = found.api.post(f"/v1/artifacts/{segment(artifact)}/qa", body)
    _told(item, f"“{words.line(item['title'], 80)}” is now: {words.plain(item['stage'])}, {words.verdict(item)}.", json)


@app.command()
def lock(ctx: typer.Context, artifact: Id, json: Json = False, data_dir: DataDir = None) -> None:
    """Lock an artifact: nothing can change it.

    Example: caseworks artifacts lock art_…
    """
    _lock(ctx, artifact, "lock", json, data_dir)


@app.command()
def unlock(ctx: typer.Context, artifact: Id, json: Json = False, data_dir: DataDir = None) -> None:
    """Unlock an artifact.

    Example: caseworks artifacts unlock art_…
    """
    _lock(ctx, artifact, "unlock", json, data_dir)


def _lock(ctx: typer.Context, artifact: str, what: str, json: bool, data_dir: DataDir) -> None:
    with session(ctx, data_dir) as found:
        item = found.api.post(f"/v1/artifacts/{segment(artifact)}/{what}")
    _told(item, f"“{words.line(item['title'], 80)}” is {what}ed.", json)


@app.command()
def share(
    ctx: typer.Context,
    artifact: Id,
    project: Annotated[str, typer.Argument(help="The id of the project that gets a copy.")],
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Copy an artifact into the sources of another project.

    Example: caseworks artifacts share art_… prj_…
    """
    with session(ctx, data_dir) as found:
        item = found.api.post(f"/v1/artifacts/{segment(artifact)}/share", {"project_id": project})
    _told(item, f"The project {project} has “{words.line(item['title'], 80)}” as {item['id']}.", json)


def _told(item: Any, sentence: str, json: bool) -> None:
    if json:
        document(item)
    else:
        say(sentence)


@app.command()
def lineage(ctx: typer.Context, artifact: Id, json: Json = False, data_dir: DataDir = None) -> None:
    """Show what an artifact was made from, step by step.

    Example: caseworks artifacts lineage art_…
    """
    from infrastructure.cli.graph import edges

    with session(ctx, data_dir) as found:
        graph = found.api.get(f"/v1/artifacts/{segment(artifact)}/lineage")
    if json:
        document(graph)
    else:
        edges(graph, "It was made from nothing else.")
