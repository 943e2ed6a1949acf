"""The estimate of a plan: planning, and each task from its first try done well to all revisions and a second plan."""

from collections.abc import Sequence

from domain.errors import NotFound
from domain.estimate import Asked, Estimate, Figures, Part, Span, exactly, together
from domain.plan import Plan
from domain.project import Project
from domain.task import ONE_ATTEMPT, Task, TaskSpec
from services.estimating import sizes
from services.estimating.house import House
from services.estimating.planning import FINDINGS, planning, replanning
from services.estimating.sizes import Source
from services.estimating.ways import Way
from services.work.checking import MAX_JUDGED_CHARS, question, verdict_tokens, verdicts_schema
from services.work.context import ancestors
from services.work.drafting import OVERHEAD, PREVIOUS, asked_of, reply_tokens, shape_of
from services.work.graphs import REVISIONS

TRIES = 2
"""A task that was refused after all revisions is planned once more."""


class Estimator:
    def __init__(self, house: House) -> None:
        self._house = house

    def of(self, project: Project, plan: Plan, sources: Sequence[Source]) -> Estimate:
        unknown: list[str] = []
        parts = [
            Part(title="Planning", figures=self._together(planning(self._house, project, sources, len(plan.tasks))))
        ]
        for spec in plan.tasks:
            asked = _Tasked(self._house, project, plan, spec, sources, unknown).asked()
            parts.append(
                Part(
                    title=spec.title,
                    figures=self._together(asked),
                    task_id=spec.id,
                    who=spec.assignee.id,
                    way=spec.way if spec.assignee.kind != "person" else "",
                )
            )
        return Estimate(parts=tuple(parts), unknown=tuple(dict.fromkeys(unknown)))

    def _together(self, asked: Sequence[Asked]) -> Figures:
        return together(self._house.figures(each) for each in asked)


class _Tasked:
    """The calls for one task."""

    def __init__(
        self, house: House, project: Project, plan: Plan, spec: TaskSpec, sources: Sequence[Source], unknown: list[str]
    ) -> None:
        self._house, self._project, self._plan, self._spec = house, project, plan, spec
        self._sources, self._unknown = sources, unknown
        self._task = Task(
            spec=spec, project_id=project.id, workspace_id=project.workspace_id, created_at=plan.created_at
        )

    def asked(self) -> list[Asked]:
        by_person = self._spec.assignee.kind == "person"
        reviews = Span(1, 1 + REVISIONS) * (exactly(1) if by_person else Span(1, TRIES))
        found = [asked.often(reviews) for asked in self._judging()]
        if by_person:
            return found
        made = [asked.often(Span(1, TRIES)) for asked in self._making()]
        if self._spec.way not in ("", ONE_ATTEMPT):  # where the way fails
            made += [asked.often(Span(0, TRIES)) for asked in self._drafting("draft")]
        revised = [asked.often(Span(0, REVISIONS * TRIES)) for asked in self._drafting("revise")]
        return [*made, *revised, *found, *replanning(self._house, self._project, self._spec)]

    def _making(self) -> list[Asked]:
        way = self._spec.way
        if not way or way == ONE_ATTEMPT:
            return self._drafting("draft")
        graph = self._house.workflows.get(way)
        if graph is None:
            self._unknown.append(f"There is no workflow {way}, by which “{self._spec.title}” is to be done.")
            return []
        return Way(
            house=self._house, project=self._project, spec=self._spec, graph=graph, sources=self._sources,
            known=self._known(), unknown=self._unknown,
        ).asked()  # fmt: skip

    def _drafting(self, purpose: str) -> list[Asked]:
        spec, profile = self._spec, self._house.staff.agent(self._spec.assignee.id)
        output = profile.output(spec.expected[0].kind)
        shape = shape_of(spec, output)
        again = purpose == "revise"
        choice = self._house.choosing.choose(
            profile, purpose, self._project.id, task=self._task, failed=int(again), text=spec.brief
        )
        taken = reply_tokens(shape.max_words) + OVERHEAD
        given = sizes.given(profile, self._house.describe(choice.alias), taken, self._known())
        told = sizes.of_prompt(profile.prompt, asked_of(self._project, spec, output))
        earlier = Span(sizes.of_reply(shape.max_words).low, PREVIOUS // 3) + FINDINGS if again else Span()
        return [
            Asked(
                alias=choice.alias,
                purpose=purpose,
                prompt=told + given + earlier + exactly(80),
                reply=sizes.of_reply(shape.max_words),
            )
        ]

    def _judging(self) -> list[Asked]:
        """What code decides is not asked; where that fails, neither is the rest."""
        spec, staff = self._spec, self._house.staff
        criteria = [criterion.text for criterion in spec.criteria if criterion.check is None]
        reviewer = staff.reviewer_of(spec.assignee.id)
        choice = self._house.choosing.choose(reviewer, "review", self._project.id, task=self._task)
        if not criteria or self._house.describe(choice.alias).rehearsal:
            return []
        told = question(spec, self._project.instructed, "", criteria)
        asked = sizes.of_prompt(reviewer.prompt, told, verdicts_schema(len(criteria)))
        work = _made(self._house, spec)
        cited = Span(0, min(self._known().high, reviewer.context_tokens))
        prompt = asked + Span(work.low, min(work.high, MAX_JUDGED_CHARS // 3)) + cited
        reply = Span(25 * len(criteria), verdict_tokens(len(criteria)))
        return [Asked(alias=choice.alias, purpose="review", prompt=prompt, reply=reply)]

    def _known(self) -> Span:
        """All that may be put before its agent: what was handed over, and what the tasks before it made."""
        handed = sum(source.tokens for source in self._sources)
        before = {id: _made(self._house, self._plan.task(id)) for id in ancestors(self._plan, self._spec.id)}
        direct = sizes.summed([before[id] for id in self._spec.depends_on])
        low = direct.low if self._spec.depends_on else handed
        return Span(low, handed + sizes.summed(list(before.values())).high)


def _made(house: House, spec: TaskSpec) -> Span:
    """What a task leaves behind. What people hand in may be anything up to what a prompt takes of it."""
    try:
        output = house.staff.agent(spec.assignee.id).output(spec.expected[0].kind)
    except NotFound:
        return Span(30, MAX_JUDGED_CHARS // 3)
    return sizes.of_reply(shape_of(spec, output).max_words)
