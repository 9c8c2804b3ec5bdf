# aurora-restore: every target installs what it needs. GNU make 3.81 (macOS) or newer.

PORT ?= 4577
DATA ?= .localaws
DUMP ?=
TESTS ?=
FAULTS ?= 2
FULL ?=
REPLAY ?=
SEED ?= 1
OPERATIONS ?=
WRITE ?=
STAGE ?=
# Not read from the environment, where these names may mean anything.
CLUSTER = prod-cluster
REGION = us-east-1
FORCE =
YES =
POSTGRES =
TIMEOUT =
# `make up` deploys its stage from a copy of the checkout, with the ids of its own environment.
CHECKOUT ?= $(if $(filter local,$(STAGE)),$(DATA)/checkout,.)
JSON ?=
URL =
# Not read from the environment either.
SERVERS = embedded-16 embedded-18 debian-15 debian-17

# The tests that take minutes: complete environments, deployments, packages and command lines (`make acceptance`).
WHOLE := tests/acceptance $(addprefix tests/deployment/,test_deploying.py test_two_stages.py test_by_a_pipeline.py) \
    tests/packaging tests/docs/test_local_calls.py $(addprefix tests/programs/,test_aws.py test_wheel.py) localaws/tests/distribution/test_up.py

# Folders that are deleted and created again are fixed: no option may point them at a folder of the user's.
override VENV := .venv
override WHEELS := .wheels
override FULL_SERVERS := .servers
PY := $(VENV)/bin/python
# Stamps are written last, so an interrupted set-up is repeated; they hold the folder, so that of a moved checkout is too.
READY := $(VENV)/.ready
PACKED := $(WHEELS)/.ready
SERVED := $(FULL_SERVERS)/.ready

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SUFFIXES:
.PHONY: help demo up night deploy destroy package doctor test test-servers acceptance prove bench bench-package check format clean refresh-roots

help: ## list the targets
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' Makefile

GIVEN = $(if $(DUMP),--dump "$(DUMP)") $(if $(POSTGRES),--postgres "$(POSTGRES)")

# `exec`, so that a signal to make reaches the program and no shell in between.
demo: $(PACKED) ## watch a nightly snapshot become a fresh staging cluster (PORT= DATA= DUMP= POSTGRES= TIMEOUT= KEEP=1)
	@exec $(PY) -m aurora_restore demo --port "$(PORT)" --data "$(DATA)" $(GIVEN) $(if $(TIMEOUT),--timeout "$(TIMEOUT)") $(if $(KEEP),--keep)

up: $(PACKED) ## keep the same environment running until Ctrl-C (PORT= DATA= DUMP= POSTGRES=)
	@exec $(PY) -m demo.up --port "$(PORT)" --data "$(DATA)" $(GIVEN)

night: $(READY) ## take an automated snapshot of a cluster of `make up` (PORT= CLUSTER= REGION=)
	@exec $(PY) -m demo.take_snapshot $(if $(filter-out file,$(origin PORT)),--port "$(PORT)") --cluster "$(CLUSTER)" --region "$(REGION)"

# $(call flag,YES,--yes): an option that goes without a question or a check is taken from make's command line alone, and
# only as 1, so that YES=0 and YES=no do not mean yes.
flag = $(if $(filter command,$(origin $1)),$(if $($1),$(if $(call is_one,x$($1)x),$2,$(error $1=$($1) means \
    nothing. Write $1=1, or leave $1 out))))
is_one = $(and $(findstring x1x,$1),$(findstring $1,x1x))

deploy: $(PACKED) ## deploy or update a stage in your AWS account (STAGE=dev YES=1)
	@exec $(PY) -m aurora_restore deploy --stage "$(STAGE)" --checkout "$(CHECKOUT)" $(call flag,YES,--yes)

destroy: $(READY) ## delete a stage from your AWS account; keep its tables and secrets (STAGE=dev FORCE=1 YES=1)
	@exec $(PY) -m aurora_restore destroy --stage "$(STAGE)" --checkout "$(CHECKOUT)" $(call flag,FORCE,--force) $(call flag,YES,--yes)

package: $(PACKED) ## write the app as a SAM template for a deployment pipeline (STAGE=dev)
	@exec $(PY) -m aurora_restore package --stage "$(STAGE)" --checkout "$(CHECKOUT)"

doctor: $(PACKED) ## check a deployed stage: problems and how to fix them (STAGE=dev JSON=1)
	@exec $(PY) -m aurora_restore doctor --stage "$(STAGE)" --checkout "$(CHECKOUT)" $(if $(JSON),--json)

refresh-roots: $(READY) ## download Amazon's current root certificates for RDS (URL= for another partition)
	@exec $(PY) -m aurora_restore refresh-roots $(if $(URL),--url "$(URL)")

test: $(PACKED) ## run all tests except `make acceptance` (TESTS=tests/demo for some)
	@exec $(PY) -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(or $(TESTS),$(addprefix --ignore=,$(WHOLE)))

test-servers: $(READY) $(SERVED) ## run the database tests on PostgreSQL 15 to 18 (SERVERS=debian-17)
	@TEST_SERVERS="$(SERVERS)" exec $(PY) -m pytest -n 2 --dist load $(or $(TESTS),tests/database)

acceptance: $(PACKED) ## test complete environments and deployments, and the commands of the README
	@exec $(PY) -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(WHOLE)

prove: $(READY) ## simulate restores under every fault and check the guarantees (FAULTS=3 FULL=1 SEED= REPLAY='night 23=lost')
	@exec $(PY) -m simulation --faults "$(FAULTS)" --seed "$(SEED)" $(if $(FULL),--full) $(if $(REPLAY),--replay "$(REPLAY)")

bench: $(READY) ## measure the time and cost of an operation, compared with polling (OPERATIONS=100; WRITE=1 updates docs/performance.md)
	@exec $(PY) -m bench $(if $(OPERATIONS),--operations "$(OPERATIONS)") $(if $(WRITE),--out docs/performance.md)

bench-package: $(PACKED) ## measure package size, cold starts, memory and processor time (WRITE=1 updates docs/performance.md)
	@exec $(PY) -m bench.package $(if $(WRITE),--write)

check: $(READY) ## check format, lint and types
	@$(PY) -m ruff format --check .
	@$(PY) -m ruff check .
	@$(PY) -m mypy

format: $(READY) ## format the code
	@$(PY) -m ruff check --fix-only --quiet .
	@$(PY) -m ruff format .

clean: ## remove everything that make created
	@rm -rf $(VENV) $(WHEELS) $(FULL_SERVERS) .localaws .build .chalice/deployed .chalice/deployments .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- set-up -------------------------------------------------------------------------------------------------------------

# A stamp is ignored if its Python no longer runs or if it is of another folder.
ifneq ($(shell $(PY) -c 'print("runs")' 2>/dev/null) $(shell cat $(READY) 2>/dev/null),runs $(CURDIR))
.PHONY: $(READY)
endif

$(READY): requirements.txt requirements-dev.lock requirements-aws-cli.txt .ci/set-up
	@PYTHON="$(PYTHON)" .ci/set-up venv $(VENV)

# The wheels that `chalice deploy` packs, so that later runs need no network.
$(PACKED): $(READY) requirements.txt .ci/set-up
	@.ci/set-up wheels $(VENV) $(WHEELS)

# Debian's PostgreSQL servers, for the major versions that this machine does not have.
$(SERVED): .ci/set-up tools/set_up/with_own_libraries
	@.ci/set-up servers $(FULL_SERVERS)
