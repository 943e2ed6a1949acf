"""Agent profiles: role, prompt, what an agent may read and write, what is put before it, and the closed list of what it
makes."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from domain.agent_graph.places import Place, faulty
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


Part = Literal["direct", "search"]


class ContextPolicy(BaseModel):
    """What of the case file is put before an agent, in which order. `direct` is what the tasks right before its own
    made, or for a first task what was handed over; `search` the best matches in its sections. Of an input that is too
    large, the passages that match best are put in and some spread over the rest."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    order: Annotated[tuple[Part, ...], Field(min_length=1, max_length=2)] = ("direct", "search")
    direct_share: Annotated[float, Field(ge=0.1, le=1)] = 0.7
    sections: tuple[str, ...] | None = Field(
        default=None, description="Where it searches, of the sections that it reads; without it, in all of them."
    )


class Memory(BaseModel):
    """What an agent is reminded of that it made earlier in the project: the beginnings of its newest `outputs`, at most
    `tokens` long together. No model is asked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    outputs: Annotated[int, Field(ge=0, le=20)] = 0
    tokens: Annotated[int, Field(ge=50, le=4_000)] = 400


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
    context: ContextPolicy = Field(default_factory=ContextPolicy)
    memory: Memory = Field(default_factory=Memory)
    temperature: Annotated[float, Field(ge=0, le=2)] = 0.2
    reviewer: str | None = Field(default=None, description="Who checks what it makes; never itself.")
    wakes: str = Field(default="when a task is given to it", description="When it works, in words for people.")
    tools: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _closed(self) -> "Profile":
        if flaws := list(self._flaws()):
            raise faulty("Profile", flaws)
        return self

    def _flaws(self) -> Iterator[tuple[Place, str]]:
        named: list[tuple[Place, str]] = [
            *((("reads", n), section) for n, section in enumerate(self.reads)),
            *((("writes", n), section) for n, section in enumerate(self.writes)),
            *((("outputs", n, "section"), output.section) for n, output in enumerate(self.outputs)),
        ]
        for place, section in named:
            if section not in SECTIONS:
                yield place, f"there is no section {section!r}; use one of {', '.join(SECTIONS)}"
            elif place[0] == "outputs" and section not in self.writes:
                yield place, f"{self.name} may not write the section {section}; it writes {', '.join(self.writes)}"
        for n, section in enumerate(self.context.sections or ()):
            if section not in self.reads:
                yield ("context", "sections", n), f"{self.name} does not read the section {section!r}"
        if len(set(self.context.order)) < len(self.context.order):
            yield ("context", "order"), "each part is put in once"
        for n, tool in enumerate(self.tools):
            if tool not in TOOLS:
                yield ("tools", n), f"there is no tool {tool!r}; there is {', '.join(sorted(TOOLS)) or 'none yet'}"
        if self.reviewer == self.name:
            yield ("reviewer",), f"{self.name} cannot review its own work"

    @property
    def searched(self) -> tuple[str, ...]:
        """The sections that are searched for it."""
        return self.reads if self.context.sections is None else self.context.sections

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
