# Everything runs from .venv, made from hashed lock files by a uv that is brought along when missing.
.DEFAULT_GOAL := help
PY := .venv/bin/python
DEV := .venv/.dev
export LITELLM_LOCAL_MODEL_COST_MAP := True
export UV_PYTHON_DOWNLOADS := never
COMPILE := .tools/bin/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -q
PLATFORMS := x86_64-manylinux_2_28 aarch64-manylinux_2_28 aarch64-apple-darwin

.PHONY: help setup demo test lint bench lock lock-check docs clean

help: ## What can be made
	@grep -E '^[a-z-]+:.*##' Makefile | sed 's/:.*## /\t/' | expand -t 14

$(DEV): requirements-dev.lock requirements-bootstrap.lock pyproject.toml .ci/setup
	@MAKE_GOAL=$(firstword $(MAKECMDGOALS)) .ci/setup requirements-dev.lock $@

setup: $(DEV) ## Make the environment in .venv

demo: $(DEV) ## Rehearse a project on the documents in docs/samples
	@$(PY) -m infrastructure.cli.demo

test: $(DEV) ## Run the tests
	@$(PY) -m pytest

lint: $(DEV) ## Style, types, import rules
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/lint-imports --no-cache
	@.venv/bin/mypy

bench: $(DEV) ## Print ratios: engine, planning, prompts, graph, models, start-up
	@.tools/bin/uv venv -q --allow-existing --python $(PY) .venv/bench
	@.tools/bin/uv pip sync --python .venv/bench -q --require-hashes --compile-bytecode requirements-bench.lock
	@.venv/bench/bin/python -m tests.benchmarks

docs: $(DEV) ## Write the generated pages of docs/reference from the program
	@$(PY) -m infrastructure.rest > docs/reference/rest.md
	@$(PY) -m infrastructure.agents_page > docs/reference/agents.md
	@$(PY) -m infrastructure.workflows_page > docs/reference/workflows.md
	@$(PY) -m infrastructure.schema_files workflow > docs/reference/workflow.schema.json
	@$(PY) -m infrastructure.schema_files models > docs/reference/models.schema.json
	@$(PY) -m infrastructure.schema_files routing > docs/reference/routing.schema.json

lock: $(DEV) ## Resolve the locks anew
	@$(COMPILE) -o requirements.lock
	@$(COMPILE) --group dev -c requirements.lock -o requirements-dev.lock
	@$(COMPILE) --group bench -c requirements-dev.lock -o requirements-bench.lock
	@$(COMPILE:pyproject.toml=) --group build -c requirements-dev.lock -o requirements-build.lock

lock-check: $(DEV) ## Resolve the lock for each platform and Python, wheels only
	@for p in $(PLATFORMS); do for v in 3.11 3.12 3.13; do \
	  .tools/bin/uv pip compile -q --no-header --only-binary :all: --python-platform $$p --python-version $$v requirements-dev.lock -o /dev/null \
	  && echo "ok  $$p  Python $$v" || exit 1; done; done

clean: ## Remove the environment and caches
	@rm -rf .venv .tools .mypy_cache .ruff_cache .pytest_cache .hypothesis
