# The targets a newcomer needs. Nothing has to be installed before but Python 3.11 or newer and make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

# Installed first and by itself, so that it can come from elsewhere: on Linux PyPI's build brings several GB of CUDA
# libraries along. Where there is no GPU to use them:
#   make install TORCH="torch --index-url https://download.pytorch.org/whl/cpu"
TORCH ?= torch

.PHONY: docs help install quickstart builtin-prompts builtin-evidence wheel test coverage cluster-test check mutants clean bench bench-quick bench-check constraints

help:
	@echo "make install     create $(VENV) and install panda_ray with its development tools"
	@echo "make quickstart  install, then run sweeps/quickstart.yaml (no hub, no GPU, no server)"
	@echo "make builtin-prompts train the source prompts that come with the package anew (3 minutes on 2 cores)"
	@echo "make builtin-evidence run the quickstart, then keep of it what recommend predicts gains from"
	@echo "make wheel       install, then build dist/*.whl, which the nodes of a cluster install"
	@echo "make test        install, then run the tests, three at a time"
	@echo "make coverage    the same and what of the package they run, in the tests' own processes (half as long again)"
	@echo "make cluster-test install, then run the tests on several hosts, in namespaces of this machine (Linux, as root)"
	@echo "make check       install, then ruff and mypy"
	@echo "make docs        install MkDocs, too, and build the documentation as a site in build/site; a broken link fails"
	@echo "make mutants     install, then see that the tests notice every mutant in tests/mutants/ (under 10 minutes)"
	@echo "make bench       every benchmark, into benchmarks/results/ (half an hour on 2 cores); see benchmarks/README.md"
	@echo "make bench-quick panda_ray beside PEFT and the released schema, tiny backbone (2 minutes on 2 cores)"
	@echo "make bench-check the same, and fail where a ratio fell below the stored one"
	@echo "make constraints write the versions that are installed now into constraints.txt"
	@echo "make clean       remove $(VENV), caches and coverage data (never runs/)"

install: $(STAMP)

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "panda_ray needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) --version 2>&1 | head -n 1)." \
			"Name another one: make $(or $(MAKECMDGOALS),install) PYTHON=python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { \
		echo "'$(PYTHON)' cannot make virtual environments; install its venv package (Debian: apt install python3-venv)." \
			>&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(STAMP): pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install 'pip>=25.1'  # the first that knows dependency groups
	$(BIN)/python -m pip install -c constraints.txt $(TORCH)
	$(BIN)/python -m pip install -c constraints.txt -e '.[train,s3,gcp,cluster,search]' --group dev
	@touch $@

quickstart: install
	$(BIN)/panda-ray run sweeps/quickstart.yaml

# Built from a copy: setuptools leaves folders beside what it builds.
wheel: install
	rm -rf build dist && mkdir -p build dist
	cp -r panda_ray pyproject.toml README.md LICENSE build
	$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist ./build
	rm -rf build

# Many tests wait for processes that they started: with
# two at a time, two cores were idle for a quarter of the time. A module stays in one process, which makes its fixtures
# once; long modules come first.
TESTS := -m "not gpu and not hosts" -n 3 --dist loadfile --no-loadscope-reorder
test: install
	$(BIN)/python -m pytest $(TESTS)

# Apart from the tests: tracing took up to half of the processor time of those that train nothing. What is measured,
# [tool.coverage.run] in pyproject.toml says. That a line runs shows less than `make mutants` does.
coverage: install
	$(BIN)/python -m pytest $(TESTS) --cov --cov-report=term:skip-covered

# One after another: each starts several nodes of Ray. They run in a private network, see tests/testbed/room.py.
# No index can be reached from there: what a bare host installs is put into uv's cache before.
cluster-test: export UV_FIND_LINKS ?= $(PIP_FIND_LINKS)
cluster-test: wheel
	$(BIN)/uv venv --quiet --clear --cache-dir .testbed/uv --python $(BIN)/python .testbed/venv
	$(BIN)/uv pip install --quiet --cache-dir .testbed/uv --python .testbed/venv -c constraints.txt \
		"$$(echo dist/*.whl)[train,s3,cluster,search]"
	PYTHONPATH=tests timeout --kill-after=30 3600 $(BIN)/python -m testbed.room $(BIN)/python -m pytest tests/hosts --timeout 900

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# What this environment holds, as the versions that everybody gets: after a change of pyproject.toml that was tested.
constraints: install
	{ sed '/^[^#]/,$$d' constraints.txt; $(BIN)/python -m pip freeze --exclude-editable | sed 's/+cpu$$//'; } > .constraints
	mv .constraints constraints.txt

# The source prompts that come with the package, after a change of what keys are made of; see `prompts: builtin`.
builtin-prompts: install
	rm -rf build/prompts panda_ray/builtin_prompts
	$(BIN)/panda-ray run quickstart --set storage=build/prompts --set 'metrics=[]' --set 'methods=[prompt_tuning]' \
		--set 'targets=[review, rating, paraphrase, likeness, kinds, follows, names, roles, reading]'
	$(BIN)/panda-ray prompts pull build/prompts panda_ray/builtin_prompts
	rm -rf build/prompts

# What `recommend` knows of those prompts before anything ran, of a finished quickstart.
builtin-evidence: quickstart
	$(BIN)/python scripts/builtin_evidence.py runs/quickstart

docs: install
	$(BIN)/python -m pip install --quiet -c constraints.txt --group docs
	$(BIN)/python -m mkdocs build --strict

mutants: install
	$(BIN)/python scripts/mutants.py

bench: install
	$(BIN)/python -m benchmarks all

bench-quick: install
	$(BIN)/python -m benchmarks quick

bench-check: install
	$(BIN)/python -m benchmarks check

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .coverage .coverage.* *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
