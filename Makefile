# One venv, two commands. `make help` lists the targets.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help install demo test lint bench clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

$(BIN)/.installed: pyproject.toml constraints.txt
	@command -v npm >/dev/null || { echo "npm is needed: it downloads networks and photographs (no JavaScript is run)."; \
	  echo "Debian, Ubuntu: sudo apt-get install npm    macOS: brew install node"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' || \
	  { echo "Python 3.10 to 3.13 is needed; name one with: make PYTHON=python3.11 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

install: $(BIN)/.installed ## create .venv and install the pinned dependencies

demo: install ## obtain networks and photographs, build the pair, run the gate, write demo/
	@$(BIN)/python -m edge demo --out demo

lint: install ## formatting, lint, types, import rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: lint ## lint and all tests
	$(BIN)/python -m pytest

bench: install ## time the hot paths
	$(BIN)/python -m pytest tests/bench/bench_hot_paths.py -p no:randomly

services: ## install the Debian packages that the tests of cameras and sinks use (needs root)
	apt-get update -qq
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
	  $$(grep -v '^#' tests/apt-packages.txt) >/dev/null

clean: ## remove the venv and everything the demo made
	rm -rf $(VENV) demo pairs
