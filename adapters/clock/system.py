"""The machine's clock and the operating system's randomness."""

import secrets
from datetime import UTC, datetime

from services.ports.clock import Clock


class SystemClock(Clock):
    def now(self) -> datetime:
        return datetime.now(UTC)

    def entropy(self) -> bytes:
        return secrets.token_bytes(10)
