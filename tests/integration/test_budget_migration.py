"""What was counted for projects before there were other budgets is counted for workspaces and tasks after it."""

from pathlib import Path

from alembic import command
from sqlalchemy import create_engine, text

from adapters.store.migrations import configuration
from tests.stores import W, opened

CALLS = [("c1", "reserve"), ("c1", "settle"), ("c2", "reserve"), ("c2", "release"), ("c3", "reserve"), ("c4", "settle")]
AMOUNTS = {"reserve": (50, 20, 30, 2), "settle": (30, 10, 5, 1), "release": (0, 0, 0, 0)}
COUNTED = {"calls": (2, 1), "money": (60, 50), "tokens": (30, 50), "seconds": (2, 2)}


async def test_counters_of_workspaces_and_tasks_begin_with_what_the_ledger_says(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'caseworks.db'}")
    config = configuration()
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0005")
        connection.execute(
            text(
                "INSERT INTO runs (id, workspace_id, version, project_id, root_id, task_id, phase, graph, body) "
                "VALUES ('run_1', :w, 1, 'prj_1', 'run_1', 'tsk_1', 'running', 'task@1', '{}')"
            ),
            {"w": W},
        )
        for call, kind in CALLS:
            money, tokens_in, tokens_out, seconds = AMOUNTS[kind]
            connection.execute(
                text(
                    "INSERT INTO ledger (workspace_id, project_id, run_id, call, kind, money, input_tokens, "
                    "output_tokens, at, seconds) VALUES (:w, 'prj_1', 'run_1', :call, :kind, :money, :a, :b, 0, :s)"
                ),
                {"w": W, "call": call, "kind": kind, "money": money, "a": tokens_in, "b": tokens_out, "s": seconds},
            )
        for name, (spent, reserved) in COUNTED.items():
            connection.execute(
                text("INSERT INTO counters VALUES (:w, 'project:prj_1', :name, :spent, :reserved)"),
                {"w": W, "name": name, "spent": spent, "reserved": reserved},
            )
        connection.commit()
    engine.dispose()
    with opened(tmp_path) as at:
        for scope in ("project:prj_1", f"workspace:{W}", "task:tsk_1"):
            found = await at.store.counters(W, [scope])
            assert {one.name: (one.spent, one.reserved) for one in found} == COUNTED, scope
        assert not [fault for fault in await at.audit.check() if "counter" in fault]
