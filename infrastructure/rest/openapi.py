"""The OpenAPI document, without a running program."""

from pathlib import Path
from typing import Any

from config.settings import Settings
from infrastructure.rest.app import create_app


def document() -> dict[str, Any]:
    return create_app(Settings(data_dir=Path())).openapi()
