# Every target sets up what it needs; all of it stays in .venv and var.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
LOCK := requirements.lock

.DEFAULT_GOAL := help
.PHONY: help setup models image run wheel test test-all lint lock clean

help:  ## say what there is
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: .venv/.ready  ## make the virtual environment

.venv/.ready: pyproject.toml $(LOCK) functions/requirements.txt scripts/setup.sh
	@scripts/setup.sh $(PYTHON) $(LOCK)
	@touch $@

models: var/models/.ready  ## write the model files of the demo functions

var/models/.ready: .venv/.ready functions/prepare.py
	@echo "== model files in var/models"
	@$(BIN)/python functions/prepare.py --models var/models
	@touch $@

image:  ## the base image of containers, for the engine of DOCKER_HOST
	@executor/runtimes/image/build.sh var/image

run: models  ## the main job: one real workload, without and with pre-loading
	@$(BIN)/headstart demo --out out/demo $(ARGS)

wheel: setup  ## a wheel whose controller is compiled, for faster replays, in out/wheel
	@scripts/wheel.sh out/wheel

test: models  ## lint, types, layers and all tests but the slow ones
	@scripts/test.sh -m "not slow" $(ARGS)

test-all: models  ## the same with the slow tests
	@scripts/test.sh $(ARGS)

lint: setup  ## ruff, mypy and the import layers
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

lock: setup  ## resolve the dependencies anew
	@$(BIN)/python -m pip install --quiet pip-tools
	@$(BIN)/pip-compile --quiet --strip-extras --no-emit-index-url --no-emit-trusted-host \
		--no-emit-find-links --no-annotate --no-header --all-extras --output-file $(LOCK) pyproject.toml
	@sed -i 's/^\(torch==[^+]*\)+cpu$$/\1/' $(LOCK)

clean:  ## remove all that set-up and runs have made
	rm -rf .venv var out .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
