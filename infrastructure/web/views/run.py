"""A run with what it called and the runs that it started."""

from dataclasses import dataclass

from adapters.report import words
from domain.message import MessageState, SentMessage
from domain.project import Project
from domain.run import Run
from domain.task import Task
from infrastructure.container import Container
from infrastructure.web.naming import Names, run_state
from infrastructure.web.views.work import MOST, cost
from infrastructure.web.views.workflow import Given, given_by
from services import post
from services.desk import Command
from services.ports.store import RecordedCall
from services.workflow_rules import BUILT_IN, bare

MESSAGES: dict[MessageState, tuple[str, str, str]] = {
    "sent": ("waits for an answer", "…", "waiting"),
    "answered": ("answered", "✓", "done"),
    "expired": ("nobody answered in time", "!", "needs_attention"),
    "told": ("told", "–", "skipped"),
}


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """A run in a list: `state` is (words, sign, CSS class)."""

    run: Run
    state: tuple[str, str, str]
    who: str
    took: str
    cost: str
    about: str = ""


@dataclass(frozen=True, kw_only=True)
class Call:
    call: RecordedCall
    who: str
    cost: str


@dataclass(frozen=True, kw_only=True)
class Message:
    """What an agent said to another, or to all (without `to`); `state` is (words, sign, CSS class)."""

    message: SentMessage
    sender: str
    to: str
    text: str
    state: tuple[str, str, str]


@dataclass(frozen=True, kw_only=True)
class Shown:
    """Without `project` it is a run of the workspace's conversation."""

    head: Attempt
    project: Project | None
    calls: tuple[Call, ...]
    children: tuple[Attempt, ...]
    number: int
    workflow: str
    gave: Given | None
    messages: tuple[Message, ...]


def attempt(parts: Container, run: Run, names: Names, about: str = "") -> Attempt:
    return Attempt(
        run=run,
        state=run_state(run),
        who=names(run.actor),
        took=words.took(run, run.usage),
        cost=cost(parts, run.usage),
        about=about,
    )


async def shown(parts: Container, caller: Command, id: str) -> Shown:
    """Raises NotFound."""
    store, workspace = parts.store(), caller.principal.workspace_id
    run = await parts.work_orders().run(caller, id)
    number = await parts.streams().latest(workspace, run.project_id)
    project = await parts.desk().get(caller, Project, run.project_id) if run.project_id != workspace else None
    children = await store.find(Run, workspace, where={"parent_id": id}, limit=MOST)
    tasks = await store.find(Task, workspace, where={"project_id": run.project_id}, limit=MOST)
    titles: dict[str | None, str] = {task.id: task.spec.title for task in tasks}
    names = Names(caller.principal.id, parts.staff().profiles, (project,) if project is not None else ())
    workflow = bare(run.graph)
    return Shown(
        head=attempt(parts, run, names, titles.get(run.task_id, "")),
        project=project,
        calls=tuple(
            Call(call=call, who=names(call.agent), cost=cost(parts, call.usage))
            for call in await store.calls(workspace, id)
        ),
        children=tuple(attempt(parts, child, names, titles.get(child.task_id, "")) for child in children),
        number=number,
        workflow=workflow if workflow not in BUILT_IN else "",
        gave=await given_by(parts, run) if workflow not in BUILT_IN else None,
        messages=await _messages(parts, run, names),
    )


async def _messages(parts: Container, run: Run, names: Names) -> tuple[Message, ...]:
    """Of this run; of a root run also those of all the runs that it started."""
    store = parts.store()
    tree = await store.find(Run, run.workspace_id, where={"root_id": run.id}, limit=MOST)
    ids = list(dict.fromkeys([run.id, *(one.id for one in tree)]))
    found = await store.find(SentMessage, run.workspace_id, where={"run_id": ids}, limit=MOST)
    return tuple([await _message(parts, message, names) for message in found])


async def _message(parts: Container, message: SentMessage, names: Names) -> Message:
    return Message(
        message=message,
        sender=names(message.sender),
        to=names(message.recipient) if message.recipient is not None else "",
        text=await post.words(parts.content(), message),
        state=MESSAGES[message.state],
    )


async def of_project(parts: Container, caller: Command, project: Project) -> tuple[Attempt, ...]:
    """Its root runs, newest first, each with what its whole tree has used."""
    store, workspace = parts.store(), caller.principal.workspace_id
    roots = await store.find(
        Run, workspace, where={"project_id": project.id, "parent_id": None}, limit=100, newest_first=True
    )
    names = Names(caller.principal.id, parts.staff().profiles, (project,))
    whole = [await parts.work_orders().run(caller, run.id) for run in roots]
    return tuple(attempt(parts, run, names) for run in whole)
