"""Use cases on the profiles of agents: a new one of one's own, a copy, a change, an end. Each is on the record."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from domain.agent import Profile, agent_id
from domain.errors import Conflict, Forbidden, NotFound, VersionMoved
from domain.ids import digest_of
from domain.task import LIVE, Task, TaskState
from services.desk import Command, Desk
from services.recording import Recording
from services.staff import MANAGER, Origin, Staff

AHEAD: frozenset[TaskState] = LIVE | {"waiting", "ready", "needs_attention"}


class Shelf(Protocol):
    """Where profiles are kept, as YAML by name: a user's own before the one that ships."""

    def text(self, name: str) -> str:
        """Raises KeyError."""

    def own_text(self, name: str) -> str | None:
        """What a user's own file says; None without one."""

    def check(self, name: str, text: str) -> Profile:
        """Raises Invalid with all that is wrong, each with its line and field."""

    def keep(self, name: str, text: str) -> None:
        """Writes it as it is."""

    def remove(self, name: str) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Kept:
    """`profile` is what holds, `text` the YAML as it is written, `digest` that of the text."""

    profile: Profile
    origin: Origin
    text: str
    digest: str


class Profiles:
    def __init__(self, desk: Desk, staff: Staff, shelf: Shelf) -> None:
        self._desk, self._staff, self._shelf = desk, staff, shelf
        self._recording = Recording(desk, self, "Profile")

    def get(self, id: str) -> Kept:
        """By id or name. Raises NotFound."""
        profile = self._staff.agent(id)
        text = self._shelf.text(profile.name)
        return Kept(
            profile=profile, origin=self._staff.origin(profile.name), text=text, digest=digest_of(text.encode())
        )

    async def create(self, command: Command, name: str, text: str) -> Kept:
        """A new one of one's own. Raises Conflict where there is one of that name."""

        def write() -> None:
            self._shelf.check(name, text)
            if self.digest(name) is not None:
                raise Conflict(f"There is an agent {name} already; change it, or choose another name.")
            self._shelf.keep(name, text)

        if not await self._recording.is_repeated(command):
            await self._recording.write(command, "agent.created", name, write)
        return self.get(name)

    async def copy(self, command: Command, name: str, original: str) -> Kept:
        """As `create`, from what the agent `original` is now."""
        found = self.get(original)
        if found.profile.name == MANAGER:
            raise Forbidden("Each project has one manager agent; change it instead of copying it.")
        return await self.create(command, name, re.sub(r"(?m)^name:.*$", f"name: {name}", found.text, count=1))

    async def change(self, command: Command, id: str, text: str, expected: str | None = None) -> Kept:
        """Of one that ships, one of one's own takes its place. Raises VersionMoved when `expected` is not the digest of
        what is written, Conflict when a task at work could not be ended by it."""
        name = self._known(id)
        profile = self._shelf.check(name, text)
        await self._spare_work(command, name, profile)

        def write() -> None:
            self._expect(name, expected)
            self._shelf.keep(name, text)

        await self._recording.write(command, "agent.changed", name, write)
        return self.get(name)

    async def discard(self, command: Command, id: str, expected: str | None = None) -> None:
        """One's own goes away; where it stood in the place of one that ships, that one is back. Raises Forbidden for
        what ships, VersionMoved and Conflict as `change` does, Conflict also when another one needs it."""
        name = self._known(id)
        if self._shelf.own_text(name) is None:
            raise Forbidden(f"The agent {name} ships with Caseworks and cannot be removed; change it instead.")
        shipped = self._staff.shipped.get(name)
        if shipped is None and (other := self._reviewed_by(name)) is not None:
            raise Conflict(f"The agent {name} reviews what {other} makes; name another reviewer there first.")
        await self._spare_work(command, name, shipped)

        def write() -> None:
            self._expect(name, expected)
            self._shelf.remove(name)

        await self._recording.write(command, "agent.removed", name, write)

    def digest(self, name: str) -> str | None:
        """Of what is written under that name now."""
        try:
            return digest_of(self._shelf.text(name).encode())
        except KeyError:
            return None

    def own_text(self, name: str) -> str | None:
        return self._shelf.own_text(name)

    def put_back(self, name: str, text: str | None) -> None:
        if text is None:
            self._shelf.remove(name)
        else:
            self._shelf.keep(name, text)

    def _known(self, id: str) -> str:
        name = id.removeprefix("agt_")
        if self.digest(name) is None:
            raise NotFound("agent", id)
        return name

    def _expect(self, name: str, digest: str | None) -> None:
        if digest is not None and self.digest(name) != digest:
            raise VersionMoved("agent", name)

    def _reviewed_by(self, name: str) -> str | None:
        return next((profile.name for profile in self._staff.profiles.values() if profile.reviewer == name), None)

    async def _spare_work(self, command: Command, name: str, after: Profile | None) -> None:
        """Raises Conflict where a task of that agent could not go on with the profile `after`; without one, that is
        each task that is not finished."""
        states: Collection[TaskState] = AHEAD if after is None else LIVE
        where = {"state": sorted(states)}
        for task in await self._desk.store.find(Task, command.principal.workspace_id, where=where, limit=10_000):
            wanted = task.spec.expected[0]
            made = after is not None and any(
                (o.kind, o.section) == (wanted.kind, wanted.section) for o in after.outputs
            )
            if agent_id(task.spec.assignee.id) == agent_id(name) and not made:
                raise Conflict(
                    f"“{task.spec.title}” ({task.id}) is a task of {name}, which must make a {wanted.kind} in "
                    f"{wanted.section} for it; wait until it is done, give it to another agent, or cancel it."
                )
