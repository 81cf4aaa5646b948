# The verbs people type. Needs Python 3.11 to 3.14 and make; everything else goes into .venv.
SHELL := bash
.SHELLFLAGS := -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

VENV := .venv
BIN := $(VENV)/bin
export SAM_CLI_TELEMETRY := 0
export PIP_DISABLE_PIP_VERSION_CHECK := 1

# The first Python that both we and AWS Lambda run on; `make PYTHON=python3.12 …` chooses another.
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null && echo $$python && break; done)

SECONDS := 600

.PHONY: help install run test unit integration e2e explore bench-engine bench-cost load fuzz lint format deploy stop sam-local clean

help: ## Show this
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(VENV)/installed ## Make .venv with everything in it (nothing to do if it is up to date)

run: install ## Start a local AWS, deploy to it, and run the example workflow there
	@$(BIN)/attune local run

test: install ## Run all tests: unit, integration (moto), fuzz, and end to end (the deployed stack)
	@$(BIN)/pytest -n 2 --no-loadscope-reorder tests/e2e tests/integration tests/fuzz tests/unit

unit integration e2e: install
	@$(BIN)/pytest tests/$@

bench-engine: install ## Measure the pure engine: transitions a second, and that they do not grow with the graph
	@$(BIN)/python -m tests.bench.engine

fuzz: install ## Try random input against everything that takes any, longer than `make test` does (EXAMPLES=2000)
	@ATTUNE_TEST_EXAMPLES=$(or $(EXAMPLES),2000) $(BIN)/pytest tests/fuzz --timeout=0

explore: install ## Try out every crash point, then pairs of faults by chance, for SECONDS (600; ARGS=--write: into the docs)
	@$(BIN)/python -m tests.explore --seconds $(SECONDS) $(ARGS)

load: install ## Put load on the stack in a local AWS: 1,000 executions of 5 tasks, one of 10,000 items
	@$(BIN)/python -m tests.bench.load

bench-cost: install ## Measure what workflows cost on AWS, in dollars per million tasks (ARGS=--write: into the docs)
	@$(BIN)/python -m tests.bench.cost $(ARGS)

lint: install ## Check style, types and the template
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/cfn-lint template.yaml
	AWS_DEFAULT_REGION=us-east-1 $(BIN)/sam validate --lint

format: install ## Put the code into its form
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

deploy: install ## Deploy to AWS; asks for what it needs to know (ARCHITECTURE=x86_64 for Intel)
	@$(BIN)/python -m attune.cli.local.guided $(if $(ARCHITECTURE),Architecture=$(ARCHITECTURE))

stop: ## Stop the local AWS; it keeps what is in it
	@if [ -x $(BIN)/attune ]; then $(BIN)/attune local stop; fi

sam-local: install ## Run each function in a container on its sample event (needs Docker)
	@$(BIN)/python -m attune.cli.local.invoke

clean: stop ## Remove the virtual environment, the local AWS and everything else that was made
	rm -rf $(VENV) .attune .aws-sam .mypy_cache .ruff_cache .pytest_cache .hypothesis layers/attune/*.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/installed: pyproject.toml constraints.txt layers/attune/requirements.txt
	@if [ -z "$(PYTHON)" ]; then echo "Attune needs Python 3.11 to 3.14, and none was found; install one, or name it: make PYTHON=/path/to/python $(MAKECMDGOALS)" >&2; exit 1; fi
	@[ -x $(BIN)/python ] || { echo "Making $(VENV) with $$($(PYTHON) --version)"; $(PYTHON) -m venv $(VENV) >/dev/null; } || \
		{ rm -rf $(VENV); echo "$(PYTHON) cannot make virtual environments; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@echo "Installing packages (a minute or two; log: $(VENV)/install.log)"
	@$(BIN)/python -m pip install --retries 2 --constraint constraints.txt --editable '.[cli,dev]' 2>&1 | tee $(VENV)/install.log | $(SHOW_PIP) || \
		{ $(EXPLAIN_PIP) >&2; exit 1; }
	@touch $@

# One line that changes in a terminal, a dot per ten lines elsewhere.
SHOW_PIP = { if [ -t 1 ]; then while read -r verb what _; do case $$verb in Collecting|Downloading|Building|Preparing|Installing|Successfully) \
	printf '\r\033[K  %s %s' "$$verb" "$$what";; esac; done; printf '\r\033[K'; \
	else lines=0; while read -r _; do lines=$$((lines+1)); [ $$((lines % 10)) -ne 0 ] || printf .; done; echo; fi; }

EXPLAIN_PIP = if grep -qiE 'name resolution|name or service not known|nodename nor servname|establish a new connection|network is unreachable|timed out' $(VENV)/install.log; \
	then echo "The Python package index could not be reached; check the network and try again."; \
	else grep -E '^(ERROR|error)' $(VENV)/install.log | tail -1; echo "Installing failed; the whole story is in $(VENV)/install.log"; fi
