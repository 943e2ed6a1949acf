"""`caseworks models suggest`: what this machine has, and which open models suit it."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from infrastructure.cli.endings import Code, Ended
from infrastructure.cli.model_exchange import put
from infrastructure.cli.output import document, say, table, tell
from infrastructure.cli.session import DataDir, Json, settings

if TYPE_CHECKING:
    from domain.suggesting import Pick
    from services.model_advice import Advice
    from services.ports.machine import Machine

HEAD = """# Which models are used: what `caseworks models suggest --write` proposed for {memory}.
# Edit it as you like. Fetch the models first:
{pulls}
"""


def suggest(
    ctx: typer.Context,
    write: Annotated[bool, typer.Option("--write", help="Write it as models.yaml; one that is there stays.")] = False,
    memory: Annotated[
        str, typer.Option("--memory", help="As for a GPU with so much memory, such as 4GB.", metavar="SIZE")
    ] = "",
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Look at this machine, and propose an open model for each tier that fits into its memory.

    Example: caseworks models suggest --write
    """
    wanted = size_of(memory) if memory else None
    folder = settings(ctx, data_dir).data_dir
    address, advice = _advice(folder, wanted)
    written = _write(folder, address, advice) if write and advice.suggestion.picks else None
    if json:
        document(_document(advice, written))
    else:
        _told(advice, written)
    if not advice.suggestion.picks:
        raise Ended(Code.ENVIRONMENT, _nothing(advice))


def size_of(written: str) -> int:
    """Bytes. Raises Ended."""
    from domain.memory import size_of as bytes_of

    try:
        return bytes_of(written)
    except ValueError as error:
        raise Ended(Code.USAGE, f"{error}.") from None


def _advice(folder: Path, memory: int | None) -> "tuple[str, Advice]":
    """With the address of the Ollama that it is for."""
    from adapters.llm.servers import USUAL, LoopbackServers, is_loopback
    from adapters.machine.audit import SystemAudit
    from config.model_list import open_models
    from infrastructure.cli.model_choice import address
    from services.model_advice import ModelAdvice

    ollama = address()
    if not is_loopback(ollama):
        tell(f"OLLAMA_HOST names another machine, {ollama}, which is not asked: this is about the machine here.")
        ollama = USUAL["ollama"]
    found = ModelAdvice(SystemAudit(), LoopbackServers({**USUAL, "ollama": ollama}), open_models())
    return ollama, asyncio.run(found.given(folder, memory))


def _told(advice: "Advice", written: Path | None) -> None:
    for line in _machine(advice.machine):
        say(line)
    for server in advice.servers:
        models = f", {len(server.models)} models" if server.models else ""
        say(f"{server.kind} {server.version}".rstrip() + f" answers at {server.address}{models}")
    if not advice.suggestion.picks:
        return
    say(f"{_gb(advice.budget.planned)} are planned for: {_budget(advice)}.\n")
    columns = ("tier", "model", "context", "at once", "needs", "licence", "agents")
    table(columns, [_row(tier, pick) for tier, pick in _tiers(advice)], "")
    say()
    for tier, reason in advice.suggestion.reasons:
        say(f"{tier}: {reason}")
    say(f"Together they need {_gb(advice.suggestion.together)}: {_turns(advice)}.")
    _to_do(advice, written)


def _to_do(advice: "Advice", written: Path | None) -> None:
    for line in _commands(advice):
        say(line)
    if (parallel := advice.suggestion.parallel) > 1:
        say(f"Ollama serves {parallel} calls at once where it is started with OLLAMA_NUM_PARALLEL={parallel}.")
    missing = sum(model.shape.file_bytes for model in advice.to_pull)
    free = advice.machine.disk_free
    if free is not None and missing > free:
        tell(f"The models take {_gb(missing)}, and {_gb(free)} are free on the disk of the data directory.")
    if (crowded := _crowded(advice)) is not None:
        tell(f"Only {_gb(crowded)} are free now; close other programs, or say --memory {crowded / 1e9:.0f}GB.")
    if written is not None:
        say(f"Written: {written}")


def _machine(machine: "Machine") -> list[str]:
    free = f", {_gb(machine.available)} of it free" if machine.available is not None else ""
    shared = ", which CPU and GPU share" if machine.shared else ""
    versions = [f"JetPack {machine.jetpack}" if machine.jetpack else "", f"CUDA {machine.cuda}" if machine.cuda else ""]
    told = ", ".join(filter(None, (machine.system, machine.name, *versions)))
    lines = [f"{told}: {_gb(machine.total)} of memory{free}{shared}"]
    for gpu in machine.gpus:
        if gpu.total is not None:
            free = f", {_gb(gpu.free)} of it free" if gpu.free is not None else ""
            lines.append(f"{gpu.name}: {_gb(gpu.total)} of memory{free}")
    if machine.disk_free is not None:
        lines.append(f"Disk of the data directory: {_gb(machine.disk_free)} free")
    return lines


