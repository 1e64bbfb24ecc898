# AI Factory. `make up` sets everything up and runs it; `make test` sets everything up and passes the tests.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
unexport PYTHONDONTWRITEBYTECODE
# A machine's own certificates are trusted also where the environment is empty.
SYSTEM_CA := $(wildcard /etc/ssl/certs/ca-certificates.crt)
ifneq ($(SYSTEM_CA),)
export NODE_EXTRA_CA_CERTS ?= $(SYSTEM_CA)
endif
PY := .venv/bin/python
OPTIONS ?=

.PHONY: help
help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: venv venv-dev lock
venv: ## the Python environment, as far as running needs it
	@deploy/venv.sh runtime
venv-dev: ## the same with what tests and checks need
	@deploy/venv.sh dev
UV_LOCK = $(or $(wildcard .tools/bin/uv),uv) pip compile -q --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11
lock: venv-dev ## newest versions into requirements/*.lock (`make lock PIN=` keeps what is locked)
	@$(UV_LOCK) $(PIN) requirements/tools.in -o requirements/tools.lock
	@$(UV_LOCK) $(PIN) requirements/runtime.in -o requirements/runtime.lock
	@$(UV_LOCK) $(PIN) -c requirements/runtime.lock requirements/dev.in -o requirements/dev.lock
	@$(UV_LOCK) $(PIN) requirements/apps.in -o requirements/apps.lock
	@$(UV_LOCK) $(PIN) --no-deps requirements/model-server.in -o requirements/model-server.lock
lock: PIN := --upgrade

.PHONY: portal compile up
portal: ## the portal, built into the API's package
	@deploy/portal.sh
# Services cannot write beside our sources, so their bytecode is written here.
compile: venv
	@umask 022; $(PY) -m compileall -q packages/*/src deploy/src
up: venv portal compile models ## everything set up and running; Ctrl-C stops it (OPTIONS="--port 8052 --detach")
	@deploy/system-packages.sh up
	@.venv/bin/aif up $(OPTIONS) || [ $$? = 21 ] # 21: it runs already, and has said so

.PHONY: models
models: venv ## a model server with a small model, for real tokens at the gateway (AIF_MODEL_SERVER=none: without)
	@deploy/models.sh

.PHONY: apps
apps: venv ## on a node: what the shipped apps need (JupyterLab), into AIF_APPS_DIR or /opt/aifactory/apps
	@deploy/apps.sh

.PHONY: test test-machine test-peers test-soak test-heavy
PYTEST := $(PY) -m pytest
test-machine: venv-dev portal compile apps models
	@deploy/system-packages.sh test
test: test-machine ## all tests but the long ones, with everything they need
	@started=$$SECONDS; $(PYTEST) -n 3 --dist loadgroup $(OPTIONS) \
	  && echo "tests: passed in $$((SECONDS - started)) s"
test-heavy: test-machine
	@$(PYTEST) -m heavy $(OPTIONS)
test-peers: test-machine ## comparisons with other products
	@$(PYTEST) -m peers $(OPTIONS)
test-soak: test-machine ## runs that take long
	@$(PYTEST) -m soak --timeout 0 $(OPTIONS)

.PHONY: contracts check check-python check-walls check-contracts check-house check-portal
check: check-python check-walls check-contracts check-house check-portal ## lint, types, walls, contracts
contracts: venv-dev ## what is generated from the code: contracts, MAP.md, CODEOWNERS
	@$(PY) -m aifactory.contracts build
check-python: venv-dev
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check -q .
	@.venv/bin/mypy packages/*/src deploy/src
check-walls: venv-dev
	@.venv/bin/lint-imports --no-logo
check-contracts: venv-dev
	@$(PY) -m aifactory.contracts check
check-house: venv-dev
	@$(PYTEST) -q tests/architecture
check-portal:
	@deploy/portal.sh packages
	@cd portal && npm run --silent generate:check && npm run --silent typecheck && npm test --silent

.PHONY: new-route new-flow new-adapter new-domain tidy
new-route: ## a resource with table, routes, page, events, tests (DOMAIN= RESOURCE=)
new-flow: ## long-running work on it (DOMAIN= FLOW=verb_noun [PORT=])
new-adapter: ## a way out of the database (DOMAIN= ADAPTER= PORT=)
new-domain: ## a room with its first resource (`make new-domain` alone says what it needs)
new-route new-flow new-adapter new-domain: venv-dev
	@$(PY) -m aifactory.generators $@
	@{ deploy/portal.sh packages && cd portal && npm run --silent generate >/dev/null; } \
	  || { echo "The portal's types are still to be made: cd portal && npm run generate" >&2; exit 1; }
tidy: venv-dev ## code in the order and form that `make check` wants
	@.venv/bin/ruff check -q --fix . && .venv/bin/ruff format -q .

.PHONY: bench-startup bench-api bench-telemetry bench-pages bench-gateway
bench-startup bench-api bench-telemetry bench-pages bench-gateway: bench-%: venv-dev portal compile ## how fast and how heavy, against its budget
	@$(PY) benchmarks/$*.py

.PHONY: clean
clean: ## everything that was built or fetched, never your data
	@rm -rf .venv .tools portal/node_modules packages/control-plane/src/aifactory/api/portal_dist
	@rm -rf .pytest_cache .ruff_cache .mypy_cache .import_linter_cache .hypothesis
	@find packages deploy tests benchmarks -name __pycache__ -prune -exec rm -rf {} +
