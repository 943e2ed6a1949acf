"""A project planned by rehearsal in a directory that is thrown away, and what that plan would cost on the models that
are configured. No model is asked, and the data directory is only read."""

import asyncio
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from config.settings import Settings, Telemetry
from domain.estimate import Estimate
from domain.plan import Plan
from domain.project import Project
from domain.run import Run
from domain.tokens import estimated_tokens
from infrastructure.bench_results import BenchResults
from infrastructure.data_directory import DataDirectory
from infrastructure.models import ConfiguredModels
from infrastructure.program import Program, running
from services.desk import Command
from services.estimating.house import House
from services.estimating.plans import Estimator
from services.estimating.sizes import Source
from services.inputs import Filed
from services.ports.documents import UnreadableDocument
from services.projects import NewProject
from services.work.choosing import Choosing
from services.work.planning import SHOWN, newest_plan

if TYPE_CHECKING:
    from infrastructure.cli.handing_over import Input

LOOK = 0.05  # seconds


@dataclass(frozen=True, kw_only=True)
class DryRun:
    plan: Plan
    estimate: Estimate
    currency: str
    model: str


def dry_run(settings: Settings, new: NewProject, files: Sequence["Input"]) -> DryRun:
    """Raises ConfigurationError, UnreadableDocument, DomainError."""
    own = DataDirectory(settings.data_dir)
    models = ConfiguredModels(settings, own)
    speeds = _speeds(own, models)
    with tempfile.TemporaryDirectory(prefix="caseworks-dry-run-") as folder:
        _bring(own, DataDirectory(Path(folder)))
        plain = {"data_dir": Path(folder), "rehearse": True, "redis_url": None, "telemetry": Telemetry()}
        return asyncio.run(_planned(settings.model_copy(update=plain), models, new, files, speeds))


def _speeds(own: DataDirectory, models: ConfiguredModels) -> dict[str, float]:
    """Tokens of a reply a second, by alias, where that was measured of the model that stands behind it now."""
    results, llm = BenchResults(own), models.llm()
    aliases = models.current.aliases if models.current is not None else ()
    found = {alias: results.last(alias, llm.describe(alias).model) for alias in aliases}
    return {alias: last.speed for alias, last in found.items() if last is not None and last.speed}


def _bring(own: DataDirectory, other: DataDirectory) -> None:
    """What a plan is made of: profiles, workflows and forms that users wrote."""
    for name in ("agents", "workflows", "forms"):
        folder = getattr(own, name)
        if folder.is_dir():
            shutil.copytree(folder, getattr(other, name))


async def _planned(
    settings: Settings, models: ConfiguredModels, new: NewProject, files: Sequence["Input"], speeds: Mapping[str, float]
) -> DryRun:
    async with running(settings) as program:
        command = Command(principal=program.principal)
        project = await program.container.projects().create(command, new)
        sources = [source for file in files for source in await _handed_over(program, project, file)]
        plan = await _plan(program, command, project)
        house = House(
            staff=program.container.staff(),
            choosing=Choosing(models),
            describe=models.llm().describe,
            workflows=program.container.workflows().known(),
            speeds=speeds,
        )
        return DryRun(
            plan=plan,
            estimate=Estimator(house).of(project, plan, sources),
            currency=models.currency(),
            model=models.llm().describe(models.alias()).model,
        )


async def _handed_over(program: Program, project: Project, file: "Input") -> list[Source]:
    """Empty for what cannot be read of a repository, as when work is done."""
    parts, name = program.container, Path(file.name).name
    with tempfile.TemporaryDirectory(prefix="caseworks-") as folder:
        path = Path(folder) / "input"
        with path.open("wb") as copy, file.open() as content:
            shutil.copyfileobj(content, copy)
        try:
            stored = await parts.intake().read(project.workspace_id, path, name)
        except UnreadableDocument:
            if file.file is not None:
                raise
            return []
    filed = Filed(kind="source", section="sources", title=file.name)
    artifact = await parts.artifacts().add(Command(principal=program.principal), project.id, stored, filed)
    texts = [hit.text for hit in await parts.search().passages(project.workspace_id, artifact.id)]
    opening = estimated_tokens(texts[0][:SHOWN]) if texts else 0
    return [Source(tokens=sum(map(estimated_tokens, texts)), opening=opening)]


async def _plan(program: Program, command: Command, project: Project) -> Plan:
    store = program.container.store()
    run = await program.container.work_orders().start(command, project.id)
    while (plan := await newest_plan(store, project.workspace_id, project.id)) is None:
        now = await store.get(Run, project.workspace_id, run.id)
        if now is not None and now.phase == "ended":
            raise RuntimeError(f"The rehearsal ended without a plan: {now.reason}")
        await asyncio.sleep(LOOK)
    return plan
