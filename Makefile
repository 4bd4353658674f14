# Everything a newcomer, a developer and the CI run. `make` alone lists it.

PYTHON ?= python3
ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
RUN := $(BIN)/python
PYTEST := $(RUN) -m pytest --durations=5
# Two cores: one test process each, and a third where tests wait for processes more than they compute.
FAST := not media and not cluster and not browser and not bench

# Bytecode is kept whatever the shell says: hundreds of processes are started from the same sources.
unexport PYTHONDONTWRITEBYTECODE

SHELL := /bin/sh
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup demo serve doctor test fast slow check fmt lock wheel bench shots clean

help: ## list what there is
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

# --- setup: stamps stand inside what they vouch for, so that they go with it ---

WEB_SOURCES := $(shell find web -type f 2>/dev/null)

setup: $(VENV)/.installed node_modules/.installed expo/edge/web/.built ## install what the locks name and build the pages
	@:

$(VENV)/.uv: tools/uv.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "Python 3.11 or newer is needed; say which: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@echo "== 1/4 a virtual environment, and uv in it"
	@test -x $(RUN) || $(PYTHON) -m venv $(VENV) || \
	    { rm -rf $(VENV); echo "Python's venv is missing: apt-get install python3-venv" >&2; exit 1; }
	@$(RUN) -m pip install --quiet --disable-pip-version-check --require-hashes -r tools/uv.lock
	@touch $@

$(VENV)/.installed: $(VENV)/.uv requirements.lock pyproject.toml
	@echo "== 2/4 Python packages, by their hashes"
	@$(UV) pip sync --python $(RUN) --require-hashes --compile-bytecode requirements.lock
	@$(UV) pip install --python $(RUN) --no-deps -e .
	@touch $@

node_modules/.installed: package.json package-lock.json
	@command -v npm >/dev/null && node -e 'process.exit(Number(process.versions.node.split(".")[0]) < 20 ? 1 : 0)' || \
	    { echo "Node.js 20 or newer with npm is needed (on Debian 13: apt-get install nodejs npm)" >&2; exit 1; }
	@echo "== 3/4 Node packages, by their hashes"
	@npm ci --no-audit --no-fund --loglevel=error
	@touch $@

expo/edge/web/.built: node_modules/.installed $(WEB_SOURCES)
	@echo "== 4/4 the pages"
	@npm run --silent build -- --logLevel warn
	@touch $@

# --- run ---

# The launcher lets it end with make, whatever ends that.
demo: setup ## a sample expo, on air now: make demo ARGS="--port 8080 --workers 1 --ready-file ready.json"
	@exec $(RUN) -I -S expo/kit/launch.py $$PPID $(RUN) -m expo demo $(ARGS)

serve: setup ## the server, with settings from EXPO_*
	@exec $(RUN) -m expo serve

doctor: setup ## what is wrong with this machine and what to do
	@exec $(RUN) -m expo doctor

# --- test ---

test: setup packages check fast slow ## every check and every test

.PHONY: packages
packages:
	@tools/system_packages.sh test

fast: setup ## tests that need no process, no socket and no browser
	@echo "== tests: fast"
	@$(PYTEST) -n 2 --dist worksteal -m "$(FAST)" $(ARGS)

slow: setup packages ## tests with real media, processes and browsers
	@echo "== tests: media, processes and databases"
	@$(PYTEST) -n 3 --dist worksteal -m "(media or cluster) and not browser and not bench" $(ARGS)
	@echo "== tests: pages, pictures and sound in browsers"
	@$(PYTEST) -n 2 --dist loadfile -m "browser and not bench" $(ARGS)

.PHONY: chaos
chaos: setup ## thousands of random histories of owners, a hundred killed recordings: make chaos HISTORIES=50000 KILLS=500
	@EXPO_HISTORIES=$(or $(HISTORIES),10000) $(PYTEST) -n 2 --timeout 7200 tests/rooms/test_histories.py $(ARGS)
	@EXPO_KILLS=$(or $(KILLS),100) $(PYTEST) --timeout 7200 -rP tests/media/recording/test_killed.py $(ARGS)

check: setup ## style, types, architecture, lengths, documents, pages
	@echo "== check: ruff"
	@$(BIN)/ruff format --check --quiet . || { $(BIN)/ruff format --diff . ; exit 1; }
	@$(BIN)/ruff check --quiet .
	@echo "== check: architecture"
	@$(BIN)/lint-imports
	@echo "== check: file lengths"
	@$(RUN) tools/check_lengths.py
	@echo "== check: settings in the documents"
	@$(RUN) tools/settings_table.py --check docs/operations.md README.md
	@echo "== check: wire types"
	@$(RUN) tools/wire_types.py --check
	@echo "== check: pyright beside biome, tsc and vitest"
	@node_modules/.bin/pyright & types=$$!; npm run --silent check; pages=$$?; wait $$types && exit $$pages

fmt: setup ## format the sources
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .
	@node_modules/.bin/biome check --write web
	@$(RUN) tools/settings_table.py docs/operations.md README.md

lock: $(VENV)/.uv ## resolve the Python packages again, within pyproject.toml
	@$(UV) pip compile --python $(RUN) --universal --generate-hashes --no-header --no-annotate --extra dev \
	    pyproject.toml -o requirements.lock --quiet

wheel: setup ## a wheel with the pages inside, into dist/
	@$(UV) build --quiet --wheel --out-dir dist

# --- measure, show ---

bench: setup ## measure: make bench ARGS="fanout --viewers 50 --against janus"
	@tools/system_packages.sh bench
	@exec $(RUN) -m tests.bench $(ARGS)

shots: setup ## screenshots of changed pages into shots/; ALL=1 of all
	@exec $(RUN) -m tests.browser.shots $(if $(ALL),--all) $(ARGS)

clean: ## remove what setup and the tests made (not data/ and recordings/)
	rm -rf $(VENV) node_modules expo/edge/web dist shots .pytest_cache .ruff_cache .hypothesis .import_linter_cache
