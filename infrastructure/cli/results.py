"""How a run is told at its end: what was made, what nobody judged, where the report is; or one JSON document."""

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infrastructure.cli import words
from infrastructure.cli.endings import Code, Ended
from infrastructure.cli.output import document, say, table
from infrastructure.cli.session import Session, segment


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What there is of a project, read at once. `waiting` holds its open inbox items."""

    project: Any
    run: Any
    tasks: list[Any]
    artifacts: list[Any]
    waiting: list[Any]
    recommended: list[Any]
    usage: Any
    currency: str
    report: Path

    @property
    def made(self) -> list[Any]:
        return [artifact for artifact in self.artifacts if artifact["task_id"]]

    @property
    def unjudged(self) -> list[Any]:
        """Results that neither a model nor a person vouches for."""
        return [artifact for artifact in self.made if artifact["stage"] == "intellectual"]


def outcome(found: Session, project: Any, run: Any, report: Path) -> Outcome:
    api, address = found.api, f"/v1/projects/{segment(project['id'])}"
    return Outcome(
        project=project,
        run=api.get(f"/v1/runs/{run['id']}") if run else None,
        tasks=api.all(f"{address}/tasks"),
        artifacts=api.all(f"{address}/artifacts"),
        waiting=[item for item in api.all("/v1/inbox") if concerns(item, project["id"])],
        recommended=api.all(f"{address}/recommendations", state="open"),
        usage=api.get(f"{address}/usage"),
        currency=currency(found),
        report=report,
    )


def concerns(item: Any, project_id: str) -> bool:
    """Whether the project may wait for an inbox item: its own, or one about the budget of the workspace."""
    shortage = item["shortage"]
    return bool(item["project_id"] == project_id or (shortage and shortage["level"] == "workspace"))


def currency(found: Session) -> str:
    """Of what is configured where the work is done; none where work is rehearsed."""
    return str(found.api.get("/v1/costs")["currency"])


def report_path(found: Session, project_id: str) -> Path:
    return found.settings.data_dir / "reports" / f"{project_id}.html"


def write_report(found: Session, project_id: str, path: Path) -> None:
    """The HTML report at `path`, for this user only."""
    html = found.api.text(f"/v1/projects/{segment(project_id)}/report")
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(html)
        draft.replace(path)
    except OSError as error:
        raise Ended(
            Code.ENVIRONMENT, f"The report cannot be written to {path} ({error.strerror}); name another with --report."
        ) from None


def as_json(result: Outcome) -> None:
    usage, run = result.usage, result.run or {}
    document(
        {
            "project_id": result.project["id"],
            "run_id": run.get("id"),
            "result": run.get("result"),
            "reason": run.get("reason", ""),
            "tasks": dict(Counter(task["state"] for task in result.tasks)),
            "waiting": [
                {name: item[name] for name in ("id", "kind", "title", "task_id", "answers")} for item in result.waiting
            ],
            "report": str(result.report),
            "cost": {
                "money": usage["money"],
                "currency": result.currency,
                "input_tokens": usage["input_tokens"],
                "output_tokens": usage["output_tokens"],
                "calls": usage["calls"],
            },
            "artifacts": result.made,
        }
    )


def as_text(result: Outcome) -> None:
    say()
    results_table(result.made)
    say()
    judged(result)
    attention(result.waiting)
    recommendations(result.recommended)
    say(spent(result))
    say(f"Report: {result.report}")


def results_table(made: list[Any]) -> None:
    rows = [
        (words.line(item["title"], 60), words.plain(item["kind"]), words.plain(item["stage"]), *_checked(item))
        for item in made
    ]
    table(("result", "kind", "stage", "checked by", "verdict", "id"), rows, "Nothing was made yet.")


def _checked(item: Any) -> tuple[str, str, str]:
    qa = item["qa"]
    return words.agent(qa["checked_by"]) if qa else "nobody", words.verdict(item), item["id"]


def judged(result: Outcome) -> None:
    """What nobody vouches for, and how a person can."""
    if not result.unjudged:
        return
    ratio = f"{len(result.unjudged)} of {words.count(len(result.made), 'result')}"
    why = "this was a rehearsal" if any(item["rehearsed"] for item in result.unjudged) else "only rules checked them"
    if any((item["qa"] or {}).get("method") == "model" for item in result.unjudged):
        why = "a model found criteria that it could not verify"
    say(f"No model or person vouches for {ratio} ({why}).")
    say(f"  Read them, then accept each that is good: caseworks artifacts accept {result.unjudged[0]['id']}")


def attention(waiting: list[Any]) -> None:
    for item in waiting:
        say(f"Waits for you: {words.line(item['title'])}")
        say(f"  caseworks inbox show {item['id']}")
        say(f"  {words.how_to_answer(item)}")


def recommendations(recommended: list[Any]) -> None:
    for item in recommended:
        say(f"Recommended: {words.line(item['title'])}. {words.line(item['reason'], 400)}")
        say(f"  caseworks inbox accept|dismiss {item['id']}")


def spent(result: Outcome) -> str:
    usage = result.usage
    text = f"{words.count(usage['calls'], 'call')}, {usage['input_tokens'] + usage['output_tokens']:,} tokens"
    cost = f", {words.money(usage['money'], result.currency)}" if usage["money"] else ""
    states = ", ".join(f"{n} {words.plain(state)}" for state, n in Counter(t["state"] for t in result.tasks).items())
    return f"Tasks: {states or 'none'}. Used: {text}{cost}."
