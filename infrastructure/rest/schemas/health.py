"""Whether it lives and is ready; the way into its page."""

from typing import Literal

from infrastructure.rest.schemas.wire import Time, Wire, example


class HealthOut(Wire):
    model_config = example(status="ok")
    status: Literal["ok"]


class ReadyOut(Wire):
    model_config = example(status="ready", model="rehearsal", backend="rehearsal")
    status: Literal["ready", "not ready"]
    model: str
    backend: str


class SignInLinkOut(Wire):
    model_config = example(path="/page/sign-in#Ab3…", expires_at="2026-11-21T09:15:00Z")
    path: str
    expires_at: Time
