"""Calls are added up by whom they were for: agent, task, model and purpose."""

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


def upgrade() -> None:
    for name in NAMES:
        op.add_column("calls", sa.Column(name, sa.String(), nullable=False, server_default=""))
    op.execute(FILLED)
