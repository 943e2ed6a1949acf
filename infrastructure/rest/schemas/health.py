"""Whether it lives and is ready."""

from typing import Literal

from infrastructure.rest.schemas.wire import Wire, example


class HealthOut(Wire):
    model_config = example(status="ok")
    status: Literal["ok"]


class ReadyOut(Wire):
    model_config = example(status="ready", model="rehearsal", backend="rehearsal")
    status: Literal["ready", "not ready"]
    model: str
    backend: str
