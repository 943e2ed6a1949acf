"""A project: a goal, instructions, one manager agent, a team, a plan, budgets, one case file."""

from dataclasses import replace
from datetime import datetime
from typing import Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from domain.budget import Budget
from domain.errors import Invalid, RefusedTransition

ProjectState = Literal["active", "archived"]
MAX_GOAL = 20_000
MAX_INSTRUCTIONS = 100_000
TOLD = 2_000  # characters of the instructions that stand before whoever works


@dataclass(frozen=True, kw_only=True)
class Project:
    """`sign_off_code` is whether a change to code counts as finished only with a person's word."""

    id: str
    workspace_id: str
    name: str
    goal: str
    owner_id: str
    manager_id: str
    created_at: datetime
    instructions: str = ""
    state: ProjectState = "active"
    budget: Budget = Field(default_factory=Budget)
    approve_plan: bool = False
    sign_off_code: bool = True
    watched_folder: str | None = None
    version: int = 0

    def __post_init__(self) -> None:
        if not self.goal.strip():
            raise Invalid(
                "A project needs a goal: say in a sentence what should exist at the end.", [("/goal", "is empty")]
            )
        for field, limit in (("goal", MAX_GOAL), ("instructions", MAX_INSTRUCTIONS)):
            if len(getattr(self, field)) > limit:
                raise Invalid(
                    f"The {field} is longer than {limit:,} characters; state it briefly, hand over the rest as input.",
                    [(f"/{field}", f"is longer than {limit:,} characters")],
                )

    @property
    def instructed(self) -> str:
        """Its instructions as whoever works for it is told them; empty where there are none."""
        return f"Instructions of the project: {self.instructions[:TOLD]}" if self.instructions else ""

    def archived(self) -> "Project":
        if self.state == "archived":
            raise RefusedTransition("project", self.id, self.state, "archived")
        return replace(self, state="archived")


def name_of(goal: str) -> str:
    """A short name for a goal: its first line, at most 80 characters, cut at a word."""
    first = goal.strip().splitlines()[0] if goal.strip() else ""
    return first if len(first) <= 80 else first[:79].rsplit(" ", 1)[0] + "…"


@dataclass(frozen=True, kw_only=True)
class Member:
    """A person (later: a custom agent) on a project's team. One that has left is kept, since events name it."""

    id: str
    workspace_id: str
    project_id: str
    kind: Literal["person", "agent"]
    subject_id: str
    name: str
    role: str
    created_at: datetime
    behaviour: Literal["autonomous", "semi_autonomous", "reactive", "scheduled"] = "semi_autonomous"
    autonomy: Literal["full", "gates", "none"] = "gates"
    triggers: tuple[str, ...] = ()
    removed_at: datetime | None = None
    version: int = 0
