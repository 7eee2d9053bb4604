# `make` lists the targets.
.DEFAULT_GOAL := help
SHELL := bash
.SHELLFLAGS := -o pipefail -c
# Each process would compile each module that it imports anew: half of the time that the tests take.
unexport PYTHONDONTWRITEBYTECODE
.PHONY: help setup setup-embedded demo test test-fast test-embedded test-spark prove check lint format docs coverage wheel lock bench clean check-airflow cluster-demo object-store-demo

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV_VERSION := 0.13.9
RESOLVE = $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --quiet
AIRFLOW_VERSION := 3.3.2

ENGINE ?= embedded
COVERAGE_ENGINES ?= embedded
DATA ?=
ROOT ?= demo-output
HISTORIES ?= 300
SEED ?= 0

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup: $(VENV)/.ready $(VENV)/.spark-ready $(VENV)/.browser-ready $(VENV)/.object-store-ready ## make .venv with the locked dependencies, and prepare the Spark engine (Java 17 or 21, Delta's jars)

setup-embedded: $(VENV)/.runtime-ready ## make .venv with what the pipeline needs on the embedded engine: no Java, no test tools

# uv and the build backend first: they install the rest.
$(VENV)/.runtime-ready: tools/locks/setup.lock tools/locks/runtime.lock tools/install.sh pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))' || \
	  { echo "creatorpool needs Python 3.11 or 3.12; found $$($(PYTHON) --version). Set PYTHON=python3.11." >&2; exit 1; }
	@echo "Sets up $(VENV): the pipeline and the embedded engine"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --require-hashes --requirement tools/locks/setup.lock
	@tools/install.sh $(VENV) tools/locks/runtime.lock
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.ready: $(VENV)/.runtime-ready requirements.lock
	@echo "Sets up $(VENV): Spark and the tools of tests"
	@tools/install.sh $(VENV) requirements.lock
	@touch $@

$(VENV)/.spark-ready: $(VENV)/.ready tools/setup_spark.sh tools/resolve_delta_jars.py
	@tools/setup_spark.sh $(VENV)
	@touch $@

$(VENV)/.browser-ready: $(VENV)/.ready tools/setup_browser.sh
	@tools/setup_browser.sh
	@touch $@

$(VENV)/.object-store-ready: $(VENV)/.ready tools/setup_object_store.sh
	@tools/setup_object_store.sh $(VENV)
	@touch $@

$(VENV)/.s3-jars-ready: $(VENV)/.spark-ready tools/resolve_s3_jars.py
	$(BIN)/python -m tools.resolve_s3_jars
	@touch $@

demo: $(VENV)/.runtime-ready $(if $(filter spark,$(ENGINE)),$(VENV)/.spark-ready) ## run the night on made-up data (ENGINE=spark, DATA=../shared/data/kuairand)
	$(BIN)/python jobs/demo.py --engine $(ENGINE) --root $(ROOT) $(if $(DATA),--data $(DATA))

cluster-demo: $(VENV)/.ready $(VENV)/.spark-ready ## run the night on a standalone cluster on loopback that loses a worker midway, and compare the payouts
	$(BIN)/python -m tools.cluster_demo --root $(ROOT)

object-store-demo: $(VENV)/.ready $(VENV)/.object-store-ready $(VENV)/.s3-jars-ready ## run the night on an S3 server on loopback, on both engines, and compare the payouts
	$(BIN)/python -m tools.object_store_demo --root $(ROOT)

check-airflow: ## import the example DAG with a real Airflow, in a temporary environment
	home=$$(mktemp -d) && trap 'rm -rf "$$home"' EXIT && $(PYTHON) -m venv "$$home/venv" && \
	  "$$home/venv/bin/pip" install --quiet "apache-airflow==$(AIRFLOW_VERSION)" && \
	  AIRFLOW_HOME="$$home" "$$home/venv/bin/python" tools/check_airflow_dag.py

# Both suites print at once: the engine's name before each line of progress.
progress_of = sed -u '/%]$$/s/^/$(1) /'

test: setup ## set up and run all tests, on both engines, side by side
	@$(MAKE) --no-print-directory --jobs=2 test-embedded test-spark

test-embedded: $(VENV)/.ready $(VENV)/.browser-ready $(VENV)/.object-store-ready
	$(BIN)/pytest --engine embedded --junitxml=.pytest_cache/embedded.xml | $(call progress_of,embedded)

test-spark: $(VENV)/.ready $(VENV)/.spark-ready $(VENV)/.object-store-ready $(VENV)/.s3-jars-ready
	$(BIN)/pytest --engine spark -m engine --junitxml=.pytest_cache/spark.xml | $(call progress_of,spark)

test-fast: $(VENV)/.ready ## run the quick tests that start no engine
	$(BIN)/pytest --engine embedded -m "not engine and not once and not slow" --numprocesses 2 --dist loadfile

prove: setup ## run the long batteries (marked `prove`), on both engines (HISTORIES=30 SEED=4: a share of the books' histories)
	$(BIN)/pytest --prove --engine embedded --histories $(HISTORIES) --seed $(SEED)
	$(BIN)/pytest --prove --engine spark -m engine || test $$? -eq 5 # 5: no battery needs an engine

check: lint docs test-fast ## run before a commit: lint, types, docs, and the tests that start no engine

lint: $(VENV)/.ready ## check formatting, lint and types
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy

format: $(VENV)/.ready ## format the code and apply the linter's fixes
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

docs: $(VENV)/.ready ## build the documentation site into site/; a broken link or an undocumented name is an error
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs --quiet build

coverage: $(VENV)/.ready ## measure the share of lines and branches that the tests run, by package (COVERAGE_ENGINES="embedded spark")
	$(BIN)/python -m coverage erase
	for engine in $(COVERAGE_ENGINES); do $(BIN)/python -m coverage run -m pytest --engine $$engine \
	  $$(test $$engine = embedded || echo "-m engine") || exit 1; done
	$(BIN)/python -m tools.coverage_by_package

wheel: $(VENV)/.ready ## build the wheel, with conf/ and data_contracts/, into dist/
	$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .

lock: $(VENV)/.ready ## resolve requirements.lock and tools/locks again from pyproject.toml
	$(RESOLVE) --extra test --extra docs --extra bench --extra payments --extra rl --output-file requirements.lock pyproject.toml
	$(RESOLVE) --constraint requirements.lock --output-file tools/locks/runtime.lock pyproject.toml
	printf "uv==$(UV_VERSION)\nhatchling\n" | $(RESOLVE) --constraint requirements.lock --output-file tools/locks/setup.lock -

bench: setup ## run all benchmarks; each prints a table with its peers
	for script in benchmarks/*.py; do $(BIN)/python $$script || exit 1; done

clean: ## remove everything that the targets above made
	rm -rf $(VENV) $(ROOT) warehouse .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage* site dist spark-warehouse metastore_db derby.log
