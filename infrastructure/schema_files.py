"""Prints the JSON Schema of a file that people write: `python -m infrastructure.schema_files models`."""

import json
import sys
from typing import Any

from adapters.llm.configuration import Models
from config.workflow_files import schema
from domain.routing import Routing

SCHEMAS = {"workflow": schema, "models": Models.model_json_schema, "routing": Routing.model_json_schema}


def main(name: str) -> None:
    made: dict[str, Any] = SCHEMAS[name]()
    print(json.dumps(made, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main(sys.argv[1])
