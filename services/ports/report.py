"""The report: one self-contained HTML file about a project."""

from abc import ABC, abstractmethod
from dataclasses import field
from datetime import datetime

from pydantic.dataclasses import dataclass

from domain.artifact import Stage
from domain.project import Project
from domain.qa import QARecord
from domain.run import Run, Usage
from domain.task import Task


@dataclass(frozen=True, kw_only=True)
class ReportedArtifact:
    """`text` is Markdown. `citations` maps a label like `S1` to (artifact id, title, the passage's text)."""

    id: str
    title: str
    kind: str
    section: str
    stage: Stage
    number: int
    text: str
    made_by: str
    model: str | None
    rehearsed: bool
    task_id: str | None
    derived_from: tuple[str, ...]
    citations: dict[str, tuple[str, str, str]]
    qa: QARecord | None


@dataclass(frozen=True, kw_only=True)
class ReportModel:
    """Everything that the report shows. `edges` are (later artifact, earlier artifact). `attention` holds for each
    task that needs attention its staged draft (Markdown, shown as such: not finished). `names` are those of agents and
    people, by their ids."""

    project: Project
    run: Run | None
    plan_origin: str
    tasks: tuple[Task, ...]
    artifacts: tuple[ReportedArtifact, ...]
    edges: tuple[tuple[str, str], ...]
    attention: dict[str, str]
    usage: Usage
    currency: str
    made_at: datetime
    names: dict[str, str] = field(default_factory=dict)


class ReportWriter(ABC):
    @abstractmethod
    def write(self, model: ReportModel) -> str:
        """The HTML document. Nothing in it comes from the network; nothing from an artifact is executed."""
