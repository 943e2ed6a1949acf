"""Requests are counted by the template of their route: what a stranger writes into an address makes no label."""

import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from adapters.telemetry.metrics import OTHER, Metrics


class Measuring:
    """Stands before everything else, so that refusals count too. An answer counts when it begins: streams last."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = getattr(scope.get("route"), "path", OTHER)
                self._metrics.answered(route, scope["method"], message["status"], time.perf_counter() - began)
            await send(message)

        await self._app(scope, receive, answer)
