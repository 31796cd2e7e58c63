# Every command of the project; CI calls the same ones. It needs Python 3.11 or newer, make and git.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LOCK := requirements.lock
# The stamp carries the content of the lock: a changed lock, however old its date, installs again.
STAMP := $(VENV)/.installed-$(shell cksum < $(LOCK) | cut -d' ' -f1)
WORKERS ?= 2
COVERAGE ?= 90
# The suites that write to the database: they run again on PostgreSQL.
ON_DATABASE := $(wildcard tests/conversation/test_*.py tests/handlers tests/notices tests/regressions tests/scenarios tests/scheduler tests/services tests/store)
QUICK := not slow and not peers
# A hang is a failure.
limit = $(if $(shell command -v timeout),timeout --kill-after=30 $(1))

.DEFAULT_GOAL := help
.PHONY: help run test test-postgresql test-slow test-peers check format bench demo install clean

help:  ## what can be made
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## / - /'

run: install  ## migrate, seed a small town, serve, print the simulator's address
	$(BIN)/python -m bot serve

test: install  ## all tests but the slow ones, with the floor of branch coverage; on PostgreSQL what needs it
	$(call limit,1200) $(BIN)/python -m pytest -n $(WORKERS) -m "$(QUICK)" --cov --cov-report=term --cov-fail-under=$(COVERAGE)

test-postgresql: install  ## what touches the database once more, on PostgreSQL; CI runs it too
	YIMA_TEST_BACKEND=postgresql $(call limit,1200) $(BIN)/python -m pytest -n $(WORKERS) -m "$(QUICK)" $(ON_DATABASE)

test-slow: install  ## what kills processes, drives a browser, migrates or measures; CI runs it too
	$(call limit,1500) $(BIN)/python -m pytest -n $(WORKERS) -m "slow and not peers"
	YIMA_TEST_BACKEND=postgresql $(call limit,1200) $(BIN)/python -m pytest -n $(WORKERS) -m slow tests/scenarios tests/scheduler tests/services

test-peers: install  ## third parties against our fakes and our cryptography; installs them below var/peers
	$(call limit,1500) $(BIN)/python -m pytest -m peers tests/peers

check: install  ## formatting, lint, types
	$(call limit,120) $(BIN)/ruff format --check .
	$(call limit,120) $(BIN)/ruff check .
	$(call limit,900) $(BIN)/mypy

format: install  ## put formatting and imports right
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: install  ## the benchmarks, beside their yardsticks
	$(call limit,3600) $(BIN)/python -m benchmarks

demo: install  ## the stories as transcripts through the encrypted webhook
	$(call limit,300) $(BIN)/python -m bot demo

install: $(STAMP)  ## a .venv with everything, as the lock pins it

$(STAMP):
	@$(PYTHON) -c 'import sys; sys.exit("Yima needs Python 3.11 or newer" if sys.version_info < (3, 11) else 0)'
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	$(call limit,1500) $(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement $(LOCK)
	@rm -f $(VENV)/.installed*
	@touch $@

clean:  ## remove what was made, the development database in var/ included
	rm -rf $(VENV) var .mypy_cache .ruff_cache .pytest_cache .hypothesis htmlcov .coverage
