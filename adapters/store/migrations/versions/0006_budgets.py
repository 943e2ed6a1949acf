"""Budgets of workspaces and tasks: what was used is counted for them too. Work that waits says what for; minutes that
people worked are booked."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
TASK_OF = "UPDATE ledger SET task_id = COALESCE((SELECT task_id FROM runs WHERE runs.id = ledger.run_id), '')"
WORKSPACES = (
    "INSERT INTO counters (workspace_id, scope, name, spent, reserved) "
    "SELECT workspace_id, 'workspace:' || workspace_id, name, SUM(spent), SUM(reserved) FROM counters "
    "WHERE scope LIKE 'project:%' GROUP BY workspace_id, name"
)
ZERO = (
    "INSERT INTO counters (workspace_id, scope, name, spent, reserved) "
    "SELECT DISTINCT workspace_id, 'task:' || task_id, '{name}', 0, 0 FROM ledger WHERE task_id != ''"
)
SPENT = (
    "UPDATE counters SET spent = COALESCE((SELECT SUM({amount}) FROM ledger WHERE kind = 'settle' "
    "AND ledger.workspace_id = counters.workspace_id AND 'task:' || ledger.task_id = counters.scope), 0) "
    "WHERE name = '{name}' AND scope LIKE 'task:%'"
)
RESERVED = (
    "UPDATE counters SET reserved = COALESCE((SELECT SUM({amount}) FROM ledger WHERE kind = 'reserve' "
    "AND ledger.workspace_id = counters.workspace_id AND 'task:' || ledger.task_id = counters.scope "
    "AND NOT EXISTS (SELECT 1 FROM ledger AS later WHERE later.call = ledger.call "
    "AND later.position > ledger.position)), 0) WHERE name = '{name}' AND scope LIKE 'task:%'"
)
AMOUNTS = {"calls": "1", "money": "money", "tokens": "input_tokens + output_tokens", "seconds": "seconds"}


def upgrade() -> None:
    op.create_table(
        "workspaces",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("workspace_id", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.add_column("inbox", sa.Column("needs", sa.String(), nullable=True))
    op.create_index("ix_inbox_needs", "inbox", ["workspace_id", "needs"], unique=False)
    for name in ("task_id", "by"):
        op.add_column("ledger", sa.Column(name, sa.String(), nullable=False, server_default=""))
    op.add_column("ledger", sa.Column("minutes", sa.Integer(), nullable=False, server_default="0"))
    op.execute(TASK_OF)
    op.execute(WORKSPACES)
    for name, amount in AMOUNTS.items():
        for statement in (ZERO, SPENT, RESERVED):
            op.execute(statement.format(name=name, amount=amount))
