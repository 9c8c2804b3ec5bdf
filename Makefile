# aurora-restore: every target installs what it needs. GNU make 3.81 (macOS) or newer.

PORT ?= 4577
DATA ?= .localaws
DUMP ?=
TESTS ?=
FAULTS ?= 2
REPLAY ?=
SEED ?= 1
SEEDS ?= 2000
OPERATIONS ?=
STAGE ?=
# Not read from the environment, where these names may mean anything.
CLUSTER = prod-cluster
REGION = us-east-1
FORCE =
YES =
KEEP =
JSON =
FULL =
WRITE =
POSTGRES =
TIMEOUT =
REPLACEMENT =
# `make up` deploys its stage from a copy of the checkout, with the ids of its own environment.
CHECKOUT ?= $(if $(filter local,$(STAGE)),$(DATA)/checkout,.)
URL =
# Not read from the environment either.
SERVERS = embedded-16 embedded-18 debian-15 debian-17

# The tests that take minutes: complete environments, deployments and their doctor, packages, command lines, mutants, the
# remedy of every refusal, and samples of faults and of set-ups that are killed (`make acceptance`).
WHOLE := $(addprefix tests/,acceptance deployment doctor infra packaging docs/test_local_calls.py) \
    $(addprefix tests/programs/,test_aws.py test_entry_points.py test_wheel.py) \
    $(addprefix tests/refusals/,test_denied_calls.py test_every_remedy.py) \
    $(addprefix tests/simulation/,test_bench_page.py test_injector.py test_mutant_deaths.py test_schedules.py \
    test_schedules_of_pointers.py test_schedules_of_swaps.py) \
    $(addprefix tests/database/,test_interrupted.py test_remedies.py test_secrecy.py) \
    $(addprefix localaws/tests/,local postgres distribution/test_up.py iam/test_lambda_itself.py iam/test_trust.py)

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

# $(call flag,YES,--yes): an option without a value is taken from make's command line alone, and only as 1, so that
# YES=0 and KEEP=no do not mean yes.
flag = $(if $(filter command,$(origin $1)),$(if $($1),$(if $(call is_one,x$($1)x),$2,$(error $1=$($1) means \
    nothing. Write $1=1, or leave $1 out))))
is_one = $(and $(findstring x1x,$1),$(findstring $1,x1x))

GIVEN = $(if $(DUMP),--dump "$(DUMP)") $(if $(POSTGRES),--postgres "$(POSTGRES)") \
    $(if $(REPLACEMENT),--replacement "$(REPLACEMENT)")

# `exec`, so that a signal to make reaches the program and no shell in between.
demo: $(PACKED) ## watch a nightly snapshot become a fresh staging cluster (REPLACEMENT=pointer PORT= DATA= DUMP= POSTGRES= TIMEOUT= KEEP=1)
	@exec $(PY) -m aurora_restore demo --port "$(PORT)" --data "$(DATA)" $(GIVEN) $(if $(TIMEOUT),--timeout "$(TIMEOUT)") $(call flag,KEEP,--keep)

up: $(PACKED) ## keep the same environment running until Ctrl-C (REPLACEMENT= PORT= DATA= DUMP= POSTGRES=)
	@exec $(PY) -m demo.up --port "$(PORT)" --data "$(DATA)" $(GIVEN)

night: $(READY) ## take an automated snapshot of a cluster of `make up` (PORT= CLUSTER= REGION=)
	@exec $(PY) -m demo.take_snapshot $(if $(filter-out file,$(origin PORT)),--port "$(PORT)") --cluster "$(CLUSTER)" --region "$(REGION)"

deploy: $(PACKED) ## deploy or update a stage in your AWS account (STAGE=dev YES=1)
	@exec $(PY) -m aurora_restore deploy --stage "$(STAGE)" --checkout "$(CHECKOUT)" $(call flag,YES,--yes)

destroy: $(READY) ## delete a stage from your AWS account; keep its tables and secrets (STAGE=dev FORCE=1 YES=1)
	@exec $(PY) -m aurora_restore destroy --stage "$(STAGE)" --checkout "$(CHECKOUT)" $(call flag,FORCE,--force) $(call flag,YES,--yes)

package: $(PACKED) ## write the app as a SAM template for a deployment pipeline (STAGE=dev)
	@exec $(PY) -m aurora_restore package --stage "$(STAGE)" --checkout "$(CHECKOUT)"

doctor: $(PACKED) ## check a deployed stage: problems and how to fix them (STAGE=dev JSON=1)
	@exec $(PY) -m aurora_restore doctor --stage "$(STAGE)" --checkout "$(CHECKOUT)" $(call flag,JSON,--json)

refresh-roots: $(READY) ## download Amazon's current root certificates for RDS (URL= for another partition)
	@exec $(PY) -m aurora_restore refresh-roots $(if $(URL),--url "$(URL)")

# Two processes read 600 files: with the bytecode of the run before they start in a third of the time.
test: $(PACKED) ## run all tests except `make acceptance` (TESTS=tests/demo for some)
	@PYTHONDONTWRITEBYTECODE= exec $(PY) -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(or $(TESTS),$(addprefix --ignore=,$(WHOLE)))

test-servers: $(READY) $(SERVED) ## run the database tests on PostgreSQL 15 to 18 (SERVERS=debian-17)
	@TEST_SERVERS="$(SERVERS)" exec $(PY) -m pytest -n 2 --dist load $(or $(TESTS),tests/database)

acceptance: $(PACKED) ## run the tests that take minutes: environments, deployments, packages, the commands of the README
	@exec $(PY) -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(WHOLE)

prove: $(READY) ## simulate restores under every fault and check the guarantees (FAULTS=3 FULL=1 SEED= SEEDS= REPLAY='night 23=lost')
	@exec $(PY) -m simulation --faults "$(FAULTS)" --seed "$(SEED)" --seeds "$(SEEDS)" $(call flag,FULL,--full) $(if $(REPLAY),--replay "$(REPLAY)")

bench: $(READY) ## measure the time and cost of an operation, compared with polling (OPERATIONS=100; WRITE=1 updates docs/performance.md)
	@exec $(PY) -m bench $(if $(OPERATIONS),--operations "$(OPERATIONS)") $(call flag,WRITE,--out docs/performance.md)

bench-package: $(PACKED) ## measure package size, cold starts, memory and processor time (WRITE=1 updates docs/performance.md)
	@exec $(PY) -m bench.package $(call flag,WRITE,--write)

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
