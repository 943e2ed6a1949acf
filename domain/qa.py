"""QA records: who checked a version, by which method, and what was found for each criterion."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from domain.criterion import CriterionVerdict
from domain.errors import SelfReview

Method = Literal["rules", "model", "person"]


@dataclass(frozen=True, kw_only=True)
class QARecord:
    """On one version, never by its author. `rules` alone (rehearsal included) certifies nothing."""

    id: str
    workspace_id: str
    project_id: str
    artifact_id: str
    digest: str
    author: str
    checked_by: str
    method: Method
    criteria: Annotated[tuple[CriterionVerdict, ...], Field(min_length=1)]
    at: datetime
    run_id: str | None = None
    note: str = ""
    version: int = 0

    def __post_init__(self) -> None:
        if self.checked_by == self.author:
            raise SelfReview(self.artifact_id, self.author)

    @property
    def passed(self) -> bool:
        """No criterion failed. Unverified ones do not stop a task from being done."""
        return all(item.verdict != "not_met" for item in self.criteria)

    @property
    def verdict(self) -> Literal["passed", "failed"]:
        return "passed" if self.passed else "failed"

    @property
    def certifies(self) -> bool:
        """A model or a person found every criterion met."""
        return self.method != "rules" and all(item.verdict == "met" for item in self.criteria)

    @property
    def findings(self) -> tuple[str, ...]:
        return tuple(f"{item.text}: {item.evidence}" for item in self.criteria if item.verdict == "not_met")
