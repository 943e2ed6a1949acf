"""Runs are found by their graph; long conversations are read a page at a time."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("runs", sa.Column("graph", sa.String(), nullable=True))
    op.execute("UPDATE runs SET graph = json_extract(body, '$.graph')")
    op.create_index("ix_runs_graph", "runs", ["workspace_id", "graph"], unique=False)
    op.create_index("ix_runs_paged", "runs", ["workspace_id", "project_id", "graph", "id"], unique=False)
    op.create_index("ix_turns_paged", "turns", ["workspace_id", "project_id", "id"], unique=False)
