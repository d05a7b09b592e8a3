# The project's commands. `make demo` and `make test` need Python 3.11+ and make, and nothing else set up by hand.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: help demo test check format bench site clean

help:
	@echo "make demo    install into $(VENV) and audit the built-in world's two networks"
	@echo "make test    install into $(VENV) and run the whole test suite"
	@echo "make check   ruff and mypy --strict"
	@echo "make format  ruff's formatter and safe fixes"
	@echo "make bench   the speed of trials beside the bare network's; needs no data"
	@echo "make site    the documentation as a site, in site/"
	@echo "make clean   remove $(VENV) and caches"

$(INSTALLED): pyproject.toml
	@echo "== installing into $(VENV) (about 8 GB with PyTorch, the first time; a few minutes)"
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

demo: $(INSTALLED)
	@echo "== auditor demo: two small networks on rendered frying pans and woks"
	@# the shortcut network is meant to fail its audit (exit code 1): both verdicts are compared with what is expected
	$(BIN)/python -m auditor demo --check

test: $(INSTALLED)
	@echo "== the whole test suite"
	@# one thread a process: where all cores test, threads of one wait for each other's, which costs up to a tenth;
	@# one process more than cores, since tests wait for others that they start, and bytecode is kept, or each of
	@# those compiles the package anew: both together another tenth
	PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 $(BIN)/python -m pytest --dist loadfile \
		--numprocesses $$($(BIN)/python -c 'import os; print(min(4, (os.cpu_count() or 1) + 1))')

check: $(INSTALLED)
	@echo "== ruff and mypy --strict"
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(INSTALLED)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(INSTALLED)
	$(BIN)/python -m benchmarks.trials.sweep

site: $(INSTALLED)
	$(BIN)/python tools/docs/site.py

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache build dist site
