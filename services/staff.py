"""The core agents and the templates that this installation has."""

from collections.abc import Mapping
from dataclasses import dataclass

from domain.agent import Profile
from domain.errors import NotFound
from domain.template import PlanTemplate

MANAGER = "manager"


@dataclass(frozen=True, kw_only=True)
class Staff:
    """Profiles by name, and plan templates by name. The manager is a kind of its own: one per project."""

    profiles: Mapping[str, Profile]
    templates: Mapping[str, PlanTemplate]

    def agent(self, id: str) -> Profile:
        """By id or name. Raises NotFound."""
        profile = self.profiles.get(id.removeprefix("agt_"))
        if profile is None:
            raise NotFound("agent", id)
        return profile

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
