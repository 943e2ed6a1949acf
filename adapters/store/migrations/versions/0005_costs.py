"""Calls are added up by whom they were for: agent, task, model, purpose; tokens and seconds are counted as money is."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
NAMES = ("agent", "model", "purpose", "task_id")
FILLED = (
    "UPDATE calls SET agent = json_extract(body, '$.agent'), model = json_extract(body, '$.model'), "
    "purpose = json_extract(body, '$.purpose'), "
    "task_id = COALESCE((SELECT json_extract(runs.body, '$.task_id') FROM runs WHERE runs.id = calls.run_id), '')"
)
COUNTED = (
    "INSERT INTO counters (workspace_id, scope, name, spent, reserved) "
    "SELECT workspace_id, 'project:' || project_id, 'tokens', SUM(input_tokens + output_tokens), 0 FROM ledger "
    "WHERE kind = 'settle' GROUP BY workspace_id, project_id"
)
"""Until now a reservation had no tokens, and nothing counted seconds: those begin at none."""


RESERVED = (
    "UPDATE calls SET body = json_set(body, '$.reserved', "
    "json_object('money', json_extract(body, '$.reserved'), 'calls', 1))"
)
"""What a call reserved was an amount of money."""


def upgrade() -> None:
    for name in NAMES:
        op.add_column("calls", sa.Column(name, sa.String(), nullable=False, server_default=""))
    op.execute(FILLED)
    op.execute(RESERVED)
    op.add_column("ledger", sa.Column("seconds", sa.Integer(), nullable=False, server_default="0"))
    op.execute(COUNTED)
