# Every command of the repository. `make` alone lists them.
PYTHON ?= python3
export PYTHON
# Keep compiled modules: without them, every start takes seconds longer.
unexport PYTHONDONTWRITEBYTECODE
VENV := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help demo check drills chaos load outputs env status down unit test lint format lock \
	bench bench-demo bench-client size-check size-record record clean

help: ## List the commands
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | sed 's/\$$\$$/$$/' | \
		awk -F'|' '{ printf "  make %-12s %s\n", $$1, $$2 }'

.venv/.complete: bootstrap.sh requirements-bootstrap.txt requirements-dev.txt
	@./bootstrap.sh

# HOST is apprunner, fargate or lambda, EDGE is 1 or 0. What isn't set stays as it is; a new stack
# has App Runner and no edge.
demo: .venv/.complete ## Start the stand-in cloud, deploy, load a graph and query it (HOST=…, EDGE=1)
	@$(VENV)/python -m demo run --host '$(HOST)' --edge '$(EDGE)'

# One check waits for a token to expire, which takes five minutes or more; WAIT=0 skips it.
WAIT ?= 330
check: .venv/.complete ## Check the local stack (six minutes; WAIT=0 skips the wait for a token to expire)
	@settings="$$($(VENV)/python -m localcloud env)" && eval "$$settings" && \
		$(VENV)/python -m automation check --stack local --wait $(WAIT)

# Cognito's minimum is 300 seconds. The stand-in accepts less, so that nobody has to wait.
TOKEN_LIFETIME ?= 20
drills: .venv/.complete ## Kill, throttle and cut off what the local stack needs, and restore it
	@settings="$$($(VENV)/python -m localcloud env)" && eval "$$settings" && \
		$(VENV)/python -m automation drill all --stack local --token-lifetime $(TOKEN_LIFETIME)

chaos: .venv/.complete ## Let each dependency of the local stack fail while callers write (eleven minutes)
	@settings="$$($(VENV)/python -m localcloud env)" && eval "$$settings" && \
		$(VENV)/python -m automation chaos --stack local --figures docs/chaos.json $(ARGUMENTS) && \
		$(VENV)/python docs/tables.py

load: .venv/.complete ## Make load on the local stack (ARGUMENTS="--rate 20")
	@settings="$$($(VENV)/python -m localcloud env)" && eval "$$settings" && \
		$(VENV)/python -m automation load --stack local $(or $(ARGUMENTS),--rate 20)

outputs: .venv/.complete ## Print the local stack's outputs as JSON
	@$(VENV)/python -m demo outputs

env: .venv/.complete ## Print shell settings for the stand-in cloud: eval "$$(make -s env)"
	@$(VENV)/python -m localcloud env

status: .venv/.complete ## Show what runs and where it answers
	@$(VENV)/python -m localcloud status

down: .venv/.complete ## Destroy the local stack and stop everything
	@$(VENV)/python -m demo down

unit: .venv/.complete ## Run the tests that start neither a service nor a program
	@$(VENV)/python -m pytest -m "not stand_in and not program" -n auto

test: .venv/.complete ## Run the tests, on separate stand-in clouds
	@$(VENV)/python -m pytest -m "not slow" -n 2 --dist loadgroup

test-slow: .venv/.complete ## Run the tests that `make test` leaves out, because they take long
	@$(VENV)/python -m pytest -m slow -n 2 --dist loadgroup

lint: .venv/.complete ## Check style and types
	@$(VENV)/ruff check
	@$(VENV)/ruff format --check
	@$(VENV)/mypy .

format: .venv/.complete ## Format the code
	@$(VENV)/ruff check --fix-only
	@$(VENV)/ruff format

lock: .venv/.complete ## Pin and hash the requirements again
	@./lock.sh

bench: .venv/.complete ## Compare calls with the Python peer's, a bare loop's and the bridge's (seven minutes)
	@settings="$$($(VENV)/python -m localcloud env)" && eval "$$settings" && \
		$(VENV)/python -m demo.calls_bench $(ARGUMENTS)

bench-demo: .venv/.complete ## Measure `make demo` cold, warm and repeated
	@$(VENV)/python -m demo.bench

bench-client: .venv/.complete ## Measure the client library on the stack that `make demo` deployed
	@eval "$$($(VENV)/python -m localcloud env)" && $(VENV)/python -m demo outputs | \
		$(VENV)/python client/bench.py $(ARGUMENTS)

# The measurements that `automation size` uses without others.
SIZE_RECORD := automation/size/stand_in.json
SIZE := automation size --calibrate --validate --rounds 9 --yes --stack local \
	--machine "the stand-in cloud on a machine with $$(nproc) processors"
size-check: .venv/.complete ## Measure the local stack, and predict each measurement from the others (twenty minutes)
	@settings="$$($(VENV)/python -m localcloud env)" && eval "$$settings" && \
		$(VENV)/python -m $(SIZE)

size-record: .venv/.complete ## Do so, and keep the measurements for `automation size`
	@settings="$$($(VENV)/python -m localcloud env)" && eval "$$settings" && \
		$(VENV)/python -m $(SIZE) --save $(SIZE_RECORD)

record: .venv/.complete ## Record the tools and values of the server that `make demo` deployed
	@eval "$$($(VENV)/python -m localcloud env)" && $(VENV)/python -m demo outputs | \
		$(VENV)/python client/record.py

clean: down ## Stop everything, and remove what the commands created here
	@rm -rf .venv .venv.lock .mypy_cache .ruff_cache .pytest_cache .hypothesis server/build
