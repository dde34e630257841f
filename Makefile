# Shortcuts for common tasks. The first call creates .venv from requirements.lock (see .ci/setup);
# PYTHON=/path/to/python selects its Python, LABS="mnist_dense" limits `make build` to some labs.

SHELL := /bin/bash
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
unexport PYTHONDONTWRITEBYTECODE

BIN := .venv/bin
# Parallel test processes. Each needs 3 GB of memory for its fork server and its jobs.
WORKERS := 2
READY := .venv/.ready

.PHONY: help
help: ## list the targets
	@echo "make …"
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: $(READY) ## build the labs, grade a small example class and show the results
	@$(BIN)/autograder demo

.PHONY: build
build: $(READY) ## generate notebooks in assignment/ and autograders in dist/ from the masters in solutions/
	@$(BIN)/autograder build $(LABS)

.PHONY: test
test: lint ## run lint, type checks and all tests, as .ci/run does
	@$(BIN)/python -m pytest --quiet -n $(WORKERS) --dist loadfile --no-loadscope-reorder

.PHONY: unit
unit: $(READY) ## run the fast tests, without training, sandbox and browser (under a minute)
	@$(BIN)/python -m pytest --quiet -n $(WORKERS) --dist loadfile --no-loadscope-reorder -m 'not slow and not rare'

.PHONY: prove
prove: $(READY) ## grade all known answers and run the tests that `make test` leaves out; run it when labs or checks change
	@$(BIN)/autograder build
	@$(BIN)/autograder prove
	@$(BIN)/python -m pytest --quiet -n $(WORKERS) --dist loadfile --no-loadscope-reorder -m rare

.PHONY: bench
bench: $(READY) ## compare with stock otter and nbgrader, about 35 minutes (BENCH="--classes typical --sizes ''" for a part)
	@$(BIN)/python -m benchmarks.throughput $(BENCH)

.PHONY: lint
lint: $(READY) ## check style, formatting, types and import contracts
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --check --quiet || { echo "Some files are not formatted. Next: $(BIN)/ruff format" >&2; exit 1; }
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-logo >.import-linter.log || { cat .import-linter.log >&2; exit 1; }
	@rm -f .import-linter.log
	@echo "Style, types and imports: no problems"

.PHONY: lock
lock: ## update requirements.lock to the newest versions that pyproject.toml allows
	@.ci/lock

.PHONY: clean
clean: ## remove generated files (not .venv, not the notebooks in assignment/)
	@rm -rf dist demo results .mypy_cache .pytest_cache .ruff_cache .hypothesis
	@find autograder tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
	@echo "clean"

$(READY): requirements.lock pyproject.toml .ci/setup
	@.ci/setup
	@touch $@
