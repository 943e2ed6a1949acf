"""A small real history: everything that leaves a trace in a store, made the way use cases make it."""

from domain.artifact import Artifact
from domain.criterion import CriterionVerdict
from domain.plan import Plan
from domain.qa import QARecord
from services import filing
from services.ports.store import Changeset, CounterMove, LedgerEntry, RecordedCall
from tests.stores import AT, GRAPH, Opened, W, a_project, a_run, a_spec, published


async def history(at: Opened, workspace_id: str = W, project_id: str = "prj_1") -> Artifact:
    """A project with a plan, a run, sources, a report in two versions that was judged, and calls that cost money.
    The report."""
    uow = at.unit(workspace_id)
    project = a_project(project_id, workspace_id)
    uow.put(project)
    uow.happened("project.created", project.id, project_id=project.id, data={"name": project.name})
    sources = [
        await published(at, uow, (f"Bees of {workspace_id} {n}", "They sleep."), project_id=project_id)
        for n in range(3)
    ]
    await uow.commit()
    await planned(at, workspace_id, project_id)
    run_id = f"run_{project_id}"
    uow = at.unit(workspace_id, "agt_manager", run_id)
    filing.start_run(uow, a_run(run_id, workspace_id, project_id), GRAPH)
    report = await published(
        at,
        uow,
        ("Draft of the report",),
        kind="report",
        derived_from=tuple(sources),
        project_id=project_id,
        task_id="t1",
    )
    await uow.commit()
    uow = at.unit(workspace_id, "agt_manager", run_id)
    passages = (f"Report on {workspace_id}", "Honey", "Wax")
    report = await published(
        at, uow, passages, kind="report", id=report.id, derived_from=tuple(sources), project_id=project_id, task_id="t1"
    )
    await uow.commit()
    await judged(at, workspace_id, report.id)
    await paid(at, workspace_id, project_id, run_id)
    return report


async def planned(at: Opened, workspace_id: str, project_id: str) -> None:
    uow = at.unit(workspace_id)
    plan = Plan(
        project_id=project_id,
        workspace_id=workspace_id,
        number=1,
        tasks=(a_spec(f"{project_id}_t1"), a_spec(f"{project_id}_t2", f"{project_id}_t1")),
        made_by="usr_ann",
        origin="by hand",
        created_at=AT,
    )
    await filing.adopt(uow, plan)
    await uow.commit()


async def judged(at: Opened, workspace_id: str, artifact_id: str) -> None:
    uow = at.unit(workspace_id)
    artifact = await uow.get(Artifact, artifact_id)
    record = QARecord(
        id=uow.new_id("qa"),
        workspace_id=workspace_id,
        project_id=artifact.project_id,
        artifact_id=artifact_id,
        digest=artifact.digest or "",
        author="writer",
        checked_by="usr_ann",
        method="person",
        criteria=(CriterionVerdict(text="It is there", verdict="met"),),
        at=AT,
    )
    uow.put(record)
    uow.put(artifact.judged(record))
    filing.judged(uow, record)
    await uow.commit()


async def paid(at: Opened, workspace_id: str, project_id: str, run_id: str) -> None:
    """Four calls: settled, failed, failed and then settled under the same key, and one still under way."""
    prompt, reply = await at.content.put(workspace_id, b"prompt"), await at.content.put(workspace_id, b"reply")
    kinds = ["reserve settle", "reserve release", "reserve release reserve settle", "reserve"]
    steps = [(f"{run_id}/1/0/{n}", kind) for n, line in enumerate(kinds, 1) for kind in line.split()]
    for key, kind in steps:
        call = RecordedCall(
            key=key,
            run_id=run_id,
            workspace_id=workspace_id,
            project_id=project_id,
            state={"reserve": "started", "settle": "done", "release": "failed"}[kind],
            purpose="draft",
            agent="writer",
            alias="small",
            started_at=AT,
            request=prompt,
            reply=reply if kind == "settle" else None,
        )
        reserve, spend = {"reserve": (1, 0), "settle": (-1, 1), "release": (-1, 0)}[kind]
        money = {"reserve": 50, "settle": 30, "release": 0}[kind]
        moves = [
            CounterMove(scope=scope, name=name, reserve=each * reserve, spend=cost * spend)
            for scope in (f"workspace:{workspace_id}", f"project:{project_id}")
            for name, each, cost in (("calls", 1, 1), ("money", 50, 30))
        ]
        entry = LedgerEntry(project_id=project_id, run_id=run_id, call=key, kind=kind, money=money, at=AT)
        await at.store.commit(Changeset(workspace_id=workspace_id, calls=[call], counters=moves, ledger=[entry]))
