# Everything a newcomer needs, from python3 (3.11 or later) and make alone. `make` prints what there is.

MAKEFLAGS += --no-print-directory
SHELL := /bin/sh
PYTHON ?= python3
BIN := .venv/bin
RUN := $(BIN)/python -m
INSTALL := $(RUN) pip install --disable-pip-version-check --require-hashes -q -r

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
SIZE ?= default
CASES ?=
FUZZ_SECONDS ?= 600
TARGETS ?=

.DEFAULT_GOAL := help
.PHONY: help season up down status test bench fuzz check check-package format token migrate openapi drawings citus verify rules compose-secrets lock clean

help:
	@echo 'make season    a whole collection season of a small town, through the public API; writes out/season.json'
	@echo '                 RESIDENTS=2000  SCHEME=yangcheng-2022  SEED=1  TARGET=local|compose'
	@echo '                 SCHEME is any package: yangcheng-2022 (all occurs that can, refunds too), county-2015, lanshan-2016,'
	@echo '                   national-2026, tongliao-2016, yangquan-2018 (each with its own calendar, doors and late stages)'
	@echo '                 FAULTS=none|all|a comma list: what is disturbed on the way'
	@echo '                   duplicates  notifications, confirmations and messages come twice'
	@echo '                   late        notifications come late or never'
	@echo '                   reordered   notifications overtake one another'
	@echo '                   late_success  an order is paid after it was closed'
	@echo '                   timeouts    bank calls of unknown outcome'
	@echo '                   statements  an unknown line, a wrong amount, a cut end'
	@echo '                   rows        bad rows of rosters and feeds (some are in every season)'
	@echo '                   day26       money on the 26th'
	@echo '                   kill        SIGKILL of each service'
	@echo '                   restart     SIGKILL of the database'
	@echo '                 KEEP=1             leaves the suite running'
	@echo 'make up        the four services, the token issuer and Postgres, kept running; data is kept'
	@echo 'make down      stops them'
	@echo 'make status    what runs, and where'
	@echo 'make token     prints a token alone: CLIENT= SCOPES="registration:read …" AREA= (region prefix, empty: all) USER= (sub)'
	@echo 'make compose-secrets  writes the settings and secrets that docker-compose.yml reads, into out/compose'
	@echo 'make verify    re-reads event and audit chains, runs every invariant, names the first break'
	@echo 'make migrate   brings the databases of the suite to the newest migration'
	@echo 'make test      all tests: on all cores; ARGS="-k receipts" narrows them'
	@echo 'make rules     which case shows which rule of the notices, and what is due; writes out/rules.json, out/ambiguities.json'
	@echo 'make bench     the benchmarks, each against its limit; writes out/bench.json and docs/benchmarks.md'
	@echo '                 SIZE=small|default|full  a hundredth, a tenth, the whole sizes, or another share: SIZE=0.3'
	@echo '                 CASES="confirm_plain confirm_batch" runs only these (all: --help of deploy.local.bench)'
	@echo '                 RESIDENTS=200000 adds a town of that size to season_growth'
	@echo 'make fuzz      feeds every parser with what may break it (Linux): FUZZ_SECONDS=600 in all, TARGETS="bank_json …"'
	@echo 'make check-package  says what is wrong with a package file, line by line: FILE=services/registration/packages/….yaml'
	@echo 'make check     lint, format, types, import laws'
	@echo 'make format    puts the code into its format'
	@echo 'make openapi   writes each services/<name>/openapi.json'
	@echo 'make drawings  draws the state graphs into README.md and docs of each services/<name>'
	@echo 'make citus     writes deploy/citus/<name>.sql, which distributes the tables over a Citus cluster'
	@echo 'make lock      requirements.in -> requirements.lock, requirements-product.in -> requirements-product.lock (needs uv)'
	@echo 'make clean     stops the suite and removes all its data (out/) and the environment (.venv)'
	@echo
	@echo 'PYTHON=python3.12 chooses the interpreter that makes the environment.'

# The environment. Its output goes to stderr, so that the first `make token` prints a token and nothing else.
.venv/.stamp: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "$(PYTHON) is older than Python 3.11 or missing; name another one: make PYTHON=python3.12" >&2; exit 2; }
	@echo 'making the environment in .venv (once)' >&2
	@$(PYTHON) -m venv .venv >&2
	@$(INSTALL) requirements.lock >&2
	@touch $@

season: .venv/.stamp
	@$(RUN) deploy.local.season --residents '$(RESIDENTS)' --scheme '$(SCHEME)' --seed '$(SEED)' \
	  --faults '$(FAULTS)' --target '$(TARGET)' $(if $(filter-out 0,$(KEEP)),--keep)

up down status: .venv/.stamp
	@$(RUN) deploy.local.suite $@

test: .venv/.stamp
	@$(RUN) pytest -n auto $(ARGS)

check-package: .venv/.stamp
	@$(RUN) services.registration.check $(FILE)

rules: .venv/.stamp
	@$(RUN) tests.rules.matrix $(ARGS)

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

citus: .venv/.stamp
	@$(RUN) deploy.citus

migrate openapi drawings verify: .venv/.stamp
	@$(RUN) deploy.local.$@

bench: .venv/.stamp
	@$(RUN) deploy.local.bench --size $(SIZE) $(CASES)

fuzz: .venv/.fuzz
	@$(RUN) tests.fuzzing --seconds $(FUZZ_SECONDS) $(TARGETS)

.venv/.fuzz: requirements-fuzz.lock .venv/.stamp
	@$(INSTALL) requirements-fuzz.lock >&2
	@touch $@

compose-secrets: .venv/.stamp
	@$(RUN) deploy.local.compose

LOCK := uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --quiet

lock:
	$(LOCK) requirements.in --output-file requirements.lock
	$(LOCK) requirements-fuzz.in --output-file requirements-fuzz.lock
	$(LOCK) requirements-product.in --constraints requirements.lock --output-file requirements-product.lock

clean:
	@test ! -x $(BIN)/python || $(RUN) deploy.local.suite drop
	rm -rf out .venv
