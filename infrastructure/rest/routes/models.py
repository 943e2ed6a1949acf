"""The models that are configured."""

from typing import Annotated, Any

from fastapi import APIRouter, Path

from infrastructure.rest import schemas
from infrastructure.rest.access import Caller, Paged, Parts, Poster
from services.models import Checked
from services.models import Listed as Shown

router = APIRouter(tags=["models"])
Alias = Annotated[str, Path(max_length=63, description="The alias in models.yaml.", examples=["main"])]


@router.get("/v1/models", summary="The models that are configured", operation_id="list_models")
async def page(caller: Caller, parts: Parts, paged: Paged) -> schemas.ModelsOut:
    """Each with what its backend says of it now, asked without running it. Empty where work is rehearsed. `faults` says
    what is wrong with models.yaml and routing.yaml as they stand now; what they said before is then still in force."""
    found = await parts.model_checks().listed(caller.principal)
    shown, cursor = paged.window(found, lambda item: item.deployed.key)
    items = [_model(item) for item in shown]
    return schemas.ModelsOut(items=items, next_cursor=cursor, faults=parts.models().faults)


@router.get("/v1/models/schema", summary="The JSON Schema of models.yaml, for editors", operation_id="models_schema")
async def schema(caller: Caller) -> dict[str, Any]:
    from adapters.llm.configuration import Models

    return Models.model_json_schema()


@router.post("/v1/models/{alias}/check", summary="Try a model", operation_id="check_model")
async def check(caller: Poster, parts: Parts, alias: Alias) -> schemas.CheckedOut:
    """Four short calls: a text, a stream, a structured reply, a tool call. A model that does not answer is a finding,
    not an error."""
    return _checked(await parts.model_checks().checked(caller.principal, alias))


def _model(item: Shown) -> schemas.ModelOut:
    deployed, seen = item.deployed, item.seen
    return schemas.ModelOut(
        key=deployed.key,
        alias=deployed.alias,
        model=deployed.model,
        backend=deployed.backend,
        address=deployed.address,
        default=deployed.default,
        tiers=deployed.served,
        stand_ins=deployed.stand_ins,
        context_tokens=deployed.context_tokens,
        parallel=deployed.parallel,
        credentials=deployed.credentials,
        host=deployed.host,
        host_limit=deployed.host_limit,
        needs=seen.need,
        there=seen.there,
        loaded=seen.loaded,
        size=seen.size,
        memory=seen.memory,
        on_gpu=seen.on_gpu,
        running_context=seen.context_tokens,
        trained_context=seen.trained_tokens,
        capabilities=seen.capabilities,
        fault=seen.fault,
    )


def _checked(found: Checked) -> schemas.CheckedOut:
    return schemas.CheckedOut(
        alias=found.alias,
        model=found.model,
        usable=found.usable,
        trials=tuple(schemas.TrialOut(name=t.name, passed=t.passed, detail=t.detail) for t in found.trials),
        first_token_seconds=found.first_token,
        tokens_per_second=found.speed,
        input_tokens=found.input_tokens,
        output_tokens=found.output_tokens,
    )
