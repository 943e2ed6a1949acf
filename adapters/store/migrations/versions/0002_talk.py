"""Messages between agents, conversations, recommendations."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

ADDED = {
    "messages": ("project_id", "recipient", "correlation", "run_id", "state"),
    "turns": ("project_id", "run_id", "state"),
    "recommendations": ("project_id", "state", "key"),
}


def upgrade() -> None:
    for table, columns in ADDED.items():
        op.create_table(
            table,
            sa.Column("id", sa.String(), nullable=False),
            sa.Column("workspace_id", sa.String(), nullable=False),
            sa.Column("version", sa.Integer(), nullable=False),
            *(sa.Column(column, sa.String(), nullable=True) for column in columns),
            sa.Column("body", sa.Text(), nullable=False),
            sa.PrimaryKeyConstraint("id"),
        )
        for column in columns:
            op.create_index(f"ix_{table}_{column}", table, ["workspace_id", column], unique=False)
