"""The tasks that `caseworks models bench` ships."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from config.reading import read
from domain.bench import BenchTask

TASKS = Path(__file__).parent / "bench" / "tasks.yaml"


class _Shipped(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    tasks: tuple[BenchTask, ...]


def bench_tasks() -> tuple[BenchTask, ...]:
    return read(TASKS, _Shipped).tasks
