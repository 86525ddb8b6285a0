# Every command that the README names. VENV, HOST, PORT and DATA can be set: make serve HOST=0.0.0.0 PORT=8080
VENV ?= .venv
PORT ?= 3000
HOST ?= 127.0.0.1
DATA ?= data
PROFILE ?= smoke
MINUTES ?= 10
PYTHON ?= python3
BIN := $(abspath $(VENV))/bin
SERVING := $(VENV)/.serving
LOADING := $(VENV)/.loading
EVERYTHING := $(VENV)/.everything

.PHONY: install serve test fuzz lint types train ablate export evaluate baselines bench soak chaos docs examples screenshots image up clean bench-http load load-compare

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(SERVING): requirements/serve.txt requirements/client.txt requirements/lock.txt pyproject.toml | $(BIN)/python
	$(BIN)/pip install --quiet --constraint requirements/lock.txt --editable .
	touch $@

$(LOADING): requirements/load.txt requirements/lock.txt | $(BIN)/python
	$(BIN)/pip install --quiet --constraint requirements/lock.txt --requirement requirements/load.txt
	touch $@

$(EVERYTHING): requirements/serve.txt requirements/client.txt requirements/tracing.txt requirements/train.txt requirements/load.txt requirements/dev.txt requirements/lock.txt pyproject.toml | $(BIN)/python
	$(BIN)/pip install --quiet --constraint requirements/lock.txt --editable ".[train,tracing,load,dev]"
	touch $@ $(SERVING) $(LOADING)

install: $(EVERYTHING) ## Install all that training and the tests need, too

serve: $(SERVING) ## Serve the models in bundles/ on PORT
	exec $(BIN)/seqserve serve --host $(HOST) --port $(PORT)

test: $(EVERYTHING) ## Run all tests
	$(BIN)/python -m pytest

fuzz: $(EVERYTHING) ## Send bundles/ requests made up from /docs.json; EXAMPLES=2000, SECONDS=600, or URL=... of a server
	$(BIN)/python -m tests.fuzzing $(if $(EXAMPLES),--examples $(EXAMPLES)) $(if $(SECONDS),--seconds $(SECONDS)) \
	$(if $(URL),--url $(URL))

lint: $(EVERYTHING) ## Check style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(EVERYTHING) ## Check types
	$(BIN)/mypy

# Otherwise large tensors go back to the system and come again at every step. Waiting threads do not spin, so
# that other work on the machine goes on.
TRAINING := MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=100000000000 MALLOC_TOP_PAD_=268435456 \
	OMP_WAIT_POLICY=PASSIVE GOMP_SPINCOUNT=0

train: $(EVERYTHING) ## Train RECIPE on the data sets in DATA; resumes
	$(TRAINING) $(BIN)/seqserve train $(RECIPE) --data $(DATA)

ablate: $(EVERYTHING) ## Train the variants that RECIPE names, for the table of its card; resumes
	$(TRAINING) $(BIN)/seqserve ablate $(RECIPE) --data $(DATA)

export: $(EVERYTHING) ## Turn the run of RECIPE into a bundle
	$(BIN)/seqserve export $(RECIPE) --data $(DATA)

evaluate: $(EVERYTHING) ## Measure BUNDLE on its test sets; fails unless its figures come out again
	$(BIN)/seqserve evaluate $(BUNDLE) --data $(DATA)

baselines: $(EVERYTHING) ## Put what one would try before RECIPE beside its bundle, in docs/benchmarks.md
	$(BIN)/seqserve baselines $(RECIPE) --data $(DATA) --update docs/benchmarks.md

bench: $(EVERYTHING) ## Time the bundles beside CTranslate2 and torch, into docs/benchmarks.md; QUICK=1 only shows
	$(BIN)/seqserve bench --data $(DATA) $(if $(QUICK),--quick,--update docs/benchmarks.md)

soak: $(EVERYTHING) ## Serve under mixed load for MINUTES and see whether memory stays flat, into docs/operations.md
	$(BIN)/seqserve soak --minutes $(MINUTES) --update docs/operations.md

chaos: $(EVERYTHING) ## Kill, stop and restart processes under load and see what is lost, into docs/operations.md
	$(BIN)/seqserve chaos --update docs/operations.md

docs: $(EVERYTHING) ## Write the tables of docs/operations.md anew from the code
	$(BIN)/seqserve reference --update docs/operations.md

examples: $(EVERYTHING) ## Ask bundles/ the examples of /docs.json and write their answers anew
	$(BIN)/python -m tests.examples

screenshots: $(EVERYTHING) ## Take the pictures of the demo page in docs/images anew; needs Chromium
	$(BIN)/python -m tests.page.screenshots

bench-http: $(EVERYTHING) ## Time the server beside the runtime alone, into docs/benchmarks-http.md; QUICK=1 only shows
	$(BIN)/seqserve bench-http --data $(DATA) $(if $(QUICK),--quick,--update docs/benchmarks-http.md)

image: ## Build the image seqserve:latest with Docker
	docker build --tag seqserve:latest --build-arg REVISION=$$(git rev-parse HEAD 2>/dev/null || echo unknown) .

up: ## Start the service, Prometheus and Grafana with Docker; docs/deployment.md
	docker compose up --build

load: $(LOADING) ## Send the traffic of PROFILE to the server at HOST and judge it; TASK, RATE, SECONDS, SEED, CPUS, PLOTS=1
	$(BIN)/python -m loadtest run $(PROFILE) --host $(if $(findstring ://,$(HOST)),$(HOST),http://$(HOST):$(PORT)) \
	$(if $(TASK),--task $(TASK)) $(if $(RATE),--rate $(RATE)) $(if $(SECONDS),--seconds $(SECONDS)) \
	$(if $(SEED),--seed $(SEED)) $(if $(CPUS),--cpus $(CPUS)) $(if $(PLOTS),--plots)

load-compare: $(LOADING) ## Show what changed from the report in A to the one in B; OUT=page.html
	$(BIN)/python -m loadtest compare $(A) $(B) $(if $(OUT),--out $(OUT))

clean: ## Remove what the other commands made, bundles and runs aside
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis build *.egg-info
