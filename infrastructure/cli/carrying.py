"""Watching a run to its end: the plan as a table, then what each task comes to; a person at the terminal is asked."""

from datetime import UTC, datetime
from typing import Any

from infrastructure.cli import words
from infrastructure.cli.following import follow
from infrastructure.cli.output import ask, asked, table, tell
from infrastructure.cli.progress import Display, Progress, display
from infrastructure.cli.results import concerns, currency
from infrastructure.cli.session import Session, segment


def carry(found: Session, project: Any, run: Any, *, wait: bool) -> None:
    """Returns when the run ended, or when it waits for a person or is paused and `wait` is not set."""
    watch = _Watch(found, project, run, wait=wait)
    with display(currency(found), live=_is_live()) as shown:
        watch.until_it_rests(shown)


def _is_live() -> bool:
    import sys

    return sys.stderr.isatty()


class _Watch:
    def __init__(self, found: Session, project: Any, run: Any, *, wait: bool) -> None:
        self._api, self._project, self._run, self._wait = found.api, project, run, wait
        self._progress = Progress(root_id=run["id"])
        self._began = datetime.fromisoformat(run["created_at"]) if run["state"] == "queued" else datetime.now(UTC)
        self._known: set[str] = set()
        self._has_plan = False

    def until_it_rests(self, shown: Display) -> None:
        for event in follow(self._api, self._run["id"]):
            if event is not None:
                self._take(shown, *event)
            elif self._rests(shown):
                return

    def _take(self, shown: Display, kind: str, event: dict[str, Any]) -> None:
        line = self._progress.take(kind, event)
        if kind == "plan.adopted" and not self._has_plan:
            self._has_plan = True
            with shown.set_aside():
                show_plan(self._api.get(f"{self._address}/plan"))
        elif datetime.fromisoformat(str(event["at"])) >= self._began:
            shown.show(self._progress, line)
        else:
            shown.show(self._progress, "")

    def _rests(self, shown: Display) -> bool:
        """Whether to leave: it is paused, or waits for what the person here was not asked."""
        if self._progress.waits_for_a_person:
            return self._waits(shown) and not self._wait
        return self._progress.is_paused and not self._wait

    def _waits(self, shown: Display) -> bool:
        """Asks the person at the terminal, or says what waits; true once everything was said."""
        items = [item for item in self._api.all("/v1/inbox") if self._is_about(item)]
        for item in (item for item in items if item["id"] not in self._known):
            self._known.add(item["id"])
            if item["kind"] == "approval" and asked():
                with shown.set_aside():
                    self._approve(item) if self._is_plan(item) else self._agree(item)
                return False
            with shown.set_aside():
                tell(f"Waits for you: {words.line(item['title'])}")
                if item["kind"] == "budget":
                    tell(f"  {words.line(item['detail'], 600)}")
                tell(f"  {words.how_to_answer(item)}")
        return bool(items)

    def _is_about(self, item: Any) -> bool:
        """A project's work waits for all that is open in it, a workflow for budgets and what it asked itself."""
        if self._is_the_project or item["shortage"]:
            return concerns(item, self._project["id"])
        return item["run_id"] in self._progress.phases

    @property
    def _is_the_project(self) -> bool:
        return str(self._run["workflow"]).startswith("project@")

    def _is_plan(self, item: Any) -> bool:
        return self._is_the_project and bool(item["run_id"] == self._run["id"])

    def _agree(self, item: Any) -> None:
        """What a workflow asks."""
        if item["detail"]:
            tell(item["detail"])
        action = "approve" if ask(f"{words.line(item['title'])} [y/N]").lower() in ("y", "yes") else "reject"
        self._api.post(f"/v1/inbox/{segment(item['id'])}/answer", {"action": action})

    def _approve(self, item: Any) -> None:
        if self._progress.tasks:
            tell("")
        answer = ask("Carry out this plan? [y/N]").lower()
        if answer in ("y", "yes"):
            self._api.post(f"{self._address}/plan/approve")
            return
        hint = ask("What should be different? (empty: nothing, stop here)")
        if hint:
            self._has_plan = False
            body = {"action": "reject", "hint": hint}
            self._api.post(f"/v1/inbox/{segment(item['id'])}/answer", body)
        else:
            self._api.post(f"/v1/runs/{segment(self._run['id'])}/cancel")

    @property
    def _address(self) -> str:
        return f"/v1/projects/{segment(self._project['id'])}"


def show_plan(plan: Any, *, error: bool = True) -> None:
    """The tasks of a plan in order, with who does them and what they build on."""
    numbers = {task["id"]: str(n) for n, task in enumerate(plan["tasks"], 1)}
    rows = [
        (
            numbers[task["id"]],
            words.line(task["title"], 60),
            words.agent(task["assignee"]["id"]),
            ", ".join(words.plain(item["kind"]) for item in task["expected"]),
            ", ".join(numbers.get(id, id) for id in task["depends_on"]),
        )
        for task in plan["tasks"]
    ]
    if error:
        tell(f"Plan {plan['number']}: {words.line(plan['origin'])}")
    table(("", "task", "who", "makes", "after"), rows, "The plan has no tasks.", error=error)
