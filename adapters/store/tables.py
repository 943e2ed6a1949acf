"""The tables. Entities are a body in JSON beside the columns that are searched; `workspace_id` is on every row."""

from sqlalchemy import BigInteger, Column, Float, ForeignKey, Index, Integer, MetaData, String, Table, Text

metadata = MetaData()


def _entity(name: str, *columns: str, ordered: tuple[str, ...] = ()) -> Table:
    """`ordered` are the columns by which a long list is read a page at a time, newest first."""
    paged = (Index(f"ix_{name}_paged", "workspace_id", *ordered, "id"),) if ordered else ()
    return Table(
        name,
        metadata,
        Column("id", String, primary_key=True),
        Column("workspace_id", String, nullable=False),
        Column("version", Integer, nullable=False),
        *(Column(column, String) for column in columns),
        Column("body", Text, nullable=False),
        *(Index(f"ix_{name}_{column}", "workspace_id", column) for column in columns),
        *paged,
    )


users = _entity("users")
projects = _entity("projects", "state")
members = _entity("members", "project_id", "subject_id")
plans = _entity("plans", "project_id")
tasks = _entity("tasks", "project_id", "state", "run_id")
artifacts = _entity("artifacts", "project_id", "section", "task_id", "visible")
artifacts.append_column(Column("checked", String))
Index("ix_artifacts_checked", artifacts.c.workspace_id, artifacts.c.checked, artifacts.c.id)
Index("ix_artifacts_paged", artifacts.c.workspace_id, artifacts.c.project_id, artifacts.c.checked, artifacts.c.id)
versions = _entity("versions", "project_id", "artifact_id", "run_id", "state")
qa_records = _entity("qa_records", "project_id", "artifact_id")
runs = _entity(
    "runs", "project_id", "root_id", "parent_id", "task_id", "phase", "graph", ordered=("project_id", "graph")
)
inbox = _entity("inbox", "project_id", "state", "run_id", "task_id", "needs")
messages = _entity("messages", "project_id", "recipient", "correlation", "run_id", "state")
turns = _entity("turns", "project_id", "run_id", "state", ordered=("project_id",))
recommendations = _entity("recommendations", "project_id", "state", "key")
workspaces = _entity("workspaces")

