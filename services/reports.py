"""Gathers what the report shows."""

from collections.abc import Callable

from domain.artifact import Artifact, Version
from domain.project import Member, Project
from domain.run import Run
from domain.task import Task
from services import filing, reading
from services.desk import Command, Desk
from services.ports.report import ReportedArtifact, ReportModel, ReportWriter
from services.staff import Staff
from services.work.planning import newest_plan

MAX_ARTIFACTS = 500


class Reports:
    def __init__(self, desk: Desk, staff: Staff, writer: ReportWriter, currency: Callable[[], str]) -> None:
        self._desk, self._staff, self._writer, self._currency = desk, staff, writer, currency

    async def html(self, command: Command, project_id: str) -> str:
        return self._writer.write(await self._model(command, project_id))

    async def _model(self, command: Command, project_id: str) -> ReportModel:
        store, workspace = self._desk.store, command.principal.workspace_id
        project = await self._desk.get(command, Project, project_id)
        where = {"project_id": project_id}
        plan = await newest_plan(store, workspace, project_id)
        found = {task.id: task for task in await store.find(Task, workspace, where=where)}
        tasks = tuple(found[spec.id] for spec in plan.tasks if spec.id in found) if plan is not None else ()
        heads = await store.find(Artifact, workspace, where=where | {"visible": "1"}, limit=MAX_ARTIFACTS)
        versions = await store.find(Version, workspace, where=where | {"state": "published"}, limit=10_000)
        by_head = {(v.artifact_id, v.number): v for v in versions}
        shown = [await self._shown(artifact, by_head[artifact.id, artifact.head], heads) for artifact in heads]
        project_runs = where | {"graph": filing.PROJECT_RUN}
        runs = await store.find(Run, workspace, where=project_runs, newest_first=True, limit=1)
        return ReportModel(
            project=project,
            run=runs[0] if runs else None,
            plan_origin=plan.origin if plan is not None else "",
            tasks=tasks,
            artifacts=tuple(shown),
            edges=tuple((item.id, source) for item in shown for source in item.derived_from),
            attention=await self._drafts(workspace, tasks),
            usage=await store.usage(workspace, project_id),
            currency=self._currency(),
            made_at=self._desk.clock.now(),
            names=await self._names(project),
        )

    async def _names(self, project: Project) -> dict[str, str]:
        """Of agents by their titles, of people as they are called on the team."""
        titles = {profile.id: profile.title for profile in self._staff.profiles.values()}
        members = await self._desk.store.find(Member, project.workspace_id, where={"project_id": project.id})
        people = {member.subject_id: member.name for member in members if member.kind == "person"}
        return {**titles, project.manager_id: self._staff.manager.title, **people}

    async def _shown(self, artifact: Artifact, version: Version, known: list[Artifact]) -> ReportedArtifact:
        titles = {other.id: other.title for other in known}
        citations = await reading.cited(self._desk.store, self._desk.content, version, titles)
        return ReportedArtifact(
            id=artifact.id,
            title=artifact.title,
            kind=artifact.kind,
            section=artifact.section,
            stage=artifact.stage,
            number=artifact.head,
            text=await reading.text_of(self._desk.content, version),
            made_by=version.made_by,
            model=version.model,
            rehearsed=version.rehearsed,
            task_id=version.task_id,
            derived_from=tuple(dict.fromkeys(ref.artifact_id for ref in version.derived_from)),
            citations=citations,
            qa=artifact.qa,
        )

    async def _drafts(self, workspace: str, tasks: tuple[Task, ...]) -> dict[str, str]:
        drafts = {}
        for task in tasks:
            if task.state == "needs_attention" and task.run_id:
                where = {"run_id": task.run_id, "state": "staged"}
                staged = await self._desk.store.find(Version, workspace, where=where)
                drafts[task.id] = await reading.text_of(self._desk.content, staged[-1]) if staged else ""
        return drafts
