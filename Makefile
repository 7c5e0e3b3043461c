# Every target does its own set-up. `make` alone lists them.
PYTHON ?= python3
VENV := .venv
BIN = $(VENV)/bin
LOCK := uv pip compile --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header --quiet

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev native demo test test-browser test-deploy release screenshots lint types layers services simulate bench bench-api bench-log chaos rolling upgrade docs fuzz lock clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1	\2/p' $(MAKEFILE_LIST) | expand -t 20

setup: ## make .venv with .venv/bin/hookline (needs only Python; instant when up to date)
	@$(PYTHON) make/environment.py requirements.lock

setup-dev: ## the same with what tests and lint need
	@$(PYTHON) make/environment.py requirements-dev.lock

native: setup-dev ## build the native step (Rust, native/) into .venv; without cargo everything works as it does
	@$(BIN)/python make/native.py build

demo: setup ## see it work, no Kafka or Redis needed (until Ctrl-C, or FOR=20s)
	@$(BIN)/hookline demo $(if $(FOR),--for $(FOR))

test: lint ## lint, then every test on a real Kafka and Redis
	@$(BIN)/python -m tests.services.needs
	@$(BIN)/python make/native.py test
	@$(BIN)/python make/suite.py

test-browser: setup-dev ## every page in a real Chromium: what people do there, axe, 320 px, hostile content
	@$(BIN)/python -m tests.services.needs --browser
	@$(BIN)/python -m pytest -q -m browser -n 2 --dist loadgroup tests/browser

test-deploy: setup-dev ## the Helm chart, rendered, against the schemas of four Kubernetes versions (needs Helm or Go)
	@$(BIN)/python -m make.deploy_tools
	@$(BIN)/python -m pytest -q -m deploy tests/deploy

release: setup-dev ## TAG=v0.1.0: wheel, sdist, chart, SBOM and checksums, made twice and compared, into dist/
	@$(BIN)/python -m make.release "$(TAG)"

screenshots: setup-dev ## the pictures of the pages in docs/pages, taken anew
	@$(BIN)/python -m tests.services.needs --browser
	@$(BIN)/python -m tests.browser.screenshots

lint: native ## ruff, mypy (strict) and import-linter; rustfmt and clippy where they are
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(MAKE) --no-print-directory -j 2 types layers
	@echo "lint: clean"

# Side by side: neither fills two cores.
types: setup-dev ## mypy alone
	@$(BIN)/mypy

layers: native ## import-linter, rustfmt and clippy alone
	@$(BIN)/lint-imports
	@$(BIN)/python make/native.py lint

services: setup-dev ## start Kafka, Redis and a schema registry, print the settings to export, stop on Ctrl-C
	@$(BIN)/python -m tests.services.needs
	@exec $(BIN)/python -m tests.services

# On a PYTHON that is named it has an environment of its own, so that .venv stays as it is.
bench: export VENV := $(if $(filter command,$(origin PYTHON)),.cache/$(notdir $(PYTHON)),.venv)
bench: native ## deliveries per second on one core, and what others pay (BASE=rev; PYTHON=/usr/bin/python3.13)
	@$(BIN)/python -m tests.services.needs
	@BASE=$(BASE) $(BIN)/python -m bench

bench-api: setup-dev ## the API with 100,000 webhooks on one core; the figures land in bench/out/api.json
	@$(BIN)/python -m tests.services.needs
	@$(BIN)/python -m bench.api

bench-log: setup-dev ## the delivery log's index on one core; the figures land in bench/out/log.json
	@$(BIN)/python -m tests.services.needs
	@$(BIN)/python -m bench.log

chaos: setup-dev ## break everything for MINUTES (20; SEED=n repeats a schedule), the page goes to docs/chaos-report.md
	@$(BIN)/python -m tests.services.needs
	@$(BIN)/python -m tests.chaos --minutes $(or $(MINUTES),20) $(if $(SEED),--seed $(SEED)) \
		--report docs/chaos-report.md

rolling: setup-dev ## roll all pods of the chart, one at a time, again and again for MINUTES (20) under load
	@$(BIN)/python -m tests.services.needs
	@$(BIN)/python -m tests.chaos.rolling --minutes $(or $(MINUTES),20)

upgrade: setup-dev ## the same from the code of BASE=rev (the commit before) to the one here, back, and there again
	@$(BIN)/python -m tests.services.needs
	@$(BIN)/python -m tests.chaos.rolling --base $(or $(BASE),HEAD~1) --minutes $(or $(MINUTES),5) \
		$(if $(PLANT),--plant "$(PLANT)")

simulate: setup-dev ## faults by the million in simulated time (SEEDS=2000, one again with SEED=n, or MINUTES=30)
	@$(BIN)/python -m tests.simulation $(if $(SEED),--seed $(SEED),$(if $(MINUTES),--minutes $(MINUTES),--seeds $(or $(SEEDS),2000))) \
		$(if $(KIND),--kind $(KIND)) $(if $(DELIVERIES),--deliveries $(DELIVERIES))

docs: setup-dev ## write docs/api.md, tables of docs/log.md, operating.md and security.md, the dashboard and the chart's anew
	@$(BIN)/python -m make.api_page
	@$(BIN)/python -m make.log_page
	@$(BIN)/python -m make.metrics_page
	@$(BIN)/python -m make.programs
	@$(BIN)/python -m make.rights_page
	@$(BIN)/python -m make.dashboard
	@$(BIN)/python -m make.chart

fuzz: setup-dev ## 10,000 requests to the API, 100,000 hostile deliveries (CASES=n; SEED=n for others)
	@$(BIN)/python -m tests.fuzz --cases $(or $(CASES),10000) $(if $(SEED),--seed $(SEED))
	@$(BIN)/python -m tests.hostile --cases $(or $(CASES),100000) $(if $(SEED),--seed $(SEED))

lock: ## write the locks anew from pyproject.toml (needs uv)
	@# editables is what hatchling needs for an install that follows the checkout
	@printf 'hatchling\neditables\n' | $(LOCK) pyproject.toml --extra demo --extra otel - --output-file requirements.lock
	@$(LOCK) --constraint requirements.lock --group dev requirements.lock --output-file requirements-dev.lock
	@# without what only the demo needs, and what only builds
	@$(LOCK) --constraint requirements.lock pyproject.toml --extra otel --output-file requirements-image.lock
	@$(LOCK) --constraint requirements.lock --group deploy --output-file requirements-deploy.lock

clean: ## remove the environment, caches and the services' data
	rm -rf .venv .cache .hookline .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache bench/out
