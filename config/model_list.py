"""The open models that ship as a list, read from the YAML beside this file."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from config.reading import read
from domain.suggesting import OpenModel

MODEL_LIST = Path(__file__).parent / "model_list.yaml"


class ModelList(BaseModel):
    """The whole of `model_list.yaml`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    models: Annotated[tuple[OpenModel, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _once(self) -> Self:
        names = [model.name for model in self.models]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"{', '.join(twice)} stands there twice")
        return self


def open_models(path: Path = MODEL_LIST) -> tuple[OpenModel, ...]:
    """Raises ConfigurationError with file, line and field."""
    return read(path, ModelList).models
