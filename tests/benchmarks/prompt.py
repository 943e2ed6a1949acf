"""Does a bigger case file make bigger prompts? The request that draft@1 makes with 10 and with 10,000 artifacts in the
project, in estimated tokens as the model would get it, and the time that gathering its passages takes."""

import time
from collections.abc import AsyncIterator, Sequence
from random import Random

from adapters.llm.rehearsal import RehearsalLLM
from config import catalogue
from domain.agent import Profile
from domain.agent_graph import AgentGraph, AgentNode, ExitNode
from domain.artifact import Artifact
from domain.criterion import Criterion
from domain.ids import digest_of
from domain.plan import Plan
from domain.ports.llm import LLM, Delta, ModelInfo, Reply, Request, render
from domain.task import Assignee, Expected, Task, TaskSpec
from domain.tokens import estimated_tokens
from services import filing
from services.ports.store import Indexed
from services.staff import Staff
from services.work.context import gather
from services.work.drafting import Drafter
from tests.benchmarks.house import AT, MANAGER, PROJECT, USER, WORKSPACE, House, house
from tests.benchmarks.measuring import Measurement, Times, interleaved
from tests.one_model import choosing

SMALL, LARGE = 10, 10_000
PASSAGES, WORDS_EACH, VOCABULARY = 5, 80, 4_000
GOAL = "Brief the board on the maintenance of the pumps, seals and valves"
BRIEF = "Say which pumps fail, how often the seals leak and what the valves cost, with numbers."
COMMAND = ".venv/bench/bin/python -m tests.benchmarks prompt"
DRAFT = AgentGraph(
    name="draft@1",
    start="draft",
    nodes=(AgentNode(id="draft", handler="draft@1", next="end"), ExitNode(id="end")),
)
SPEC = TaskSpec(
    id="tsk_bench",
    title="Summary of the failures",
    brief=BRIEF,
    assignee=Assignee(kind="core", id="agt_synthesizer"),
    expected=(Expected(kind="summary", section="synthesis"),),
    criteria=(Criterion(text="It names the pumps that fail"),),
)
PLAN = Plan(
    project_id=PROJECT,
    workspace_id=WORKSPACE,
    number=1,
    tasks=(SPEC,),
    made_by=MANAGER,
    origin="A bench.",
    created_at=AT,
)


class Listening(LLM):
    """Keeps the requests that pass."""

    def __init__(self, behind: LLM) -> None:
        self._behind, self.requests = behind, list[Request]()

    async def complete(self, request: Request) -> Reply:
        self.requests.append(request)
        return await self._behind.complete(request)

    async def stream(self, request: Request) -> AsyncIterator[Delta | Reply]:
        self.requests.append(request)
        async for piece in self._behind.stream(request):
            yield piece

    def describe(self, alias: str) -> ModelInfo:
        return self._behind.describe(alias)

    async def check(self, alias: str) -> None:
        await self._behind.check(alias)


async def measured() -> Sequence[Measurement]:
    with house() as small, house() as large:
        await _filled(small, SMALL)
        took = time.perf_counter()
        await _filled(large, LARGE)
        note = f"filing took {time.perf_counter() - took:.0f} s; the synthesizer's budget for passages is 6,000"
        sizes = [await _prompt(home) for home in (large, small)]
        profile = _staff().agent(SPEC.assignee.id)
        few, many = await interleaved(15, lambda: _gathered(small, profile), lambda: _gathered(large, profile))
    return [
        Measurement(
            what=f"prompt of a draft, {LARGE:,} artifacts",
            ours=sizes[0],
            other=sizes[1],
            unit="tokens",
            against=f"{SMALL} artifacts",
            command=COMMAND,
            note=note,
        ),
        _timed(few, many),
    ]


def _timed(few: Times, many: Times) -> Measurement:
    return Measurement(
        what=f"gathering its passages, {LARGE:,} artifacts",
        ours=many.median * 1000,
        other=few.median * 1000,
        unit="ms",
        against=f"{SMALL} artifacts",
        command=COMMAND,
        note=f"large {many}; small {few}",
    )


async def _filled(home: House, count: int) -> None:
    """A project with `count` sources of 400 words each, and one task."""
    await home.founded(GOAL)
    random = Random(count)
    words = [f"word{number}" for number in range(VOCABULARY - 8)]
    words += ["pumps", "seals", "valves", "fail", "leak", "cost", "maintenance", "numbers"]
    weights = [1 / (rank + 10) for rank in range(VOCABULARY)]
    random.shuffle(words)
    for start in range(0, count, 250):
        uow = home.unit()
        for number in range(start, min(count, start + 250)):
            passages = tuple(" ".join(random.choices(words, weights, k=WORDS_EACH)) for _ in range(PASSAGES))
            artifact = _source(number, passages)
            uow.put(artifact)
            uow.index(_indexed(artifact, passages))
        await uow.commit()
    uow = home.unit()
    await filing.adopt(uow, PLAN)
    await uow.commit()


def _source(number: int, passages: tuple[str, ...]) -> Artifact:
    return Artifact(
        id=f"art_{number:06}",
        workspace_id=WORKSPACE,
        project_id=PROJECT,
        kind="source",
        section="sources",
        title=f"Report {number}",
        owner_id=USER,
        created_at=AT,
        head=1,
        digest=digest_of("\n".join(passages).encode()),
    )


def _indexed(artifact: Artifact, passages: tuple[str, ...]) -> Indexed:
    digest = artifact.digest or ""
    return Indexed(
        project_id=PROJECT, artifact_id=artifact.id, digest=digest, section="sources", task_id=None, passages=passages
    )


def _staff() -> Staff:
    return Staff(shipped=catalogue.profiles(), templates=catalogue.templates())


async def _prompt(home: House) -> int:
    """Estimated tokens of what draft@1 sends, all messages together."""
    llm = Listening(RehearsalLLM())
    home.llm = llm
    runner = home.runner({"draft@1": Drafter(_staff(), choosing()).draft}, lambda _: DRAFT)
    run = await home.run(DRAFT, task_id=SPEC.id)
    assert await runner.advance(run)
    await home.ended(run)
    (request,) = llm.requests
    return sum(estimated_tokens(message["content"]) for message in render(request))


async def _gathered(home: House, profile: Profile) -> None:
    task = await home.store.get(Task, WORKSPACE, SPEC.id)
    assert task is not None
    words = f"{SPEC.title} {SPEC.brief} {GOAL}"
    found = await gather(home.store, home.search, task, PLAN, profile, words, profile.context_tokens)
    assert found.passages
