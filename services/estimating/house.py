"""What an estimate is made for: the team, the models as they are configured now, the workflows, how fast models are."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from domain.agent_graph import AgentGraph
from domain.estimate import Asked, Figures, figures
from domain.ports.llm import ModelInfo
from services.staff import Staff
from services.work.choosing import Choosing


@dataclass(frozen=True, kw_only=True)
class House:
    """`speeds` in tokens of a reply a second, by alias, where they were measured."""

    staff: Staff
    choosing: Choosing
    describe: Callable[[str], ModelInfo]
    workflows: Mapping[str, AgentGraph] = field(default_factory=dict)
    speeds: Mapping[str, float] = field(default_factory=dict)

    def figures(self, asked: Asked) -> Figures:
        return figures(asked, self.describe(asked.alias), self.speeds.get(asked.alias))
