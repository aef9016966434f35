# What people run. `make` alone lists it. Everything goes into .venv and var; nothing else is touched.

PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --no-input -c infra/constraints.txt
ARGS ?=
# Both databases; two tests at a time, those of a file one after another. What is given by ARGS comes last and wins.
PYTEST := $(BIN)/python -m pytest --database both --numprocesses 2 --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo up test check fix pytest chromium clean

help: ## List the targets
	@echo "Assay: competence proved by evidence. Targets:"
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' Makefile

setup: .venv/.runtime .venv/.media .venv/.speech ## Make .venv with all that Assay needs to run

demo: setup ## Everything on this machine, with people, recordings and results (ARGS="--port 9000")
	@exec $(BIN)/assay demo $(ARGS)

up: setup ## The same without demonstration data (ARGS="--port 9000 --data DIR")
	@exec $(BIN)/assay up $(ARGS)

test: .venv/.test .venv/.media .venv/.speech .venv/.npm chromium ## All checks, then all tests with real parts
	@$(MAKE) --no-print-directory check pytest

check: .venv/.test ## Lint, types, import directions, templates
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/djlint --lint --quiet templates

fix: .venv/.test ## Put right what the tools can put right
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

pytest: .venv/.test ## The tests alone (ARGS="tests/storage -k cors")
	$(PYTEST) $(ARGS)

clean: ## Remove .venv and what the tools keep; your data in var stays
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

# --- what the targets above stand on; each file is a stamp, so that a second run is quick ---------------------

.venv/.made:
	@test -n "$(PYTHON)" || { echo "Assay needs Python 3.11 or newer; no such python3 was found on the PATH." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) can't make virtual environments. On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@echo "Making .venv with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv .venv
	@touch $@

.venv/.runtime: pyproject.toml infra/constraints.txt | .venv/.made
	@echo "Installing what Assay runs on (README says what and how large; some minutes the first time)"
	@$(PIP) -e .
	@touch $@

.venv/.test: pyproject.toml infra/constraints.txt | .venv/.made
	@echo "Installing what Assay and its tests run on (some minutes the first time)"
	@$(PIP) -e '.[test]'
	@touch .venv/.runtime $@

.venv/.media: .venv/.runtime
	@$(BIN)/python -m workers.doctor --only media
	@touch $@

.venv/.speech: .venv/.runtime
	@$(BIN)/python -m workers.speech.weights
	@touch $@

# Only tests need these: axe-core, and a verifier of credentials that others wrote. Without npm such tests are skipped.
.venv/.npm: infra/web/package-lock.json infra/verify/package-lock.json | .venv/.made
	@if command -v npm >/dev/null; then \
		for folder in infra/web infra/verify; do (cd $$folder && npm ci --silent --no-audit --no-fund) || exit 1; done; \
	else echo "npm was not found: tests with axe-core and with the outside verifier will be skipped."; fi
	@touch $@

chromium:
	@command -v chromium chromium-browser google-chrome >/dev/null || { \
		test "$$(id -u)" = 0 && command -v apt-get >/dev/null && \
		echo "Installing Chromium for the tests" && apt-get update -qq && apt-get install -y -qq chromium >/dev/null; } || { \
		echo "The tests drive Chromium and none was found. Install it (Debian: apt-get install chromium)." >&2; exit 1; }
