# aurora-restore: every target sets up what it needs by itself. GNU make 3.81 (macOS) or newer.

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
# Not of the environment: there these names may mean anything.
CLUSTER = prod-cluster
REGION = us-east-1
FORCE ?=
YES ?=
POSTGRES =
TIMEOUT =
# The stage that `make up` deploys is deployed from a copy, in which what only that world knows is filled in.
CHECKOUT ?= $(if $(filter local,$(STAGE)),$(DATA)/checkout,.)
JSON ?=
URL =
# Not of the environment either.
SERVERS = embedded-16 embedded-18 debian-15 debian-17

# What takes minutes of its own: whole worlds, deployments, packages and command lines. Of `make acceptance`.
WHOLE := tests/acceptance $(addprefix tests/deployment/,test_deploying.py test_two_stages.py test_by_a_pipeline.py) \
    tests/packaging tests/docs/test_local_calls.py tests/programs/test_aws.py localaws/tests/distribution/test_up.py

# What is removed and made again is fixed: no option may point it at somebody's own folder.
override VENV := .venv
override WHEELS := .wheels
override FULL_SERVERS := .servers
PY := $(VENV)/bin/python
# Both stamps are written last, so that what was interrupted is begun again; and hold the folder, so that a moved checkout is.
READY := $(VENV)/.ready
PACKED := $(WHEELS)/.ready
SERVED := $(FULL_SERVERS)/.ready

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SUFFIXES:
.PHONY: help demo up night deploy destroy package doctor test test-servers acceptance prove bench bench-package check format clean refresh-roots

help: ## say what there is
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' Makefile

GIVEN = $(if $(DUMP),--dump "$(DUMP)") $(if $(POSTGRES),--postgres "$(POSTGRES)")

# `exec`, so that whoever stops make stops the program itself and no shell in between.
demo: $(PACKED) ## watch a nightly snapshot become a fresh staging cluster (PORT= DATA= DUMP= POSTGRES= TIMEOUT= KEEP=1)
	@exec $(PY) -m aurora_restore demo --port "$(PORT)" --data "$(DATA)" $(GIVEN) $(if $(TIMEOUT),--timeout "$(TIMEOUT)") $(if $(KEEP),--keep)

up: $(PACKED) ## leave the same world running, until Ctrl-C (PORT= DATA= DUMP= POSTGRES=)
	@exec $(PY) -m demo.up --port "$(PORT)" --data "$(DATA)" $(GIVEN)

night: $(READY) ## have Aurora take the nightly snapshot, in a world that `make up` runs (PORT= CLUSTER= REGION=)
	@exec $(PY) -m demo.take_snapshot --port "$(PORT)" --cluster "$(CLUSTER)" --region "$(REGION)"

deploy: $(PACKED) ## bring a stage into your AWS account, or up to date there (STAGE=dev YES=1)
	@exec $(PY) -m aurora_restore deploy --stage "$(STAGE)" --checkout "$(CHECKOUT)" $(if $(YES),--yes)

destroy: $(READY) ## take a stage out of your AWS account, but for its records and secrets (STAGE=dev FORCE=1 YES=1)
	@exec $(PY) -m aurora_restore destroy --stage "$(STAGE)" --checkout "$(CHECKOUT)" $(if $(FORCE),--force) $(if $(YES),--yes)

package: $(PACKED) ## write the app as a SAM template, for a pipeline that deploys it (STAGE=dev)
	@exec $(PY) -m aurora_restore package --stage "$(STAGE)" --checkout "$(CHECKOUT)"

doctor: $(PACKED) ## look at a stage in your AWS account: what is wrong, and what to do (STAGE=dev JSON=1)
	@exec $(PY) -m aurora_restore doctor --stage "$(STAGE)" --checkout "$(CHECKOUT)" $(if $(JSON),--json)

refresh-roots: $(READY) ## fetch Amazon's newest root certificates for RDS (URL= of another partition)
	@exec $(PY) -m aurora_restore refresh-roots $(if $(URL),--url "$(URL)")

test: $(PACKED) ## run the tests but those of make acceptance (TESTS=tests/demo for some)
	@exec $(PY) -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(or $(TESTS),$(addprefix --ignore=,$(WHOLE)))

test-servers: $(READY) $(SERVED) ## run the database tests on PostgreSQL 15 to 18 (SERVERS=debian-17)
	@TEST_SERVERS="$(SERVERS)" exec $(PY) -m pytest -n 2 --dist load $(or $(TESTS),tests/database)

acceptance: $(PACKED) ## run whole worlds and deployments, and type what the README and `make up` tell people to
	@exec $(PY) -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(WHOLE)

prove: $(READY) ## the choreography under every fault (FAULTS=3 FULL=1 SEED= REPLAY='night 23=lost')
	@exec $(PY) -m simulation --faults "$(FAULTS)" --seed "$(SEED)" $(if $(FULL),--full) $(if $(REPLAY),--replay "$(REPLAY)")

bench: $(READY) ## measure what an operation adds and costs, beside pollers (OPERATIONS=100; WRITE=1 into docs/performance.md)
	@exec $(PY) -m bench $(if $(OPERATIONS),--operations "$(OPERATIONS)") $(if $(WRITE),--out docs/performance.md)

bench-package: $(PACKED) ## measure the package, its starts, its memory and its own time (WRITE=1 into docs/performance.md)
	@exec $(PY) -m bench.package $(if $(WRITE),--write)

check: $(READY) ## format, lint and types
	@$(PY) -m ruff format --check .
	@$(PY) -m ruff check .
	@$(PY) -m mypy

format: $(READY) ## put the code into its format
	@$(PY) -m ruff check --fix-only --quiet .
	@$(PY) -m ruff format .

clean: ## remove everything that was made here
	@rm -rf $(VENV) $(WHEELS) $(FULL_SERVERS) .localaws .build .chalice/deployed .chalice/deployments .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- set-up -------------------------------------------------------------------------------------------------------------

# A stamp whose Python does not run any more, or that another folder's venv left, counts for nothing.
ifneq ($(shell $(PY) -c 'print("runs")' 2>/dev/null) $(shell cat $(READY) 2>/dev/null),runs $(CURDIR))
.PHONY: $(READY)
endif

$(READY): requirements.txt requirements-dev.lock requirements-aws-cli.txt .ci/set-up
	@PYTHON="$(PYTHON)" .ci/set-up venv $(VENV)

# What `chalice deploy` packs, so that no later run needs a network.
$(PACKED): $(READY) requirements.txt .ci/set-up
	@.ci/set-up wheels $(VENV) $(WHEELS)

# Full servers of Debian's, for the majors that this machine has not.
$(SERVED): .ci/set-up tools/set_up/with_own_libraries
	@.ci/set-up servers $(FULL_SERVERS)
