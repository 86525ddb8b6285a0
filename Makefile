# Commands for users and developers; `make` lists them. Set VENV, HOST, PORT and DATA like this: make serve HOST=0.0.0.0 PORT=8080
VENV ?= .venv
PORT ?= $(or $(SEQSERVE_PORT),3000)
HOST ?= $(or $(SEQSERVE_HOST),127.0.0.1)
DATA ?= data
PROFILE ?= smoke
MINUTES ?= 10
PYTHON ?= python3
BIN := $(abspath $(VENV))/bin
SERVING := $(VENV)/.serving
LOADING := $(VENV)/.loading
IMPORTING := $(VENV)/.importing
EVERYTHING := $(VENV)/.everything
PIP := $(BIN)/pip --disable-pip-version-check install --progress-bar off --constraint requirements/lock.txt
# One line per package instead of pip's own output, which has several.
PACKAGES := { grep --line-buffered -Eo '^(Collecting [^ ]+|Installing collected packages|Successfully installed|ERROR.*)' || true; }

# Check before anything is installed that the variables of a target are set.
require = $(if $($(1)),,$(foreach goal,$(filter $(3),$(MAKECMDGOALS)),$(error $(1) is missing: make $(goal) $(1)=$(2))))
$(call require,RECIPE,recipes/ner-en.toml,train ablate export baselines)
$(call require,BUNDLE,bundles/ner-en,evaluate)

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: hashes help install serve import test fuzz lint types train ablate export evaluate baselines bench soak chaos docs examples screenshots image up clean bench-http load

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

