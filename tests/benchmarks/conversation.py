"""Does a longer conversation cost more? A message and its answer, with 10 and with 10,000 messages before it: the time
of adding the message, the time until it is answered, and the tokens of all prompts that the answer takes."""

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from adapters.documents.reader import LocalDocumentReader
from adapters.documents.watched import LocalFolders
from adapters.llm.rehearsal import RehearsalLLM
from adapters.store.views import SqlStreams
from config import catalogue
from domain.conversation import Turn
from domain.ids import make_id
from domain.ports.llm import ModelInfo, render
from domain.principal import Principal
from domain.run import Run
from domain.tokens import estimated_tokens
from services import turns
from services.budgets import Budgets
from services.conversation import Conversation
from services.desk import Command, Desk
from services.forms import Forms
from services.inputs import Intake
from services.plan_edits import PlanEdits
from services.projects import Projects
from services.running.effects import Handlers
from services.running.parking import Parking
from services.running.runner import Runner
from services.staff import Staff
from services.work.briefing import Briefing
from services.work.conversing import Conversing
from services.work.graphs import shipped
from tests.benchmarks.house import AT, MANAGER, PROJECT, USER, WORKSPACE, House, house
from tests.benchmarks.measuring import Measurement, Times
from tests.benchmarks.prompt import Listening
from tests.one_model import choosing

SMALL, LARGE = 10, 10_000
REPEATED = 15
COMMAND = ".venv/bench/bin/python -m tests.benchmarks conversation"
SAID = "Somebody should look after pump number {n}, please; the seals leak, and nobody knows since when. " * 3
COMMAND_OF_ANN = Command(principal=Principal(id=USER, workspace_id=WORKSPACE))


class Answering(Listening):
    """The rehearsal model where a language model is expected: prompts are made as for one."""

    def describe(self, alias: str) -> ModelInfo:
        return replace(super().describe(alias), rehearsal=False, context_tokens=8_192)


class Talk:
    """A conversation in a house of its own."""

    def __init__(self, home: House) -> None:
        self.home, self.llm = home, Answering(RehearsalLLM())
        home.llm = self.llm
        staff = Staff(shipped=catalogue.profiles(), templates=catalogue.templates())
        desk = Desk(store=home.store, content=home.content, clock=home.clock, live=home.live)
        intake, edits = Intake(desk, LocalDocumentReader()), PlanEdits(desk, staff, dict)
        projects = Projects(desk, intake, LocalFolders(home.folder), Budgets(desk, Parking(home.journal, home.live)))
        self.conversation = Conversation(desk, intake, projects, edits, Forms(desk, staff), staff)
        briefing = Briefing(SqlStreams(home.database), home.graphs)
        self.runner = self._runner(Conversing(staff, choosing(), briefing, edits))
        self.saying: list[float] = []
        self.answering: list[float] = []
        self.tokens: list[int] = []

    def _runner(self, conversing: Conversing) -> Runner:
        handlers: Handlers = {
            "look@1": conversing.look,
            "remember@1": conversing.remember,
            "propose@1": conversing.propose,
            "converse@1": conversing.converse,
        }
        return self.home.runner(handlers, shipped)

    async def message(self, number: int) -> None:
        self.llm.requests.clear()
        began = time.perf_counter()
        turn = await self.conversation.say(COMMAND_OF_ANN, PROJECT, SAID.format(n=number))
        said = time.perf_counter()
        assert await self.runner.advance(turn.run_id or "")
        self.saying.append(said - began)
        self.answering.append(time.perf_counter() - said)
        await self.home.ended(turn.run_id or "")
        found = [message["content"] for request in self.llm.requests for message in render(request)]
        self.tokens.append(sum(map(estimated_tokens, found)))


async def measured() -> Sequence[Measurement]:
    with house() as small, house() as large:
        few, many = Talk(small), Talk(large)
        await _filled(small, SMALL)
        began = time.perf_counter()
        await _filled(large, LARGE)
        note = f"filling took {time.perf_counter() - began:.0f} s"
        for number in range(2 + REPEATED):
            for talk in (few, many):
                await talk.message(number)
    return [
        _timed("adding a message", few.saying, many.saying, note),
        _timed("answering it, without the model's time", few.answering, many.answering, ""),
        Measurement(
            what=f"prompts of an answer, {LARGE:,} messages",
            ours=max(many.tokens[2:]),
            other=max(few.tokens[2:]),
            unit="tokens",
            against=f"{SMALL} messages",
            command=COMMAND,
            note=f"the largest of {REPEATED}, all calls of an answer together",
        ),
    ]


def _timed(what: str, few: Sequence[float], many: Sequence[float], note: str) -> Measurement:
    small, large = (Times(seconds=tuple(seconds[2:])) for seconds in (few, many))
    return Measurement(
        what=f"{what}, {LARGE:,} messages",
        ours=large.median * 1000,
        other=small.median * 1000,
        unit="ms",
        against=f"{SMALL} messages",
        command=COMMAND,
        note=f"large {large}; small {small}{'; ' + note if note else ''}",
    )


async def _filled(home: House, count: int) -> None:
    """`count` messages and as many answers, each with its run."""
    await home.founded("Keep the pumps going")
    for start in range(0, count, 250):
        uow = home.unit()
        for number in range(start, min(count, start + 250)):
            at = AT - timedelta(days=30) + timedelta(seconds=2 * number)
            run = _run(f"run_old{number:06}")
            asked = Turn(
                id=make_id("turn", at, bytes(10)),
                workspace_id=WORKSPACE,
                project_id=PROJECT,
                said_by=USER,
                role="person",
                at=at,
                text=SAID.format(n=number),
            )
            later = at + timedelta(seconds=1)
            answer = replace(
                asked,
                id=make_id("turn", later, bytes(10)),
                said_by=MANAGER,
                role="manager",
                at=later,
                answers=asked.id,
                run_id=run.id,
            )
            uow.put(run)
            turns.say(uow, asked)
            turns.say(uow, answer)
        await uow.commit()


def _run(id: str) -> Run:
    return Run(
        id=id,
        workspace_id=WORKSPACE,
        project_id=PROJECT,
        root_id=id,
        graph=turns.CONVERSATION,
        graph_digest="sha256:old",
        actor=MANAGER,
        on_behalf_of=USER,
        created_at=AT,
        phase="ended",
        result="succeeded",
    )
