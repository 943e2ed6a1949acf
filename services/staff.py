"""The core agents and the templates that this installation has."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from domain.agent import Profile
from domain.artifact import SECTIONS, stage_of
from domain.errors import Invalid, NotFound
from domain.form import FormTemplate
from domain.template import PlanTemplate

MANAGER = "manager"
Origin = Literal["shipped", "own", "override"]


@dataclass(frozen=True, kw_only=True)
class Staff:
    """Profiles, plan templates and form templates by name. `own` are those that users wrote; one with the name of a
    shipped one overrides it. The manager is a kind of its own: one per project."""

    shipped: Mapping[str, Profile]
    templates: Mapping[str, PlanTemplate]
    forms: Mapping[str, FormTemplate] = field(default_factory=dict)
    own: Mapping[str, Profile] = field(default_factory=dict)

    @property
    def profiles(self) -> dict[str, Profile]:
        """All that there are now, by name."""
        return dict(sorted({**self.shipped, **self.own}.items()))

    def origin(self, name: str) -> Origin:
        return "shipped" if name not in self.own else "override" if name in self.shipped else "own"

    def agent(self, id: str) -> Profile:
        """By id or name. Raises NotFound."""
        profile = self.profiles.get(id.removeprefix("agt_"))
        if profile is None:
            raise NotFound("agent", id)
        return profile

    def form(self, name: str) -> FormTemplate:
        """Raises Invalid."""
        if name not in self.forms:
            raise Invalid(
                f"There is no form {name[:80]!r}; there are {', '.join(self.forms)}.", [("/template", "is not known")]
            )
        return self.forms[name]

    @property
    def specialists(self) -> tuple[Profile, ...]:
        return tuple(profile for profile in self.profiles.values() if profile.name != MANAGER)

    @property
    def manager(self) -> Profile:
        return self.profiles[MANAGER]

    def reviewer_of(self, author: str) -> Profile:
        """Who checks what `author` made: its profile's reviewer, for people the Critic. Never the author."""
        profile = self.profiles.get(author.removeprefix("agt_"))
        name = (profile.reviewer if profile is not None else None) or "critic"
        return self.agent(name)


def diagram(staff: Staff) -> str:
    """A Mermaid entity-relationship diagram: the agents with what they make, the sections that they read and write."""
    team = list(staff.profiles.values())
    lines = ["erDiagram"]
    for profile in team:
        makes = "".join(f"    {stage_of(output.kind, None)} {output.kind}\n" for output in profile.outputs)
        lines.append(f'  agent_{profile.name}["{_quoted(profile.title)}"]' + (f" {{\n{makes}  }}" if makes else ""))
    lines += [f'  section_{section}["{section}"]' for section in SECTIONS]
    for profile in team:
        lines += [f"  agent_{profile.name} }}o..o{{ section_{section} : reads" for section in profile.reads]
        lines += [f"  agent_{profile.name} ||--o{{ section_{section} : writes" for section in profile.writes]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return re.sub(r'["<>`&#%\\\[\]]', " ", text).strip() or "agent"
