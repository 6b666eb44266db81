# What one does here. Each target sets up what it needs; `make demo` and `make test` work alone on a fresh clone.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help

.PHONY: help
help:  ## what one can do here
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# pip says a line or two for every package, and nothing in the minute in which it unpacks. This keeps one line for every
# twenty packages and every error; the rest is in the log.
LOG := $(VENV)/install.log
progress = 2>&1 | tee -a $(LOG) | awk '/^Collecting|^Requirement already/ {if (++n % 20 == 0) {print "  " n " packages so far"; fflush()}} \
  /^Installing collected/ {print "  unpacking (about a minute)"; fflush()} \
  /^ *ERROR|^error:/ {print; print "  more in $(LOG)"; fflush()}'

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit("riskscore needs Python 3.11 or newer; this is " + sys.version.split()[0] + \
	  ". Name another one: make PYTHON=python3.12") if sys.version_info < (3, 11) else None'
	@echo "Making $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: requirements.lock pyproject.toml | $(BIN)/python
	@echo "Installing $$(grep -c '^[a-zA-Z0-9].*==' $<) locked packages, each checked against its hash (about two minutes) ..."
	@$(BIN)/python -m pip install --require-hashes -r $< $(progress)
	@$(BIN)/python -m pip install --no-deps --no-build-isolation --editable . $(progress)
	@touch $@

$(VENV)/.dev: requirements-dev.lock pyproject.toml | $(BIN)/python
	@echo "Installing $$(grep -c '^[a-zA-Z0-9].*==' $<) locked packages, each checked against its hash (about three minutes) ..."
	@$(BIN)/python -m pip install --require-hashes -r $< $(progress)
	@$(BIN)/python -m pip install --no-deps --no-build-isolation --editable . $(progress)
	@touch $(VENV)/.runtime $@

$(VENV)/.bench: requirements-bench.lock $(VENV)/.dev
	@echo "Installing the peers that the benchmarks compare with ..."
	@$(BIN)/python -m pip install --require-hashes -r $< $(progress)
	@touch $@

.PHONY: install
install: $(VENV)/.runtime  ## set up .venv with what the product needs

.PHONY: demo
demo: $(VENV)/.runtime  ## the whole path on an invented company: simulate, ingest, train, score, report
	@$(BIN)/riskscore demo

.PHONY: serve
serve: $(VENV)/.runtime  ## answer scores over HTTP on this machine, from the demo's book
	@cd demo && ../$(BIN)/riskscore serve --book book

# A file is run by one process, in its order: companies made for a file are made once, and a test may go on where another stopped.
.PHONY: test
test: $(VENV)/.dev  ## the whole test suite, slow and browser tests included
	@$(BIN)/python -m pytest -n $(or $(JOBS),2) --dist loadfile

.PHONY: hunt
hunt: $(VENV)/.dev  ## the property tests on examples never drawn before: SEED=7 draws them again
	@$(BIN)/python -m pytest -n $(or $(JOBS),2) --dist loadfile --hypothesis-profile=hunt $(if $(SEED),--hypothesis-seed=$(SEED)) tests/property

.PHONY: check
check: $(VENV)/.dev  ## lint, format, types, architecture, locks, stray addresses
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python -m pytest -q tests/integration/test_architecture_tree.py tests/integration/test_architecture_layers.py

.PHONY: docs
docs: $(VENV)/.dev  ## write the reference pages from the code
	@$(BIN)/python docs/generate.py

.PHONY: bench
bench: $(VENV)/.bench  ## the benchmarks, stages and ratios printed
	@for file in benchmarks/bench_*.py; do echo "== $$file"; $(BIN)/python $$file; done

.PHONY: bench-model
bench-model: $(VENV)/.bench  ## how good the model is: every figure beside its floor and its peers
	@$(BIN)/python benchmarks/bench_model.py

# Extras stay in the locks: without them pip looks for the newest release of `name[extra]` first, and its hash is not in the lock.
COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-emit-index-url --no-header
.PHONY: lock
lock: $(VENV)/.dev  ## renew the locks; UPGRADE=1 takes newer versions
	@$(COMPILE) $(if $(UPGRADE),--upgrade) --extra build --extra train --extra serve --extra postgres \
	  pyproject.toml -o requirements.lock
	@$(COMPILE) $(if $(UPGRADE),--upgrade) --extra build --extra train --extra serve --extra postgres --extra test --extra check \
	  -c requirements.lock pyproject.toml -o requirements-dev.lock
	@$(COMPILE) $(if $(UPGRADE),--upgrade) --extra bench -c requirements-dev.lock pyproject.toml -o requirements-bench.lock
