# One command for each thing. Everything is written below this folder: .venv, .cache, var, node_modules, webui/static/dist.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
BIN  := $(VENV)/bin
PY   := $(BIN)/python
DATA ?= var
PORT ?= 8080
DMN_TCK ?= $(FLOWLEDGER_DMN_TCK)
KILLS ?= 40
STOPS ?= 4
PARTS ?= 2
RACES ?= 1000
# `make run` and `make test` share one environment; the test packages are added to it when they are needed.
export PIP_CACHE_DIR ?= $(CURDIR)/.cache/pip
export NPM_CONFIG_CACHE ?= $(CURDIR)/.cache/npm
export PLAYWRIGHT_BROWSERS_PATH ?= $(CURDIR)/.cache/browsers
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYTHONUTF8 := 1
INSTALL := $(PY) -m pip install --quiet --require-hashes --only-binary :all: -r

.PHONY: help run test check format bench crash-test tck table lock bundle browser clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: $(VENV)/.run bundle  ## install, build, fill the demonstration, serve on http://127.0.0.1:8080
	$(BIN)/flowledger demo --data $(DATA) --port $(PORT)

test: $(VENV)/.dev bundle browser  ## install what the tests need and run them all
	$(PY) -m pytest -n 2 --dist worksteal $(PYTEST_ARGS)

check: $(VENV)/.dev bundle  ## what CI checks besides the tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry .
	$(BIN)/vulture

format: $(VENV)/.dev  ## format the Python code and apply safe fixes
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.dev bundle  ## measure speed (cases a second, cost of a completion)
	$(PY) -m tests.benchmarks

crash-test: $(VENV)/.dev  ## kill servers and databases under load, let nodes race, look for what was lost (KILLS=500 STOPS=50: the long run)
	$(PY) -m tests.crash --kills $(KILLS) --stops $(STOPS) --parts $(PARTS)
	$(PY) -m tests.crash.race --instances $(RACES)

tck: $(VENV)/.dev  ## run the DMN conformance kit, DMN_TCK=<copy of github.com/dmn-tck/tck>, and write docs/conformance-dmn.md
	FLOWLEDGER_DMN_TCK="$(DMN_TCK)" $(PY) -m tests.conformance.dmn_tck --report

table: $(VENV)/.dev  ## make docs/conformance.md and the page of supported elements from the conformance cases
	$(PY) -m tests.conformance.table

lock: $(VENV)/.dev  ## resolve the dependencies anew into the lock files
	tools/lock $(PY)

bundle: $(VENV)/.run
	@$(PY) hatch_build.py

browser: $(VENV)/.dev
	@PYTHON=$(PY) tools/browser

clean:  ## remove everything that was built (keeps var/)
	rm -rf $(VENV) .cache webui/static/dist webui/frontend/node_modules processes/service_report/fonts

$(PY):
	@tools/venv $(VENV)

$(VENV)/.run: requirements.lock pyproject.toml hatch_build.py | $(PY)
	@echo "flowledger: installing the locked dependencies (one to two minutes the first time) ..."
	@$(INSTALL) requirements.lock
	@$(PY) hatch_build.py
	@$(PY) -m pip install --quiet --no-deps --no-build-isolation --editable .
	@# where Python may not write (PYTHONDONTWRITEBYTECODE) each start would compile; what cannot be compiled or written is no hindrance
	@$(PY) -m compileall -q -x /node_modules/ engine forms processes webui || true
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.run
	@echo "flowledger: installing the locked test dependencies ..."
	@$(INSTALL) requirements-dev.lock
	@touch $@
