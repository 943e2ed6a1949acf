"""LiteLLM, imported when first used: that takes 5 to 18 seconds and reads the environment meanwhile."""

import asyncio
import importlib
import os
import sys
import warnings
from functools import cache
from types import ModuleType
from typing import Any

from domain.ports.llm import ModelUnavailable

ENVIRONMENT = {
    "LITELLM_OFFLINE_MODE": "true",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_MODE": "PRODUCTION",
    "LITELLM_LOG": "CRITICAL",
    "PYTHON_DOTENV_DISABLED": "1",
    "USE_LITELLM_PROXY": "False",
    "OPENAI_CUSTOM_HEADERS": "",
}
"""Must stand before the import: no network, no price list fetched, no `.env` read upward, no log of prompts. And what
would go in place of our address and key: a proxy of LiteLLM's, headers of OpenAI's library."""


async def litellm() -> Any:
    """The configured library. The import runs in a thread, so that the loop goes on; later calls cost nothing.
    Raises ModelUnavailable when it cannot be imported."""
    try:
        library = await asyncio.to_thread(_load)
    except ImportError as error:
        broken = ModelUnavailable(f"LiteLLM cannot be imported ({error.name}); install caseworks again.")
        broken.retryable = False
        raise broken from error
    _hush()
    return library


def _hush() -> None:
    """LiteLLM reads deprecated attributes of pydantic in each stream and builds its types with the first, and takes
    these warnings, where warnings are errors, for a failure of the backend. Set at each call, because whoever
    catches warnings resets the filters."""
    warnings.filterwarnings("ignore", category=DeprecationWarning, module=r"litellm\.")
    warnings.filterwarnings("ignore", message=r"Item '\w+' on TypedDict class .* `ReadOnly`", category=UserWarning)


@cache
def _load() -> ModuleType:
    os.environ.update(ENVIRONMENT)
    library = importlib.import_module("litellm")
    for name in ("callbacks", "success_callback", "failure_callback", "input_callback", "service_callback"):
        setattr(library, name, [])
    for name in ("_async_success_callback", "_async_failure_callback", "_async_input_callback"):
        setattr(library, name, [])
    settings: dict[str, Any] = {
        "suppress_debug_info": True,
        "telemetry": False,
        "turn_off_message_logging": True,
        "disable_streaming_logging": True,
        "cache": None,
        "num_retries": None,
        "REPEATED_STREAMING_CHUNK_LIMIT": sys.maxsize,  # drafts.py has a guard of its own, for every backend
        "drop_params": False,
        "modify_params": False,
    }
    for name, value in settings.items():
        setattr(library, name, value)
    return library


def know(library: Any, model: str) -> None:
    """Gives a local Ollama model a price of nothing in LiteLLM's list; otherwise LiteLLM asks `/api/show` at an
    address of its own choice. We count money ourselves."""
    library.model_cost.setdefault(
        model,
        {
            "input_cost_per_token": 0,
            "output_cost_per_token": 0,
            "litellm_provider": "ollama_chat",
            "mode": "chat",
        },
    )
