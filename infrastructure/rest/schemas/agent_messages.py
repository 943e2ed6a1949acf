"""Messages between agents."""

from infrastructure.rest.schemas.wire import Time, Wire, example


class AgentMessageOut(Wire):
    model_config = example(
        id="msg_06b2z", project_id="prj_06b2x", kind="request", sender="agt_manager", recipient="agt_critic",
        correlation="msg_06b2z", run_id="run_06b2z", state="answered", sent_at="2026-11-21T09:00:00Z",
        deadline="2026-11-21T09:05:00Z", text="What could go wrong?",
    )  # fmt: skip
    id: str
    project_id: str
    kind: str
    sender: str
    recipient: str | None
    correlation: str
    run_id: str
    state: str
    sent_at: Time
    deadline: Time | None
    text: str
