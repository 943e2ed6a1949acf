"""Which model does which work: the rules give the tier, the configuration the alias for it."""

from domain.agent import Profile
from domain.routing import Choice, Tier, Work, above
from domain.task import Complexity, Task
from services.ports.models import Models


class Choosing:
    def __init__(self, models: Models) -> None:
        self._models = models

    def choose(
        self, profile: Profile, purpose: str, project: str, *, task: Task | None = None, failed: int = 0, text: str = ""
    ) -> Choice:
        """For a call that `profile` makes in `project`; for work on a task with what is known of that."""
        return self._chosen(
            Work(
                agent=profile.name,
                tier=_tier(profile),
                purpose=purpose,
                project=project,
                complexity=None if task is None else task.spec.complexity,
                kind="" if task is None else task.spec.expected[0].kind,
                failed=failed,
                text=text,
            )
        )

    def plain(self, purpose: str, project: str) -> Choice:
        """For a small question that no agent is asked."""
        return self._chosen(Work(agent="a workflow", tier="medium", purpose=purpose, project=project))

    def in_general(self, profile: Profile, purpose: str, complexity: Complexity | None, failed: int) -> Choice:
        """For work of that kind, in no project."""
        return self._chosen(
            Work(agent=profile.name, tier=_tier(profile), purpose=purpose, complexity=complexity, failed=failed)
        )

    def small(self, purpose: str, project: str) -> Choice:
        """For a question that the smallest model can answer."""
        return self._chosen(Work(agent="the manager", tier="small", purpose=purpose, project=project))

    @property
    def refines(self) -> bool:
        """Whether a small model is asked how hard a task is, where the rules leave it at medium."""
        return self._models.routing().refine

    def _chosen(self, work: Work) -> Choice:
        tier, why = self._models.routing().tier(work)
        found = self._models.choose(tier, work.agent, work.project)
        stronger = self._models.choose(above(tier), work.agent, work.project).alias
        changes = {"reason": f"{why}; {found.reason}", "stronger": stronger if stronger != found.alias else ""}
        return found.model_copy(update=changes)


def _tier(profile: Profile) -> Tier:
    """An agent that works by rules still words things now and then: in the small tier."""
    return "small" if profile.tier == "none" else profile.tier
