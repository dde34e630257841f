# Commands for development. The first call makes .venv from requirements.lock (see .ci/setup);
# PYTHON=/path/to/python chooses a Python for it, LABS="mnist_dense" limits `make build` to some labs.

SHELL := /bin/bash
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
unexport PYTHONDONTWRITEBYTECODE

BIN := .venv/bin
# Parallel test processes; each has a fork server, and needs 3 GB of memory for it and its jobs.
WORKERS := 2
READY := .venv/.ready

.PHONY: help
help: ## list the targets
	@echo "make …"
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: $(READY) ## build the labs, grade a small example class, show the marks
	@$(BIN)/autograder demo

.PHONY: build
build: $(READY) ## masters in solutions/ -> notebooks in assignment/, autograders in dist/
	@$(BIN)/autograder build $(LABS)

.PHONY: test
test: lint ## lint, types and all tests: what .ci/run runs
	@$(BIN)/python -m pytest --quiet -n $(WORKERS) --dist loadfile --no-loadscope-reorder

.PHONY: unit
unit: $(READY) ## tests without training, sandbox or browser: under a minute, for every change
	@$(BIN)/python -m pytest --quiet -n $(WORKERS) --dist loadfile --no-loadscope-reorder -m 'not slow and not rare'

.PHONY: prove
prove: $(READY) ## grade every known answer, the rare ones too, and set up as on Gradescope: before labs or checks change
	@$(BIN)/autograder build
	@$(BIN)/autograder prove
	@$(BIN)/python -m pytest --quiet -m slow tests/course/test_gradescope_zip.py tests/attacks/test_gradescope_live.py tests/attacks/test_as_ordinary_user.py tests/real_files/test_fuzzing.py

.PHONY: bench
bench: $(READY) ## compare with stock otter and nbgrader, about 35 minutes (BENCH="--classes typical --sizes ''" for parts)
	@$(BIN)/python -m benchmarks.throughput $(BENCH)

.PHONY: lint
lint: $(READY) ## style, formatting, types and import directions
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --check --quiet || { echo "Some files are not formatted. Next: $(BIN)/ruff format" >&2; exit 1; }
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-logo >.import-linter.log || { cat .import-linter.log >&2; exit 1; }
	@rm -f .import-linter.log
	@echo "lint, types and imports: fine"

.PHONY: lock
lock: ## choose the newest versions that pyproject.toml allows, into requirements.lock
	@.ci/lock

.PHONY: clean
clean: ## remove what runs leave behind (not .venv, not the notebooks in assignment/)
	@rm -rf dist demo results .mypy_cache .pytest_cache .ruff_cache .hypothesis
	@find autograder tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
	@echo "clean"

$(READY): requirements.lock pyproject.toml .ci/setup
	@.ci/setup
	@touch $@
