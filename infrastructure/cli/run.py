"""`caseworks run`: the whole job in one process, from the inputs to the report."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from infrastructure.cli import budget, handing_over, model_choice, results, words
from infrastructure.cli.carrying import carry
from infrastructure.cli.endings import Code, Ended
from infrastructure.cli.output import tell
from infrastructure.cli.session import DataDir, Json, Session, segment, session, settings, text_of

if TYPE_CHECKING:
    from config.settings import Settings

NOT_SERVED = (
    "A server owns the data directory and does the work, so --record and --replay do nothing there; stop it, or name "
    "another directory with --data-dir."
)
EMPTY = "A project needs a goal: say in a sentence what should exist at the end."


@dataclass(frozen=True, kw_only=True)
class Job:
    """What is wanted, looked at as far as that can be done before anything is created."""

    body: dict[str, Any]
    files: Sequence[handing_over.Input]
    project_id: str
    report: Path | None
    wait: bool


def run(
    ctx: typer.Context,
    goal: Annotated[
        str, typer.Argument(help="What should exist at the end; @PATH reads it from a file.", metavar="GOAL")
    ] = "",
    input: Annotated[
        list[Path] | None,
        typer.Option("--input", "-i", help="A document or a folder of them; repeat it for more.", metavar="PATH"),
    ] = None,
    name: Annotated[str, typer.Option(help="A short name for the project.", metavar="NAME")] = "",
    instructions: Annotated[
        str, typer.Option(help="How it should be done; @PATH reads it from a file.", metavar="TEXT")
    ] = "",
    approve_plan: Annotated[bool, typer.Option("--approve-plan", help="Ask before the plan is carried out.")] = False,
    no_sign_off_code: Annotated[
        bool, typer.Option("--no-sign-off-code", help="Changes to code need no person's sign-off.")
    ] = False,
    rehearse: Annotated[bool, typer.Option("--rehearse", help="No language model: rules write what they can.")] = False,
    record: Annotated[
        Path | None,
        typer.Option(
            help="A new file for all that is asked of models and what they say. It holds text of your documents; only "
            "you may read it.",
            metavar="FILE",
        ),
    ] = None,
    replay: Annotated[
        Path | None, typer.Option(help="Ask no model: a file of --record answers.", metavar="FILE")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Stay while the work waits for a person.")] = False,
    report: Annotated[Path | None, typer.Option(help="Where the HTML report goes.", metavar="PATH")] = None,
    budget_money: Annotated[
        str | None,
        typer.Option(help="The most to spend, such as 0.50, in the currency of models.yaml.", metavar="AMOUNT"),
    ] = None,
    budget_calls: Annotated[int | None, typer.Option(help="The most calls to models.", min=0, metavar="N")] = None,
    budget_tokens: Annotated[
        int | None, typer.Option(help="The most tokens, of prompts and replies together.", min=0, metavar="N")
    ] = None,
    budget_seconds: Annotated[
        int | None, typer.Option(help="The most seconds that models work.", min=0, metavar="N")
    ] = None,
    project: Annotated[
        str, typer.Option("--continue", help="Go on with this project instead of a new one.", metavar="PROJECT")
    ] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Spend nothing: say what the work would use on these models.")
    ] = False,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Do a whole project: plan, work, check, report. Exits with 0 when all of it succeeded.

    Example: caseworks run "Brief me on the obligations in these contracts" --input contracts/
    """
    flags: dict[str, Any] = {"rehearse": rehearse or None, **taping(record, replay, rehearse=rehearse)}
    found = settings(ctx, data_dir, **flags)
    body = _body(goal, name, instructions, budget.of(budget_money, budget_calls, budget_tokens, budget_seconds))
    body |= {"approve_plan": approve_plan, "sign_off_code": not no_sign_off_code}
    files = handing_over.inputs(input or (), found.limits.upload_bytes)
    job = Job(body=body, files=files, project_id=project, report=_writable(report), wait=wait)
    _check(job)
    if dry_run:
        _estimate(found, job, json=json)
        return
    model_choice.prepare_here(found)
    with session(ctx, data_dir, dispatch=True, **flags) as opened:
        check_server(opened)
        _work(opened, job, json=json)


def _body(goal: str, name: str, instructions: str, caps: dict[str, Any]) -> dict[str, Any]:
    return {
        "goal": text_of(goal, "goal"),
        "name": name,
        "instructions": text_of(instructions, "instructions"),
        "budget": caps,
    }


def _writable(report: Path | None) -> Path | None:
    """An absolute path. Raises Ended where no file can be written."""
    if report is None:
        return None
    path = report.expanduser().absolute()
    if path.is_dir() or not path.parent.is_dir():
        what = "is a folder" if path.is_dir() else "lies in a folder that does not exist"
        raise Ended(Code.USAGE, f"{path} {what}; name a file for the report.")
    return path


