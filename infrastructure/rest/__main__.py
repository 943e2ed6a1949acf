"""Prints the REST reference as Markdown: `python -m infrastructure.rest > docs/reference/rest.md`."""

from pathlib import Path
from typing import Any

from config.settings import Settings
from infrastructure.rest.app import create_app
from infrastructure.rest.reference import reference


def document() -> dict[str, Any]:
    """The OpenAPI document, without a running program."""
    return create_app(Settings(data_dir=Path())).openapi()


if __name__ == "__main__":
    print(reference(document()))
