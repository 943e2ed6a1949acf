"""Prints the JSON Schema of workflows: `python -m infrastructure.workflow_schema`."""

import json

from config.workflow_files import schema

if __name__ == "__main__":
    print(json.dumps(schema(), indent=2, ensure_ascii=False))
