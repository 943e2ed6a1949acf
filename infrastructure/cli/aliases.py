"""Names of models on the command line, and what is said where none is configured."""

import re

ALIAS = re.compile(r"[a-z0-9][a-z0-9_.-]{0,62}")
NONE = (
    "No model is configured: the work is rehearsed. `caseworks config model ollama:NAME` uses one of an Ollama; write "
    "models.yaml for anything else."
)
