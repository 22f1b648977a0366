.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help setup run down test lint format lock bench bench-peers chaos chaos-control soak outage clean

help: ## Show what can be made
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.ready ## Build .venv with everything (the command is .venv/bin/aegis)

$(VENV)/.ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("aegis: Python 3.11 or newer is needed; set PYTHON=/path/to/python3.11" if sys.version_info < (3, 11) else 0)'
	@echo "aegis: building $(VENV) from requirements.lock"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

run: setup ## Start the local stack, decide real proposals, show verified decisions
	@$(BIN)/aegis run

down: ## Stop the local stack (its data stays in .aegis/)
	@$(BIN)/aegis down

test: setup ## Run every test, on real servers of their own, in two processes
	@$(BIN)/python -m pytest -n 2 --dist loadgroup

CHAOS = PYTHONPATH=tests $(BIN)/python -m chaos
chaos: setup ## Kill, freeze, cut and fill for DURATION seconds, then judge (SEED= repeats; CONTROL=stock adds the control)
	@$(CHAOS) --duration $(or $(DURATION),1800) $(if $(SEED),--seed $(SEED)) $(if $(CONTROL),--control $(CONTROL))

chaos-control: setup ## The same to stock Faust alone, which has to fail
	@$(CHAOS) --duration $(or $(DURATION),180) $(if $(SEED),--seed $(SEED)) --control only

soak: setup ## Steady load for DURATION seconds (default an hour): memory, handles, lag and disk stay flat
	@$(CHAOS).soak --duration $(or $(DURATION),3600) $(if $(SEED),--seed $(SEED))

outage: setup ## Stop PostgreSQL, Connect and the registry for two minutes each under load (AWAY=120)
	@PYTHONPATH=tests $(BIN)/python -m outage $(if $(AWAY),--seconds $(AWAY))

bench: setup ## Measure speed on servers of its own (.aegis/bench/latest.json; BENCH="--quick")
	@PYTHONPATH=tests $(BIN)/python -m bench $(BENCH)

bench-peers: setup ## The same work in Kafka Streams, Quix, stock Faust and a bare loop (PEERS="--quick")
	@PYTHONPATH=tests $(BIN)/python -m bench.peers $(PEERS)

lint: setup ## Run every linter
	@$(BIN)/ruff check .
	@$(BIN)/black --check --quiet .
	@$(BIN)/mypy
	@$(BIN)/bandit -q -c pyproject.toml -r governance codecs streams
	@$(BIN)/vermin --quiet --no-tips --target=3.9- --violations governance

format: setup ## Format the code
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/black --quiet .

lock: setup ## Renew requirements.lock from pyproject.toml
	@$(BIN)/python -m pip install --quiet uv
	@$(BIN)/uv pip compile --quiet --generate-hashes --no-emit-index-url --no-annotate --no-header \
		--python-version 3.11 --extra all --extra dev pyproject.toml -o requirements.lock

clean: ## Remove .venv and caches (not .aegis/)
	@rm -rf $(VENV) build dist .mypy_cache .ruff_cache .hypothesis
