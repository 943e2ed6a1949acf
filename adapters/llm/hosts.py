"""Machines whose memory several models share, as `models.yaml` says: how much of it models may take, and what each
model takes.

hosts:
  box: {memory_limit: 4GB}
backends:
  ollama: {kind: ollama, base_url: "http://127.0.0.1:11434", host: box}
"""

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from domain.memory import size_of

KINDS = ("ollama", "gguf", "triton", "llama.cpp")
"""Kinds of backends that load and unload models when they are told to."""


def _bytes(written: Any) -> Any:
    return size_of(written) if isinstance(written, str) else written


Size = Annotated[
    int,
    BeforeValidator(_bytes, json_schema_input_type=int | str),
    Field(ge=1_000_000, le=10**15),
]
"""Bytes, written as in 4GB or 7.5GiB."""


class Host(BaseModel):
    """A machine, or one GPU of it, whose memory models share."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    memory_limit: Size | None = Field(
        None,
        description="How much of it models may take, such as 4GB. Left out: 85 % of what this machine has.",
    )


def too_large(limit: int, needs: Iterable[tuple[str, int]]) -> str | None:
    """A sentence on the first place whose model can never fit."""
    for place, need in needs:
        if need > limit:
            return (
                f"{place}.memory is {need / 1e9:.2f} GB, and its host has {limit / 1e9:.2f} GB for models; choose a "
                "smaller model or context, or raise memory_limit"
            )
    return None
