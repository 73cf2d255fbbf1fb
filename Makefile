# Everything a developer runs. Each target sets up what it needs; a second run finds it done.

PYTHON ?= python3
PYTEST_ARGS ?=
UV := uv>=0.13,<1
VENV := .venv
RUN := $(VENV)/bin/python -m
COMPILE := $(RUN) uv pip compile --universal --generate-hashes --no-header --no-annotate --upgrade -q
LEGACY := $(VENV)/legacy
NODE_MODULES := tests/node/node_modules

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help demo test coverage lint bench fuzz docs docs-site dashboards lock clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1	\2/p' $(firstword $(MAKEFILE_LIST))

demo: $(VENV)/installed-demo ## watch a simulated Runway and Runware under load, until Ctrl-C
	@exec $(RUN) demo $(DEMO_ARGS)

test: $(VENV)/installed-dev $(LEGACY)/installed $(NODE_MODULES)/installed ## run every test; PYTEST_ARGS="-k words" runs some
	@exec $(RUN) pytest --durations=20 $(PYTEST_ARGS)

coverage: $(VENV)/installed-dev $(LEGACY)/installed $(NODE_MODULES)/installed ## run the tests and print what they cover; takes half as long again at least
	$(RUN) coverage run -m pytest $(PYTEST_ARGS)
	$(RUN) coverage combine --quiet
	$(RUN) coverage report

lint: $(VENV)/installed-dev ## check style, format, types and layers
	$(RUN) ruff check
	$(RUN) ruff format --check
	$(RUN) mypy
	$(VENV)/bin/python $(VENV)/bin/lint-imports

bench: $(VENV)/installed-bench ## measure the cost beside nginx and Envoy, for docs/reference/benchmarks.md; 10 minutes
	@exec $(RUN) benchmarks $(BENCH_ARGS)

fuzz: $(VENV)/installed-dev ## fuzz all that reads what vendors say; 40 minutes, FUZZ_ARGS="--seconds 60" is shorter
	@$(RUN) pip install --quiet "atheris>=3,<4" || echo "atheris cannot be installed here: Hypothesis alone"
	@exec $(RUN) benchmarks.fuzz $(FUZZ_ARGS)

docs: $(VENV)/installed-dev ## write docs/reference/metrics.md from the code
	$(RUN) monitor.metrics > docs/reference/metrics.md

docs-site: $(VENV)/installed-docs ## build the site of docs/ into site/, and fail on a link that leads nowhere
	NO_MKDOCS_2_WARNING=1 $(RUN) mkdocs build

dashboards: $(VENV)/installed-dev ## write dashboards/*.json from dashboards/src
	$(RUN) dashboards.src

lock: $(VENV)/created ## pin the newest allowed versions of all dependencies, with their hashes
	$(RUN) pip install --quiet "$(UV)"
	$(COMPILE) pyproject.toml -o requirements/runtime.lock
	$(COMPILE) pyproject.toml --group dev -c requirements/runtime.lock -o requirements/dev.lock
	$(COMPILE) pyproject.toml --group demo -c requirements/dev.lock -o requirements/demo.lock
	$(COMPILE) pyproject.toml --group bench -c requirements/dev.lock -o requirements/bench.lock
	$(COMPILE) --group build -c requirements/dev.lock -o requirements/build.lock
	$(COMPILE) --group docs -c requirements/dev.lock -o requirements/docs.lock
	$(COMPILE) --group legacy -c requirements/runtime.lock -o requirements/legacy.lock

clean: ## remove what the other targets made
	rm -rf $(VENV) $(NODE_MODULES) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .coverage .coverage.* site
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; name it with: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
		|| { echo "Python's venv module is missing; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/installed-%: requirements/%.lock pyproject.toml | $(VENV)/created
	$(RUN) pip install --quiet --require-hashes -r $<
	$(RUN) pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

$(LEGACY)/installed: requirements/legacy.lock | $(VENV)/created
	$(PYTHON) -m venv $(LEGACY)
	$(LEGACY)/bin/python -m pip install --quiet --require-hashes -r $<
	@touch $@

$(NODE_MODULES)/installed: tests/node/package-lock.json
	@if command -v npm >/dev/null; then npm ci --prefix tests/node --ignore-scripts --no-audit --no-fund --loglevel=error && touch $@; \
	else echo "npm is not installed: the tests with the Node SDK will be skipped"; fi
