"""The models that are configured."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query

from domain.errors import Invalid
from infrastructure.rest import schemas
from infrastructure.rest.access import Caller, Paged, Parts, Poster
from services.models import Checked
from services.models import Listed as Shown
from services.rerouting import Rerouted

router = APIRouter(tags=["models"])
Alias = Annotated[str, Path(max_length=63, description="The alias in models.yaml.", examples=["main"])]
OfProject = Annotated[str, Query(max_length=100, description="The project's id.", examples=["prj_06b2x"])]
OfRun = Annotated[str, Query(max_length=100, description="The run's id.", examples=["run_06b2z"])]


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


@router.get("/v1/models/routing", summary="What today's rules would choose", operation_id="replay_routing")
async def rerouted(caller: Caller, parts: Parts, project_id: OfProject = "", run_id: OfRun = "") -> schemas.ReroutedOut:
    """For the calls of a project, or of a run with those that it started: which would go to another alias now, by
    routing.yaml and models.yaml as they stand, and what that would cost. No model is asked."""
    if bool(project_id) == bool(run_id):
        raise Invalid("Name a project or a run, one of the two.", [("/project_id", "one of project_id and run_id")])
    rerouting = parts.rerouting()
    found = await (rerouting.of_run(caller, run_id) if run_id else rerouting.of_project(caller, project_id))
    return _rerouted(found, parts.models().currency())


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


def _rerouted(found: Rerouted, currency: str) -> schemas.ReroutedOut:
    return schemas.ReroutedOut(
        calls=found.calls,
        same=found.same,
        unknown=found.unknown,
        changed=sum(change.calls for change in found.changes),
        currency=currency,
        changes=tuple(schemas.RerouteOut(**vars(change)) for change in found.changes),
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
