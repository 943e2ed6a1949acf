"""Plan templates: ways to staff a usual kind of goal, used as an example and as the fallback of planning."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from domain.task import Complexity


class PlannedStep(BaseModel):
    """One task of a template. `{goal}` in `title` and `brief` stands for the project's goal."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: Annotated[str, Field(pattern=r"^[a-z][a-z_]{0,39}$")]
    title: Annotated[str, Field(min_length=1, max_length=120)]
    agent: str
    makes: Annotated[str, Field(description="The artifact kind, one of the agent's output types.")]
    brief: str
    headings: tuple[str, ...] = ()
    max_words: Annotated[int, Field(ge=20, le=20_000)] | None = None
    judged: Annotated[tuple[str, ...], Field(description="Criteria that need a reader's judgement.")] = ()
    depends_on: tuple[str, ...] = ()
    complexity: Complexity = "medium"


class PlanTemplate(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=r"^[a-z][a-z_]{0,39}$")]
    title: str
    description: str
    words: Annotated[tuple[str, ...], Field(description="Words of goals that it fits.")] = ()
    general: Annotated[bool, Field(description="Whether it is taken where none fits.")] = False
    steps: Annotated[tuple[PlannedStep, ...], Field(min_length=1, max_length=20)]

    @model_validator(mode="after")
    def _known(self) -> "PlanTemplate":
        seen: set[str] = set()
        for step in self.steps:
            if missing := [key for key in step.depends_on if key not in seen]:
                raise ValueError(f"the step {step.key} depends on {missing[0]}, which does not stand before it")
            seen.add(step.key)
        return self
