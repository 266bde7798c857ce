# Everything a newcomer needs, from python3 (3.11 or later) and make alone. `make` prints what there is.

MAKEFLAGS += --no-print-directory
SHELL := /bin/sh
PYTHON ?= python3
BIN := .venv/bin
RUN := $(BIN)/python -m

RESIDENTS ?= 2000
SCHEME ?= yangcheng-2022
SEED ?= 1
FAULTS ?= none
TARGET ?= local
KEEP ?=
CLIENT ?=
SCOPES ?=
AREA ?=
USER_GIVEN := $(if $(filter command line,$(origin USER)),$(USER))
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help season up down status test check format token migrate openapi verify lock clean

help:
	@echo 'make season    a whole collection season of a small town, through the public API; writes out/season.json'
	@echo '                 RESIDENTS=2000  SCHEME=yangcheng-2022  SEED=1  TARGET=local'
	@echo '                 FAULTS=none|kill   what is disturbed on the way (a comma list; none: nothing,'
	@echo '                                    kill: SIGKILL of each service)'
	@echo '                 KEEP=1             leaves the suite running'
	@echo 'make up        the four services, the token issuer and Postgres, kept running; data is kept'
	@echo 'make down      stops them'
	@echo 'make status    what runs, and where'
	@echo 'make token     prints a token alone: CLIENT= SCOPES="registration:read …" AREA= (region prefix, empty: all) USER= (sub)'
	@echo 'make verify    re-reads event and audit chains, runs every invariant, names the first break'
	@echo 'make migrate   brings the databases of the suite to the newest migration'
	@echo 'make test      all tests: on all cores; ARGS="-k receipts" narrows them'
	@echo 'make check     lint, format, types, import laws'
	@echo 'make format    puts the code into its format'
	@echo 'make openapi   writes each services/<name>/openapi.json'
	@echo 'make lock      requirements.in -> requirements.lock (needs uv)'
	@echo 'make clean     stops the suite and removes all its data (out/) and the environment (.venv)'
	@echo
	@echo 'PYTHON=python3.12 chooses the interpreter that makes the environment.'

# The environment. Its output goes to stderr, so that the first `make token` prints a token and nothing else.
.venv/.stamp: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "$(PYTHON) is older than Python 3.11 or missing; name another one: make PYTHON=python3.12" >&2; exit 2; }
	@echo 'making the environment in .venv (once)' >&2
	@$(PYTHON) -m venv .venv >&2
	@$(BIN)/python -m pip install --disable-pip-version-check --require-hashes -q -r requirements.lock >&2
	@touch $@

season: .venv/.stamp
	@$(RUN) deploy.local.season --residents '$(RESIDENTS)' --scheme '$(SCHEME)' --seed '$(SEED)' \
	  --faults '$(FAULTS)' --target '$(TARGET)' $(if $(filter-out 0,$(KEEP)),--keep)

up down status: .venv/.stamp
	@$(RUN) deploy.local.suite $@

test: .venv/.stamp
	@$(RUN) pytest -n auto $(ARGS)

check: .venv/.stamp
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/.stamp
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

token: .venv/.stamp
	@$(RUN) deploy.local.token --client '$(CLIENT)' --scopes '$(SCOPES)' --area '$(AREA)' --user '$(USER_GIVEN)'

migrate openapi verify: .venv/.stamp
	@$(RUN) deploy.local.$@

lock:
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --quiet \
	  requirements.in --output-file requirements.lock

clean:
	@test ! -x $(BIN)/python || $(RUN) deploy.local.suite drop
	rm -rf out .venv
