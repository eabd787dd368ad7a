# Each target does all of its own set-up: packages (as root), the environment in .venv, the build.

VENV := .venv
BIN := $(VENV)/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
JOBS ?= 2
# Most tests wait for a network, not for a processor.
WORKERS ?= 4
# The analysis' fixtures are source as it comes.
C_FILES = $(shell git ls-files '*.c' '*.h' ':!tests/porting/fixtures')

.DEFAULT_GOAL := help
.PHONY: help setup setup-test setup-verify setup-lint native demo test verify fresh bench benchmarks check format docs clean

help:
	@echo 'make demo     two hosts, unmodified wget, memcached and iperf by service name'
	@echo 'make test     everything that must hold, in short form; ends with the summary of pytest'
	@echo 'make verify   the full forms, resumable; writes verify.json'
	@echo 'make fresh    make demo and make test of HEAD on a bare Debian 12 below build/; needs root'
	@echo 'make bench    all figures beside TCP and UDP in under five minutes, no verdicts'
	@echo 'make benchmarks  all of them twice, free and on one CPU, for docs/benchmarks.md and its plots'
	@echo 'make check    formatters, linters, types, documentation with warnings as errors'
	@echo 'make format   what make check would complain about and a tool can mend'
	@echo 'make docs     the documentation, in build/docs'
	@echo 'make clean    removes build/ and .venv'

# What is needed for one purpose and no more.
setup:
	@.ci/setup --profile demo

setup-test:
	@.ci/setup --profile test

setup-verify:
	@.ci/setup --profile verify

setup-lint:
	@.ci/setup --profile lint

# The C parts with sanitizers: unit tests, simulations and the fuzzers' corpora; run from pytest.
native: setup-test
	@cmake --preset dev -Wno-dev >build/configure.log 2>&1 || { cat build/configure.log; exit 1; }
	@cmake --build build/dev -j $(JOBS)

demo: setup
	@$(BIN)/python tests/e2e/demo.py

test: native
	$(BIN)/python -m pytest -m 'not full' -n $(WORKERS) $(PYTEST_ARGS)

verify: setup-verify native
	$(BIN)/python -m pytest -m full tests/verify $(PYTEST_ARGS)

fresh:
	@.ci/fresh

bench: setup
	$(BIN)/scaffold bench all

# What it measures is kept beside the page, which can be written anew from it. On a machine that has
# something else to do, MAX_LOAD=100 takes figures that are worth as much.
BENCHMARKS = docs/benchmarks
MAX_LOAD ?= 1.5
define measured
	$(BIN)/scaffold bench $(2) --max-load $(MAX_LOAD) --json >$(BENCHMARKS)/$(1).new
	mv $(BENCHMARKS)/$(1).new $(BENCHMARKS)/$(1).json
endef
benchmarks: setup-test
	mkdir -p $(BENCHMARKS)
	$(call measured,free,all --runs 10)
	$(call measured,pinned,all --runs 20 --seconds 0.2 --pin)
	$(call measured,shaped,throughput --runs 10 --shape 1gbit)
	$(BIN)/python -m scaffold.bench.page docs/benchmarks.md

check: setup-lint
	clang-format --dry-run -Werror $(C_FILES)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/sphinx-build -q -W -b html docs build/docs

format: setup-lint
	clang-format -i $(C_FILES)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: setup-lint
	$(BIN)/sphinx-build -q -W -b html docs build/docs
	@echo 'build/docs/index.html'

clean:
	rm -rf build $(VENV) .demo .verify
