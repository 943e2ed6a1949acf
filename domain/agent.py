"""Agent profiles: role, prompt, what an agent may read and write, and the closed list of what it makes."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from domain.artifact import MADE, SECTIONS
from domain.errors import Forbidden, Invalid


def agent_id(name: str) -> str:
    """The id of the core agent called `name`; an id stays as it is."""
    return f"agt_{name.removeprefix('agt_')}"


Tier = Literal["small", "medium", "large", "code", "none"]
TOOLS: frozenset[str] = frozenset()
"""The tools that exist. A profile names no other: what cannot be done is absent, not promised."""


class OutputType(BaseModel):
    """One thing that an agent makes: the artifact kind, the section it goes to, and its usual shape."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Annotated[str, Field(pattern=r"^[a-z][a-z_]{0,39}$")]
    label: str
    section: str
    shape: str = Field(description="What a good one looks like, told to the model.")
    headings: tuple[str, ...] = Field(default=(), description="Sections that it has unless the task says otherwise.")
    max_words: Annotated[int, Field(ge=20, le=20_000)] = 600
    needs_person: bool = Field(default=False, description="Whether a person has to sign it off.")

    @model_validator(mode="after")
    def _known(self) -> "OutputType":
        if self.kind not in MADE:
            raise ValueError(f"no agent can make a {self.kind!r}; use one of {', '.join(sorted(MADE))}")
        return self


class Profile(BaseModel):
    """An agent's profile. Sections are checked where an artifact is read or written, not in the prompt."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
    title: str
    role: str = Field(description="What it is for, in a sentence.")
    prompt: str = Field(description="The system prompt.")
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    outputs: tuple[OutputType, ...] = ()
    tier: Tier = "large"
    context_tokens: Annotated[int, Field(ge=256, le=200_000)] = 3_000
    temperature: Annotated[float, Field(ge=0, le=2)] = 0.2
    reviewer: str | None = Field(default=None, description="Who checks what it makes; never itself.")
    wakes: str = Field(default="on demand", description="When it is asked to work, in words.")
    tools: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _closed(self) -> "Profile":
        for section in {*self.reads, *self.writes, *(output.section for output in self.outputs)}:
            if section not in SECTIONS:
                raise ValueError(f"there is no section {section!r}; use one of {', '.join(SECTIONS)}")
        if stray := [output.kind for output in self.outputs if output.section not in self.writes]:
            raise ValueError(f"{self.name} makes a {stray[0]} in a section that it may not write")
        if strange := [tool for tool in self.tools if tool not in TOOLS]:
            raise ValueError(f"there is no tool {strange[0]!r}; there is {', '.join(sorted(TOOLS)) or 'none yet'}")
        if self.reviewer == self.name:
            raise ValueError(f"{self.name} cannot review its own work")
        return self

    @property
    def id(self) -> str:
        """Core agents have their name for an id: `agt_critic`."""
        return f"agt_{self.name}"

    def output(self, kind: str) -> OutputType:
        """The output type of `kind`. Raises Invalid: anything else is not this agent's to make."""
        for output in self.outputs:
            if output.kind == kind:
                return output
        kinds = ", ".join(output.kind for output in self.outputs)
        raise Invalid(f"The {self.title} does not make a {kind!r}; it makes {kinds}.")

    def check_read(self, section: str) -> None:
        if section not in self.reads:
            raise Forbidden(f"The {self.title} may not read the section {section}; it reads {', '.join(self.reads)}.")

    def check_write(self, section: str) -> None:
        if section not in self.writes:
            raise Forbidden(
                f"The {self.title} may not write the section {section}; it writes {', '.join(self.writes)}."
            )
