"""A request of ours as the arguments that LiteLLM wants, for each kind of backend."""

from typing import Any

from adapters.llm.configuration import Backend, Deployment, litellm_model
from domain.ports.llm import Request, Tool, render

REQUIRING = ("openai", "vllm", "llama.cpp", "llamafile", "lm_studio")
"""Kinds that can be told that a tool must be asked for."""


def arguments(request: Request, deployment: Deployment, backend: Backend, key: str) -> dict[str, Any]:
    """What `litellm.acompletion` is called with, but for the client. Address and key are always explicit: LiteLLM
    would take others from the environment, then go to the cloud. It never retries by itself."""
    asked: dict[str, Any] = {
        "model": litellm_model(backend.kind, deployment.model, backend.provider),
        "messages": render(request),
        "api_base": backend.base_url,
        "api_key": key,
        "timeout": request.deadline,
        "max_retries": 0,
        "num_retries": 0,
        "max_tokens": request.max_output_tokens,
        "temperature": request.temperature if deployment.temperature is None else deployment.temperature,
        "extra_headers": {"Idempotency-Key": request.idempotency_key},
    }
    if request.schema is not None:
        asked["response_format"] = _format(request.schema)
    if request.tools:
        asked["tools"] = [_tool(tool) for tool in request.tools]
        if request.must_call and backend.kind in REQUIRING:
            asked["tool_choice"] = "required"
        asked["_skip_mcp_handler"] = True  # else LiteLLM imports its own MCP client, which is not installed
    return asked | (_ollama(deployment) if backend.kind == "ollama" else {})


def _format(schema: Any) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "reply", "schema": schema, "strict": True}}


def _tool(tool: Tool) -> dict[str, Any]:
    function = {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
    return {"type": "function", "function": function}


def _ollama(deployment: Deployment) -> dict[str, Any]:
    """One context size for an alias, because another one reloads the model, and 400 instead of a prompt that is cut
    silently. Thinking stays off unless configured: it eats the tokens of structured replies."""
    native: dict[str, Any] = {
        "num_ctx": deployment.context_tokens,
        "think": deployment.think,
        "extra_body": {"truncate": False},
    }
    return native if deployment.keep_alive is None else native | {"keep_alive": deployment.keep_alive}
