"""What a tick changes, as values. They commit together with the tick, or are refused together."""

from datetime import datetime
from typing import Literal

from pydantic import Field, JsonValue
from pydantic.dataclasses import dataclass

from domain.artifact import Version
from domain.conversation import Turn
from domain.inbox import AskedKind
from domain.plan import Plan
from domain.ports.a2a import Message
from domain.qa import QARecord
from domain.recommendation import Recommendation
from domain.run import Limits, RunResult, Usage
from domain.task import TaskState

SignalName = Literal["child_ended", "answered", "cancel", "pause", "resume", "plan_changed", "timer", "poke"]


@dataclass(frozen=True, kw_only=True)
class StageVersion:
    """A version made by this run, seen by nobody else until it is published. A later one of the same artifact
    discards the earlier."""

    change: Literal["stage_version"] = "stage_version"
    version: Version
    section: str
    title: str
    owner_id: str


@dataclass(frozen=True, kw_only=True)
class FileQA:
    change: Literal["file_qa"] = "file_qa"
    record: QARecord


@dataclass(frozen=True, kw_only=True)
class PublishStaged:
    """Publishes what `run_id` staged: number, head, events and edges. `judged_by` also files that QA record."""

    change: Literal["publish_staged"] = "publish_staged"
    run_id: str


@dataclass(frozen=True, kw_only=True)
class DiscardStaged:
    change: Literal["discard_staged"] = "discard_staged"
    run_id: str


@dataclass(frozen=True, kw_only=True)
class AdoptPlan:
    """The next version of the plan, and with it the tasks that it names. With `only`, these tasks of it in other words
    or by another way, whatever the plan is by then. A whole plan gives way to one that a person made in the meantime.
    `goal` is what it was planned for; what was planned for another one than the project's goal is now goes towards
    that."""

    change: Literal["adopt_plan"] = "adopt_plan"
    plan: Plan
    only: tuple[str, ...] = ()
    goal: str = ""


@dataclass(frozen=True, kw_only=True)
class MoveTask:
    change: Literal["move_task"] = "move_task"
    task_id: str
    to: TaskState
    findings: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class StartChild:
    """A child run, about `task_id` (by default what its parent is about). An `attempt` makes that task running. Its
    limits are its graph's unless `limits` says otherwise, and no wider than `within`."""

    change: Literal["start_child"] = "start_child"
    run_id: str
    graph: str
    inputs: dict[str, JsonValue] = Field(default_factory=dict)
    task_id: str | None = None
    attempt: bool = False
    priority: int | None = None
    actor: str | None = None
    limits: Limits | None = None
    within: Limits | None = None


@dataclass(frozen=True, kw_only=True)
class OpenInbox:
    """Something for a person. `asks` is true when the run that opened it waits for the answer."""

    change: Literal["open_inbox"] = "open_inbox"
    item_id: str
    kind: AskedKind
    title: str
    detail: str = ""
    task_id: str | None = None
    artifact_id: str | None = None
    draft: str | None = None
    form: str | None = None
    findings: tuple[str, ...] = ()
    for_user: str | None = None
    asks: bool = True


@dataclass(frozen=True, kw_only=True)
class WithdrawInbox:
    """Closes what this run still asks; one item of it where it is named."""

    change: Literal["withdraw_inbox"] = "withdraw_inbox"
    item_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class SendMessage:
    """A message of this run's agent to another one of the project, or to all. A delegation names the child run that
    answers it."""

    change: Literal["send_message"] = "send_message"
    message: Message


@dataclass(frozen=True, kw_only=True)
class SayTurn:
    """What the manager says in a conversation: its turn, no longer thinking."""

    change: Literal["say_turn"] = "say_turn"
    turn: Turn


@dataclass(frozen=True, kw_only=True)
class Recommend:
    """Withdraws what holds no more (ids), then files what was not recommended before, as far as there is room."""

    change: Literal["recommend"] = "recommend"
    new: tuple[Recommendation, ...]
    moot: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class RaiseAlert:
    """What the Watcher found by rule: published at once, unless it was raised before."""

    change: Literal["raise_alert"] = "raise_alert"
    version: Version
    section: str
    title: str
    owner_id: str


@dataclass(frozen=True, kw_only=True)
class SignalChildren:
    """A signal to every child run that has not ended; to one of them where it is named."""

    change: Literal["signal_children"] = "signal_children"
    name: SignalName
    run_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class SetTimer:
    """Wakes this run at `at` with the signal `timer` and `ref`."""

    change: Literal["set_timer"] = "set_timer"
    at: datetime
    ref: str


@dataclass(frozen=True, kw_only=True)
class EndRun:
    """The run's one result; its parent is told, also what it has `used` with all the runs that it started, and whether
    it failed for something `outside`."""

    change: Literal["end_run"] = "end_run"
    result: RunResult
    reason: str = ""
    output: dict[str, JsonValue] = Field(default_factory=dict)
    used: Usage = Field(default_factory=Usage)
    outside: bool = False


Change = (
    StageVersion
    | FileQA
    | PublishStaged
    | DiscardStaged
    | AdoptPlan
    | MoveTask
    | StartChild
    | OpenInbox
    | WithdrawInbox
    | SendMessage
    | SayTurn
    | Recommend
    | RaiseAlert
    | SignalChildren
    | SetTimer
    | EndRun
)