def _row(tier: str, pick: "Pick | None") -> tuple[object, ...]:
    agents = ", ".join(_agents().get(tier, ()))
    if pick is None:
        return tier, "none fits", "", "", "", "", agents
    return (
        tier,
        pick.model.name,
        f"{pick.context_tokens:,}",
        pick.parallel,
        _gb(pick.bytes),
        pick.model.licence,
        agents,
    )


def _tiers(advice: "Advice") -> "list[tuple[str, Pick | None]]":
    return [(tier, advice.suggestion.of(tier)) for tier, _ in advice.suggestion.reasons]


def _agents() -> dict[str, list[str]]:
    """The core agents by the tier that their profiles name."""
    from config.catalogue import profiles

    found: dict[str, list[str]] = {}
    for name, profile in profiles().items():
        found.setdefault(str(profile.tier), []).append(name)
    return found


def _commands(advice: "Advice") -> list[str]:
    return [f"ollama pull {model.name}" for model in advice.to_pull]


def _budget(advice: "Advice") -> str:
    from services.model_advice import PLANNED

    return f"{PLANNED} % of {_gb(advice.budget.may_take)} ({advice.budget.told})"


def _turns(advice: "Advice") -> str:
    together = advice.suggestion.together <= advice.budget.planned
    return "they stay loaded side by side" if together else "Ollama loads them in turn"


def _crowded(advice: "Advice") -> int | None:
    """What is free of the machine's memory, where that is too little for the largest of the models."""
    machine = advice.machine
    if machine.available is None or advice.asked or any(gpu.total is not None for gpu in machine.gpus):
        return None
    free = machine.available + sum(server.loaded for server in advice.servers)
    return free if free < max(pick.bytes for pick in advice.suggestion.picks) else None


def _nothing(advice: "Advice") -> str:
    from config.model_list import open_models
    from domain.memory import need
    from domain.suggesting import SHORT, lightest

    if (light := lightest(open_models())) is None:
        return "The list of open models proposes none."
    total = need(light.shape, SHORT).total
    return (
        f"No model of the list fits: {_gb(advice.budget.planned)} are planned for, {_budget(advice)}, and the "
        f"lightest, {light.name}, needs {_gb(total)} with {SHORT:,} tokens. Name a server elsewhere in models.yaml."
    )


def _write(folder: Path, address: str, advice: "Advice") -> Path:
    """models.yaml; beside one that is there models.yaml.suggested."""
    from infrastructure.data_directory import DataDirectory

    directory = DataDirectory(folder)
    directory.prepare()
    return put(directory, _yaml(address, advice))


def _yaml(address: str, advice: "Advice") -> str:
    import yaml

    from adapters.llm.configuration import Backend, Deployment, Models, Tiers

    picks = advice.suggestion.picks
    strongest = advice.suggestion.of("large") or picks[-1]
    models = Models(
        default=strongest.model.alias,
        backends={"ollama": Backend(kind="ollama", base_url=address)},
        aliases={
            pick.model.alias: Deployment(
                backend="ollama",
                model=pick.model.name,
                context_tokens=pick.context_tokens,
                parallel=pick.parallel,
            )
            for pick in picks
        },
        tiers=Tiers(**{tier: pick.model.alias for pick in picks for tier in pick.tiers}),
    )
    written = yaml.safe_dump(models.model_dump(mode="json", exclude_unset=True), sort_keys=False)
    pulls = "\n".join(f"#   ollama pull {pick.model.name}" for pick in picks)
    return HEAD.format(memory=f"{_gb(advice.budget.planned)} of memory", pulls=pulls) + written


def _document(advice: "Advice", written: Path | None) -> dict[str, Any]:
    from dataclasses import asdict

    reasons = dict(advice.suggestion.reasons)
    return {
        "machine": asdict(advice.machine),
        "servers": [
            {
                "kind": server.kind,
                "address": server.address,
                "version": server.version,
                "models": [model.name for model in server.models],
                "loaded": server.loaded,
            }
            for server in advice.servers
        ],
        "budget": {"bytes": advice.budget.planned, "may_take": advice.budget.may_take, "because": advice.budget.told},
        "items": [_item(tier, pick, reasons, advice) for tier, pick in _tiers(advice)],
        "together": advice.suggestion.together,
        "commands": _commands(advice),
        "written": str(written) if written is not None else None,
    }


def _item(tier: str, pick: "Pick | None", reasons: Any, advice: "Advice") -> dict[str, Any]:
    model = pick.model if pick is not None else None
    return {
        "tier": tier,
        "model": model.name if model is not None else None,
        "licence": model.licence if model is not None else None,
        "quantisation": model.quantisation if model is not None else None,
        "context_tokens": pick.context_tokens if pick is not None else None,
        "parallel": pick.parallel if pick is not None else None,
        "bytes": pick.bytes if pick is not None else None,
        "there": model is not None and model.name in advice.there,
        "reason": reasons[tier],
        "agents": _agents().get(tier, []),
    }


def _gb(size: int | None) -> str:
    return f"{(size or 0) / 1e9:.1f} GB"
