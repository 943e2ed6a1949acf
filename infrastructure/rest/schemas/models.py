"""Models: what is configured, what is there, and what a check found."""

from pydantic import Field

from domain.routing import Tier
from infrastructure.rest.paging import Listed
from infrastructure.rest.schemas.wire import Wire, example


class ModelOut(Wire):
    """One model on one backend. What the backend does not say is null."""

    model_config = example(
        key="main",
        alias="main",
        model="qwen3:4b",
        backend="ollama",
        address="http://127.0.0.1:11434",
        default=True,
        tiers=["small", "medium"],
        stand_ins=[],
        context_tokens=8192,
        parallel=1,
        credentials="none needed",
        host="box",
        host_limit=4000000000,
        needs=3600000000,
        there=True,
        loaded=False,
        size=2600000000,
        memory=None,
        on_gpu=None,
        running_context=None,
        trained_context=40960,
        capabilities=["completion", "tools"],
        fault="",
    )
    key: str = Field(description="The alias, followed by a number where it has several deployments.")
    alias: str
    model: str
    backend: str
    address: str
    default: bool = Field(description="Whether all work uses it that no tier is given for.")
    tiers: tuple[Tier, ...] = Field(description="The sizes of work that it is for.")
    stand_ins: tuple[str, ...] = Field(description="The aliases that are asked when it is down, in order.")
    context_tokens: int = Field(description="What it is given room for.")
    parallel: int
    credentials: str = Field(description="Where its key comes from, never what it is.")
    host: str = Field(description="The machine whose memory it shares; empty where no memory is planned for.")
    host_limit: int | None = Field(description="Bytes that models may take there.")
    needs: int | None = Field(description="Bytes that are planned for it there.")
    there: bool
    loaded: bool | None
    size: int | None = Field(description="Bytes of the file.")
    memory: int | None = Field(description="Bytes that it takes where it is loaded.")
    on_gpu: int | None = Field(description="How many of them on the GPU.")
    running_context: int | None = Field(description="The context that it runs with, in tokens.")
    trained_context: int | None = Field(description="The context that it was trained for, in tokens.")
    capabilities: tuple[str, ...]
    fault: str = Field(description="Why it cannot be used; empty where it can.")


class ModelsOut(Listed[ModelOut]):
    faults: tuple[str, ...] = Field(description="What is wrong with the files as they stand: file, line, field.")


class TrialOut(Wire):
    name: str = Field(description="text, streaming, structured or tools.")
    passed: bool
    detail: str


class CheckedOut(Wire):
    model_config = example(
        alias="main",
        model="qwen3:4b",
        usable=True,
        trials=[{"name": "text", "passed": True, "detail": "answered in 0.4 s"}],
        first_token_seconds=0.21,
        tokens_per_second=38.5,
        input_tokens=120,
        output_tokens=96,
    )
    alias: str
    model: str
    usable: bool = Field(description="Whether work can be done with it; tools are not needed for that.")
    trials: tuple[TrialOut, ...]
    first_token_seconds: float | None
    tokens_per_second: float | None
    input_tokens: int
    output_tokens: int


class RerouteOut(Wire):
    agent: str
    purpose: str
    was: str = Field(description="The alias that was asked.")
    now: str = Field(description="The one that would be asked now.")
    reason: str
    calls: int
    money_was: int = Field(description="Millionths of the currency.")
    money_now: int = Field(description="The same tokens and seconds at the other's prices.")


class ReroutedOut(Wire):
    model_config = example(
        calls=14,
        same=12,
        unknown=0,
        changed=2,
        currency="EUR",
        changes=[
            {
                "agent": "agt_critic",
                "purpose": "review",
                "was": "big",
                "now": "small",
                "reason": "critic works with large; a review: small; the alias for small",
                "calls": 2,
                "money_was": 5400,
                "money_now": 0,
            }
        ],
    )
    calls: int
    same: int = Field(description="Calls that would go to the same alias.")
    unknown: int = Field(description="Calls whose agent, task or workflow is not there any more.")
    changed: int
    currency: str
    changes: tuple[RerouteOut, ...]
