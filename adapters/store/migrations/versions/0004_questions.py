"""Artifacts are found by how they were judged, and edges by the relation in which they lead to a thing."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
CHECKED = (
    "UPDATE artifacts SET checked = CASE "
    "WHEN json_extract(body, '$.kind') IN ('goal', 'instructions', 'source', 'handed_in') THEN 'given' "
    "WHEN json_extract(body, '$.qa') IS NULL THEN 'nobody' "
    "WHEN json_extract(body, '$.qa.method') = 'rules' THEN 'rules' "
    "WHEN EXISTS (SELECT 1 FROM json_each(body, '$.qa.criteria') AS c "
    "WHERE json_extract(c.value, '$.verdict') = 'unverified') THEN 'unverified' "
    "ELSE 'judged' END WHERE visible = '1'"
)


def upgrade() -> None:
    op.add_column("artifacts", sa.Column("checked", sa.String(), nullable=True))
    op.execute(CHECKED)
    op.create_index("ix_artifacts_checked", "artifacts", ["workspace_id", "checked", "id"], unique=False)
    op.create_index("ix_artifacts_paged", "artifacts", ["workspace_id", "project_id", "checked", "id"], unique=False)
    op.drop_index("ix_edges_target", "graph_edges")
    op.create_index(
        "ix_edges_target", "graph_edges", ["workspace_id", "target", "relation", "project_id"], unique=False
    )
