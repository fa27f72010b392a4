# Every target installs what it needs; `make` lists the targets.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
RUNS := $(VENV)/.installed-to-run
STAMP := $(VENV)/.installed
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Empty, even if it was set: pip does not compile what it installs here, so Python must be able to.
export PYTHONDONTWRITEBYTECODE :=

# Up to three attempts for downloads: connections break, and mirrors of a registry are not always in sync.
thrice = for try in 1 2 3; do $(1) && exit 0; sleep 10; done; exit 1

.DEFAULT_GOAL := help
.PHONY: help run install test check lint bench docs requirements clean

help:  ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

# What `make run` needs: a third of the size of everything.
$(RUNS): requirements-run.txt pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) was not found: install it, or name your Python 3.11 with PYTHON=…" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@$(call thrice,$(BIN)/python services/local/install.py requirements-run.txt)
	@$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

# The rest: for tests, checks, benchmarks and deployments.
$(STAMP): $(RUNS) requirements.txt
	@$(call thrice,$(BIN)/python services/local/install.py requirements.txt)
	@touch $@

run: $(RUNS)  ## start everything, scan the demo survey, keep serving (ONCE=1: exit after the survey)
	@$(BIN)/python -m services.local.main $(if $(ONCE),--once)

install: $(STAMP)  ## install everything for development; the other targets do it if needed

test: $(STAMP)  ## run all tests
	$(BIN)/python -m pytest $(SHARED) --cov --cov-report term:skip-covered --cov-fail-under 90

# One process more than cores: some tests wait. Each runs whole files, in the order of tests/conftest.py.
SHARED := --numprocesses 3 --dist loadfile --no-loadscope-reorder

# Whole systems, sockets, the command line, and tests that wait.
SLOW := tests/journeys tests/fuzz tests/services tests/cli tests/notify tests/infra tests/core/test_timeouts.py \
	tests/scanning/test_runs.py

check: lint  ## quick check: lint, and the tests that are not slow (SLOW in the Makefile)
	$(BIN)/python -m pytest --quiet $(SHARED) $(addprefix --ignore ,$(SLOW))

lint: $(STAMP)  ## check format, lint, types and templates
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/cfn-lint infra/*.yaml

bench: $(STAMP)  ## run all benchmarks, update docs/performance.md
	$(BIN)/python -m benchmarks.harness

docs: $(STAMP)  ## generate docs/openapi.json, the reference pages, the plugin pages, and the tables of costs and roles
	$(BIN)/python -m services.api.openapi
	$(BIN)/python -m services.api.reference
	$(BIN)/python -m argus.scanning.docs
	ARGUS_WRITE_DOCS=1 $(BIN)/python -m pytest --quiet tests/test_data.py tests/infra/test_roles.py -k page
	$(BIN)/python -m benchmarks.costs

requirements:  ## compile the pinned requirements from pyproject.toml
	@test -x $(BIN)/pip-compile || $(MAKE) install
	$(BIN)/pip-compile $(COMPILE) --all-extras --output-file requirements.txt pyproject.toml
	$(BIN)/pip-compile $(SUBSET) --extra api --extra worker --extra cli --extra local --output-file requirements-run.txt pyproject.toml
	$(BIN)/pip-compile $(SUBSET) --extra api --extra aws --extra zappa --output-file requirements-api.txt pyproject.toml
	$(BIN)/pip-compile $(SUBSET) --extra worker --extra aws --output-file requirements-worker.txt pyproject.toml

COMPILE := --quiet --strip-extras --allow-unsafe --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
	--no-header --annotation-style line
SUBSET := $(COMPILE) --constraint requirements.txt

clean:  ## remove everything that was built or installed
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage* src/*.egg-info
	rm -rf services/console/dist services/console/node_modules
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: package
package: $(STAMP)  ## build the packages for Lambda, in build/package
	$(BIN)/python -m infra.deploy.package

CHECKOV := build/checkov-venv

$(CHECKOV)/.installed: infra/checkov.txt
	$(PYTHON) -m venv $(CHECKOV)
	$(call thrice,$(CHECKOV)/bin/pip install --quiet --requirement $<)
	@touch $@

# checkov's package contains its rules, so that it works offline. A deliberate fault verifies that checkov finds problems.
.PHONY: audit
audit: $(CHECKOV)/.installed  ## check the templates with checkov, in its own virtual environment
	$(CHECKOV)/bin/checkov --directory infra --framework cloudformation --skip-download --compact --quiet
	@mkdir -p build/audit && sed '/EnableKeyRotation/d' infra/data.yaml > build/audit/data.yaml
	@$(CHECKOV)/bin/checkov --file build/audit/data.yaml --check CKV_AWS_7 --skip-download --compact --quiet \
		| grep 'FAILED for resource: AWS::KMS::Key.Key' >/dev/null \
		|| { echo "checkov did not find the deliberate fault: the result above is not reliable" >&2; exit 1; }

# The variables that a target requires.
needs = $(foreach name,$(1),$(if $($(name)),,$(error $(name) is required: make $@ $(foreach one,$(1),$(one)=…))))

.PHONY: deploy rollback destroy rehearse
deploy: $(STAMP)  ## STAGE=staging: deploy to your AWS account and run the smoke test (OPTIONS="--domain …")
	$(call needs,STAGE)@$(BIN)/python -m infra.deploy.main deploy $(STAGE) $(OPTIONS)

rollback: $(STAMP)  ## STAGE=staging: deploy the functions of the previous release
	$(call needs,STAGE)@$(BIN)/python -m infra.deploy.main rollback $(STAGE)

destroy: $(STAMP)  ## STAGE=staging: delete the stage, but keep its data
	$(call needs,STAGE)@$(BIN)/python -m infra.deploy.main destroy $(STAGE) $(OPTIONS)

rehearse: $(STAMP)  ## run the steps of deploy on the embedded AWS, with the smoke test (OPTIONS="--twice --again")
	@$(BIN)/python -m services.local.rehearsal.main $(OPTIONS)

.PHONY: tier
tier: $(STAMP)  ## STAGE=staging ORGANISATION=org_… TIER=high: set the highest rate limit tier of its API keys
	$(call needs,STAGE ORGANISATION TIER)@$(BIN)/python -m infra.deploy.main tier $(STAGE) --organisation $(ORGANISATION) --tier $(TIER)

.PHONY: fuzz
fuzz: $(STAMP)  ## run schemathesis against the local system, with two owners' tokens and three seeds
	$(BIN)/python -m tests.fuzz

CONSOLE := services/console
PACKAGES := $(CONSOLE)/node_modules/.package-lock.json

$(PACKAGES): $(CONSOLE)/package.json $(CONSOLE)/package-lock.json
	@command -v npm >/dev/null || { echo "npm was not found: install Node.js 20 or newer, with npm" >&2; exit 1; }
	cd $(CONSOLE) && $(call thrice,npm ci --no-audit --no-fund)
	@touch $@

# A deployment sets the variables of `npm run build`; here they only have to be valid.
.PHONY: console browser
console: $(PACKAGES)  ## check, test and build the web console (needs node)
	cd $(CONSOLE) && npm test
	cd $(CONSOLE) && ARGUS_API_URL=https://api.example ARGUS_REGION=eu-west-1 ARGUS_CLIENT_ID=none ARGUS_MEDIA_BUCKET=none \
		ARGUS_ISSUER=https://cognito-idp.eu-west-1.amazonaws.com/none npm run build

browser: $(STAMP) $(PACKAGES)  ## test the web console in Chromium against the local system (needs node and chromium)
	cd tests/browser && node --test
