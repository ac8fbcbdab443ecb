# make study   make the environment if need be, then run the main study's small form: a table, a page
# make test    make the environment if need be, then run the tests (make test-all: the slow ones too;
#              make test-clusters: of those, a minute with workers that are killed)
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DEV := $(VENV)/.ready-dev
CLUSTERS := $(VENV)/.ready-clusters
INSTALL := PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt \
	$(BIN)/python -m pip install --quiet --editable

.DEFAULT_GOAL := help
.PHONY: help study test test-clusters test-all lint docs bench clean

help:
	@sed -n 's/^# //p' Makefile
	@echo "make lint    style, types, imports     make bench   ours against its peers"
	@echo "make docs    the documentation site, in build/site"

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "chainrule needs Python 3.11 or newer: make PYTHON=python3.11 …" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) .
	@# where Python is told to write no bytecode, each process would compile the sources anew
	@$(BIN)/python -m compileall -q src
	@echo "building the kernel for small nets, once on this machine"
	-@$(BIN)/python -c 'from chainrule.train import build_kernel; build_kernel()'
	@touch $@

$(DEV): $(READY)
	$(INSTALL) '.[dev]'
	@touch $@

$(CLUSTERS): $(DEV)
	$(INSTALL) '.[clusters]'
	@touch $@

study: $(READY)
	$(BIN)/chainrule run pairs-depth --quick
	$(BIN)/chainrule report pairs-depth-quick

test: $(DEV)
	$(BIN)/python -m pytest -n auto -m 'not slow' --cov --cov-report=term

test-clusters: $(DEV)
	$(BIN)/python -m pytest -n auto -m slow tests/study/execution/test_clusters.py

test-all: $(CLUSTERS)
	$(BIN)/python -m pytest -n auto --cov --cov-report=term

lint: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

docs: $(DEV)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

bench: $(READY)
	$(INSTALL) '.[bench]'
	$(BIN)/python -m benchmarks all --json build/bench.json
	$(BIN)/python -m benchmarks table build/bench.json

clean:
	rm -rf $(VENV) build dist
