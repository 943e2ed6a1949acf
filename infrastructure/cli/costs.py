"""`caseworks costs`: what was used, by whom and for what."""

from typing import Annotated, Any

import typer

from infrastructure.cli import words
from infrastructure.cli.output import document, say, table
from infrastructure.cli.session import DataDir, Json, segment, session

QUESTIONS = (
    ("project", "by_project"),
    ("agent", "by_agent"),
    ("task", "by_task"),
    ("artifact", "by_artifact"),
    ("model", "by_model"),
)
NOBODY = {"agent": "nobody", "task": "no task of its own", "model": "no answer", "project": "the workspace"}
RUNGS = {
    "strict": "as they should be",
    "mended": "mended",
    "coerced": "changed to fit",
    "repaired": "repaired",
    "cut": "cut off and asked for again",
    "refused": "refused and asked for again",
    "failed": "given up",
}
MOST = 12


def costs(
    ctx: typer.Context,
    project: Annotated[str, typer.Argument(help="The project's id; all of them by default.", metavar="PROJECT")] = "",
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """What a project, or the whole workspace, cost: by agent, task, artifact and model, the dearest first;
    what people worked, and what is left of budgets. Seconds are those that models worked, on whatever they ran.

    Example: caseworks costs prj_…
    """
    with session(ctx, data_dir) as found:
        path = f"/v1/projects/{segment(project)}/costs" if project else "/v1/costs"
        answer = found.api.get(path)
    if json:
        document(answer)
        return
    currency = answer["currency"]
    say(f"In all: {_told(answer['total'], currency)}.")
    _caps(answer, currency)
    _worked(answer)
    if not answer["total"]["calls"]:
        return
    for question, field in QUESTIONS:
        if not (shares := answer[field]):
            continue
        say()
        rows = [_row(share, question, currency) for share in shares[:MOST]]
        table((question, "calls", "tokens in", "tokens out", "seconds", "money"), rows, "")
        if len(shares) > MOST:
            say(f"and {len(shares) - MOST} more; `--json` has them")
    if told := _rungs(answer["by_rung"]):
        say()
        say(f"Structured replies: {told}.")
    if (dearest := answer["dearest"]) is not None:
        say()
        say(f"The dearest call: {_told(dearest['usage'], currency)}, to {dearest['purpose']} with {dearest['model']}.")


def _rungs(shares: Any) -> str:
    found = {share["key"]: share["usage"]["calls"] for share in shares}
    return ", ".join(f"{found[rung]:,} {said}" for rung, said in RUNGS.items() if rung in found)


def _caps(answer: Any, currency: str) -> None:
    """What is left of budgets."""
    if not answer["caps"]:
        return
    say()
    rows = [
        (words.line(cap["name"], 60), cap["measure"], *(_amount(cap, name, currency) for name in ("used", "cap")))
        for cap in answer["caps"]
    ]
    table(("budget of", "measure", "used", "cap"), rows, "")


def _amount(cap: Any, name: str, currency: str) -> str:
    return words.money(cap[name], currency) if cap["measure"] == "money" else f"{cap[name]:,}"


def _worked(answer: Any) -> None:
    """What people said they worked."""
    if not answer["worked"]:
        return
    say()
    rows = [
        (words.line(one["name"], 40), words.line(one["task"] or "", 60), one["minutes"]) for one in answer["worked"]
    ]
    table(("person", "task", "minutes"), rows, "")


def _row(share: Any, question: str, currency: str) -> tuple[object, ...]:
    used = share["usage"]
    return (
        words.line(share["name"], 60) or NOBODY[question],
        f"{used['calls']:,}",
        f"{used['input_tokens']:,}",
        f"{used['output_tokens']:,}",
        f"{used['seconds']:,.1f}",
        words.money(used["money"], currency) if used["money"] else "",
    )


def _told(used: Any, currency: str) -> str:
    tokens = f"{used['input_tokens']:,} + {used['output_tokens']:,} tokens"
    money = f", {words.money(used['money'], currency)}" if used["money"] else ""
    return f"{words.count(used['calls'], 'call')}, {tokens}, {used['seconds']:,.1f} s{money}"