def _check(job: Job) -> None:
    if job.project_id and job.body["goal"]:
        raise Ended(Code.USAGE, "Give either a goal or --continue PROJECT, not both.")
    if not job.project_id and not job.body["goal"].strip():
        raise Ended(Code.USAGE, EMPTY)


def _estimate(found: "Settings", job: Job, *, json: bool) -> None:
    from infrastructure.cli.dry_run import show

    if job.project_id:
        raise Ended(Code.USAGE, "--dry-run is for a new project; what a project has cost so far is `caseworks costs`.")
    show(found, job.body, job.files, json=json)


def taping(record: Path | None, replay: Path | None, *, rehearse: bool) -> dict[str, Path]:
    """The settings for these options, paths absolute. Raises Ended for what cannot be."""
    if replay is not None and (record is not None or rehearse):
        raise Ended(Code.USAGE, "With --replay nothing is asked of a model: leave --record and --rehearse away.")
    given = {name: path for name, path in (("record", record), ("replay", replay)) if path is not None}
    found = {name: path.expanduser().absolute() for name, path in given.items()}
    if "replay" in found and not found["replay"].is_file():
        raise Ended(Code.USAGE, f"{found['replay']} is not there; name a file that --record wrote.")
    if "record" in found and (found["record"].exists() or not found["record"].parent.is_dir()):
        what = "is there already" if found["record"].exists() else "lies in a folder that does not exist"
        raise Ended(Code.USAGE, f"{found['record']} {what}; name a new file for the recording.")
    return found


def check_server(opened: Session) -> None:
    """Says which server works, with which model. Raises Ended when it cannot rehearse."""
    if not opened.served:
        return
    if opened.settings.record is not None or opened.settings.replay is not None:
        raise Ended(Code.ENVIRONMENT, NOT_SERVED)
    ready = opened.api.get("/ready")
    rehearses = ready["backend"] == "rehearsal"
    if opened.settings.rehearse and not rehearses:
        raise model_choice.must_rehearse(ready["model"])
    model = model_choice.REHEARSAL if rehearses else f"it works with {ready['model']}."
    tell(f"The server {opened.api.url} does the work; {model}")


def _work(opened: Session, job: Job, *, json: bool) -> None:
    project = _project(opened, job)
    path = job.report or results.report_path(opened, project["id"])
    try:
        run = _started(opened, project["id"])
        carry(opened, project, run, wait=job.wait)
        results.write_report(opened, project["id"], path)
        outcome = results.outcome(opened, project, run, path)
    except KeyboardInterrupt:
        raise Ended(Code.INTERRUPTED, _stopped(opened, project["id"])) from None
    (results.as_json if json else results.as_text)(outcome)
    if outcome.run["result"] != "succeeded":
        raise Ended(Code.WORK, _why(outcome))


def _project(opened: Session, job: Job) -> Any:
    if job.project_id:
        project = opened.api.get(f"/v1/projects/{segment(job.project_id)}")
        handing_over.hand_over(opened.api, project["id"], job.files)
        return project
    project = opened.api.post("/v1/projects", job.body)
    tell(f"Project {project['id']}: {words.line(project['name'])}")
    try:
        handing_over.hand_over(opened.api, project["id"], job.files)
    except BaseException:
        with suppress(Exception):
            opened.api.delete(f"/v1/projects/{segment(project['id'])}")
        raise
    return project


def _started(opened: Session, project_id: str) -> Any:
    """The live run of the project, set going where it was paused; else a new one."""
    address = f"/v1/projects/{segment(project_id)}/runs"
    runs = opened.api.get(address, limit=1, workflow="project@1")["items"]
    if not runs or runs[0]["state"] == "ended":
        return opened.api.post(address)
    tell(f"The run {runs[0]['id']} goes on.")
    if runs[0]["state"] == "paused":
        opened.api.post(f"/v1/runs/{runs[0]['id']}/resume")
    return runs[0]


def _stopped(opened: Session, project_id: str) -> str:
    command = f"`caseworks run --continue {project_id}`"
    if opened.served:
        return f"Stopped watching; the server works on, and {command} follows it again."
    return f"Stopped; nothing is lost, and {command} goes on from here."


def _why(outcome: results.Outcome) -> str:
    run = outcome.run
    if run["result"] is not None:
        return f"The work {_ENDS.get(run['result'], 'ended')}: {run['reason'] or 'no reason was given'}"
    if run["state"] == "paused":
        return f"The work is paused; `caseworks run --continue {outcome.project['id']}` goes on."
    titles = "; ".join(words.line(item["title"], 80) for item in outcome.waiting) or "an answer"
    return (
        f"The work waits for you: {titles}. Answer with `caseworks inbox`, then "
        f"`caseworks run --continue {outcome.project['id']}` goes on."
    )


_ENDS = {"partial": "is done in part", "failed": "failed", "cancelled": "was cancelled"}