$(BIN)/python:
	@command -v $(PYTHON) > /dev/null || { echo "$(PYTHON) is missing: install Python 3.11 or later, or set PYTHON"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$$($(PYTHON) --version) is too old: set PYTHON to 3.11 or later"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(SERVING): requirements/serve.txt requirements/client.txt requirements/lock.txt pyproject.toml | $(BIN)/python
	@echo "Installing into $(VENV), once; this takes up to three minutes"
	@set -o pipefail; $(PIP) --editable ".[serve]" | $(PACKAGES)
	@touch $@

$(LOADING): requirements/load.txt requirements/lock.txt | $(BIN)/python
	@echo "Installing the load generator into $(VENV), once"
	@set -o pipefail; $(PIP) --requirement requirements/load.txt | $(PACKAGES)
	@touch $@

$(IMPORTING): requirements/serve.txt requirements/client.txt requirements/import.txt requirements/lock.txt pyproject.toml | $(SERVING)
	@echo "Installing what seqserve import needs into $(VENV), once"
	@set -o pipefail; $(PIP) --editable ".[serve,import]" | $(PACKAGES)
	@touch $@

$(EVERYTHING): requirements/serve.txt requirements/client.txt requirements/tracing.txt requirements/import.txt requirements/train.txt requirements/load.txt requirements/dev.txt requirements/lock.txt pyproject.toml | $(BIN)/python
	@echo "Installing everything into $(VENV), once; torch is large, so this takes several minutes"
	@set -o pipefail; $(PIP) --editable ".[serve,import,train,tracing,load,dev]" | $(PACKAGES)
	@touch $@ $(SERVING) $(LOADING) $(IMPORTING)

install: $(EVERYTHING) ## Install everything that training and the tests need, too

serve: $(SERVING) ## Install once, then serve the models in bundles/ on PORT
	@exec $(BIN)/seqserve serve --host $(HOST) --port $(PORT)

import: $(IMPORTING) ## Install what `seqserve import` needs; no torch

test: $(EVERYTHING) ## Run all tests
	$(BIN)/python -m pytest

fuzz: $(EVERYTHING) ## Fuzz bundles/ in both topologies, SECONDS=600 each; EXAMPLES=2000, or URL=... of a server
	$(BIN)/python -m tests.fuzzing $(if $(EXAMPLES),--examples $(EXAMPLES)) $(if $(SECONDS),--seconds $(SECONDS)) \
	$(if $(URL),--url $(URL))

lint: $(EVERYTHING) ## Check style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(EVERYTHING) ## Check types
	$(BIN)/mypy

train: $(EVERYTHING) ## Train RECIPE on the data sets in DATA; resumes
	$(BIN)/seqserve train $(RECIPE) --data $(DATA)

ablate: $(EVERYTHING) ## Train the variants listed in RECIPE, for the table of its card; resumes
	$(BIN)/seqserve dev ablate $(RECIPE) --data $(DATA)

export: $(EVERYTHING) ## Export the finished run of RECIPE as a bundle; UNFINISHED=1 for one that was stopped
	$(BIN)/seqserve export $(RECIPE) --data $(DATA) $(if $(UNFINISHED),--unfinished)

evaluate: $(EVERYTHING) ## Evaluate BUNDLE on its test sets; fails if the metrics differ from the manifest
	$(BIN)/seqserve evaluate $(BUNDLE) --data $(DATA)

baselines: $(EVERYTHING) ## Compare the bundle of RECIPE with simpler methods, in docs/benchmarks.md
	$(BIN)/seqserve dev baselines $(RECIPE) --data $(DATA) --update docs/benchmarks.md

bench: $(EVERYTHING) ## Compare the bundles with CTranslate2 and torch, in docs/benchmarks.md; QUICK=1 only shows
	$(BIN)/seqserve dev bench --data $(DATA) $(if $(QUICK),--quick,--update docs/benchmarks.md)

soak: $(EVERYTHING) ## Serve under the load profile soak for MINUTES and check that memory stays flat, in docs/operations.md
	$(BIN)/seqserve dev soak --minutes $(MINUTES) --update docs/operations.md

chaos: $(EVERYTHING) ## Inject faults under load, misuse and overload; count lost requests, in docs/operations.md
	$(BIN)/seqserve dev chaos --update docs/operations.md

docs: $(EVERYTHING) ## Regenerate the tables of settings, metrics and recipe keys in docs/ from the code
	$(BIN)/seqserve dev reference --update docs/operations.md
	$(BIN)/seqserve dev reference --update docs/training.md

hashes: ## Rewrite requirements/serve-hashes.txt after a change of serve.txt or lock.txt; needs the package index
	@tools=$$(mktemp -d) && trap 'rm -rf "$$tools"' EXIT && $(PYTHON) -m venv $$tools && $$tools/bin/pip install --quiet uv==0.13.9 \
	&& $$tools/bin/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-annotate \
	--custom-compile-command "make hashes" --constraint requirements/lock.txt requirements/serve.txt --output-file requirements/serve-hashes.txt

examples: $(EVERYTHING) ## Regenerate the example answers of /docs.json with the models in bundles/
	$(BIN)/python -m tests.examples

screenshots: $(EVERYTHING) ## Regenerate the pictures of the demo page in docs/images; needs Chromium
	$(BIN)/python -m tests.page.screenshots

bench-http: $(EVERYTHING) ## Compare the server with the bare runtime, in docs/benchmarks.md; QUICK=1 only shows
	$(BIN)/seqserve dev bench-http --data $(DATA) $(if $(QUICK),--quick,--update docs/benchmarks.md)

image: ## Build the image seqserve:latest with Docker; BASE=image@sha256:... for another base
	@command -v docker > /dev/null || { echo "docker is missing: install Docker Engine"; exit 1; }
	docker build --tag seqserve:latest $(if $(BASE),--build-arg BASE=$(BASE)) --build-arg REVISION=$$(git rev-parse HEAD 2>/dev/null || echo unknown) .

up: ## Start the service, Prometheus and Grafana with Docker; docs/deployment.md
	@docker compose version > /dev/null 2>&1 || { echo "docker compose is missing: install Docker Engine with the compose plugin"; exit 1; }
	docker compose up --build

load: $(LOADING) ## Run the load test PROFILE against the server at HOST; TASK, RATE, SECONDS, SEED
	$(BIN)/python -m loadtest run $(PROFILE) --host $(if $(findstring ://,$(HOST)),$(HOST),http://$(HOST):$(PORT)) \
	$(if $(TASK),--task $(TASK)) $(if $(RATE),--rate $(RATE)) $(if $(SECONDS),--seconds $(SECONDS)) \
	$(if $(SEED),--seed $(SEED))

clean: ## Remove the virtual environment, caches and build outputs; bundles and runs stay
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis build *.egg-info
