# The front door: `make up` runs the simulator, `make test` runs its tests. Everything they need is set up first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEV := $(VENV)/.installed-dev

COMPILE := $(BIN)/uv pip compile pyproject.toml --group setup --group weights --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-annotate --no-header --quiet

# Certificates that this machine trusts, such as those of a company's proxy.
export UV_SYSTEM_CERTS ?= 1

# pip, which brings uv, knows the machine's own mirrors (pip.conf); uv, which is much faster, does not.
install = $(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps $(1) || { \
	  echo "uv could not install that (above); trying pip, which takes some minutes ..." >&2; \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps $(1); }

# Where bytecode is not kept (as in many containers), every process would compile its thousands of modules anew. What all of them
# import is compiled in the set-up, once; most of what the packages hold is never imported.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup up demo test test-all checks lint types definitions lock clean

help:  ## Show what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

setup: $(DEV)  ## Make the virtual environment from the lock file

$(STAMP): requirements.lock pyproject.toml setup.cfg
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "claims_sim needs Python 3.11 or newer; $(PYTHON) is older. Run: make $(MAKECMDGOALS) PYTHON=/path/to/python3.12" >&2; exit 2; }
	@echo "Setting up $(VENV) (once; a minute or two) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "$$(sed -n 's/^\(uv==[^ ]*\).*/\1/p' requirements.lock)"
	@$(call install,--require-hashes -r requirements.lock)
	@$(call install,-e .)
	@$(BIN)/python -c 'import claims_sim.definitions, dagster._daemon.cli, dagster_webserver.cli'
	@$(BIN)/python -m compileall -q claims_sim
	@touch $@

# Linters, test tools and servers for the tests: not needed to run the simulator.
$(DEV): requirements-dev.lock $(STAMP)
	@echo "Adding the development tools (once) ..."
	@$(call install,--require-hashes -r requirements-dev.lock)
	@touch $@

up: $(STAMP)  ## Run the simulator: Dagster UI, a claim batch every 10-30 s, scores
	@exec $(BIN)/claims-sim up --with-parent

demo: $(STAMP)  ## The same chain without servers: ten ticks at once, then a summary
	@exec $(BIN)/claims-sim demo

lint: $(DEV)  ## Style and layer contracts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/lint-imports

types: $(DEV)  ## Types
	@$(BIN)/mypy

definitions: $(DEV)  ## Dagster's own validation
	@DAGSTER_DISABLE_TELEMETRY=yes $(BIN)/dagster definitions validate -w workspace.yaml

checks: lint definitions types

test: SELECTION := -m "not slow"
test: $(DEV)  ## Lint, types, layers, Dagster's own validation, tests
test-all: SELECTION := --hypothesis-profile=long
test-all: $(DEV)  ## The same with the long tests

# The tests are read once, beside the linters, and kept as bytecode: else every worker would compile all of them anew.
# Types are checked beside the tests, of which many wait for servers; what they find is told at the end.
test test-all:
	@$(BIN)/pytest -q --collect-only $(SELECTION) >/dev/null 2>&1 & compiled=$$!; \
	  $(MAKE) --no-print-directory lint definitions; checks=$$?; \
	  wait $$compiled; [ $$checks = 0 ] || exit $$checks; \
	  $(BIN)/mypy >$(VENV)/types.log 2>&1 & types=$$!; \
	  $(BIN)/pytest -q -n auto --dist worksteal $(SELECTION); tests=$$?; \
	  wait $$types; types=$$?; cat $(VENV)/types.log; exit $$((types || tests))

lock: $(DEV)  ## Renew both lock files from pyproject.toml
	@$(COMPILE) --group dev --all-extras --upgrade -o requirements-dev.lock
	@$(COMPILE) --extra local-llm --extra redis --extra kafka -c requirements-dev.lock -o requirements.lock

clean:  ## Remove the virtual environment and caches (the state folder stays)
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis build claims_sim.egg-info
