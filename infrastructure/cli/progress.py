"""What a run has come to, folded from its events; and how that is shown while it goes on."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from infrastructure.cli import words
from infrastructure.cli.output import console, tell

if TYPE_CHECKING:
    from rich.table import Table

QUIET = frozenset({"waiting", "ready"})
"""States that are shown in the live table, but are no news on a line of their own."""

NEARLY = "nearly used"
"""What a line about a budget begins with, which a table has no place for."""

STYLES = {"done": "green", "needs_attention": "bold yellow", "running": "cyan", "in_review": "blue"}


@dataclass
class TaskProgress:
    title: str
    agent: str = ""
    state: str = "waiting"
    attempts: int = 0
    model: str = ""
    tokens: int = 0
    money: int = 0


@dataclass
class Progress:
    """`phases` holds the runs that have not ended, `parents` which run started each."""

    root_id: str
    tasks: dict[str, TaskProgress] = field(default_factory=dict)
    phases: dict[str, str] = field(default_factory=dict)
    parents: dict[str, str | None] = field(default_factory=dict)
    result: str | None = None
    reason: str = ""

    @property
    def waits_for_a_person(self) -> bool:
        """Nothing goes on until somebody answers; the inbox says what. A run that waits for others of its own goes on
        by itself."""
        busy = {self.parents.get(run) for run in self.phases}
        return bool(self.phases) and all(self.phases[run] == "waiting" for run in self.phases if run not in busy)

    @property
    def is_paused(self) -> bool:
        return self.phases.get(self.root_id) == "paused"

    def take(self, kind: str, event: dict[str, Any]) -> str:
        """Takes an event in; the line that it is worth, or nothing."""
        data, subject = event.get("data") or {}, str(event.get("subject", ""))
        match kind:
            case "plan.adopted":
                return self._planned(data)
            case "task.moved":
                return self._moved(subject, data)
            case "call.made":
                return self._called(data)
            case "run.created":
                self.phases[subject], self.parents[subject] = "queued", data.get("parent_id")
            case "run.moved":
                self.phases[subject] = str(data.get("phase"))
            case "run.ended":
                self._ended(subject, data)
            case "budget.warned":
                return f"{NEARLY}  {data.get('sentence')}"
            case "inbox.opened":
                return f"waits for you  {data.get('title')}"
        return ""

    def _planned(self, data: dict[str, Any]) -> str:
        for item in data.get("tasks") or ():
            known = self.tasks.setdefault(str(item["id"]), TaskProgress(title=""))
            known.title, known.agent = str(item["title"]), str(item["assignee"])
        return f"planned  {words.count(len(self.tasks), 'task')}"

    def _moved(self, id: str, data: dict[str, Any]) -> str:
        task = self.tasks.setdefault(id, TaskProgress(title=""))
        task.title, task.agent = str(data.get("title")), str(data.get("agent"))
        task.state, task.attempts = str(data.get("state")), int(data.get("attempts") or 0)
        if task.state in QUIET:
            return ""
        again = f", attempt {task.attempts}" if task.attempts > 1 and task.state == "running" else ""
        return f"{words.plain(task.state)}  {words.line(task.title)} ({words.agent(task.agent)}{again})"

    def _called(self, data: dict[str, Any]) -> str:
        tokens = int(data.get("input_tokens") or 0) + int(data.get("output_tokens") or 0)
        task = self.tasks.get(str(data.get("task_id")))
        if task is not None:
            task.model = str(data.get("model") or data.get("alias") or task.model)
            task.tokens += tokens
            task.money += int(data.get("money") or 0)
        who = f"{data.get('purpose')} by {words.agent(str(data.get('agent')))}"
        if data.get("state") == "failed":
            return f"call failed  {who}: {words.line(str(data.get('error')), 400)}"
        used = "nothing asked: known from before" if data.get("cached") else f"{tokens:,} tokens"
        return f"call  {who} on {data.get('model')}, {used}"

    def _ended(self, subject: str, data: dict[str, Any]) -> None:
        self.phases.pop(subject, None)
        if subject == self.root_id:
            self.result, self.reason = str(data.get("result")), str(data.get("reason") or "")


class Display:
    """Lines, one for each thing that happened."""

    def show(self, progress: Progress, line: str) -> None:
        if line:
            tell(f"  {line}")

    @contextmanager
    def set_aside(self) -> Iterator[None]:
        """While something else is written to the terminal."""
        yield


class LiveDisplay(Display):
    """A table that changes in place, for terminals."""

    def __init__(self, currency: str) -> None:
        from rich.live import Live

        self._currency = currency
        self._live = Live(console=console(error=True), refresh_per_second=8, transient=True)
        self._live.start()

    def show(self, progress: Progress, line: str) -> None:
        if line.startswith(NEARLY):
            self._live.console.print(words.line(line), markup=False)
        if progress.tasks:
            self._live.update(_table(progress, self._currency))

    @contextmanager
    def set_aside(self) -> Iterator[None]:
        self._live.stop()
        try:
            yield
        finally:
            self._live.start()

    def stop(self) -> None:
        self._live.stop()


@contextmanager
def display(currency: str, *, live: bool) -> Iterator[Display]:
    if not live:
        yield Display()
        return
    shown = LiveDisplay(currency)
    try:
        yield shown
    finally:
        shown.stop()


def _table(progress: Progress, currency: str) -> "Table":
    from rich.table import Table
    from rich.text import Text

    paid = any(task.money for task in progress.tasks.values())
    shown = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("state", "task", "agent", "model", "tokens", *(("cost",) if paid else ())):
        shown.add_column(name, no_wrap=name != "task", justify="right" if name in ("tokens", "cost") else "left")
    for task in progress.tasks.values():
        cells = [
            Text(words.plain(task.state), style=STYLES.get(task.state, "dim")),
            Text(words.line(task.title, 60)),
            Text(words.agent(task.agent)),
            Text(words.line(task.model, 24)),
            Text(f"{task.tokens:,}" if task.tokens else ""),
        ]
        shown.add_row(*cells, *((Text(words.money(task.money, currency)),) if paid else ()))
    return shown