leases = Table(
    "leases",
    metadata,
    Column("run_id", String, ForeignKey("runs.id"), primary_key=True),
    Column("workspace_id", String, nullable=False),
    Column("owner", String),
    Column("epoch", Integer, nullable=False),
    Column("until", Float, nullable=False),
    Column("snapshot", Text, nullable=False),
    Column("seq", Integer, nullable=False),
)
graphs = Table(
    "agent_graphs",
    metadata,
    Column("digest", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("body", Text, nullable=False),
)
journal = Table(
    "journal",
    metadata,
    Column("run_id", String, ForeignKey("runs.id"), primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("codec", Integer, nullable=False),
    Column("at", Float, nullable=False),
    Column("tick", Text, nullable=False),
    Column("effects", Text, nullable=False),
)
signals = Table(
    "signals",
    metadata,
    Column("position", Integer, primary_key=True, autoincrement=True),
    Column("workspace_id", String, nullable=False),
    Column("run_id", String, ForeignKey("runs.id"), nullable=False),
    Column("name", String, nullable=False),
    Column("payload", Text, nullable=False),
    Column("due", Float, nullable=False),
    Column("consumed", Integer, nullable=False),
    Index("ix_signals_run", "run_id", "consumed", "due"),
)
ready = Table(
    "ready",
    metadata,
    Column("run_id", String, ForeignKey("runs.id"), primary_key=True),
    Column("workspace_id", String, nullable=False),
    Column("project_id", String, nullable=False),
    Column("at", Float, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("needs", String, nullable=False),
    Index("ix_ready_at", "at"),
)
calls = Table(
    "calls",
    metadata,
    Column("key", String, primary_key=True),
    Column("workspace_id", String, nullable=False),
    Column("project_id", String, nullable=False),
    Column("run_id", String, nullable=False),
    Column("state", String, nullable=False),
    Column("started_at", Float, nullable=False),
    Column("input_tokens", BigInteger, nullable=False),
    Column("output_tokens", BigInteger, nullable=False),
    Column("money", BigInteger, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("body", Text, nullable=False),
    Column("agent", String, nullable=False, server_default=""),
    Column("model", String, nullable=False, server_default=""),
    Column("purpose", String, nullable=False, server_default=""),
    Column("task_id", String, nullable=False, server_default=""),
    Index("ix_calls_run", "run_id"),
    Index("ix_calls_project", "workspace_id", "project_id"),
)
counters = Table(
    "counters",
    metadata,
    Column("workspace_id", String, primary_key=True),
    Column("scope", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("spent", BigInteger, nullable=False),
    Column("reserved", BigInteger, nullable=False),
)
ledger = Table(
    "ledger",
    metadata,
    Column("position", Integer, primary_key=True, autoincrement=True),
    Column("workspace_id", String, nullable=False),
    Column("project_id", String, nullable=False),
    Column("run_id", String, nullable=False),
    Column("call", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("money", BigInteger, nullable=False),
    Column("input_tokens", BigInteger, nullable=False),
    Column("output_tokens", BigInteger, nullable=False),
    Column("at", Float, nullable=False),
    Column("seconds", Integer, nullable=False, server_default="0"),
    Column("task_id", String, nullable=False, server_default=""),
    Column("by", String, nullable=False, server_default=""),
    Column("minutes", Integer, nullable=False, server_default="0"),
    Index("ix_ledger_project", "workspace_id", "project_id"),
)
idempotency = Table(
    "idempotency_keys",
    metadata,
    Column("workspace_id", String, primary_key=True),
    Column("principal", String, primary_key=True),
    Column("key", String, primary_key=True),
    Column("request", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("id", String, nullable=False),
    Column("at", Float, nullable=False),
)
events = Table(
    "events",
    metadata,
    Column("workspace_id", String, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("type", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("project_id", String),
    Column("root_id", String),
    Column("body", Text, nullable=False),
    Column("previous", String, nullable=False),
    Column("hash", String, nullable=False),
    Index("ix_events_project", "workspace_id", "project_id"),
)
chains = Table(
    "chains",
    metadata,
    Column("workspace_id", String, primary_key=True),
    Column("position", Integer, nullable=False),
    Column("hash", String, nullable=False),
)
nodes = Table(
    "graph_nodes",
    metadata,
    Column("workspace_id", String, primary_key=True),
    Column("id", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("label", String, nullable=False),
)
edges = Table(
    "graph_edges",
    metadata,
    Column("workspace_id", String, primary_key=True),
    Column("project_id", String, primary_key=True),
    Column("source", String, primary_key=True),
    Column("relation", String, primary_key=True),
    Column("target", String, primary_key=True),
    Column("run_id", String),
    Column("at", Float, nullable=False),
    Index("ix_edges_source", "workspace_id", "source"),
    Index("ix_edges_target", "workspace_id", "target", "relation", "project_id"),
)
streams = Table(
    "streams",
    metadata,
    Column("scope", String, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("workspace_id", String, nullable=False),
    Column("position", Integer, nullable=False),
)
stream_heads = Table(
    "stream_heads",
    metadata,
    Column("scope", String, primary_key=True),
    Column("workspace_id", String, nullable=False),
    Column("number", Integer, nullable=False),
)
passages = Table(
    "passages",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("workspace_id", String, nullable=False),
    Column("project_id", String, nullable=False),
    Column("artifact_id", String, nullable=False),
    Column("digest", String, nullable=False),
    Column("section", String, nullable=False),
    Column("task_id", String),
    Column("ordinal", Integer, nullable=False),
    Column("text", Text, nullable=False),
    Index("ix_passages_artifact", "workspace_id", "artifact_id"),
    Index("ix_passages_project", "workspace_id", "project_id"),
)
