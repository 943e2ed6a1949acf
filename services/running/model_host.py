"""One machine whose memory models share, as the pool sees it now."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from domain.model_pool import Decision, Host, Job, Model, decide
from domain.ports.llm import ModelUnavailable
from services.ports.model_memory import Hosted

LINGER = 0.3
"""Seconds for which a model counts as busy after a call: its run may come back with the next one."""


@dataclass(kw_only=True)
class ModelHost:
    """`busy` counts calls under way, `left` says when the last one ended, `granted` which runs were let go on to which
    model and have not come yet, `failed` until when a model that could not be loaded is left alone, `held` on which
    models nothing new begins. Times are of the monotonic clock."""

    name: str
    limit: int
    models: dict[str, Hosted] = field(default_factory=dict)
    resident: set[str] = field(default_factory=set)
    seen: float = float("-inf")
    busy: Counter[str] = field(default_factory=Counter)
    left: dict[str, float] = field(default_factory=dict)
    granted: dict[str, tuple[str, float]] = field(default_factory=dict)
    failed: dict[str, float] = field(default_factory=dict)
    held: frozenset[str] = frozenset()
    loaded_at: dict[str, float] = field(default_factory=dict)
    loading: str | None = None
    evicting: tuple[str, ...] = ()
    swap: asyncio.Task[None] | None = None

    def may_begin(self, key: str, now: float, *, granted: bool = False) -> bool:
        """Whether a call may go out now: its model is loaded and not held back, or it will tell what is wrong."""
        there = key in self.resident and key not in self.evicting and key != self.loading
        return self.hopeless(key, now) or (there and (granted or key not in self.held))

    def hopeless(self, key: str, now: float) -> bool:
        """It could not be loaded just before."""
        return now < self.failed.get(key, now)

    def unfit(self, key: str) -> ModelUnavailable | None:
        """What to say of a model that can never fit."""
        hosted = self.models.get(key)
        if hosted is None or hosted.bytes <= self.limit:
            return None
        error = ModelUnavailable(
            f"The model of '{key}' needs {hosted.bytes / 1e9:.2f} GB with its context, and {self.name} has "
            f"{self.limit / 1e9:.2f} GB for models; choose a smaller one, or less context_tokens or parallel."
        )
        error.retryable = False
        return error

    def decision(self, jobs: Sequence[Job], now: float) -> Decision:
        """What to start and what to load next."""
        usable = [job for job in jobs if not self.hopeless(job.model, now)]
        made = decide(self._view(now), usable, now)
        self.held = frozenset(made.held)
        return made

    def _view(self, now: float) -> Host:
        """What cannot be unloaded has a place that is always taken."""
        counted = self._busy(now)
        fixed = {key: int(not each.movable) for key, each in self.models.items()}
        return Host(
            limit=self.limit,
            models={
                key: Model(key=key, bytes=each.bytes, load_seconds=each.load_seconds, slots=each.slots + fixed[key])
                for key, each in self.models.items()
            },
            resident=frozenset(self.resident & self.models.keys()),
            busy={key: counted[key] + fixed[key] for key in self.models if counted[key] + fixed[key]},
            loaded_at={key: at for key, at in self.loaded_at.items() if key in self.models},
        )

    def _busy(self, now: float) -> Counter[str]:
        """With what has just ended, and what was let go on and has not come yet."""
        self.granted = {run: (key, until) for run, (key, until) in self.granted.items() if until > now}
        counted = self.busy + Counter(key for key, _ in self.granted.values())
        return counted + Counter(key for key, left in self.left.items() if now - left < LINGER and not counted[key])
