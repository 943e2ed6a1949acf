"""Projects and members."""

from typing import Annotated, Literal

from pydantic import Field

from infrastructure.rest.schemas.wire import Amount, Time, Wire, example


class BudgetBody(Wire):
    model_config = example(money=2_500_000, calls=200)
    money: Amount | None = Field(None, description="Millionths of the currency, in all.")
    calls: Amount | None = Field(None, description="Calls to models, in all.")
    tokens: Amount | None = Field(None, description="Tokens of prompts and replies together, in all.")
    seconds: Amount | None = Field(None, description="Seconds that models work, in all.")


class ProjectBody(Wire):
    model_config = example(goal="Brief me on the obligations in these licences", name="Licences")
    goal: str = Field(description="What should exist at the end, in a sentence or a few.")
    name: str = Field("", max_length=300)
    instructions: str = Field("", description="How it should be done.")
    budget: BudgetBody = Field(default_factory=BudgetBody)
    approve_plan: bool = Field(False, description="Wait for a person to approve the plan.")
    sign_off_code: bool = Field(True, description="Changes to code need a person's sign-off.")


class ProjectPatch(Wire):
    model_config = example(instructions="Keep it to one page.")
    name: Annotated[str, Field(min_length=1, max_length=300, pattern=r"\S")] | None = None
    goal: str | None = Field(None, description="What is done is kept, marked as out of date.")
    instructions: str | None = Field(None, description="What is done is kept, marked as out of date.")
    budget: BudgetBody | None = None
    approve_plan: bool | None = None
    sign_off_code: bool | None = Field(None, description="Holds for all that is checked from then on.")
    watched_folder: Annotated[str, Field(min_length=1, max_length=4096)] | None = Field(
        None, description="An absolute path on this machine, for its owner to set there; null takes it away."
    )


class ProjectOut(Wire):
    model_config = example(
        id="prj_06b2x", name="Licences", goal="Brief me on the obligations in these licences", instructions="",
        state="active", manager_id="agt_06b2y", owner_id="usr_06b2a",
        budget={"money": None, "calls": None, "tokens": None, "seconds": None},
        approve_plan=False, sign_off_code=True, watched_folder=None, created_at="2026-11-21T09:00:00Z",
    )  # fmt: skip
    id: str
    name: str
    goal: str
    instructions: str
    state: str
    manager_id: str
    owner_id: str
    budget: BudgetBody
    approve_plan: bool
    sign_off_code: bool
    watched_folder: str | None
    created_at: Time


class MemberBody(Wire):
    model_config = example(subject_id="usr_06b2a", role="editor")
    subject_id: str
    role: Annotated[str, Field(min_length=1, max_length=60)] = "contributor"


class MemberPatch(Wire):
    model_config = example(role="owner", behaviour="reactive")
    role: Annotated[str, Field(min_length=1, max_length=60)] | None = None
    behaviour: Literal["autonomous", "semi_autonomous", "reactive", "scheduled"] | None = None


class MemberOut(Wire):
    id: str
    project_id: str
    kind: str
    subject_id: str
    name: str
    role: str
    behaviour: str
    autonomy: str
    triggers: list[str]
