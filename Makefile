# The targets a newcomer needs. Nothing has to be installed before but Python 3.10 or newer and make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

# Installed first and by itself: `torch>=...` among thirty other requirements lets pip choose, and on Linux its choice
# from PyPI brings several GB of CUDA libraries along. Where there is no GPU to use them:
#   make install TORCH="torch==2.13.0 --index-url https://download.pytorch.org/whl/cpu"
TORCH ?= torch==2.13.0

.PHONY: help install quickstart test check mutants clean bench bench-quick bench-check bench-install

help:
	@echo "make install     create $(VENV) and install panda_ray with its development tools"
	@echo "make quickstart  install, then run sweeps/quickstart.yaml (no hub, no GPU, no server)"
	@echo "make test        install, then run the tests with coverage"
	@echo "make check       install, then ruff and mypy"
	@echo "make mutants     install, then see that the tests notice every mutant in tests/mutants/ (under 10 minutes)"
	@echo "make bench       every benchmark, into benchmarks/results/ (half an hour on 2 cores); see benchmarks/README.md"
	@echo "make bench-quick panda_ray beside PEFT and the released schema, tiny backbone (2 minutes on 2 cores)"
	@echo "make bench-check the same, and fail where a ratio fell below the stored one"
	@echo "make clean       remove $(VENV), caches and coverage data (never runs/)"

install: $(STAMP)

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null || { \
		echo "panda_ray needs Python 3.10 or newer; '$(PYTHON)' is $$($(PYTHON) --version 2>&1 | head -n 1)." \
			"Name another one: make $(or $(MAKECMDGOALS),install) PYTHON=python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { \
		echo "'$(PYTHON)' cannot make virtual environments; install its venv package (Debian: apt install python3-venv)." \
			>&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(STAMP): pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install 'pip>=23'  # Python 3.10's own cannot install -e from pyproject.toml
	$(BIN)/python -m pip install $(TORCH)
	$(BIN)/python -m pip install -e '.[dev]'
	@touch $@

quickstart: install
	$(BIN)/panda-ray run sweeps/quickstart.yaml

# Coverage follows the command lines that tests start; see [tool.coverage.run] in pyproject.toml.
test: install
	$(BIN)/python -m pytest -m "not gpu" --cov --cov-report=term:skip-covered

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

mutants: install
	$(BIN)/python scripts/mutants.py

# The rivals' libraries are asked for by an extra: nobody who only runs sweeps needs them.
BENCH_STAMP := $(VENV)/.installed-bench

bench-install: $(BENCH_STAMP)

$(BENCH_STAMP): $(STAMP)
	$(BIN)/python -m pip install -e '.[bench]'
	@touch $@

bench: bench-install
	$(BIN)/python -m benchmarks all

bench-quick: bench-install
	$(BIN)/python -m benchmarks quick

bench-check: bench-install
	$(BIN)/python -m benchmarks check

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .coverage .coverage.* *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
