# Two commands do everything, set-up included: `make demo` and `make test`. `make dev` makes an
# environment in which single tests and tools run at once.

# pyenv hides all but one of its interpreters; show those that can run this.
PYENV_FOUND := $(filter 3.11.% 3.12.% 3.13.%,$(shell pyenv versions --bare 2>/dev/null))
ifneq ($(PYENV_FOUND),)
SPACE := $(subst ,, )
PYENV_ROOT := $(shell pyenv root)
export PATH := $(subst $(SPACE),:,$(PYENV_FOUND:%=$(PYENV_ROOT)/versions/%/bin)):$(PATH)
endif

# uv reads none of pip's settings; this is the one that matters most.
ifdef PIP_INDEX_URL
export UV_DEFAULT_INDEX ?= $(PIP_INDEX_URL)
endif

VENV := .venv
BIN := $(VENV)/bin
# The first interpreter that is new enough; each is asked, for a name on PATH may be a dead shim.
PYTHON := $(shell PATH='$(PATH)'; for p in python3.13 python3.12 python3.11 python3 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$p && break; done)

.PHONY: help demo dev test docs release-check binary bench format readme clean

help:  ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile

demo: $(VENV)/.installed  ## An order, a cut connection, a retry, and the proof; ARGS=--keep keeps the server
	@$(BIN)/runa-mock demo $(ARGS)

dev: $(VENV)/.dev  ## Create an environment with the tests' and the checks' tools; quick once it is there
	@echo "$(BIN)/pytest tests/server -k idempotency"

# The environment "coverage" runs the tests on the Python of $(VENV), so they need not run there twice.
test: $(VENV)/.tox  ## Run every check: tests on the oldest and the newest Python and in a browser, lint, types, coverage
	@echo "Several checks run at a time; what they say comes when they are done"
	@[ -t 1 ] || export TOX_PARALLEL_NO_SPINNER=1; \
		TOX_SKIP_ENV=$$($(BIN)/python -c 'import sys; print("py%d%d" % sys.version_info[:2])') \
		$(BIN)/tox run-parallel $(TOXFLAGS)

release-check: $(VENV)/.tox  ## Build both distributions, check their metadata, and run every generator of clients
	@$(BIN)/tox run -q -e release

binary: $(VENV)/.tox  ## Build the command as one executable for this machine, dist/runa-mock, and try it
	@$(BIN)/tox run -q -e binary

docs: $(VENV)/.tox  ## Build the documentation as a site: build/site/index.html
	@$(BIN)/tox run -q -e docs

bench: $(VENV)/.tox  ## Measure the speed and write it into the documents, 10 minutes; parts: BENCH="orders clients"
	@$(BIN)/tox run -q -e bench -- $(BENCH)

format: $(VENV)/.tox  ## Let ruff format the code and mend what it can
	@$(BIN)/tox run -q -e format

readme: $(VENV)/.installed  ## Write the generated parts of the documents
	@$(BIN)/python tools/readme.py

clean:  ## Remove the environment and what tools leave behind
	rm -rf $(VENV) .tox .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage .coverage.* dist

$(VENV)/bin/python:
ifeq ($(PYTHON),)
	@echo "runa-mock needs Python 3.11 or newer; found: $$(python3 --version 2>/dev/null || echo none)." >&2
	@echo "Install it (Debian, Ubuntu: apt-get install python3 python3-venv) and run this again." >&2
	@exit 1
else
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "Python's venv module is missing (Debian, Ubuntu: apt-get install python3-venv)." >&2; exit 1; }
	@echo "Creating $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv --clear $(VENV)
endif

$(VENV)/.installed: $(VENV)/bin/python pyproject.toml
	@echo "Installing runa-mock and what it needs; the first time this takes up to a minute"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

# pip knows dependency groups since 25.1. uv installs them in seconds, but finds no packages where
# only pip's settings say where they are.
$(VENV)/.dev: GROUPS := $(patsubst %,--group %,test lint static browser bench)
$(VENV)/.dev: $(VENV)/bin/python pyproject.toml
	@echo "Installing the tools"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check 'pip>=25.1' uv
	@UV_HTTP_TIMEOUT=10 $(BIN)/uv pip install --quiet --python $(BIN)/python --editable . $(GROUPS) 2>/dev/null || \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable . $(GROUPS)
	@touch $(VENV)/.installed $@

# With tox-uv the environments come in seconds. uv fetches it itself: where uv finds no packages
# though pip does, tox stays without it, and pip makes the environments.
$(VENV)/.tox: $(VENV)/bin/python Makefile
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check 'tox>=4.22' uv
	@UV_HTTP_TIMEOUT=10 $(BIN)/uv pip install --quiet --python $(BIN)/python 'tox-uv>=1.16' 2>/dev/null || \
		echo "uv finds no packages here; pip installs instead, which takes longer"
	@touch $@
