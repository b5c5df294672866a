# Everything a developer runs. Each target sets up what it needs: `make test` alone works on a fresh machine.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.NOTPARALLEL:
.SUFFIXES:
.DELETE_ON_ERROR:

VENV ?= .venv
PY := $(VENV)/bin/python
# Groups of pyproject.toml are installed once each; a changed pyproject.toml installs them again.
READY = $(VENV)/.ready
WORKERS ?= auto
ARGS ?=

export PYTHON
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# One thread per worker: the workers share the cores already.
SINGLE_THREADED := OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 NUMBA_NUM_THREADS=1
PYTEST := MPLBACKEND=Agg $(PY) -m pytest
WORKERS_OF_TEST := --numprocesses $(WORKERS) --maxprocesses 8 --dist loadfile

.PHONY: help setup test stress bench demo tutorials docs lint format types clean environment

help: ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/\1\t\2/' | expand -t 10
	@echo
	@echo "Options: PYTHON=<interpreter>  VENV=<folder>  WORKERS=<test processes>  ARGS=<passed on to pytest, the demo or the benchmark>"

# The interpreter is run, not only looked for: a missing, broken or outdated environment is made anew.
ifneq ($(shell $(PY) -c 'import sys; print(sys.version_info >= (3, 12))' 2>/dev/null),True)
STALE := environment
endif

environment:
	@python="$$(tools/find-python)" && echo "Creating $(VENV) with $$python" && "$$python" -m venv --clear $(VENV)

$(READY)-%: pyproject.toml tools/find-python $(STALE)
	@echo "Installing scclamp and its group '$*' into $(VENV) (the first time takes minutes: torch is large)"
	@$(PY) -m pip install --quiet --upgrade "pip>=25.1"
	@$(PY) -m pip install --quiet --editable . --group $*
	@touch $@

setup: $(READY)-dev ## create the environment with everything a developer needs

test: $(READY)-test ## run the quick tests
	$(SINGLE_THREADED) $(PYTEST) $(WORKERS_OF_TEST) $(ARGS)

stress: $(READY)-test ## run the long tests
	$(PYTEST) -m stress $(ARGS)

bench: $(READY)-bench ## measure speed and truth, side by side with the peers
	$(PY) -m benchmarks $(ARGS)

demo: $(READY)-demo ## run the tutorial from data to predictions
	MPLBACKEND=Agg $(PY) tutorials/demo.py $(ARGS)

tutorials: $(READY)-docs $(READY)-test ## run the notebooks of the documentation anew, and keep their outputs
	$(SINGLE_THREADED) $(PY) tools/run-tutorials $(ARGS)

docs: $(READY)-docs ## build the documentation, warnings are errors
	$(PY) -m sphinx -W --keep-going --jobs auto --builder html docs docs/_build/html

lint: $(READY)-lint ## check style, formatting and layout of the code
	$(PY) -m ruff check
	$(PY) -m ruff format --check

format: $(READY)-lint ## rewrite the code in the house's format
	$(PY) -m ruff check --fix
	$(PY) -m ruff format

types: $(READY)-dev ## check the types of src
	$(PY) -m mypy

clean: ## remove caches and everything that was built, but not the environment
	rm -rf docs/_build docs/generated docs/jupyter_execute dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find src tests benchmarks tutorials docs -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
